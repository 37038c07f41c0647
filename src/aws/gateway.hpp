#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "aws/credentials.hpp"
#include "aws/local_calls.hpp"
#include "aws/service.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace likeness::aws {

/// What the access log says of a call.
struct CallRecord {
  std::string service;  // "rekognition"; empty if the request could not be placed
  std::string operation;
  int status = 0;
  std::string error_code;  // empty on success
  std::string detail;      // of an error, for the log only
  std::string request_id;
  std::string access_key_id;
  std::string caller_arn;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

struct Answer {
  net::Response response;
  CallRecord record;
};

/// What a gate may know before the body is parsed.
struct CallInfo {
  const Service& service;
  const Operation& operation;
  const RequestContext& context;
};

struct GatewayOptions {
  std::string account = "000000000000";
  std::string region = "us-east-1";
  /// How far the time of a signature may be from ours.
  std::chrono::seconds clock_skew{15 * 60};
  /// Under which S3 buckets are found as "BUCKET.DOMAIN" and "BUCKET.s3.DOMAIN", besides amazonaws.com.
  std::vector<std::string> domains{"localhost"};
  /// Of a body that is read whole because it is a document.
  /// The largest that AWS takes is a function's package of 50 MB in base 64.
  std::size_t max_document_bytes = 72u << 20;
};

/// The request chain: from a whole HTTP request to a whole HTTP response. Holds no request state; `handle` blocks and
/// may be called from any number of threads at once, after every service was added.
class Gateway {
 public:
  /// Asked before the input is parsed; an Error refuses the call (throttling, quotas).
  using Gate = std::function<Result<void>(const CallInfo&)>;

  struct State;  // the implementation's

  Gateway(const GatewayOptions& options, const CredentialSource& credentials, const Clock& clock = Clock::system());
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// Borrows: the service must outlive the gateway.
  void add(const Service& service);
  /// Borrows: who decides what callers may. Without one only root may anything.
  void set_authorizer(const Authorizer& authorizer);
  /// Gates are asked in the order in which they were added.
  void add_gate(Gate gate);

  const std::vector<const Service*>& services() const;

  /// Told of every call that comes from inside, after it; must not block. Set before the first.
  void on_local_call(std::function<void(const CallRecord&)> function);
  /// The services for callers in this process: the same gates, permissions, constraints and providers as for requests
  /// from the network, without signature and bytes. Lives as long as the gateway; services may be added later.
  const LocalCalls& local_calls() const;

  /// Whether the body of a request with this head is to be given to `handle` while it arrives. Does not block.
  bool wants_stream(const net::Request& head) const;

  /// Whether answering the request may take long without working (Service::waits). Does not block.
  bool waits(const net::Request& request) const;

  /// Never throws, never fails: what goes wrong becomes the error response of the service's protocol.
  Answer handle(const net::Request& request) const;

  /// Answers without looking further, in the protocol of the service that was asked: for a full queue
  /// (ThrottlingException), a body that is too large, a server that is stopping.
  Answer refuse(const net::Request& request, const Error& error) const;

 private:
  const std::unique_ptr<State> state_;
};

}  // namespace likeness::aws
