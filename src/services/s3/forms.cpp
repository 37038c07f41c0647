#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "aws/sigv2.hpp"
#include "aws/sigv4.hpp"
#include "base/bytes.hpp"
#include "services/s3/access.hpp"
#include "services/s3/form_reader.hpp"
#include "services/s3/pages.hpp"
#include "services/s3/transfer.hpp"

/// Uploads from HTML forms. Source: API Reference, "Browser-Based Uploads Using POST (AWS Signature Version 4)".
namespace likeness::s3 {

namespace {

constexpr std::size_t kMaxFields = 20 * 1024;  // of all that is before the file

objects::Source body_of(const net::Request& request) {
  if (request.stream) {
    return [reader = request.stream](std::span<std::uint8_t> into) { return reader->read(into); };
  }
  auto at = std::make_shared<std::size_t>(0);
  return [&body = request.body, at](std::span<std::uint8_t> into) -> Result<std::size_t> {
    const std::size_t count = std::min(into.size(), body.size() - *at);
    std::copy_n(body.begin() + static_cast<std::ptrdiff_t>(*at), count, into.begin());
    *at += count;
    return count;
  };
}

std::optional<std::string> field(const FormFields& fields, const char* name) {
  const auto found = fields.find(name);
  return found == fields.end() || found->second.empty() ? std::nullopt : std::optional(found->second);
}

struct Form {
  FormFields fields;
  FormReader::Part file;
};

/// Everything up to the file.
Result<Form> read_fields(FormReader& reader) {
  Form form;
  std::size_t total = 0;
  while (true) {
    auto part = reader.next();
    if (!part) return fail(part);
    if (!*part) return objects::bad_argument("POST requires exactly one file upload per request.");
    const std::string name = lower_case((*part)->name);
    if (name == "file") {
      form.file = std::move(**part);
      return form;
    }
    std::string value;
    Bytes buffer(4096);
    while (true) {
      auto got = reader.read(buffer);
      if (!got) return fail(got);
      if (*got == 0) break;
      value.append(as_text(BytesView(buffer).first(*got)));
      if (total + value.size() > kMaxFields)
        return client_error("MaxPostPreDataLengthExceeded",
                            "Your POST request fields preceding the upload file were too large.");
    }
    total += value.size() + name.size();
    form.fields.insert_or_assign(name, std::move(value));
  }
}

/// How a form is signed: with version 4 of AWS's signatures or, as SDKs do in us-east-1 by themselves, version 2.
struct FormSignature {
  std::string key_id;
  std::string value;
  std::optional<aws::Scope> scope;  // of version 4

