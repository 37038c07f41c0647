#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "domain/lambda/model.hpp"

/// The values as the store keeps them: JSON objects, in which an unknown member is skipped and a missing one leaves the
/// default, so that members can be added without converting what is there.
namespace likeness::lambda {

/// Everything but its published versions, which are records of their own.
std::string encode(const Function& function);
Result<Function> decode_function(std::string_view text);

std::string encode(const Configuration& version);
Result<Configuration> decode_configuration(std::string_view text);

std::string encode(const LayerVersion& layer);
Result<LayerVersion> decode_layer(std::string_view text);

std::string encode(const Mapping& mapping);
Result<Mapping> decode_mapping(std::string_view text);

std::string encode(const CodeRef& code, std::string_view blob);
struct StoredCode {
  CodeRef code;
  std::string blob;
};
Result<StoredCode> decode_code(std::string_view text);

}  // namespace likeness::lambda
