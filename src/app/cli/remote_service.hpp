#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "app/cli/face_service.hpp"

namespace likeness::app {

/// Calls one operation of the API: its name and the JSON of its input, answered by the JSON of its output. Thread-safe.
/// Errors carry the modelled exception's name, or "Unreachable".
using CallApi = std::function<Result<std::string>(std::string_view operation, std::string_view input)>;

/// The commands' work done by a server. Photos that the API does not take (WebP, more than 5 MB) are sent as JPEG.
std::unique_ptr<FaceService> make_remote_service(CallApi call);

}  // namespace likeness::app
