#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "policy/principal.hpp"

namespace likeness::aws {

/// An access key and whom it stands for.
struct AccessKey {
  std::string id;
  std::string secret;
  std::string session_token;  // empty for long-term keys
  policy::Principal principal = {};
  std::optional<TimePoint> expires = std::nullopt;  // of temporary ones
};

/// Finds keys by their id. Thread-safe.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  /// Nullopt for an id that nobody has (any more), and for temporary ones if the token is not theirs. An expired key is
  /// found: the verifier tells.
  virtual std::optional<AccessKey> find(std::string_view access_key_id, std::string_view session_token) const = 0;
};

/// Keys held in memory.
class StaticCredentials final : public CredentialSource {
 public:
  void add(AccessKey key);
  std::optional<AccessKey> find(std::string_view access_key_id, std::string_view session_token = {}) const override;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, AccessKey, std::less<>> keys_;
};

/// The root key of this installation: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment if both are set,
/// else that of `folder`/credentials, else a random one. Written to `folder`/credentials (mode 0600, AWS profile
/// format, with endpoint and region, so that AWS_SHARED_CREDENTIALS_FILE may point at it).
Result<AccessKey> load_or_create_root_key(const std::filesystem::path& folder, const std::string& account,
                                          const std::string& region);

}  // namespace likeness::aws
