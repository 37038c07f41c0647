#include "states/machines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.hpp"
#include "states/record.hpp"

namespace likeness::states {
namespace {

constexpr auto kMachines = "sfn.machines";
constexpr auto kRevisions = "sfn.revisions";
constexpr auto kVersions = "sfn.versions";
constexpr auto kAliases = "sfn.aliases";
constexpr auto kActivities = "sfn.activities";
constexpr auto kTags = "sfn.tags";
constexpr std::size_t kCached = 500;

using Expect = storage::Write::Expect;

std::string encode(const Machine& machine) {
  FieldWriter out(1);
  out.text(1, machine.arn);
  out.text(2, machine.name);
  out.number(3, machine.express ? 1 : 0);
  out.text(4, machine.role_arn);
  out.text(5, machine.definition);
  out.text(6, machine.revision);
  out.text(7, machine.logging);
  out.text(8, machine.tracing);
  out.text(9, machine.encryption);
  out.time(10, machine.created);
  out.time(11, machine.updated);
  return out.take();
}

Machine decode_machine(std::string_view bytes) {
  Machine out;
  FieldReader in(bytes);
  while (in.next()) switch (in.field()) {
      case 1: out.arn = in.text(); break;
      case 2: out.name = in.text(); break;
      case 3: out.express = in.number() != 0; break;
      case 4: out.role_arn = in.text(); break;
      case 5: out.definition = in.text(); break;
      case 6: out.revision = in.text(); break;
      case 7: out.logging = in.text(); break;
      case 8: out.tracing = in.text(); break;
      case 9: out.encryption = in.text(); break;
      case 10: out.created = in.time(); break;
      case 11: out.updated = in.time(); break;
      default: break;
    }
  return out;
}

std::string encode(const MachineVersion& version) {
  FieldWriter out(1);
  out.text(1, version.arn);
  out.number(2, static_cast<std::uint64_t>(version.number));
  out.text(3, version.revision);
  out.text(4, version.description);
  out.time(5, version.created);
  return out.take();
}

MachineVersion decode_version(std::string_view bytes) {
  MachineVersion out;
  FieldReader in(bytes);
  while (in.next()) switch (in.field()) {
      case 1: out.arn = in.text(); break;
      case 2: out.number = static_cast<std::int64_t>(in.number()); break;
      case 3: out.revision = in.text(); break;
      case 4: out.description = in.text(); break;
      case 5: out.created = in.time(); break;
      default: break;
    }
  return out;
}

std::string encode(const MachineAlias& alias) {
  FieldWriter out(1);
  out.text(1, alias.arn);
  out.text(2, alias.name);
  out.text(3, alias.description);
  for (const auto& [version, weight] : alias.routes) {
    out.text(4, version);
    out.number(5, static_cast<std::uint64_t>(weight));
  }
  out.time(6, alias.created);
  out.time(7, alias.updated);
  return out.take();
}

MachineAlias decode_alias(std::string_view bytes) {
  MachineAlias out;
  FieldReader in(bytes);
  while (in.next()) switch (in.field()) {
      case 1: out.arn = in.text(); break;
      case 2: out.name = in.text(); break;
      case 3: out.description = in.text(); break;
      case 4: out.routes.emplace_back(in.text(), 0); break;
      case 5:
        if (!out.routes.empty()) out.routes.back().second = static_cast<int>(in.number());
        break;
      case 6: out.created = in.time(); break;
      case 7: out.updated = in.time(); break;
      default: break;
    }
  return out;
}

std::string encode(const Activity& activity) {
  FieldWriter out(1);
  out.text(1, activity.arn);
  out.text(2, activity.name);
  out.time(3, activity.created);
  return out.take();
}

Activity decode_activity(std::string_view bytes) {
  Activity out;
  FieldReader in(bytes);
  while (in.next()) switch (in.field()) {
      case 1: out.arn = in.text(); break;
      case 2: out.name = in.text(); break;
      case 3: out.created = in.time(); break;
      default: break;
    }
  return out;
}

std::string encode(const Tags& tags) {
  FieldWriter out(1);
  for (const auto& [key, value] : tags) {
    out.text(1, key);
    out.text(2, value);
  }
  return out.take();
}

storage::Write put(const char* table, storage::Key key, std::optional<std::string> value,
                   Expect expect = Expect::Anything) {
  return {table, std::move(key), std::move(value), expect, {}};
}

Failure not_found() { return client_error("NotFound", "There is none of that name."); }

/// The ARN without its last part, and that part.
std::pair<std::string, std::string> split_last(const std::string& arn) {
  const auto colon = arn.rfind(':');
  if (colon == std::string::npos || colon == 0) return {"-", arn};
  return {arn.substr(0, colon), arn.substr(colon + 1)};
}

storage::Key machine_key(const std::string& arn) {
  const auto parsed = parse_states_arn(arn);
  if (!parsed) return {"-", arn};
  return {parsed->scope, parsed->rest};
}

std::string version_sort(std::int64_t number) { return fmt::format("{:010}", number); }

}  // namespace

std::optional<StatesArn> parse_states_arn(const std::string& arn) {
  if (!arn.starts_with("arn:")) return std::nullopt;
  std::size_t colons = 0;
  std::size_t scope_end = 0;
  std::size_t kind_end = 0;
  for (std::size_t i = 0; i < arn.size(); ++i) {
    if (arn[i] != ':') continue;
    ++colons;
    if (colons == 5) scope_end = i;
    if (colons == 6) {
      kind_end = i;
      break;
    }
  }
  if (kind_end == 0) return std::nullopt;
  StatesArn out;
  out.scope = arn.substr(0, scope_end);
  out.kind = arn.substr(scope_end + 1, kind_end - scope_end - 1);
  out.rest = arn.substr(kind_end + 1);
  if (out.rest.empty() || out.scope.find(":states:") == std::string::npos) return std::nullopt;
  return out;
}

Result<Machine> Machines::create(const std::string& scope, Machine machine, const Tags& tags) {
  machine.arn = scope + ":stateMachine:" + machine.name;
  machine.created = machine.updated = clock_.now();
  // Not the same for a machine of that name that was before: executions of that one may still run.
  machine.revision = std::string(kFirstRevision) + uuid_v4();
  auto existing = find(machine.arn);
  if (existing) {
    const bool same = existing->definition == machine.definition && existing->role_arn == machine.role_arn &&
                      existing->express == machine.express && existing->logging == machine.logging &&
                      existing->tracing == machine.tracing;
    if (same) return existing;
    return client_error("AlreadyExists", fmt::format("State Machine Already Exists: '{}'", machine.arn));
  }
  if (existing.error().code != "NotFound") return existing;
  const auto bytes = encode(machine);
  std::vector<storage::Write> writes;
  writes.push_back(put(kMachines, machine_key(machine.arn), bytes, Expect::Absent));
  writes.push_back(put(kRevisions, {machine.arn, machine.revision}, bytes));
  writes.push_back(put(kTags, {machine.arn, ""}, encode(tags)));
  if (auto done = store_.commit(std::move(writes)); !done) {
    if (done.error().code == "ConditionFailed")
      return client_error("AlreadyExists", fmt::format("State Machine Already Exists: '{}'", machine.arn));
    return fail(done);
  }
  return machine;
}

Result<Machine> Machines::find(const std::string& arn) const {
  auto bytes = store_.get(kMachines, machine_key(arn));
  if (!bytes) return fail(bytes);
  if (!*bytes) return not_found();
  return decode_machine(**bytes);
}

Result<Machine> Machines::find_revision(const std::string& arn, const std::string& revision) const {
  auto bytes = store_.get(kRevisions, {arn.empty() ? "-" : arn, revision});
  if (!bytes) return fail(bytes);
  if (!*bytes) return not_found();
  return decode_machine(**bytes);
}

Result<Machine> Machines::update(const Machine& before, Machine after) {
  after.revision = uuid_v4();
  after.updated = clock_.now();
  const auto bytes = encode(after);
  std::vector<storage::Write> writes;
  writes.push_back({kMachines, machine_key(before.arn), bytes, Expect::SameValue, encode(before)});
  writes.push_back(put(kRevisions, {before.arn, after.revision}, bytes));
  if (auto done = store_.commit(std::move(writes)); !done) {
    if (done.error().code == "ConditionFailed")
      return client_error("Conflict", "The state machine was changed at the same time.");
    return fail(done);
  }
  return after;
}

Result<void> Machines::remove(const std::string& arn) {
  auto of_versions = versions(arn);
  if (!of_versions) return fail(of_versions);
  auto of_aliases = aliases(arn);
  if (!of_aliases) return fail(of_aliases);
  std::vector<storage::Write> writes;
  writes.push_back(put(kMachines, machine_key(arn), std::nullopt));
  writes.push_back(put(kTags, {arn, ""}, std::nullopt));
  for (const auto& version : *of_versions)
    writes.push_back(put(kVersions, {arn, version_sort(version.number)}, std::nullopt));
  for (const auto& alias : *of_aliases) writes.push_back(put(kAliases, {arn, alias.name}, std::nullopt));
  writes.push_back(put(kVersions, {arn, "last"}, std::nullopt));
  return store_.commit(std::move(writes));
}

Result<std::vector<Machine>> Machines::list(const std::string& scope, const std::string& from,
                                            std::size_t limit) const {
  storage::Range range;
  range.first = from;
  range.limit = limit;
  auto page = store_.range(kMachines, scope, range);
  if (!page) return fail(page);
  std::vector<Machine> out;
  for (const auto& item : page->items) out.push_back(decode_machine(item.value));
  return out;
}

Result<std::shared_ptr<const Definition>> Machines::definition(const std::string& arn,
                                                               const std::string& revision) const {
  const auto key = arn + revision;
  {
    const std::lock_guard lock(mutex_);
    const auto at = cache_.find(key);
    if (at != cache_.end()) {
      recent_.splice(recent_.begin(), recent_, at->second.place);
      return at->second.definition;
    }
  }
  auto machine = find_revision(arn, revision);
  if (!machine) return fail(machine);
  auto options = parsing_;
  options.express = machine->express;
  options.jsonata = nullptr;  // checked when it was stored
  options.check_resource = nullptr;
  auto parsed = parse_definition(machine->definition, options);
  if (parsed.definition == nullptr)
    return server_error("StorageFailure", "A stored definition can not be read.",
                        parsed.diagnostics.empty() ? "" : parsed.diagnostics.front().message);
  const std::lock_guard lock(mutex_);
  if (cache_.contains(key)) return parsed.definition;
  recent_.push_front(key);
  cache_[key] = {parsed.definition, recent_.begin()};
  if (cache_.size() > kCached) {
    cache_.erase(recent_.back());
    recent_.pop_back();
  }
  return parsed.definition;
}

Result<MachineVersion> Machines::publish(const Machine& machine, const std::string& description) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    auto all = versions(machine.arn);
    if (!all) return fail(all);
    // Publishing what is published already gives the same version.
    if (!all->empty() && all->back().revision == machine.revision) return all->back();
    auto last = store_.get(kVersions, {machine.arn, "last"});
    if (!last) return fail(last);
    std::int64_t number = 0;
    if (*last) std::from_chars((*last)->data(), (*last)->data() + (*last)->size(), number);
    MachineVersion version;
    version.number = number + 1;
    version.arn = fmt::format("{}:{}", machine.arn, version.number);
    version.revision = machine.revision;
    version.description = description;
    version.created = clock_.now();
    std::vector<storage::Write> writes;
    writes.push_back(put(kVersions, {machine.arn, version_sort(version.number)}, encode(version), Expect::Absent));
    writes.push_back({kVersions,
                      {machine.arn, "last"},
                      std::to_string(version.number),
                      *last ? Expect::SameValue : Expect::Absent,
                      last->value_or("")});
    auto done = store_.commit(std::move(writes));
    if (done) return version;
    if (done.error().code != "ConditionFailed") return fail(done);
  }
  return client_error("Conflict", "Other versions were published at the same time.");
}

