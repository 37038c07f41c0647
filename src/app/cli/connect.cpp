#include <fmt/format.h>

#include <boost/json.hpp>
#include <mutex>
#include <thread>
#include <vector>

#include "app/cli/environment.hpp"
#include "aws/sigv4.hpp"
#include "base/clock.hpp"
#include "net/client.hpp"

namespace likeness::app {
namespace {

namespace json = boost::json;

constexpr int kTries = 4;

std::string text_member(const json::value& answer, std::initializer_list<std::string_view> names) {
  const json::object* object = answer.if_object();
  if (object == nullptr) return {};
  for (const std::string_view name : names)
    if (const json::value* found = object->if_contains(name); found != nullptr && found->is_string())
      return std::string(found->get_string());
  return {};
}

/// "com.amazonaws.rekognition#InvalidParameterException" and "InvalidParameterException:http://..." are one name.
std::string exception_name(std::string type) {
  if (const auto hash = type.rfind('#'); hash != std::string::npos) type.erase(0, hash + 1);
  if (const auto colon = type.find(':'); colon != std::string::npos) type.resize(colon);
  return type;
}

Error error_of(const net::Response& response) {
  json::error_code unreadable;
  const json::value answer = json::parse(response.body, unreadable);
  const std::string type = unreadable ? "" : exception_name(text_member(answer, {"__type", "code", "Code"}));
  if (type.empty())
    return {"Unreachable",
            fmt::format("the server answered {} {}", response.status, net::reason_phrase(response.status)),
            Error::Fault::Server, ""};
  return {type, text_member(answer, {"message", "Message"}),
          response.status < 500 ? Error::Fault::Client : Error::Fault::Server, ""};
}

/// Connections that no call uses at the moment.
class Connection {
 public:
  explicit Connection(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}

  Result<std::string> call(std::string_view operation, std::string_view input) {
    auto pause = std::chrono::milliseconds(100);
    for (int attempt = 1;; ++attempt, pause *= 3) {
      auto answer = call_once(operation, input);
      const bool again = !answer && attempt < kTries &&
                         (answer.error().code == "ThrottlingException" ||
                          answer.error().code == "ProvisionedThroughputExceededException");
      if (!again) return answer;
      std::this_thread::sleep_for(pause);
    }
  }

 private:
  Result<net::Client> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        net::Client client = std::move(idle_.back());
        idle_.pop_back();
        return client;
      }
    }
    return net::Client::for_endpoint(endpoint_.url);
  }

  Result<std::string> call_once(std::string_view operation, std::string_view input) {
    auto client = take();
    if (!client) return client_error("Unreachable", fmt::format("{}: {}", endpoint_.url, client.error().message));
    net::Request request;
    request.method = "POST";
    request.target = "/";
    request.headers.set("Host", client->authority());
    request.headers.set("Content-Type", "application/x-amz-json-1.1");
    request.headers.set("X-Amz-Target", fmt::format("RekognitionService.{}", operation));
    const BytesView body = as_bytes(input);
    request.body.assign(body.begin(), body.end());
    const aws::AccessKey key{
        .id = endpoint_.key.id, .secret = endpoint_.key.secret, .session_token = endpoint_.key.session_token};
    aws::SigningOptions options;
    options.region = endpoint_.region;
    options.service = "rekognition";
    options.time = Clock::system().now();
    aws::sign_headers(request, key, options);
    auto response = client->send(request);
    if (!response) return client_error("Unreachable", fmt::format("{}: {}", endpoint_.url, response.error().message));
    if (response->status != 200) return tl::unexpected(error_of(*response));
    std::string answer = std::move(response->body);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(*client));
    return answer;
  }

  const Endpoint endpoint_;
  std::mutex mutex_;
  std::vector<net::Client> idle_;
};

}  // namespace

Result<CallApi> connect_to(Endpoint endpoint) {
  if (auto client = net::Client::for_endpoint(endpoint.url); !client)
    return client_error("Usage", fmt::format("--endpoint {}: {}", endpoint.url, client.error().message));
  const auto connection = std::make_shared<Connection>(std::move(endpoint));
  return
      [connection](std::string_view operation, std::string_view input) { return connection->call(operation, input); };
}

}  // namespace likeness::app
