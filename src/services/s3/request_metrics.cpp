#include "services/s3/request_metrics.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <mutex>
#include <utility>

#include "services/s3/access.hpp"
#include "services/s3/common.hpp"

namespace likeness::s3 {

namespace {

using metrics::Unit;

/// Of the names under which a bucket's record has them; the id follows.
constexpr std::string_view kPrefix = "metrics/";
constexpr std::size_t kMost = 1000;
constexpr std::size_t kPage = 100;

const aws::Shape& shape() {
  return shape_of_member(*shapes::PutBucketMetricsConfiguration::operation().input, "MetricsConfiguration");
}

Failure no_such_configuration() {
  return client_error("NoSuchConfiguration", "The specified configuration does not exist.");
}

/// Those of a bucket by id, from `after` on.
std::vector<shapes::MetricsConfiguration> configurations_of(const objects::Bucket& bucket, const std::string& after) {
  std::vector<shapes::MetricsConfiguration> out;
  for (auto at = bucket.configurations.upper_bound(std::string(kPrefix) + after);
       at != bucket.configurations.end() && at->first.starts_with(kPrefix); ++at)
    read_configuration(shape(), at->second, &out.emplace_back());
  return out;
}

std::string prefix_of(const shapes::MetricsConfiguration& configuration) {
  if (!configuration.filter) return {};
  const auto& filter = *configuration.filter;
  return filter.and_ ? filter.and_->prefix.value_or("") : filter.prefix.value_or("");
}

Result<void> check(const shapes::PutBucketMetricsConfigurationRequest& in) {
  if (!in.metrics_configuration || !in.metrics_configuration->id) return malformed_xml();
  const auto& id = *in.metrics_configuration->id;
  const bool named = !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  if (!named || id != in.id.value_or(""))
    return objects::bad_argument("The ID of the metrics configuration is invalid.");
  if (const auto& filter = in.metrics_configuration->filter; filter) {
    if (filter->tag || (filter->and_ && filter->and_->tags))
      return not_implemented("Metrics of requests are not filtered by tags here.");
    if (filter->access_point_arn || (filter->and_ && filter->and_->access_point_arn))
      return not_implemented("There are no access points here.");
  }
  return {};
}

Result<aws::Empty> put(State& state, const aws::RequestContext&,
                       const shapes::PutBucketMetricsConfigurationRequest& in) {
  if (auto bucket = bucket_of(state, in); !bucket) return fail(bucket);
  if (auto fine = check(in); !fine) return fail(fine);
  const auto name = std::string(kPrefix) + *in.id;
  auto changed = state.store.buckets.update(*in.bucket, [&](objects::Bucket& bucket) -> Result<void> {
    if (!bucket.configurations.contains(name) && configurations_of(bucket, {}).size() >= kMost)
      return client_error(
          "TooManyConfigurations",
          "You are attempting to create a new configuration but have already reached the 1,000-configuration limit.");
    bucket.configurations[name] = write_configuration(shape(), &*in.metrics_configuration);
    return {};
  });
  if (!changed) return fail(changed);
  state.requests.follow(*changed);
  return aws::Empty{};
}

Result<aws::Empty> remove(State& state, const aws::RequestContext&,
                          const shapes::DeleteBucketMetricsConfigurationRequest& in) {
  if (auto bucket = bucket_of(state, in); !bucket) return fail(bucket);
  auto changed = state.store.buckets.update(*in.bucket, [&](objects::Bucket& bucket) -> Result<void> {
    if (bucket.configurations.erase(std::string(kPrefix) + in.id.value_or("")) == 0) return no_such_configuration();
    return {};
  });
  if (!changed) return fail(changed);
  state.requests.follow(*changed);
  return aws::Empty{};
}

Result<shapes::GetBucketMetricsConfigurationOutput> get(State& state, const aws::RequestContext&,
                                                        const shapes::GetBucketMetricsConfigurationRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  const auto* text = bucket->configuration(std::string(kPrefix) + in.id.value_or(""));
  if (text == nullptr) return no_such_configuration();
  shapes::GetBucketMetricsConfigurationOutput out;
  read_configuration(shape(), *text, &out.metrics_configuration.emplace());
  return out;
}

Result<shapes::ListBucketMetricsConfigurationsOutput> list(State& state, const aws::RequestContext&,
                                                           const shapes::ListBucketMetricsConfigurationsRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto all = configurations_of(*bucket, in.continuation_token.value_or(""));
  shapes::ListBucketMetricsConfigurationsOutput out;
  out.continuation_token = in.continuation_token;
  out.is_truncated = all.size() > kPage;
  if (all.size() > kPage) {
    all.resize(kPage);
    out.next_continuation_token = all.back().id;
  }
  if (!all.empty()) out.metrics_configuration_list = std::move(all);
  return out;
}

}  // namespace

void RequestMetrics::follow(const objects::Bucket& bucket) {
  auto filters = std::make_shared<std::vector<Filter>>();
  for (const auto& one : configurations_of(bucket, {})) filters->push_back({one.id.value_or(""), prefix_of(one)});
  const std::unique_lock lock(mutex_);
  if (filters->empty())
    filters_.erase(bucket.name);
  else
    filters_[bucket.name] = std::move(filters);
}

void RequestMetrics::forget(const std::string& bucket) {
  const std::unique_lock lock(mutex_);
  filters_.erase(bucket);
}

RequestMetrics::Filters RequestMetrics::filters_of(const std::string& bucket) const {
  const std::shared_lock lock(mutex_);
  const auto at = filters_.find(bucket);
  return at == filters_.end() ? nullptr : at->second;
}

void RequestMetrics::count(const Request& request) const {
  const auto filters = filters_of(request.bucket);
  if (recorder_ == nullptr || filters == nullptr) return;
  for (const auto& filter : *filters) {
    if (!request.key.starts_with(filter.prefix)) continue;
    const std::array dimensions = {metrics::Dimension{"BucketName", request.bucket},
                                   metrics::Dimension{"FilterId", filter.id}};
    const auto record = [&](std::string_view name, double value, Unit unit) {
      recorder_->record("AWS/S3", name, dimensions, value, unit);
    };
    record("AllRequests", 1, Unit::Count);
    if (request.operation.starts_with("ListObject")) record("ListRequests", 1, Unit::Count);
    if (request.method == "HEAD") record("HeadRequests", 1, Unit::Count);
    if (request.method == "POST") record("PostRequests", 1, Unit::Count);
    if (!request.key.empty()) {
      if (request.method == "GET") record("GetRequests", 1, Unit::Count);
      if (request.method == "PUT") record("PutRequests", 1, Unit::Count);
      if (request.method == "DELETE") record("DeleteRequests", 1, Unit::Count);
    }
    record("4xxErrors", request.status >= 400 && request.status < 500 ? 1 : 0, Unit::Count);
    record("5xxErrors", request.status >= 500 ? 1 : 0, Unit::Count);
    if (request.uploaded > 0) record("BytesUploaded", static_cast<double>(request.uploaded), Unit::Bytes);
    if (request.downloaded > 0) record("BytesDownloaded", static_cast<double>(request.downloaded), Unit::Bytes);
    record("FirstByteLatency", request.took.count(), Unit::Milliseconds);
  }
}

void register_request_metrics(aws::Service& service, State& state) {
  on<shapes::PutBucketMetricsConfiguration>(service, state, put,
                                            "Filters have a prefix only. Requests that are refused before their "
                                            "operation is reached (signature, permissions) "
                                            "are not counted; there is no TotalRequestLatency.");
  on<shapes::DeleteBucketMetricsConfiguration>(service, state, remove);
  on<shapes::GetBucketMetricsConfiguration>(service, state, get);
  on<shapes::ListBucketMetricsConfigurations>(service, state, list);
  needs<shapes::PutBucketMetricsConfiguration>(service, state, "s3:PutMetricsConfiguration");
  needs<shapes::DeleteBucketMetricsConfiguration>(service, state, "s3:PutMetricsConfiguration");
  needs<shapes::GetBucketMetricsConfiguration>(service, state, "s3:GetMetricsConfiguration");
  needs<shapes::ListBucketMetricsConfigurations>(service, state, "s3:GetMetricsConfiguration");
}

}  // namespace likeness::s3
