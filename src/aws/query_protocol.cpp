#include <fmt/format.h>

#include "aws/codec.hpp"
#include "aws/exceptions.hpp"
#include "aws/form.hpp"
#include "aws/xml_writer.hpp"

namespace likeness::aws {
namespace {

const Member* message_member(const Shape& shape) {
  for (const auto& member : shape.members)
    if (net::equal_ignoring_case(member.name, "message")) return &member;
  return nullptr;
}

/// AWS query: forms in, XML out. The operation is the parameter Action.
class QueryCodec final : public Codec {
 public:
  Result<std::vector<Violation>> read(const Routed& routed, const Operation& operation, void* input) const override {
    if (operation.input == nullptr) return std::vector<Violation>();
    return read_form(as_text(routed.body), routed.request.query(), *operation.input, input);
  }

  void write(const ServiceModel& model, const Operation& operation, const void* output, const std::string& request_id,
             net::Response& response) const override {
    head(200, request_id, response);
    std::string& out = response.body;
    out.reserve(512);
    out += fmt::format("<{}Response xmlns=\"{}\">", operation.name, model.xml_namespace);
    if (operation.output != nullptr) {
      const auto wrapper = operation.result_wrapper.empty() ? std::string(operation.name) + "Result"
                                                            : std::string(operation.result_wrapper);
      write_xml(*operation.output, output, wrapper, {}, out);
    }
    out += fmt::format("<ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata></{}Response>", request_id,
                       operation.name);
  }

  void write_error(const ErrorAnswer& error, net::Response& response) const override {
    head(error.status, error.request_id, response);
    std::string& out = response.body;
    out = "<ErrorResponse";
    if (error.model != nullptr) out += fmt::format(" xmlns=\"{}\"", error.model->xml_namespace);
    out += fmt::format("><Error><Type>{}</Type>", error.status < 500 ? "Sender" : "Receiver");
    const bool renamed = error.shape != nullptr && !error.shape->error_code.empty();
    write_xml_element("Code", renamed ? error.shape->error_code : error.code, out);
    write_xml_element("Message", error.message, out);
    if (error.structure != nullptr) write_xml_members(*error.shape, error.structure, out, message_member(*error.shape));
    for (const auto& [name, value] : error.elements) write_xml_element(name, value, out);
    out += fmt::format("</Error><RequestId>{}</RequestId></ErrorResponse>", error.request_id);
  }

  ErrorAnswer auth_error(const AuthProblem& problem) const override {
    ErrorAnswer answer{.code = "SignatureDoesNotMatch", .message = problem.message, .status = 403, .request_id = {}};
    switch (problem.failure) {
      case AuthFailure::Missing:
        answer.code = "MissingAuthenticationToken";
        answer.message = "Request is missing Authentication Token";
        break;
      case AuthFailure::Incomplete:
      case AuthFailure::WrongAlgorithm:
        answer.code = "IncompleteSignature";
        answer.status = 400;
        break;
      case AuthFailure::UnknownKey:
      case AuthFailure::BadToken: answer.code = "InvalidClientTokenId"; break;
      case AuthFailure::ExpiredToken: answer.code = "ExpiredToken"; break;
      case AuthFailure::AccessDenied: answer.code = "AccessDenied"; break;
      case AuthFailure::ScopeMismatch:
      case AuthFailure::Expired:
      case AuthFailure::NotYetCurrent:
      case AuthFailure::WrongSignature:
      case AuthFailure::PayloadMismatch: break;
    }
    return answer;
  }

  void translate(ErrorAnswer& error) const override {
    if (const auto code = framework_query_code(error.code); !code.empty()) error.code = code;
  }

 private:
  static void head(int status, const std::string& request_id, net::Response& response) {
    response.status = status;
    response.headers.set("Content-Type", "text/xml");
    response.headers.set("x-amzn-RequestId", request_id);
  }
};

}  // namespace

const Codec& query_codec() {
  static const QueryCodec codec;
  return codec;
}

}  // namespace likeness::aws