Result<std::vector<MachineVersion>> Machines::versions(const std::string& machine_arn) const {
  std::vector<MachineVersion> out;
  auto scanned = store_.scan(kVersions, machine_arn, [&](std::string_view sort, std::string_view value) {
    if (sort != "last") out.push_back(decode_version(value));
    return true;
  });
  if (!scanned) return fail(scanned);
  return out;
}

Result<MachineVersion> Machines::find_version(const std::string& version_arn) const {
  const auto [machine, last] = split_last(version_arn);
  std::int64_t number = 0;
  const auto read = std::from_chars(last.data(), last.data() + last.size(), number);
  if (read.ec != std::errc() || read.ptr != last.data() + last.size()) return not_found();
  auto bytes = store_.get(kVersions, {machine, version_sort(number)});
  if (!bytes) return fail(bytes);
  if (!*bytes) return not_found();
  return decode_version(**bytes);
}

Result<void> Machines::remove_version(const std::string& version_arn) {
  auto version = find_version(version_arn);
  if (!version) return version.error().code == "NotFound" ? Result<void>() : fail(version);
  return store_.commit({put(kVersions, {split_last(version_arn).first, version_sort(version->number)}, std::nullopt)});
}

Result<MachineAlias> Machines::put_alias(const std::string& machine_arn, MachineAlias alias, bool fresh) {
  alias.updated = clock_.now();
  if (fresh) alias.created = alias.updated;
  alias.arn = machine_arn + ":" + alias.name;
  auto done = store_.commit(
      {put(kAliases, {machine_arn, alias.name}, encode(alias), fresh ? Expect::Absent : Expect::Present)});
  if (done) return alias;
  if (done.error().code != "ConditionFailed") return fail(done);
  return fresh ? client_error("AlreadyExists", "There is an alias of that name.") : not_found();
}

