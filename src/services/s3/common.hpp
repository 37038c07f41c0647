#pragma once

#include <chrono>
#include <concepts>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "aws/exceptions.hpp"
#include "aws/gen/s3.hpp"
#include "aws/service.hpp"
#include "domain/objects/errors.hpp"
#include "domain/objects/object_store.hpp"
#include "policy/document.hpp"
#include "services/s3/provider.hpp"
#include "services/s3/request_metrics.hpp"

/// What all operations of S3 use: the shared state, errors as S3 writes them, and small conversions.
namespace likeness::s3 {

namespace shapes = aws::s3;

/// Bucket policies, parsed once. Thread-safe.
class PolicyCache {
 public:
  /// Null for a text that does not parse.
  std::shared_ptr<const policy::Document> get(const std::string& text);

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const policy::Document>, std::less<>> parsed_;
};

struct State {
  State(objects::ObjectStore& object_store, Options server) : store(object_store), options(std::move(server)) {}
  objects::ObjectStore& store;
  const Options options;
  PolicyCache policies;
  const aws::CredentialSource* credentials = nullptr;  // of forms
  NotificationCheck notification_check;                // empty: targets are not tried
  RequestMetrics requests;
};

/// Names of configurations in the bucket's record.
namespace configuration {
inline constexpr const char* kPolicy = "policy";
inline constexpr const char* kPublicAccess = "public-access-block";
inline constexpr const char* kOwnership = "ownership-controls";
inline constexpr const char* kAcl = "acl";
inline constexpr const char* kCors = "cors";
inline constexpr const char* kWebsite = "website";
inline constexpr const char* kLifecycle = "lifecycle";
inline constexpr const char* kTagging = "tagging";
inline constexpr const char* kEncryption = "encryption";
inline constexpr const char* kLogging = "logging";
inline constexpr const char* kReplication = "replication";
inline constexpr const char* kAccelerate = "accelerate";
inline constexpr const char* kPayment = "request-payment";
inline constexpr const char* kNotification = "notification";
inline constexpr const char* kObjectLock = "object-lock";
}  // namespace configuration

// -- errors

/// Gives an error of the rules below its HTTP status and the elements that S3 adds. Leaves alone what has them.
Error finish(Error error, const std::string& bucket, const std::string& key, const std::string& version = {});
/// The answer to a request that a delete marker cannot have.
Failure delete_marker(std::string_view method);
Failure not_implemented(std::string message);
Failure malformed_xml();

// -- inputs

template <class In>
std::string bucket_name(const In& in) {
  if constexpr (requires { in.bucket; })
    return in.bucket.value_or(std::string());
  else
    return {};
}
template <class In>
std::string key_name(const In& in) {
  if constexpr (requires { in.key; })
    return in.key.value_or(std::string());
  else
    return {};
}

template <class In>
std::string version_name(const In& in) {
  if constexpr (requires { in.version_id; })
    return in.version_id.value_or(std::string());
  else
    return {};
}

/// The bucket that a request names. Errors: NoSuchBucket; AccessDenied where it is not of the owner that the client
/// expects.
template <class In>
Result<objects::Bucket> bucket_of(State& state, const In& in) {
  auto bucket = state.store.buckets.get(bucket_name(in));
  if (!bucket) return bucket;
  if constexpr (requires { in.expected_bucket_owner; })
    if (in.expected_bucket_owner && *in.expected_bucket_owner != bucket->account) return objects::access_denied();
  return bucket;
}

/// Absent and empty mean the same.
inline std::optional<std::string> non_empty(const std::optional<std::string>& text) {
  return text && !text->empty() ? text : std::nullopt;
}

objects::Origin origin_of(const aws::RequestContext& context);

/// Counts a request that was answered, where its bucket asks for that.
template <class Op>
void count_request(const State& state, const typename Op::Input& in, const Result<typename Op::Output>& out,
                   std::chrono::steady_clock::time_point begin) {
  const std::string bucket = bucket_name(in), key = key_name(in);
  if (!state.requests.wants(bucket)) return;
  RequestMetrics::Request request{Op::operation().name, Op::operation().http_method, bucket, key};
  if (!out) {
    const auto* raised = aws::raised(out.error());
    request.status = out.error().fault == Error::Fault::Client ? 400 : 500;
    if (raised != nullptr && raised->http.status != 0) request.status = raised->http.status;
  }
  if constexpr (requires { in.content_length.value_or(0); }) request.uploaded = in.content_length.value_or(0);
  if constexpr (requires { out->content_length.value_or(0); })
    if (out && request.method == "GET") request.downloaded = out->content_length.value_or(0);
  request.took = std::chrono::steady_clock::now() - begin;
  state.requests.count(request);
}

/// Registers an operation whose errors get S3's form.
template <class Op, class Function>
void on(aws::Service& service, State& state, Function function, std::string difference = {}) {
  service.on<Op>(
      [&state, function](const aws::RequestContext& context,
                         const typename Op::Input& in) -> Result<typename Op::Output> {
        const auto begin = std::chrono::steady_clock::now();
        Result<typename Op::Output> out = function(state, context, in);
        if (!out && out.error().code == "MethodNotAllowed" && aws::raised(out.error()) == nullptr)
          out = delete_marker(Op::operation().http_method);
        else if (!out)
          out = Failure(finish(std::move(out.error()), bucket_name(in), key_name(in), version_name(in)));
        count_request<Op>(state, in, out, begin);
        return out;
      },
      std::move(difference));
}

// -- values

/// The enumerator of that text, up to `last`.
template <class E>
std::optional<E> enumerator(std::string_view text, E last) {
  for (int i = 0; i <= static_cast<int>(last); ++i)
    if (shapes::to_text(static_cast<E>(i)) == text) return static_cast<E>(i);
  return std::nullopt;
}

std::string in_quotes(std::string_view etag);
/// Without quotes and "W/".
std::string unquoted(std::string_view etag);
/// As S3 encodes keys in listings for encoding-type=url.
std::string url_encoded(std::string_view text);
/// The canonical user id of an account: 64 hex digits.
std::string canonical_id(std::string_view account);
shapes::Owner owner_of(std::string_view account);

std::string bucket_arn(std::string_view bucket);
std::string object_arn(std::string_view bucket, std::string_view key);

/// "a=1&b=2" as in x-amz-tagging. Errors: InvalidArgument, InvalidTag, BadRequest (too many).
Result<objects::Tags> parse_tagging(std::string_view text);
Result<objects::Tags> tags_of(const std::vector<shapes::Tag>& tags, std::size_t limit);
std::vector<shapes::Tag> to_shapes(const objects::Tags& tags);

/// Configurations lie in the bucket's record as JSON of their shapes.
std::string write_configuration(const aws::Shape& shape, const void* value);
void read_configuration(const aws::Shape& shape, const std::string& text, void* value);

/// The shape of the member of an operation's input or output with that name in the model.
const aws::Shape& shape_of_member(const aws::Shape& structure, std::string_view name);

/// Reads configuration `what` of a bucket as the input member `member` of Op; nullopt where it is not configured.
template <class Op, class T>
std::optional<T> configured(const objects::Bucket& bucket, const char* what, std::string_view member) {
  const std::string* text = bucket.configuration(what);
  if (text == nullptr) return std::nullopt;
  T value;
  read_configuration(shape_of_member(*Op::operation().input, member), *text, &value);
  return value;
}

// -- the groups of operations

void register_buckets(aws::Service& service, State& state);
void register_request_metrics(aws::Service& service, State& state);
void register_reads(aws::Service& service, State& state);
void register_writes(aws::Service& service, State& state);
void register_copies(aws::Service& service, State& state);
void register_listings(aws::Service& service, State& state);
void register_uploads(aws::Service& service, State& state);
void register_tagging(aws::Service& service, State& state);
void register_locks(aws::Service& service, State& state);
void register_access(aws::Service& service, State& state);
void register_configurations(aws::Service& service, State& state);
void register_notifications(aws::Service& service, State& state);
void register_pages(aws::Service& service, State& state);

}  // namespace likeness::s3
