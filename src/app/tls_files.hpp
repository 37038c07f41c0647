#pragma once

#include <filesystem>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "config/settings.hpp"
#include "net/tls.hpp"

namespace likeness::app {

/// The certificate and key that the settings name, or the self-signed ones of DATA/tls, made there if they are missing,
/// about to end, or not for all names that are asked for. Errors "InvalidSetting", "InvalidCertificate",
/// "InvalidPrivateKey" say what to do.
Result<net::TlsIdentity> tls_identity(const config::Settings& settings, const std::filesystem::path& data,
                                      TimePoint now);

}  // namespace likeness::app
