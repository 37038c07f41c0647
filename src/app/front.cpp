#include "app/front.hpp"

#include <fmt/format.h>

#include <chrono>

#include "app/version.hpp"
#include "aws/s3_host.hpp"
#include "base/bytes.hpp"

namespace likeness::app {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
using std::chrono::steady_clock;

constexpr std::string_view kText = "text/plain; charset=utf-8";

template <class Clock, class Span>
double milliseconds(std::chrono::time_point<Clock, Span> from, std::chrono::time_point<Clock, Span> to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

/// What is asked of the server itself. A bare GET / is; one with a signature is a call to a service.
bool is_own(const net::Request& request) {
  const std::string_view path = request.path();
  if (path == "/_likeness" || path.starts_with("/_likeness/")) return true;
  if (path != "/" || (request.method != "GET" && request.method != "HEAD") || !request.query().empty() ||
      request.headers.contains("Authorization"))
    return false;
  const auto host = aws::parse_s3_host(request.headers.get("Host"), {"localhost"});  // of a bucket or its website?
  return host.bucket.empty() && !host.website;
}

/// The code under which a service answers what the network refuses.
std::string_view code_of(int status) {
  switch (status) {
    case 408: return "RequestTimeout";
    case 413: return "RequestEntityTooLarge";
    case 500: return "InternalServerError";
    case 503: return "ThrottlingException";
    default: return "BadRequest";
  }
}

/// A body on its way to a provider, counted.
class CountedReader final : public net::BodyReader {
 public:
  explicit CountedReader(std::shared_ptr<net::BodyReader> source) : source_(std::move(source)) {}

  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    auto count = source_->read(into);
    if (count) bytes_ += *count;
    return count;
  }
  std::uint64_t bytes() const { return bytes_; }

 private:
  const std::shared_ptr<net::BodyReader> source_;
  std::uint64_t bytes_ = 0;
};

AccessEntry entry_of(const net::Request& request) {
  AccessEntry entry;
  entry.time = request.received_at;
  entry.peer = request.remote_address;
  entry.method = request.method;
  entry.path = std::string(request.path().substr(0, 200));
  entry.bytes_in = request.body.size();
  return entry;
}

}  // namespace

Front::Front(FrontOptions options, Chain chain, const Health& health, Metrics& metrics, AccessLog& access_log)
    : options_(std::move(options)),
      chain_(std::move(chain)),
      health_(health),
      metrics_(metrics),
      access_log_(access_log) {}

/// Sets the response to leave its line and its counts once it has been sent.
net::Response Front::recorded(net::Response response, AccessEntry entry, SteadyTime started) {
  entry.status = response.status;
  entry.work_ms = milliseconds(started, steady_clock::now());
  response.on_sent = [this, entry = std::move(entry), started](const net::Sent& sent) mutable {
    entry.bytes_out = sent.body_bytes;
    entry.complete = sent.complete;
    entry.total_ms = entry.wait_ms + milliseconds(started, steady_clock::now());
    const MetricLabels labels = {{"service", entry.service}, {"operation", entry.operation}};
    MetricLabels with_status = labels;
    with_status.emplace_back("status", std::to_string(entry.status));
    metrics_
        .counter("likeness_requests_total", "Requests answered, by service, operation and HTTP status.", with_status)
        .add();
    metrics_.histogram("likeness_request_seconds", "From the head of a request to the last byte of its answer.", labels)
        .observe(entry.total_ms / 1000);
    metrics_.counter("likeness_request_bytes_total", "Bytes of request bodies.")
        .add(static_cast<double>(entry.bytes_in));
    metrics_.counter("likeness_response_bytes_total", "Bytes of response bodies.")
        .add(static_cast<double>(entry.bytes_out));
    if (!entry.error.empty()) {
      MetricLabels with_code = labels;
      with_code.emplace_back("code", entry.error);
      metrics_.counter("likeness_request_errors_total", "Requests answered with an error, by its code.", with_code)
          .add();
    }
    access_log_.add(entry);
  };
  return response;
}

const RawPage* Front::raw_page(const net::Request& request) const {
  if (chain_.pages == nullptr) return nullptr;
  for (const auto& page : *chain_.pages)
    if (page.matches(request)) return &page;
  return nullptr;
}

