#include "aws/codec.hpp"

#include <algorithm>

namespace likeness::aws {

ErrorAnswer Codec::violation_error(const Operation&, const std::vector<Violation>& violations) const {
  return {.code = "ValidationException", .message = validation_message(violations), .request_id = {}};
}

const Codec* codec_for(const ServiceModel& model, const net::Request&) {
  const auto speaks = [&](Protocol protocol) {
    return std::ranges::find(model.protocols, protocol) != model.protocols.end();
  };
  if (speaks(Protocol::Json)) return &json_codec(model.json_version);
  if (speaks(Protocol::RestJson)) return &rest_json_codec();
  if (speaks(Protocol::RestXml)) return &rest_xml_codec();
  if (speaks(Protocol::Query)) return &query_codec();
  return nullptr;
}

}  // namespace likeness::aws
