#include "aws/codec.hpp"

#include <algorithm>

namespace likeness::aws {

ErrorAnswer Codec::violation_error(const Operation&, const std::vector<Violation>& violations) const {
  return {.code = "ValidationException", .message = validation_message(violations), .request_id = {}};
}

std::string_view framework_query_code(std::string_view code) {
  struct Pair {
    std::string_view json, query;
  };
  static constexpr Pair kPairs[] = {{"AccessDeniedException", "AccessDenied"},
                                    {"ExpiredTokenException", "ExpiredToken"},
                                    {"IncompleteSignatureException", "IncompleteSignature"},
                                    {"InvalidParameterValueException", "InvalidParameterValue"},
                                    {"InvalidSignatureException", "SignatureDoesNotMatch"},
                                    {"MissingAuthenticationTokenException", "MissingAuthenticationToken"},
                                    {"MissingRequiredParameterException", "MissingParameter"},
                                    {"ThrottlingException", "Throttling"},
                                    {"UnknownOperationException", "InvalidAction"},
                                    {"UnrecognizedClientException", "InvalidClientTokenId"},
                                    {"ValidationException", "ValidationError"}};
  for (const auto& [json, query] : kPairs)
    if (code == json) return query;
  return {};
}

const Codec* codec_for(const ServiceModel& model, const net::Request& request) {
  const auto speaks = [&](Protocol protocol) {
    return std::ranges::find(model.protocols, protocol) != model.protocols.end();
  };
  // Of a service that speaks several, the request's own form tells.
  if (speaks(Protocol::Cbor) && request.headers.get("smithy-protocol") == "rpc-v2-cbor") return &cbor_codec();
  if (speaks(Protocol::Query) && !request.headers.contains("x-amz-target") &&
      (request.headers.get("content-type").starts_with("application/x-www-form-urlencoded") ||
       request.query().find("Action=") != std::string_view::npos))
    return &query_codec();
  if (speaks(Protocol::Json)) return &json_codec(model.json_version);
  if (speaks(Protocol::RestJson)) return &rest_json_codec();
  if (speaks(Protocol::RestXml)) return &rest_xml_codec();
  if (speaks(Protocol::Query)) return &query_codec();
  if (speaks(Protocol::Cbor)) return &cbor_codec();
  return nullptr;
}

}  // namespace likeness::aws
