#include "services/s3/common.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "aws/json_reader.hpp"
#include "aws/json_writer.hpp"
#include "base/bytes.hpp"
#include "domain/objects/names.hpp"

namespace likeness::s3 {

namespace {

constexpr std::size_t kCachedPolicies = 1000;

/// HTTP statuses of S3's error codes that are not 400. Source: API Reference, "Error responses".
constexpr std::array<std::pair<std::string_view, int>, 42> kStatuses{{
    {"AccessDenied", 403},
    {"AccountProblem", 403},
    {"BucketAlreadyExists", 409},
    {"BucketAlreadyOwnedByYou", 409},
    {"BucketNotEmpty", 409},
    {"ConditionalRequestConflict", 409},
    {"InsufficientStorage", 507},
    {"InternalError", 500},
    {"InvalidBucketState", 409},
    {"InvalidObjectState", 403},
    {"InvalidRange", 416},
    {"MethodNotAllowed", 405},
    {"MissingContentLength", 411},
    {"NoSuchBucket", 404},
    {"NoSuchBucketPolicy", 404},
    {"NoSuchConfiguration", 404},
    {"NoSuchCORSConfiguration", 404},
    {"NoSuchKey", 404},
    {"NoSuchLifecycleConfiguration", 404},
    {"NoSuchObjectLockConfiguration", 404},
    {"NoSuchPublicAccessBlockConfiguration", 404},
    {"NoSuchTagSet", 404},
    {"NoSuchTagSetError", 404},
    {"NoSuchUpload", 404},
    {"NoSuchVersion", 404},
    {"NoSuchWebsiteConfiguration", 404},
    {"NotFound", 404},
    {"NotImplemented", 501},
    {"NotModified", 304},
    {"ObjectLockConfigurationNotFoundError", 404},
    {"OperationAborted", 409},
    {"OwnershipControlsNotFoundError", 404},
    {"PermanentRedirect", 301},
    {"PreconditionFailed", 412},
    {"ReplicationConfigurationNotFoundError", 404},
    {"RequestTimeTooSkewed", 403},
    {"ServerSideEncryptionConfigurationNotFoundError", 404},
    {"ServiceUnavailable", 503},
    {"SignatureDoesNotMatch", 403},
    {"SlowDown", 503},
    {"InvalidTargetBucketForLogging", 400},
    {"RequestTimeout", 400},
}};

int status_of(const Error& error) {
  for (const auto& [code, status] : kStatuses)
    if (code == error.code) return status;
  return error.fault == Error::Fault::Server ? 500 : 400;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.' || c == '*' || c == '/';
}

Failure bad_tag(std::string message) { return client_error("InvalidTag", std::move(message)); }

Result<void> check_tag(std::string_view key, std::string_view value) {
  if (key.empty() || key.size() > 128 || !objects::is_utf8(key))
    return bad_tag("The TagKey you have provided is invalid");
  if (value.size() > 256 || !objects::is_utf8(value)) return bad_tag("The TagValue you have provided is invalid");
  if (key.starts_with("aws:")) return bad_tag("System tags cannot be added/updated by requester");
  return {};
}

}  // namespace

std::shared_ptr<const policy::Document> PolicyCache::get(const std::string& text) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = parsed_.find(text); found != parsed_.end()) return found->second;
  }
  auto parsed = policy::Document::parse(text, policy::DocumentKind::Resource);
  const std::lock_guard lock(mutex_);
  if (parsed_.size() >= kCachedPolicies) parsed_.clear();
  return parsed_.insert_or_assign(text, parsed ? *parsed : nullptr).first->second;
}

Error finish(Error error, const std::string& bucket, const std::string& key, const std::string& version) {
  if (aws::raised(error) != nullptr) return error;
  std::vector<std::pair<std::string, std::string>> elements;
  if (error.code == "NoSuchBucket" || error.code.starts_with("Bucket") || error.code == "InvalidBucketName" ||
      error.code.ends_with("Configuration") || error.code.ends_with("NotFoundError") || error.code == "NoSuchTagSet" ||
      error.code == "NoSuchBucketPolicy")
    elements.emplace_back("BucketName", bucket);
  else if (error.code == "NoSuchKey" || error.code == "NoSuchVersion")
    elements.emplace_back("Key", key);
  if (error.code == "NoSuchVersion") elements.emplace_back("VersionId", version);
  const int status = status_of(error);
  auto made = aws::http_error(status, std::move(error.code), std::move(error.message), std::move(elements));
  made.value().detail = std::move(error.detail);
  return std::move(made.value());
}

