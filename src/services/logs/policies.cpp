#include "services/logs/policies.hpp"

#include <boost/json.hpp>
#include <utility>

#include "domain/logs/errors.hpp"
#include "domain/record.hpp"

namespace likeness::logs {
namespace {

constexpr const char* kTable = "log_policies";
constexpr const char* kPartition = "account";
constexpr std::size_t kMost = 10;

namespace json = boost::json;

}  // namespace

Result<std::unique_ptr<ResourcePolicies>> ResourcePolicies::open(storage::Store& store) {
  std::unique_ptr<ResourcePolicies> out(new ResourcePolicies(store));
  auto read = store.scan(kTable, kPartition, [&](std::string_view name, std::string_view value) {
    Entry entry{.name = std::string(name), .document = {}, .updated = {}};
    domain::RecordReader in(value);
    while (in.next()) {
      if (in.field() == 1) entry.document = in.text();
      if (in.field() == 2) entry.updated = TimePoint(std::chrono::milliseconds(in.number()));
    }
    out->entries_[entry.name] = std::move(entry);
    return true;
  });
  if (!read) return from_store(read);
  if (auto combined = out->combine(); !combined) return fail(combined);
  return out;
}

Result<void> ResourcePolicies::combine() {
  json::array statements;
  for (const auto& [name, entry] : entries_) {
    json::error_code error;
    const auto document = json::parse(entry.document, error);
    if (error || !document.is_object() || !document.get_object().contains("Statement")) continue;
    const auto& statement = document.get_object().at("Statement");
    if (const auto* list = statement.if_array())
      statements.insert(statements.end(), list->begin(), list->end());
    else
      statements.push_back(statement);
  }
  if (statements.empty()) {
    combined_ = nullptr;
    return {};
  }
  // Ids may repeat from one policy to another.
  for (auto& statement : statements)
    if (auto* object = statement.if_object()) object->erase("Sid");
  const json::object all{{"Version", "2012-10-17"}, {"Statement", std::move(statements)}};
  auto parsed = policy::Document::parse(json::serialize(all), policy::DocumentKind::Resource);
  if (!parsed) return fail(parsed);
  combined_ = std::move(*parsed);
  return {};
}

Result<ResourcePolicies::Entry> ResourcePolicies::put(const std::string& name, const std::string& document,
                                                      TimePoint time) {
  if (auto parsed = policy::Document::parse(document, policy::DocumentKind::Resource); !parsed)
    return invalid("Invalid policy document: " + parsed.error().message);
  const std::lock_guard changing(changing_);
  {
    const std::lock_guard lock(mutex_);
    if (!entries_.contains(name) && entries_.size() >= kMost) return limit_exceeded("Resource limit exceeded.");
  }
  domain::RecordWriter record;
  record.text(1, document);
  record.number(
      2, static_cast<std::uint64_t>(std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count()));
  auto committed = store_.commit({{.table = kTable, .key = {kPartition, name}, .value = record.take()}});
  if (!committed) return from_store(committed);
  const std::lock_guard lock(mutex_);
  Entry entry{name, document, time};
  entries_[name] = entry;
  if (auto combined = combine(); !combined) return fail(combined);
  return entry;
}

Result<void> ResourcePolicies::remove(const std::string& name) {
  const std::lock_guard changing(changing_);
  {
    const std::lock_guard lock(mutex_);
    if (!entries_.contains(name)) return not_found("Policy with name [" + name + "] does not exist");
  }
  auto committed = store_.commit({{.table = kTable, .key = {kPartition, name}, .value = std::nullopt}});
  if (!committed) return from_store(committed);
  const std::lock_guard lock(mutex_);
  entries_.erase(name);
  return combine();
}

std::vector<ResourcePolicies::Entry> ResourcePolicies::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<Entry> out;
  out.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) out.push_back(entry);
  return out;
}

std::shared_ptr<const policy::Document> ResourcePolicies::combined() const {
  const std::lock_guard lock(mutex_);
  return combined_;
}

}  // namespace likeness::logs