bool Front::waits(const net::Request& request) const {
  if (const RawPage* page = raw_page(request)) return page->waits;
  return chain_.waits && chain_.waits(request);
}

net::Response Front::handle(net::Request request) {
  const SteadyTime started = steady_clock::now();
  AccessEntry entry = entry_of(request);
  entry.wait_ms = milliseconds(request.received_at, std::chrono::system_clock::now());
  std::shared_ptr<CountedReader> counted;
  if (request.stream) request.stream = counted = std::make_shared<CountedReader>(std::move(request.stream));
  if (const RawPage* page = raw_page(request)) {
    entry.service = page->name;
    return recorded(page->answer(request), std::move(entry), started);
  }
  aws::Answer answer = chain_.call(request);
  if (counted) entry.bytes_in = counted->bytes();
  aws::CallRecord& record = answer.record;
  entry.request_id = std::move(record.request_id);
  entry.caller = std::move(record.access_key_id);
  entry.service = std::move(record.service);
  entry.operation = std::move(record.operation);
  entry.error = std::move(record.error_code);
  entry.detail = std::move(record.detail);
  if (!entry.operation.empty()) entry.path.clear();
  return recorded(std::move(answer.response), std::move(entry), started);
}

std::optional<net::Response> Front::immediate(const net::Request& request) {
  if (!is_own(request) || raw_page(request) != nullptr) return std::nullopt;
  const SteadyTime started = steady_clock::now();
  return recorded(own_page(request), entry_of(request), started);
}

net::Response Front::own_page(const net::Request& request) const {
  if (request.method != "GET" && request.method != "HEAD") {
    net::Response response = net::text_response(405, kText, "Only GET here.\n");
    response.headers.add("Allow", "GET, HEAD");
    return response;
  }
  const std::string_view path = request.path();
  if (path == "/_likeness/health")
    return net::text_response(health_.http_status(), "application/json", health_.as_json());
  if (path == "/_likeness/metrics" && options_.metrics)
    return net::text_response(200, "text/plain; version=0.0.4; charset=utf-8", metrics_.expose());
  if (path == "/" || path == "/_likeness" || path == "/_likeness/") {
    const std::string endpoint =
        (request.secure ? "https://" : "http://") + std::string(request.headers.get("Host", "127.0.0.1:4600"));
    return net::text_response(
        200, kText,
        fmt::format("Likeness {} speaks the APIs of AWS here. Account {}, region {}, status: {}.\n\n"
                    "  export AWS_ENDPOINT_URL={}\n"
                    "  aws rekognition list-collections\n\n"
                    "The access key is in the file `credentials` of the data folder.\n"
                    "{}/_likeness/health    what is running\n"
                    "{}/_likeness/metrics   counters for Prometheus{}\n"
                    "There is no web console yet.\n",
                    kVersion, options_.account, options_.region, health_.status(), endpoint, endpoint, endpoint,
                    options_.metrics ? "" : " (switched off)"));
  }
  return net::text_response(404, kText, "There is no such page.\n");
}

net::Response Front::refuse(const net::Request* request, int status, std::string_view message) {
  const SteadyTime started = steady_clock::now();
  if (request == nullptr) {
    AccessEntry entry;
    entry.time = std::chrono::system_clock::now();
    entry.detail = std::string(message);
    return recorded(net::text_response(status, kText, std::string(message) + "\n"), std::move(entry), started);
  }
  AccessEntry entry = entry_of(*request);
  if (is_own(*request) || !chain_.refuse) {
    entry.detail = std::string(message);
    return recorded(net::text_response(status, kText, std::string(message) + "\n"), std::move(entry), started);
  }
  // In the words of the service that was asked, so that SDKs know what it is and whether to try again.
  const bool busy = status == 503;
  const Error error{std::string(code_of(status)),
                    std::string(message),
                    status >= 500 ? Error::Fault::Server : Error::Fault::Client,
                    {}};
  aws::Answer answer = chain_.refuse(*request, error);
  if (!busy) answer.response.status = status;
  entry.request_id = std::move(answer.record.request_id);
  entry.service = std::move(answer.record.service);
  entry.operation = std::move(answer.record.operation);
  entry.error = error.code;
  entry.detail = std::string(message);
  return recorded(std::move(answer.response), std::move(entry), started);
}

}  // namespace likeness::app
