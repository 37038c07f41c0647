#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "aws/aws_chunked.hpp"
#include "aws/codec.hpp"
#include "aws/event_stream.hpp"
#include "aws/http_binding.hpp"
#include "aws/json_reader.hpp"
#include "aws/json_writer.hpp"
#include "aws/scalars.hpp"
#include "aws/xml_reader.hpp"
#include "aws/xml_writer.hpp"

namespace likeness::aws {
namespace {

using Violations = std::vector<Violation>;

void append(Violations& all, Violations more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

bool is_document(const Member& payload) {
  const Kind kind = payload.shape->kind;
  return kind == Kind::Structure || kind == Kind::List || kind == Kind::Map;
}

/// A body that is no document: bytes or text as they are.
Result<Violations> read_raw(const Routed& routed, const Member& payload, void* input) {
  void* slot = payload.slot(input);
  switch (payload.shape->kind) {
    case Kind::Stream: {
      auto& stream = *static_cast<Stream*>(payload.ops->emplace(slot));
      stream = routed.stream;
      return Violations();
    }
    case Kind::Blob:
      *static_cast<Bytes*>(payload.ops->emplace(slot)) = Bytes(routed.body.begin(), routed.body.end());
      break;
    case Kind::Document:
      static_cast<Document*>(payload.ops->emplace(slot))->json = std::string(as_text(routed.body));
      break;
    default: {
      const auto text = as_text(routed.body);
      const auto read =
          read_scalar(*payload.shape, text, TimestampFormat::Unset, TimestampFormat::Unset, payload.ops->emplace(slot));
      if (read == ScalarRead::Ok) break;
      payload.ops->reset(slot);
      if (read == ScalarRead::Malformed) return client_error("SerializationException", "The body has no value");
      return Violations{{member_path({}, payload.name), shown_value(text),
                         enum_requirement({payload.shape->enum_values.begin(), payload.shape->enum_values.end()})}};
    }
  }
  return Violations();
}

/// Bytes or text as they are, with the type that they have where no header says otherwise.
void write_raw(const Member& payload, const void* value, net::Response& response) {
  std::string_view type = "text/plain";
  switch (payload.shape->kind) {
    case Kind::Stream: {
      const auto& stream = *static_cast<const Stream*>(value);
      response.stream = stream.reader;
      response.stream_length = stream.length;
      type = payload.shape->is_event_stream ? kEventStreamType : "application/octet-stream";
      break;
    }
    case Kind::Blob:
      response.body = as_text(*static_cast<const Bytes*>(value));
      type = "application/octet-stream";
      break;
    case Kind::Document:
      response.body = static_cast<const Document*>(value)->json;
      type = "application/json";
      break;
    default: write_scalar(*payload.shape, value, TimestampFormat::Unset, TimestampFormat::Unset, response.body);
  }
  if (!response.headers.contains("content-type")) response.headers.add("Content-Type", std::string(type));
}

// -- rest-json

class RestJsonCodec final : public Codec {
 public:
  Result<Violations> read(const Routed& routed, const Operation& operation, void* input) const override {
    if (operation.input == nullptr) return Violations();
    const Shape& shape = *operation.input;
    Violations violations;
    const Member* payload = payload_member(shape);
    Result<Violations> body = Violations();
    if (payload == nullptr) {
      if (!routed.body.empty() && has_body_members(shape)) body = read_json(as_text(routed.body), shape, input);
    } else if (!is_document(*payload)) {
      if (!routed.body.empty() || payload->shape->kind == Kind::Stream) body = read_raw(routed, *payload, input);
    } else if (!routed.body.empty()) {
      body = read_json(as_text(routed.body), *payload->shape, payload->ops->emplace(payload->slot(input)));
    }
    if (!body) return body;
    append(violations, std::move(*body));
    auto bound = read_bindings(routed.request, routed.labels, shape, input);
    if (!bound) return client_error("SerializationException", std::move(bound.error().message));
    append(violations, std::move(*bound));
    return violations;
  }

  void write(const ServiceModel&, const Operation& operation, const void* output, const std::string& request_id,
             net::Response& response) const override {
    response.status = operation.http_status;
    response.headers.set("x-amzn-RequestId", request_id);
    if (operation.output == nullptr) return;
    const Shape& shape = *operation.output;
    write_bindings(shape, output, response);
    const Member* payload = payload_member(shape);
    if (payload != nullptr) {
      const void* value = payload->find(output);
      if (value == nullptr) return;
      if (!is_document(*payload)) return write_raw(*payload, value, response);
      write_json(*payload->shape, value, response.body);
    } else if (has_body_members(shape)) {
      write_json(shape, output, response.body);
    } else {
      return;
    }
    if (!response.headers.contains("content-type")) response.headers.add("Content-Type", "application/json");
  }

  void write_error(const ErrorAnswer& error, net::Response& response) const override {
    response.status = error.status;
    response.headers.set("Content-Type", "application/json");
    response.headers.set("x-amzn-RequestId", error.request_id);
    response.headers.set("x-amzn-ErrorType", error.code);
    if (error.structure != nullptr && error.shape != nullptr) {
      write_bindings(*error.shape, error.structure, response);
      write_json(*error.shape, error.structure, response.body);
      return;
    }
    std::string_view name = "message";
    if (error.shape != nullptr)
      for (const auto& member : error.shape->members)
        if (net::equal_ignoring_case(member.name, "message")) name = member.wire_name;
    response.body = '{';
    write_json_string(name, response.body);
    response.body += ':';
    write_json_string(error.message, response.body);
    response.body += '}';
  }

  ErrorAnswer auth_error(const AuthProblem& problem) const override {
    auto answer = json_codec("1.1").auth_error(problem);
    answer.status = 403;
    return answer;
  }
};

// -- rest-xml

/// S3's own codes and their statuses; those that are not here are 400. Source: S3 API Reference, "Error responses".
struct CodeStatus {
  std::string_view code;
  int status;
};
constexpr auto kS3Statuses = std::to_array<CodeStatus>({
    {"AccessDenied", 403},
    {"AccountProblem", 403},
    {"AllAccessDisabled", 403},
    {"BucketAlreadyExists", 409},
    {"BucketAlreadyOwnedByYou", 409},
    {"BucketNotEmpty", 409},
    {"ConditionalRequestConflict", 409},
    {"CrossLocationLoggingProhibited", 403},
    {"InternalError", 500},
    {"InvalidAccessKeyId", 403},
    {"InvalidBucketState", 409},
    {"InvalidObjectState", 403},
    {"InvalidPayer", 403},
    {"InvalidRange", 416},
    {"InvalidSecurity", 403},
    {"MethodNotAllowed", 405},
    {"MissingContentLength", 411},
    {"NoSuchBucket", 404},
    {"NoSuchBucketPolicy", 404},
    {"NoSuchCORSConfiguration", 404},
    {"NoSuchConfiguration", 404},
    {"NoSuchKey", 404},
    {"NoSuchLifecycleConfiguration", 404},
    {"NoSuchObjectLockConfiguration", 404},
    {"NoSuchPublicAccessBlockConfiguration", 404},
    {"NoSuchTagSet", 404},
    {"NoSuchUpload", 404},
    {"NoSuchVersion", 404},
    {"NoSuchWebsiteConfiguration", 404},
    {"NotImplemented", 501},
    {"NotSignedUp", 403},
    {"ObjectLockConfigurationNotFoundError", 404},
    {"OperationAborted", 409},
    {"OwnershipControlsNotFoundError", 404},
    {"PreconditionFailed", 412},
    {"ReplicationConfigurationNotFoundError", 404},
    {"RequestTimeTooSkewed", 403},
    {"RestoreAlreadyInProgress", 409},
    {"ServerSideEncryptionConfigurationNotFoundError", 404},
    {"ServiceUnavailable", 503},
    {"SignatureDoesNotMatch", 403},
    {"SlowDown", 503},
    {"TooManyBuckets", 400},
});

class RestXmlCodec final : public Codec {
 public:
  Result<Violations> read(const Routed& routed, const Operation& operation, void* input) const override {
    if (operation.input == nullptr) return Violations();
    const Shape& shape = *operation.input;
    const Member* payload = payload_member(shape);
    Result<Violations> body = Violations();
    if (payload == nullptr) {
      if (!routed.body.empty() && has_body_members(shape))
        body = read_xml(as_text(routed.body), shape, input,
                        {.root = shape.xml_name.empty() ? operation.input_root : shape.xml_name});
    } else if (!is_document(*payload)) {
      if (!routed.body.empty() || payload->shape->kind == Kind::Stream) body = read_raw(routed, *payload, input);
    } else if (!routed.body.empty()) {
      // Most clients of S3 name it after the member ("LifecycleConfiguration"), whatever its shape is called.
      body = read_xml(as_text(routed.body), *payload->shape, payload->ops->emplace(payload->slot(input)),
                      {.root = root_of(*payload), .or_root = payload->wire_name});
    }
    if (!body) return body;
    Violations violations = std::move(*body);
    auto bound = read_bindings(routed.request, routed.labels, shape, input);
    if (!bound) return bound;
    append(violations, std::move(*bound));
    return violations;
  }

  void write(const ServiceModel& model, const Operation& operation, const void* output, const std::string& request_id,
             net::Response& response) const override {
    response.status = operation.http_status;
    name_request(request_id, response);
    if (operation.output == nullptr) return;
    const Shape& shape = *operation.output;
    write_bindings(shape, output, response);
    const Member* payload = payload_member(shape);
    std::string& out = response.body;
    if (payload != nullptr) {
      const void* value = payload->find(output);
      if (value == nullptr) return;
      if (!is_document(*payload)) return write_raw(*payload, value, response);
      const auto root = model.signs_like_s3 ? payload->wire_name : root_of(*payload);
      const auto space = !payload->xml_namespace.empty()          ? payload->xml_namespace
                         : !payload->shape->xml_namespace.empty() ? payload->shape->xml_namespace
                                                                  : model.xml_namespace;
      out = kXmlDeclaration;
      write_xml(*payload->shape, value, root, space, out);
    } else if (has_body_members(shape)) {
      out = kXmlDeclaration;
      if (operation.output_root == "LocationConstraint") {
        // The one answer that is a text: GetBucketLocation.
        std::string text;
        if (const void* value = shape.members[0].find(output))
          write_scalar(*shape.members[0].shape, value, TimestampFormat::Unset, TimestampFormat::Unset, text);
        out += fmt::format("<LocationConstraint xmlns=\"{}\">{}</LocationConstraint>", model.xml_namespace, text);
      } else {
        const auto root = !operation.output_root.empty() ? operation.output_root
                          : !shape.xml_name.empty()      ? shape.xml_name
                                                         : shape.name;
        write_xml(shape, output, root, shape.xml_namespace.empty() ? model.xml_namespace : shape.xml_namespace, out);
      }
    } else {
      return;
    }
    if (!response.headers.contains("content-type")) response.headers.add("Content-Type", "application/xml");
  }

  void write_error(const ErrorAnswer& error, net::Response& response) const override {
    response.status = error.status;
    response.headers.set("Content-Type", "application/xml");
    name_request(error.request_id, response);
    if (error.shape != nullptr && error.structure != nullptr) write_bindings(*error.shape, error.structure, response);
    const bool renamed = error.shape != nullptr && !error.shape->error_code.empty();
    const auto code = renamed ? std::string(error.shape->error_code) : error.code;
    const bool is_s3 = error.model == nullptr || error.model->signs_like_s3;
    std::string& out = response.body;
    out = kXmlDeclaration;
    if (is_s3)
      out += "<Error>";
    else
      out += fmt::format("<ErrorResponse xmlns=\"{}\"><Error><Type>{}</Type>", error.model->xml_namespace,
                         error.status < 500 ? "Sender" : "Receiver");
    write_xml_element("Code", code, out);
    write_xml_element("Message", error.message, out);
    if (error.shape != nullptr && error.structure != nullptr) {
      const Member* text = nullptr;
      for (const auto& member : error.shape->members)
        if (net::equal_ignoring_case(member.name, "message")) text = &member;
      write_xml_members(*error.shape, error.structure, out, text);
    }
    for (const auto& [name, value] : error.elements) write_xml_element(name, value, out);
    if (is_s3) {
      if (error.elements.empty() && !error.resource.empty()) write_xml_element("Resource", error.resource, out);
      out += fmt::format("<RequestId>{}</RequestId><HostId>{}</HostId></Error>", error.request_id, error.request_id);
    } else {
      out += fmt::format("</Error><RequestId>{}</RequestId></ErrorResponse>", error.request_id);
    }
  }

  ErrorAnswer auth_error(const AuthProblem& problem) const override {
    ErrorAnswer answer{.code = "AccessDenied", .message = problem.message, .status = 403, .request_id = {}};
    switch (problem.failure) {
      case AuthFailure::Missing:
      case AuthFailure::AccessDenied:
        if (problem.failure == AuthFailure::Missing) answer.message = "Access Denied";
        break;
      case AuthFailure::Incomplete:
        answer.code = "AuthorizationHeaderMalformed";
        answer.status = 400;
        break;
      case AuthFailure::WrongAlgorithm:
        answer.code = "InvalidRequest";
        answer.message = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
        answer.status = 400;
        break;
      case AuthFailure::UnknownKey:
        answer.code = "InvalidAccessKeyId";
        answer.message = "The AWS Access Key Id you provided does not exist in our records.";
        break;
      case AuthFailure::BadToken:
        answer.code = "InvalidToken";
        answer.message = "The provided token is malformed or otherwise invalid.";
        answer.status = 400;
        break;
      case AuthFailure::ExpiredToken:
        answer.code = "ExpiredToken";
        answer.message = "The provided token has expired.";
        answer.status = 400;
        break;
      case AuthFailure::ScopeMismatch:
        answer.code = problem.presigned ? "AuthorizationQueryParametersError" : "AuthorizationHeaderMalformed";
        answer.status = 400;
        // Clients of S3 go by the element and try again.
        if (!problem.region.empty()) answer.elements.emplace_back("Region", problem.region);
        break;
      case AuthFailure::Expired:
      case AuthFailure::NotYetCurrent:
        if (problem.presigned) {
          answer.message = problem.failure == AuthFailure::Expired ? "Request has expired" : "Request is not yet valid";
        } else {
          answer.code = "RequestTimeTooSkewed";
          answer.message = "The difference between the request time and the current time is too large.";
        }
        break;
      case AuthFailure::WrongSignature:
        answer.code = "SignatureDoesNotMatch";
        answer.message =
            "The request signature we calculated does not match the signature you provided. Check your key and signing "
            "method.";
        break;
      case AuthFailure::PayloadMismatch:
        answer.code = "XAmzContentSHA256Mismatch";
        answer.message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
        answer.status = 400;
        break;
    }
    return answer;
  }

  ErrorAnswer violation_error(const Operation& operation, const std::vector<Violation>& violations) const override {
    ErrorAnswer answer{.code = "InvalidArgument", .message = validation_message(violations), .request_id = {}};
    const std::string& path = violations.front().path;
    const auto document =
        operation.input->payload.empty() ? std::string() : member_path({}, operation.input->payload) + ".";
    if (path == member_path({}, operation.input->payload)) {
      answer.code = "MissingRequestBodyError";
      answer.message = "Request Body is empty";
    } else if (path.ends_with("locationConstraint")) {
      answer.code = "InvalidLocationConstraint";
      answer.message = "The specified location-constraint is not valid";
    } else if (path == "storageClass") {
      answer.code = "InvalidStorageClass";
      answer.message = "The storage class you specified is not valid";
    } else if (!document.empty() && path.starts_with(document)) {
      answer.code = "MalformedXML";
      answer.message = "The XML you provided was not well-formed or did not validate against our published schema";
    }
    return answer;
  }

  void translate(ErrorAnswer& error) const override {
    struct Renamed {
      std::string_view from, to;
      int status;
      std::string_view message;
    };
    constexpr auto kRenamed = std::to_array<Renamed>({
        {"ValidationException", "InvalidArgument", 400, {}},
        {"SerializationException", "MalformedXML", 400, {}},
        {"InvalidChunk", "InvalidRequest", 400, {}},
        {"BodyTooLarge", "EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed object size."},
        {"RequestEntityTooLarge", "EntityTooLarge", 400, {}},
        {"BadRequest", "InvalidRequest", 400, {}},
        {"ConnectionClosed", "RequestTimeout", 400, {}},
        {"RequestTimeout", "RequestTimeout", 400,
         "Your socket connection to the server was not read from or written to within the timeout period."},
        {"ThrottlingException", "SlowDown", 503, "Please reduce your request rate."},
        {"ProvisionedThroughputExceededException", "SlowDown", 503, "Please reduce your request rate."},
        {"InternalFailure", "InternalError", 500, "We encountered an internal error. Please try again."},
    });
    if (error.code == "UnknownOperationException") {
      error.code = error.status == 501 ? "NotImplemented" : "MethodNotAllowed";
      return;
    }
    for (const auto& renamed : kRenamed) {
      if (error.code != renamed.from) continue;
      error.code = renamed.to;
      error.status = renamed.status;
      if (!renamed.message.empty()) error.message = renamed.message;
      return;
    }
    if (error.status != 400) return;
    const auto at = std::ranges::find(kS3Statuses, error.code, &CodeStatus::code);
    if (at != kS3Statuses.end()) error.status = at->status;
  }

 private:
  /// The element of a payload: the member's own name for it, else its shape's.
  static std::string_view root_of(const Member& payload) {
    if (payload.wire_name != payload.name) return payload.wire_name;
    return payload.shape->xml_name.empty() ? payload.shape->name : payload.shape->xml_name;
  }

  static void name_request(const std::string& request_id, net::Response& response) {
    response.headers.set("x-amz-request-id", request_id);
    response.headers.set("x-amz-id-2", request_id);
  }
};

}  // namespace

const Codec& rest_json_codec() {
  static const RestJsonCodec codec;
  return codec;
}

const Codec& rest_xml_codec() {
  static const RestXmlCodec codec;
  return codec;
}

}  // namespace likeness::aws
