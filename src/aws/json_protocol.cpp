#include <fmt/format.h>

#include "aws/codec.hpp"
#include "aws/event_stream.hpp"
#include "aws/json_reader.hpp"
#include "aws/json_writer.hpp"

namespace likeness::aws {
namespace {

std::string_view auth_code(AuthFailure failure) {
  switch (failure) {
    case AuthFailure::Missing: return "MissingAuthenticationTokenException";
    case AuthFailure::Incomplete:
    case AuthFailure::WrongAlgorithm: return "IncompleteSignatureException";
    case AuthFailure::UnknownKey:
    case AuthFailure::BadToken: return "UnrecognizedClientException";
    case AuthFailure::ExpiredToken: return "ExpiredTokenException";
    case AuthFailure::AccessDenied: return "AccessDeniedException";
    case AuthFailure::ScopeMismatch:
    case AuthFailure::Expired:
    case AuthFailure::NotYetCurrent:
    case AuthFailure::WrongSignature:
    case AuthFailure::PayloadMismatch: break;
  }
  return "InvalidSignatureException";
}

/// The error's code in the query protocol; empty if no other is known.
std::string_view query_code(const ErrorAnswer& error) {
  return error.shape != nullptr ? error.shape->error_code : framework_query_code(error.code);
}

/// The name that the model gives to an exception's text: "message" or "Message".
std::string_view message_name(const ErrorAnswer& error) {
  if (error.shape != nullptr) {
    for (const auto& member : error.shape->members)
      if (net::equal_ignoring_case(member.name, "message")) return member.wire_name;
  }
  // The framework's own way: recorded answers have "Message" in these and "message" in the others.
  return error.code == "SerializationException" || error.code == "AccessDeniedException" ? "Message" : "message";
}

/// AWS JSON 1.0 and 1.1: everything in the body, the operation in X-Amz-Target.
class JsonCodec final : public Codec {
 public:
  explicit JsonCodec(std::string_view version)
      : content_type_(fmt::format("application/x-amz-json-{}", version)), qualifies_(version == "1.0") {}

  Result<std::vector<Violation>> read(const Routed& routed, const Operation& operation, void* input) const override {
    // Services take no body at all for {}.
    if (operation.input == nullptr || routed.body.empty()) return std::vector<Violation>();
    return read_json(as_text(routed.body), *operation.input, input);
  }

  void write(const ServiceModel&, const Operation& operation, const void* output, const std::string& request_id,
             net::Response& response) const override {
    head(200, request_id, response);
    response.body.reserve(256);
    if (operation.output == nullptr) {
      response.body = "{}";
      return;
    }
    // Where the answer is a stream of events it is the whole body; its first message is the provider's to write.
    for (const auto& member : operation.output->members) {
      const void* value = member.shape->is_event_stream ? member.find(output) : nullptr;
      if (value == nullptr) continue;
      response.stream = static_cast<const Stream*>(value)->reader;
      response.headers.set("Content-Type", std::string(kEventStreamType));
      return;
    }
    write_json(*operation.output, output, response.body);
  }

  void write_error(const ErrorAnswer& error, net::Response& response) const override {
    head(error.status, error.request_id, response);
    std::string& out = response.body;
    out = "{\"__type\":";
    const bool has_codes = error.model != nullptr && error.model->query_compatible;
    if (has_codes) {
      // SDKs know these errors by the codes of the query protocol, which the services spoke before.
      if (const auto code = query_code(error); !code.empty())
        response.headers.set("x-amzn-query-error",
                             fmt::format("{};{}", code, error.status < 500 ? "Sender" : "Receiver"));
    }
    write_json_string(type_of(error, has_codes), out);
    if (error.structure != nullptr && error.shape != nullptr) {
      write_json_members(*error.shape, error.structure, out, false);
      out += '}';
      return;
    }
    const bool with_logref = error.form == ErrorForm::CodeAndLogref && error.shape != nullptr;
    if (with_logref) {
      out += ",\"Code\":";
      write_json_string(error.code, out);
      out += ",\"Logref\":";
      write_json_string(error.request_id, out);
    }
    out += ',';
    write_json_string(with_logref ? "Message" : message_name(error), out);
    out += ':';
    write_json_string(error.message, out);
    out += '}';
  }

  ErrorAnswer auth_error(const AuthProblem& problem) const override {
    ErrorAnswer answer{
        .code = std::string(auth_code(problem.failure)), .message = problem.message, .status = 400, .request_id = {}};
    if (qualifies_ && problem.failure == AuthFailure::Missing)
      answer.message = "Request is missing Authentication Token";
    return answer;
  }

 private:
  /// Services of JSON 1.0 say whose error it is where it is not of their model, those that spoke the query protocol in
  /// any case; SDKs take off what stands before "#".
  std::string type_of(const ErrorAnswer& error, bool names_model) const {
    if (error.shape != nullptr)
      return names_model ? fmt::format("com.amazonaws.{}#{}", error.model->id, error.shape->name) : error.code;
    if (!qualifies_ && !names_model) return error.code;
    const bool of_input = error.code == "ValidationException" && !names_model;
    return fmt::format("com.amazon.coral.{}#{}", of_input ? "validate" : "service", error.code);
  }

  void head(int status, const std::string& request_id, net::Response& response) const {
    response.status = status;
    response.headers.set("Content-Type", content_type_);
    response.headers.set("x-amzn-RequestId", request_id);
  }

  const std::string content_type_;
  const bool qualifies_;
};

}  // namespace

const Codec& json_codec(std::string_view version) {
  static const JsonCodec json_1_0("1.0");
  static const JsonCodec json_1_1("1.1");
  return version == "1.0" ? json_1_0 : json_1_1;
}

}  // namespace likeness::aws
