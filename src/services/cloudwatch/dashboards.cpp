#include "services/cloudwatch/dashboards.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "aws/exceptions.hpp"
#include "domain/record.hpp"
#include "services/cloudwatch/common.hpp"

namespace likeness::metrics {
namespace {

constexpr const char* kTable = "dashboards";
constexpr const char* kPartition = "account";
constexpr std::size_t kMostBytes = 1 << 20;

Failure not_found(const std::string& name) {
  return client_error("DashboardNotFoundError", fmt::format("Dashboard {} does not exist", name));
}
Failure from_store(const Error& error) {
  return server_error("InternalServiceFault", "The service cannot complete the request.",
                      error.code + ": " + error.message + " " + error.detail);
}

Failure invalid_input(std::string message, std::string path = "/") {
  shapes::DashboardInvalidInputError error;
  error.message = "The field DashboardBody must be a valid JSON object";
  error.dashboard_validation_messages =
      std::vector{shapes::DashboardValidationMessage{.data_path = std::move(path), .message = std::move(message)}};
  return aws::exception(std::move(error));
}

Result<void> check_name(const std::string& name) {
  const bool fine = !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
  });
  if (!fine)
    return invalid_value(fmt::format("The value {} for field DashboardName contains invalid characters.", name));
  return {};
}

std::string dashboard_arn(const aws::RequestContext& context, std::string_view name) {
  return fmt::format("arn:aws:cloudwatch::{}:dashboard/{}", context.account, name);
}

Result<shapes::PutDashboardOutput> put_dashboard(const Parts& parts, const aws::RequestContext& context,
                                                 const shapes::PutDashboardInput& in) {
  if (auto checked = check_name(*in.dashboard_name); !checked) return fail(checked);
  if (in.dashboard_body->size() > kMostBytes) return invalid_input("The dashboard is too large");
  boost::json::error_code error;
  const auto body = boost::json::parse(*in.dashboard_body, error);
  if (error || !body.is_object()) return invalid_input("The field DashboardBody must be a valid JSON object");
  if (auto put = parts.dashboards.put(*in.dashboard_name, *in.dashboard_body, context.time); !put) return fail(put);
  return shapes::PutDashboardOutput{.dashboard_validation_messages = std::vector<shapes::DashboardValidationMessage>()};
}

Result<shapes::GetDashboardOutput> get_dashboard(const Parts& parts, const aws::RequestContext& context,
                                                 const shapes::GetDashboardInput& in) {
  auto body = parts.dashboards.get(*in.dashboard_name);
  if (!body) return fail(body);
  return shapes::GetDashboardOutput{.dashboard_arn = dashboard_arn(context, *in.dashboard_name),
                                    .dashboard_body = std::move(*body),
                                    .dashboard_name = in.dashboard_name};
}

Result<shapes::ListDashboardsOutput> list_dashboards(const Parts& parts, const aws::RequestContext& context,
                                                     const shapes::ListDashboardsInput& in) {
  constexpr std::size_t kPage = 100;
  auto from = page_position(in.next_token, "InvalidParameterValueException");
  if (!from) return fail(from);
  auto entries = parts.dashboards.list(in.dashboard_name_prefix.value_or(""));
  if (!entries) return fail(entries);
  shapes::ListDashboardsOutput out;
  auto& list = out.dashboard_entries.emplace();
  for (const auto& entry : *entries) {
    if (entry.name < *from) continue;
    if (list.size() == kPage) {
      out.next_token = page_token(entry.name);
      break;
    }
    list.push_back({.dashboard_name = entry.name,
                    .dashboard_arn = dashboard_arn(context, entry.name),
                    .last_modified = entry.modified,
                    .size = static_cast<std::int64_t>(entry.size)});
  }
  return out;
}

Result<shapes::DeleteDashboardsOutput> delete_dashboards(const Parts& parts, const aws::RequestContext&,
                                                         const shapes::DeleteDashboardsInput& in) {
  if (auto removed = parts.dashboards.remove(*in.dashboard_names); !removed) return fail(removed);
  return shapes::DeleteDashboardsOutput{};
}

}  // namespace

Result<void> Dashboards::put(const std::string& name, const std::string& body, TimePoint time) {
  domain::RecordWriter record;
  record.number(
      1, static_cast<std::uint64_t>(std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count()));
  record.text(2, body);
  auto value = record.take();
  if (value.size() > storage::kMaxValueBytes) return invalid_input("The dashboard is too large");
  auto done = store_.commit({{.table = kTable, .key = {kPartition, name}, .value = std::move(value)}});
  if (!done) return from_store(done.error());
  return {};
}

Result<std::string> Dashboards::get(const std::string& name) const {
  auto value = store_.get(kTable, {kPartition, name});
  if (!value) return from_store(value.error());
  if (!*value) return not_found(name);
  domain::RecordReader in(**value);
  while (in.next())
    if (in.field() == 2) return std::string(in.text());
  return not_found(name);
}

Result<std::vector<Dashboards::Entry>> Dashboards::list(const std::string& prefix) const {
  std::vector<Entry> out;
  auto read = store_.scan(kTable, kPartition, [&](std::string_view name, std::string_view value) {
    if (!name.starts_with(prefix)) return true;
    Entry entry{.name = std::string(name), .modified = {}};
    domain::RecordReader in(value);
    while (in.next()) {
      if (in.field() == 1) entry.modified = TimePoint(std::chrono::milliseconds(in.number()));
      if (in.field() == 2) entry.size = in.text().size();
    }
    out.push_back(std::move(entry));
    return true;
  });
  if (!read) return from_store(read.error());
  return out;
}

Result<void> Dashboards::remove(const std::vector<std::string>& names) {
  std::vector<storage::Write> writes;
  for (const auto& name : std::set<std::string>(names.begin(), names.end()))
    writes.push_back({.table = kTable,
                      .key = {kPartition, name},
                      .value = std::nullopt,
                      .expect = storage::Write::Expect::Present,
                      .expected_value = {}});
  if (writes.empty()) return {};
  auto done = store_.commit(std::move(writes));
  if (done) return {};
  if (done.error().code == "ConditionFailed") return not_found(fmt::format("{}", fmt::join(names, ", ")));
  return from_store(done.error());
}

void add_dashboards(aws::Service& service, const Parts& parts) {
  service.on<shapes::PutDashboard>(with(parts, put_dashboard),
                                   "The body has to be a JSON object; widgets are not checked.");
  service.on<shapes::GetDashboard>(with(parts, get_dashboard));
  service.on<shapes::ListDashboards>(with(parts, list_dashboards));
  service.on<shapes::DeleteDashboards>(with(parts, delete_dashboards));
}

}  // namespace likeness::metrics
