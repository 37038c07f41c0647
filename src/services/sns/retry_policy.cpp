#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "services/sns/deliveries.hpp"

namespace likeness::sns {
namespace {

namespace json = boost::json;

std::optional<json::object> object_in(const std::string& text) {
  boost::system::error_code failed;
  json::value value = json::parse(text, failed);
  if (failed || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

const json::object* member(const json::object* object, std::string_view name) {
  if (object == nullptr) return nullptr;
  const auto* value = object->if_contains(name);
  return value != nullptr ? value->if_object() : nullptr;
}

void read(const json::object& from, std::string_view name, int& into, int most) {
  const auto* value = from.if_contains(name);
  if (value != nullptr && value->is_int64())
    into = static_cast<int>(std::clamp<std::int64_t>(value->as_int64(), 0, most));
}

void read_retries(const json::object& from, RetryPolicy& into) {
  int least = static_cast<int>(into.least.count()), most = static_cast<int>(into.most.count());
  read(from, "minDelayTarget", least, 3600);
  read(from, "maxDelayTarget", most, 3600);
  read(from, "numRetries", into.retries, 100);
  read(from, "numNoDelayRetries", into.without_delay, 100);
  read(from, "numMinDelayRetries", into.at_least, 100);
  read(from, "numMaxDelayRetries", into.at_most, 100);
  into.least = std::chrono::seconds(least);
  into.most = std::chrono::seconds(std::max(least, most));
  if (const auto* kind = from.if_contains("backoffFunction"); kind != nullptr && kind->is_string())
    into.backoff = kind->as_string().c_str();
}

void read_content_type(const json::object* from, RetryPolicy& into) {
  if (from == nullptr) return;
  const auto* type = from->if_contains("headerContentType");
  if (type != nullptr && type->is_string() && type->as_string().size() < 128)
    into.content_type = type->as_string().c_str();
}

}  // namespace

RetryPolicy RetryPolicy::of(const topics::Topic& topic, const topics::Subscription& subscription) {
  RetryPolicy out;
  if (const auto text = topic.attribute("DeliveryPolicy"); !text.empty()) {
    const auto parsed = object_in(text);
    const auto* http = member(parsed ? &*parsed : nullptr, "http");
    if (const auto* retries = member(http, "defaultHealthyRetryPolicy")) read_retries(*retries, out);
    read_content_type(member(http, "defaultRequestPolicy"), out);
  }
  if (const auto at = subscription.attributes.find("DeliveryPolicy"); at != subscription.attributes.end()) {
    const auto parsed = object_in(at->second);
    if (const auto* retries = member(parsed ? &*parsed : nullptr, "healthyRetryPolicy")) read_retries(*retries, out);
    read_content_type(member(parsed ? &*parsed : nullptr, "requestPolicy"), out);
  }
  return out;
}

std::chrono::milliseconds RetryPolicy::delay(int attempt) const {
  using std::chrono::milliseconds;
  if (attempt <= without_delay) return milliseconds(0);
  attempt -= without_delay;
  if (attempt <= at_least) return least;
  attempt -= at_least;
  const int between = std::max(1, retries - without_delay - at_least - at_most);
  if (attempt > between) return most;
  // From the least to the most over the phase in between, along the curve of that name.
  const double part = between == 1 ? 0.0 : static_cast<double>(attempt - 1) / (between - 1);
  double curve = part;
  if (backoff == "geometric" || backoff == "exponential") curve = part * part;
  if (backoff == "arithmetic") curve = part * (part + 1) / 2;
  const auto span = std::chrono::duration_cast<milliseconds>(most - least).count();
  return std::chrono::duration_cast<milliseconds>(least) +
         milliseconds(static_cast<std::int64_t>(std::lround(static_cast<double>(span) * curve)));
}

}  // namespace likeness::sns
