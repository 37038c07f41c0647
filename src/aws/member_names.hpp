#pragma once

#include <string>
#include <string_view>

namespace likeness::aws {

/// What members are called in JSON.
enum class MemberNames {
  OfWire,  // as the service's protocol does; members that travel in the path, the query or headers are not there
  OfSdk,   // as the model does, in upper camel case, all of them; streams are strings, timestamps are ISO 8601
};

/// "stateMachineArn" -> "StateMachineArn".
inline std::string sdk_name(std::string_view name) {
  std::string out(name);
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

}  // namespace likeness::aws