Failure delete_marker(std::string_view method) {
  return aws::http_error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.",
                         {{"Method", std::string(method)}, {"ResourceType", "DeleteMarker"}});
}

Failure not_implemented(std::string message) { return client_error("NotImplemented", std::move(message)); }

Failure malformed_xml() {
  return client_error("MalformedXML",
                      "The XML you provided was not well-formed or did not validate against our published schema");
}

objects::Origin origin_of(const aws::RequestContext& context) {
  return {.principal = context.caller_arn, .source_ip = context.source_ip, .request_id = context.request_id};
}

std::string in_quotes(std::string_view etag) { return fmt::format("\"{}\"", etag); }

std::string unquoted(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  // S3 takes them without either quote, too.
  if (etag.starts_with('"')) etag.remove_prefix(1);
  if (etag.ends_with('"')) etag.remove_suffix(1);
  return std::string(etag);
}

std::string url_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c))
      out.push_back(c);
    else if (c == ' ')
      out.push_back('+');
    else
      out += fmt::format("%{:02X}", static_cast<std::uint8_t>(c));
  }
  return out;
}

std::string canonical_id(std::string_view account) { return policy::canonical_user_id(account); }

shapes::Owner owner_of(std::string_view account) { return {.display_name = {}, .id = canonical_id(account)}; }

std::string bucket_arn(std::string_view bucket) { return fmt::format("arn:aws:s3:::{}", bucket); }
std::string object_arn(std::string_view bucket, std::string_view key) {
  return fmt::format("arn:aws:s3:::{}/{}", bucket, key);
}

Result<objects::Tags> parse_tagging(std::string_view text) {
  std::vector<shapes::Tag> tags;
  while (!text.empty()) {
    const auto end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto key = net::percent_decode(pair.substr(0, equals), true);
    auto value =
        net::percent_decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!key || !value)
      return objects::bad_argument(
          "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
          "parameters without tag name duplicates.");
    if (key->starts_with("aws:")) return bad_tag("Your TagKey cannot be prefixed with aws:");
    tags.push_back({.key = std::move(key), .value = std::move(value)});
  }
  return tags_of(tags, 10);
}

Result<objects::Tags> tags_of(const std::vector<shapes::Tag>& tags, std::size_t limit) {
  if (tags.size() > limit)
    return client_error("BadRequest", limit == 10 ? "Object tags cannot be greater than 10"
                                                  : "Bucket tag count cannot be greater than 50");
  objects::Tags out;
  for (const auto& tag : tags) {
    if (auto checked = check_tag(tag.key.value_or(""), tag.value.value_or("")); !checked) return fail(checked);
    if (!out.emplace(*tag.key, tag.value.value_or("")).second)
      return bad_tag("Cannot provide multiple Tags with the same key");
  }
  return out;
}

std::vector<shapes::Tag> to_shapes(const objects::Tags& tags) {
  std::vector<shapes::Tag> out;
  out.reserve(tags.size());
  for (const auto& [key, value] : tags) out.push_back({.key = key, .value = value});
  return out;
}

std::string write_configuration(const aws::Shape& shape, const void* value) {
  std::string text;
  aws::write_json(shape, value, text);
  return text;
}

void read_configuration(const aws::Shape& shape, const std::string& text, void* value) {
  // It was written by write_configuration; values that a later version added are left out.
  (void)aws::read_json(text, shape, value, {.lenient = true});
}

const aws::Shape& shape_of_member(const aws::Shape& structure, std::string_view name) {
  for (const auto& member : structure.members)
    if (member.name == name) return *member.shape;
  return structure;  // NOLINT(bugprone-return-const-ref-from-parameter): shapes are static
}

}  // namespace likeness::s3
