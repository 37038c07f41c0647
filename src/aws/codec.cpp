#include "aws/codec.hpp"

#include <algorithm>

namespace likeness::aws {

const Codec* codec_for(const ServiceModel& model, const net::Request&) {
  const auto speaks = [&](Protocol protocol) {
    return std::ranges::find(model.protocols, protocol) != model.protocols.end();
  };
  if (speaks(Protocol::Json)) return &json_codec(model.json_version);
  if (speaks(Protocol::Query)) return &query_codec();
  return nullptr;
}

}  // namespace likeness::aws