Result<MachineAlias> Machines::find_alias(const std::string& alias_arn) const {
  const auto [machine, name] = split_last(alias_arn);
  auto bytes = store_.get(kAliases, {machine, name});
  if (!bytes) return fail(bytes);
  if (!*bytes) return not_found();
  return decode_alias(**bytes);
}

Result<std::vector<MachineAlias>> Machines::aliases(const std::string& machine_arn) const {
  std::vector<MachineAlias> out;
  auto scanned = store_.scan(kAliases, machine_arn, [&](std::string_view, std::string_view value) {
    out.push_back(decode_alias(value));
    return true;
  });
  if (!scanned) return fail(scanned);
  return out;
}

Result<void> Machines::remove_alias(const std::string& alias_arn) {
  const auto [machine, name] = split_last(alias_arn);
  return store_.commit({put(kAliases, {machine, name}, std::nullopt)});
}

Result<Activity> Machines::create_activity(const std::string& arn, const std::string& name, const Tags& tags) {
  auto existing = find_activity(arn);
  if (existing || existing.error().code != "NotFound") return existing;
  Activity activity{arn, name, clock_.now()};
  auto done =
      store_.commit({put(kActivities, machine_key(arn), encode(activity)), put(kTags, {arn, ""}, encode(tags))});
  if (!done) return fail(done);
  return activity;
}

