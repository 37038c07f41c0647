#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "aws/credentials.hpp"
#include "aws/sigv4.hpp"
#include "base/clock.hpp"
#include "net/http.hpp"

namespace likeness::aws {

/// How the body is tied to the signature.
enum class PayloadForm {
  Hashed,           // by its SHA-256
  Unsigned,         // not at all
  SignedChunks,     // STREAMING-AWS4-HMAC-SHA256-PAYLOAD: aws-chunked, each chunk signed
  SignedTrailer,    // ...-TRAILER: also a signed trailer after the last chunk
  UnsignedTrailer,  // STREAMING-UNSIGNED-PAYLOAD-TRAILER: aws-chunked, with a checksum in the trailer
};

/// What checking the chunks of a body needs; made by the verifier.
struct ChunkSigning {
  Sha256 key{};
  std::string timestamp;
  std::string scope;
  std::string seed_signature;
};

/// A request whose signature is right.
struct Verified {
  std::string access_key_id;
  policy::Principal principal;
  bool presigned = false;
  PayloadForm payload = PayloadForm::Hashed;
  /// Hex, of a body that was not there yet to be hashed (net::Request::stream): whoever reads it has to compare.
  std::string expected_sha256;
  ChunkSigning chunks;  // of SignedChunks and SignedTrailer
};

/// What a service demands of signatures.
struct SignatureDemands {
  std::string service;  // name in the scope
  SignatureRules rules = {};
  bool allow_unsigned_payload = false;  // S3
  bool global = false;                  // IAM and STS: signed for us-east-1 wherever the client is
};

/// Checks signatures against the known keys. Keeps the derived signing keys of recent scopes. Thread-safe.
class SignatureVerifier {
 public:
  SignatureVerifier(const CredentialSource& credentials, std::string region, std::chrono::seconds skew);

  AuthResult<Verified> verify(const net::Request& request, const SignatureDemands& demands, TimePoint now) const;

  /// URLs of S3 that are signed with version 2. `domains`: see parse_s3_host().
  AuthResult<Verified> verify_old_url(const net::Request& request, const std::vector<std::string>& domains,
                                      TimePoint now) const;

 private:
  Sha256 key_for(const AccessKey& key, const Scope& scope) const;

  const CredentialSource& credentials_;
  const std::string region_;
  const std::chrono::seconds skew_;

  static constexpr std::size_t kKeysKept = 1024;
  struct Derived {
    std::string secret;  // of which it was derived: a key may be replaced
    Sha256 key;
  };
  mutable std::mutex mutex_;
  mutable std::map<std::string, Derived> keys_;  // by key id and scope
};

}  // namespace likeness::aws
