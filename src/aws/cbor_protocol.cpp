#include <fmt/format.h>

#include "aws/cbor.hpp"
#include "aws/codec.hpp"

namespace likeness::aws {
namespace {

/// Smithy RPC v2 CBOR: "POST /service/SERVICE/operation/OPERATION", everything else in the body.
class CborCodec final : public Codec {
 public:
  Result<std::vector<Violation>> read(const Routed& routed, const Operation& operation, void* input) const override {
    // Operations without input are called without a body.
    if (operation.input == nullptr || routed.body.empty()) return std::vector<Violation>();
    return read_cbor(routed.body, *operation.input, input);
  }

  void write(const ServiceModel&, const Operation& operation, const void* output, const std::string& request_id,
             net::Response& response) const override {
    head(200, request_id, response);
    std::string& out = response.body;
    out.reserve(256);
    if (operation.output == nullptr)
      write_cbor_map_head(0, out);
    else
      write_cbor(*operation.output, output, out);
  }

  void write_error(const ErrorAnswer& error, net::Response& response) const override {
    head(error.status, error.request_id, response);
    if (error.model != nullptr && error.model->query_compatible) {
      // SDKs know these errors by the codes of the query protocol, which the service spoke before.
      const auto code = error.shape != nullptr ? error.shape->error_code : framework_query_code(error.code);
      if (!code.empty())
        response.headers.set("x-amzn-query-error",
                             fmt::format("{};{}", code, error.status < 500 ? "Sender" : "Receiver"));
    }
    const std::string type = error.shape != nullptr && error.model != nullptr
                                 ? fmt::format("com.amazonaws.{}#{}", error.model->id, error.shape->name)
                                 : fmt::format("com.amazon.coral.service#{}", error.code);
    std::string& out = response.body;
    out.clear();
    if (error.structure != nullptr && error.shape != nullptr)
      return write_cbor_with("__type", type, *error.shape, error.structure, out);
    std::string_view message = "message";
    if (error.shape != nullptr)
      for (const auto& member : error.shape->members)
        if (net::equal_ignoring_case(member.name, "message")) message = member.wire_name;
    write_cbor_map_head(2, out);
    write_cbor_text("__type", out);
    write_cbor_text(type, out);
    write_cbor_text(message, out);
    write_cbor_text(error.message, out);
  }

  ErrorAnswer auth_error(const AuthProblem& problem) const override { return json_codec("1.0").auth_error(problem); }

 private:
  static void head(int status, const std::string& request_id, net::Response& response) {
    response.status = status;
    response.headers.set("Content-Type", "application/cbor");
    response.headers.set("smithy-protocol", "rpc-v2-cbor");
    response.headers.set("x-amzn-RequestId", request_id);
  }
};

}  // namespace

const Codec& cbor_codec() {
  static const CborCodec codec;
  return codec;
}

}  // namespace likeness::aws
