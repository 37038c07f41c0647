#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/credentials.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "net/http.hpp"

/// AWS Signature Version 4, the arithmetic: what is signed, with which key, and how a request carries it.
/// Source: AWS General Reference, "Create a signed AWS API request"; Amazon S3 API Reference, "Authenticating
/// Requests".
namespace likeness::aws {

inline constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view kEmptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// S3 signs its paths as they are; every other service collapses "//", "." and ".." and encodes a second time.
struct SignatureRules {
  bool normalize_path = true;
  bool double_encode = true;
};
inline constexpr SignatureRules kS3Rules{false, false};

/// What a signing key is good for.
struct Scope {
  std::string date;  // "20150830"
  std::string region;
  std::string service;

  /// "20150830/us-east-1/service/aws4_request".
  std::string text() const;
};

/// What a request says of its own signature.
struct SignatureClaim {
  std::string access_key_id;
  Scope scope;
  std::vector<std::string> signed_headers;  // lower case, in the order sent
  std::string signature;                    // hex
  std::string timestamp;                    // "20150830T123600Z"
  std::string session_token;                // empty: none
  bool presigned = false;                   // in the query instead of the header
  std::int64_t expires = 0;                 // seconds, of a presigned request
  std::string payload;                      // x-amz-content-sha256: a hash in hex, or one of the words; may be empty
};

enum class AuthFailure {
  Missing,         // no signature at all
  Incomplete,      // one that lacks parts or cannot be read
  WrongAlgorithm,  // another one than AWS4-HMAC-SHA256
  UnknownKey,
  BadToken,      // the session token is not the key's
  ExpiredToken,  // temporary credentials past their end
  ScopeMismatch,
  Expired,
  NotYetCurrent,
  WrongSignature,
  PayloadMismatch,  // the body is not the one whose hash was signed
  AccessDenied,     // signed well, but the policies do not allow it
};
struct AuthProblem {
  AuthFailure failure;
  std::string message;
  bool presigned = false;
  std::string region = {};  // of a wrong scope: the right one
};
template <class T>
using AuthResult = tl::expected<T, AuthProblem>;

/// The claim in the Authorization header or in the query.
AuthResult<SignatureClaim> read_claim(const net::Request& request);

/// `without_query`: one parameter that is left out besides X-Amz-Signature.
std::string canonical_request(const net::Request& request, const std::vector<std::string>& signed_headers,
                              std::string_view payload_hash, const SignatureRules& rules,
                              std::string_view without_query = {});
std::string string_to_sign(std::string_view timestamp, const Scope& scope, std::string_view canonical);
Sha256 signing_key(std::string_view secret, const Scope& scope);
/// Hex.
std::string signature_of(BytesView key, std::string_view text);

/// Everything but A-Z a-z 0-9 - . _ ~ (and '/' if `keep_slash`) as %XX.
std::string uri_encode(std::string_view text, bool keep_slash = false);

// -- signing, for clients and tests

struct SigningOptions {
  std::string region;
  std::string service;
  TimePoint time;
  SignatureRules rules = {};
  /// Adds x-amz-content-sha256, which S3 demands.
  bool sign_payload_header = false;
  /// The payload as signed, instead of the hash of the body: "UNSIGNED-PAYLOAD", "STREAMING-...".
  std::string payload = {};
  /// Headers to be signed; empty: all but those that proxies change.
  std::vector<std::string> signed_headers = {};
  /// Adds the session token to what is sent but not to what is signed.
  bool omit_session_token = false;
};

/// Adds X-Amz-Date, X-Amz-Security-Token where the key has one, and Authorization. The Host header must be there.
/// Returns the signature, which signed chunks start from.
std::string sign_headers(net::Request& request, const AccessKey& key, const SigningOptions& options);

/// Puts the signature into the query; good for `expires` seconds.
std::string sign_query(net::Request& request, const AccessKey& key, const SigningOptions& options,
                       std::int64_t expires);

}  // namespace likeness::aws