Result<Activity> Machines::find_activity(const std::string& arn) const {
  auto bytes = store_.get(kActivities, machine_key(arn));
  if (!bytes) return fail(bytes);
  if (!*bytes) return not_found();
  return decode_activity(**bytes);
}

Result<void> Machines::remove_activity(const std::string& arn) {
  return store_.commit({put(kActivities, machine_key(arn), std::nullopt), put(kTags, {arn, ""}, std::nullopt)});
}

Result<std::vector<Activity>> Machines::activities(const std::string& scope, const std::string& from,
                                                   std::size_t limit) const {
  storage::Range range;
  range.first = from;
  range.limit = limit;
  auto page = store_.range(kActivities, scope, range);
  if (!page) return fail(page);
  std::vector<Activity> out;
  for (const auto& item : page->items) out.push_back(decode_activity(item.value));
  return out;
}

Result<Tags> Machines::tags(const std::string& arn) const {
  auto bytes = store_.get(kTags, {arn.empty() ? "-" : arn, ""});
  if (!bytes) return fail(bytes);
  if (!*bytes) return not_found();
  Tags out;
  FieldReader in(**bytes);
  std::string key;
  while (in.next()) {
    if (in.field() == 1) key = in.text();
    if (in.field() == 2) out[key] = in.text();
  }
  return out;
}

Result<void> Machines::set_tags(const std::string& arn, const Tags& tags) {
  return store_.commit({put(kTags, {arn, ""}, encode(tags))});
}

}  // namespace likeness::states
