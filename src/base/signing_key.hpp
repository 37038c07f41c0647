#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/result.hpp"

namespace likeness {

/// An RSA key that signs messages (RSASSA-PKCS1-v1_5), and the certificate by which others check them. Immutable,
/// thread-safe.
class SigningKey {
 public:
  /// A new one of 2048 bits. Error "InternalError".
  static Result<SigningKey> make();
  /// As `pem` gave it. Error "InvalidPrivateKey".
  static Result<SigningKey> read(const std::string& pem);

  SigningKey(SigningKey&& other) noexcept;
  SigningKey& operator=(SigningKey&&) = delete;
  ~SigningKey();

  std::string pem() const;
  /// One that vouches for itself, in PEM.
  Result<std::string> certificate(const std::string& common_name, TimePoint now, std::chrono::hours lifetime) const;
  /// `digest`: Sha1 or Sha256. Empty if that fails.
  Bytes sign(Digest::Kind digest, std::string_view data) const;

 private:
  struct State;
  explicit SigningKey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace likeness
