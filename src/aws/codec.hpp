#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/router.hpp"
#include "aws/service.hpp"
#include "aws/sigv4.hpp"
#include "aws/types.hpp"
#include "aws/violation.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace likeness::aws {

/// An error on its way out.
struct ErrorAnswer {
  std::string code;
  std::string message;
  int status = 400;
  std::string request_id;
  const ServiceModel* model = nullptr;
  const Shape* shape = nullptr;  // of the modelled exception; null for errors of the framework
  ErrorForm form = ErrorForm::Standard;
  /// The exception's struct where it has more to tell than a message; its members are then written, `message` is not.
  const void* structure = nullptr;
  std::vector<std::pair<std::string, std::string>> elements = {};  // further ones, of protocols that have any
  std::string resource = {};                                       // the path that was asked for
};

/// A request that has found its operation.
struct Routed {
  const net::Request& request;
  std::span<const Label> labels = {};  // of the path
  BytesView body = {};                 // whole, unless the operation has a streaming member
  Stream stream = {};                  // for that member
};

/// One wire protocol: the only place that knows how inputs, outputs and errors look in bytes. Stateless.
class Codec {
 public:
  virtual ~Codec() = default;

  /// Reads the request's input. Errors are those of syntax; violations those that only the reader can see.
  virtual Result<std::vector<Violation>> read(const Routed& routed, const Operation& operation, void* input) const = 0;
  virtual void write(const ServiceModel& model, const Operation& operation, const void* output,
                     const std::string& request_id, net::Response& response) const = 0;
  virtual void write_error(const ErrorAnswer& error, net::Response& response) const = 0;
  /// What this protocol calls a request whose signature is refused. The status is that of the answer.
  virtual ErrorAnswer auth_error(const AuthProblem& problem) const = 0;
  /// What this protocol says of an input that breaks the model.
  virtual ErrorAnswer violation_error(const Operation& operation, const std::vector<Violation>& violations) const;
  /// The chain names its own errors as the JSON services do ("ValidationException"); this gives them the code, status
  /// and text that this protocol's services have.
  virtual void translate(ErrorAnswer&) const {}
};

/// What the query protocol calls an error that no model has and the JSON services name `code`; empty: the same.
std::string_view framework_query_code(std::string_view code);

/// json 1.0 or 1.1: `version` becomes part of the content type.
const Codec& json_codec(std::string_view version);
const Codec& query_codec();
const Codec& cbor_codec();
const Codec& rest_json_codec();
const Codec& rest_xml_codec();

/// The codec for a request to a service. Null if nothing that the service speaks is built in.
const Codec* codec_for(const ServiceModel& model, const net::Request& request);

}  // namespace likeness::aws