  std::string with(const std::string& secret, const std::string& policy) const {
    return scope ? aws::signature_of(aws::signing_key(secret, *scope), policy) : aws::signature_v2(secret, policy);
  }
};

Result<FormSignature> signature_of(const FormFields& fields) {
  auto old_key = field(fields, "awsaccesskeyid");
  auto old_signature = field(fields, "signature");
  if (old_key && old_signature)
    return FormSignature{.key_id = std::move(*old_key), .value = std::move(*old_signature), .scope = {}};
  const auto credential = field(fields, "x-amz-credential");
  auto signature = field(fields, "x-amz-signature");
  if (!credential || !signature || field(fields, "x-amz-algorithm") != "AWS4-HMAC-SHA256")
    return objects::bad_argument(
        "Bucket POST must contain the fields x-amz-algorithm, x-amz-credential, x-amz-date and "
        "x-amz-signature; if it is specified with a policy");
  // KEY/DATE/REGION/s3/aws4_request
  std::vector<std::string> parts;
  for (std::string_view rest = *credential; parts.size() < 6;) {
    const auto slash = rest.find('/');
    parts.emplace_back(rest.substr(0, slash));
    if (slash == std::string_view::npos) break;
    rest = rest.substr(slash + 1);
  }
  if (parts.size() != 5 || parts[3] != "s3" || parts[4] != "aws4_request")
    return client_error("AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter");
  return FormSignature{.key_id = parts[0],
                       .value = std::move(*signature),
                       .scope = aws::Scope{.date = parts[1], .region = parts[2], .service = parts[3]}};
}

/// Whose form it is: nobody's without a policy.
Result<aws::RequestContext> signer_of(State& state, const aws::RequestContext& context, const FormFields& fields) {
  aws::RequestContext signer = context;
  signer.access_key_id.clear();
  signer.principal = policy::Principal::anonymous();
  signer.caller_arn = signer.principal.arn;
  if (!fields.contains("policy")) return signer;
  auto signature = signature_of(fields);
  if (!signature) return fail(signature);
  const auto key = state.credentials == nullptr
                       ? std::nullopt
                       : state.credentials->find(signature->key_id, field(fields, "x-amz-security-token").value_or(""));
  if (!key)
    return aws::http_error(403, "InvalidAccessKeyId",
                           "The AWS Access Key Id you provided does not exist in our records.");
  if (key->expires && *key->expires <= context.time)
    return aws::http_error(400, "ExpiredToken", "The provided token has expired.");
  if (!equal_in_constant_time(signature->with(key->secret, fields.at("policy")), signature->value))
    return aws::http_error(
        403, "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key "
        "and signing method.");
  signer.access_key_id = key->id;
  signer.principal = key->principal;
  signer.caller_arn = key->principal.arn;
  return signer;
}

Result<objects::Metadata> metadata_of_form(const objects::Bucket& bucket, const Form& form, TimePoint now) {
  objects::Metadata metadata;
  for (const char* name : {"content-type", "cache-control", "content-disposition", "content-encoding", "expires"})
    if (auto value = field(form.fields, name)) metadata.headers[name] = *value;
  for (const auto& [name, value] : form.fields)
    if (name.starts_with("x-amz-meta-")) metadata.user[name.substr(11)] = value;
  if (auto checked = check_user_metadata(metadata.user); !checked) return fail(checked);
  if (auto where = field(form.fields, "x-amz-website-redirect-location"))
    metadata.headers["website-redirect-location"] = *where;
  if (auto storage_class = field(form.fields, "x-amz-storage-class")) metadata.storage_class = *storage_class;
  if (auto tagging = field(form.fields, "tagging"))
    return client_error("NotImplemented", "The form field tagging is not available");
  AclHeaders headers;
  headers.canned = field(form.fields, "acl");
  auto acl = acl_of(bucket, headers);
  if (!acl) return fail(acl);
  metadata.acl = std::move(*acl);
  if (auto locked = take_lock(bucket, now, std::nullopt, std::nullopt, false, metadata); !locked) return fail(locked);
  return metadata;
}

struct Taken {
  objects::Version version;
  FormFields fields;
};

Result<Taken> take(State& state, const aws::RequestContext& context, const net::Request& request,
                   const std::string& bucket_name) {
  const auto boundary = form_boundary(request.headers.get("content-type"));
  if (!boundary)
    return aws::http_error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold",
                           {{"Condition", "Bucket POST must be of the enclosure-type multipart/form-data"}});
  auto bucket = state.store.buckets.get(bucket_name);
  if (!bucket) return fail(bucket);
  FormReader reader(body_of(request), *boundary);
  auto form = read_fields(reader);
  if (!form) return fail(form);
  auto& fields = form->fields;
  std::string key = field(fields, "key").value_or("");
  if (key.empty()) return objects::bad_argument("Bucket POST must contain a field named 'key'.");
  auto signer = signer_of(state, context, fields);
  if (!signer) return fail(signer);
  objects::Expected expected;
  expected.max_size = objects::kMaxSinglePut;
  std::uint64_t least = 0;
  if (fields.contains("policy")) {
    const auto policy_text = from_base64(fields.at("policy"));
    if (!policy_text) return client_error("InvalidPolicyDocument", "Invalid Policy: Invalid Base64.");
    auto policy = check_form_policy(as_text(*policy_text), fields, bucket_name, context.time);
    if (!policy) return fail(policy);
    if (policy->length_range) {
      least = policy->length_range->first;
      expected.max_size = std::min(expected.max_size, policy->length_range->second);
    }
  }
  if (const auto at = key.find("${filename}"); at != std::string::npos) {
    std::string name = form->file.filename.value_or("");
    if (const auto slash = name.find_last_of("/\\"); slash != std::string::npos) name = name.substr(slash + 1);
    key.replace(at, 11, name);
  }
  if (auto may = signer->allowed(permission(state, *signer, "s3:PutObject", bucket_name, key)); !may) return fail(may);
  auto metadata = metadata_of_form(*bucket, *form, context.time);
  if (!metadata) return fail(metadata);
  std::uint64_t size = 0;
  const objects::Source source = [&](std::span<std::uint8_t> into) -> Result<std::size_t> {
    auto got = reader.read(into);
    if (!got) return got;
    size += *got;
    if (*got == 0 && size < least)
      return client_error("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size");
    return got;
  };
  auto made = state.store.objects.put(*bucket, {.key = key,
                                                .metadata = std::move(*metadata),
                                                .source = source,
                                                .expected = std::move(expected),
                                                .conditions = {},
                                                .origin = origin_of(*signer),
                                                .kind = "ObjectCreated:Post"});
  if (!made) return fail(made);
  return Taken{.version = std::move(*made), .fields = std::move(fields)};
}

}  // namespace

net::Response take_form(State& state, const aws::RequestContext& context, const net::Request& request,
                        const std::string& bucket) {
  auto taken = take(state, context, request, bucket);
  if (!taken) return error_page(std::move(taken.error()), bucket, {}, context.request_id);
  const auto& version = taken->version;
  const std::string place = fmt::format("{}://{}/{}/{}", request.secure ? "https" : "http", request.headers.get("host"),
                                        bucket, aws::uri_encode(version.key, true));
  net::Response response;
  response.headers.add("ETag", in_quotes(version.etag));
  response.headers.add("Location", place);
  if (!version.is_null) response.headers.add("x-amz-version-id", version.order);
  if (const auto redirect = field(taken->fields, "success_action_redirect");
      redirect && (redirect->starts_with("http://") || redirect->starts_with("https://")) &&
      redirect->find_first_of("\r\n") == std::string::npos) {
    response.status = 303;
    response.headers.set(
        "Location",
        fmt::format("{}{}bucket={}&key={}&etag={}", *redirect, redirect->find('?') == std::string::npos ? '?' : '&',
                    aws::uri_encode(bucket), aws::uri_encode(version.key), aws::uri_encode(in_quotes(version.etag))));
    return response;
  }
  const auto wanted = field(taken->fields, "success_action_status");
  response.status = wanted == "200" ? 200 : wanted == "201" ? 201 : 204;
  if (response.status == 201) {
    response.headers.add("Content-Type", "application/xml");
    response.body = fmt::format(
        "<?xml version=\"1.0\" "
        "encoding=\"UTF-8\"?>\n<PostResponse><Location>{}</Location><Bucket>{}</Bucket><Key>{}</Key>"
        "<ETag>{}</ETag></PostResponse>",
        xml_escaped(place), xml_escaped(bucket), xml_escaped(version.key), xml_escaped(in_quotes(version.etag)));
  }
  return response;
}

}  // namespace likeness::s3
