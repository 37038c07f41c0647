#include "aws/signature_verifier.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "aws/s3_host.hpp"
#include "aws/sigv2.hpp"
#include "aws/timestamps.hpp"

namespace likeness::aws {
namespace {

tl::unexpected<AuthProblem> refuse(AuthFailure failure, std::string message) {
  return tl::unexpected(AuthProblem{failure, std::move(message)});
}

constexpr std::string_view kWrongSignature =
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and "
    "signing method. Consult the service documentation for details.";
/// Where AWS keeps the services that are the same in all regions, and what the SDK for Java calls that when it is sent
/// to an endpoint of one's own.
bool is_global(std::string_view region) { return region == "us-east-1" || region == "aws-global"; }
constexpr std::string_view kUnknownKey = "The security token included in the request is invalid.";

std::optional<PayloadForm> payload_form(std::string_view word) {
  if (word == kUnsignedPayload) return PayloadForm::Unsigned;
  if (word == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") return PayloadForm::SignedChunks;
  if (word == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") return PayloadForm::SignedTrailer;
  if (word == "STREAMING-UNSIGNED-PAYLOAD-TRAILER") return PayloadForm::UnsignedTrailer;
  return std::nullopt;
}

}  // namespace

SignatureVerifier::SignatureVerifier(const CredentialSource& credentials, std::string region, std::chrono::seconds skew)
    : credentials_(credentials), region_(std::move(region)), skew_(skew) {}

Sha256 SignatureVerifier::key_for(const AccessKey& key, const Scope& scope) const {
  const std::string name = key.id + "/" + scope.text();
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = keys_.find(name); at != keys_.end() && at->second.secret == key.secret) return at->second.key;
  }
  const Sha256 derived = signing_key(key.secret, scope);
  const std::lock_guard lock(mutex_);
  // A day brings one scope per key and service; when that many are there, most are of days gone by.
  if (keys_.size() >= kKeysKept) keys_.clear();
  keys_.insert_or_assign(name, Derived{key.secret, derived});
  return derived;
}

AuthResult<Verified> SignatureVerifier::verify(const net::Request& request, const SignatureDemands& demands,
                                               TimePoint now) const {
  auto read = read_claim(request);
  if (!read) return tl::unexpected(std::move(read.error()));
  const SignatureClaim& claim = *read;

  if (claim.scope.date != std::string_view(claim.timestamp).substr(0, 8))
    return refuse(
        AuthFailure::ScopeMismatch,
        fmt::format("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                    "'{}' != '{}', from '{}'.",
                    claim.scope.date, claim.timestamp.substr(0, 8), claim.timestamp));
  if (claim.scope.region != region_ && !(demands.global && is_global(claim.scope.region)))
    return tl::unexpected(AuthProblem{.failure = AuthFailure::ScopeMismatch,
                                      .message = fmt::format("Credential should be scoped to a valid region, not '{}'.",
                                                             claim.scope.region.substr(0, 64)),
                                      .region = region_});
  if (claim.scope.service != demands.service)
    return refuse(AuthFailure::ScopeMismatch,
                  fmt::format("Credential should be scoped to correct service: '{}'.", demands.service));
  if (std::ranges::find(claim.signed_headers, "host") == claim.signed_headers.end())
    return refuse(AuthFailure::WrongSignature,
                  "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");

  const auto key = credentials_.find(claim.access_key_id, claim.session_token);
  // Whose token is not known may have a key that is.
  if (!key)
    return refuse(claim.session_token.empty() ? AuthFailure::UnknownKey : AuthFailure::BadToken,
                  std::string(kUnknownKey));
  if (!equal_in_constant_time(key->session_token, claim.session_token))
    return refuse(AuthFailure::BadToken, std::string(kUnknownKey));

  if (key->expires && now >= *key->expires)
    return refuse(AuthFailure::ExpiredToken, "The security token included in the request is expired");

  const auto signed_at = *parse_iso8601_basic(claim.timestamp);
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(skew_).count();
  if (signed_at > now + skew_)
    return refuse(AuthFailure::NotYetCurrent,
                  fmt::format("Signature not yet current: {} is still later than {} ({} + {} min.)", claim.timestamp,
                              iso8601_basic(now + skew_), iso8601_basic(now), minutes));
  if (claim.presigned) {
    const auto ends = signed_at + std::chrono::seconds(claim.expires);
    if (now > ends)
      return refuse(AuthFailure::Expired, fmt::format("Signature expired: {} is now earlier than {}",
                                                      iso8601_basic(ends), iso8601_basic(now)));
  } else if (signed_at < now - skew_) {
    return refuse(AuthFailure::Expired,
                  fmt::format("Signature expired: {} is now earlier than {} ({} - {} min.)", claim.timestamp,
                              iso8601_basic(now - skew_), iso8601_basic(now), minutes));
  }

  Verified verified;
  verified.access_key_id = key->id;
  verified.principal = key->principal;
  verified.presigned = claim.presigned;
  const auto form = payload_form(claim.payload);
  std::string payload = claim.payload;
  bool body_differs = false;
  if (form && demands.allow_unsigned_payload) {
    verified.payload = *form;
  } else if (request.stream != nullptr && !claim.payload.empty()) {
    verified.expected_sha256 = claim.payload;
  } else if (claim.presigned && demands.allow_unsigned_payload && claim.payload.empty()) {
    // S3 signs URLs without knowing the body.
    verified.payload = PayloadForm::Unsigned;
    payload = kUnsignedPayload;
  } else {
    // The hash is ours to compute; one that the client sent besides is only compared.
    const std::string actual = request.body.empty() ? std::string(kEmptySha256) : to_hex(sha256(request.body));
    body_differs = !claim.payload.empty() && claim.payload != actual;
    if (claim.payload.empty()) payload = actual;
  }

  const Sha256 derived = key_for(*key, claim.scope);
  const auto matches = [&](std::string_view left_out) {
    const auto canonical = canonical_request(request, claim.signed_headers, payload, demands.rules, left_out);
    return equal_in_constant_time(signature_of(derived, string_to_sign(claim.timestamp, claim.scope, canonical)),
                                  claim.signature);
  };
  // Some services' clients add the session token to a presigned query after signing; the token was checked above.
  const bool right =
      matches({}) || (claim.presigned && !claim.session_token.empty() && matches("X-Amz-Security-Token"));
  if (!right) return refuse(AuthFailure::WrongSignature, std::string(kWrongSignature));
  if (body_differs)
    return refuse(AuthFailure::PayloadMismatch,
                  "The provided 'x-amz-content-sha256' header does not match what was computed.");

  if (verified.payload == PayloadForm::SignedChunks || verified.payload == PayloadForm::SignedTrailer)
    verified.chunks = {derived, claim.timestamp, claim.scope.text(), claim.signature};
  return verified;
}

AuthResult<Verified> SignatureVerifier::verify_old_url(const net::Request& request,
                                                       const std::vector<std::string>& domains, TimePoint now) const {
  const auto claim = read_url_claim_v2(request);
  if (!claim)
    return refuse(AuthFailure::Incomplete,
                  "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters");
  const auto key = credentials_.find(claim->access_key_id, claim->session_token);
  if (!key) return refuse(AuthFailure::UnknownKey, std::string(kUnknownKey));
  if (!equal_in_constant_time(key->session_token, claim->session_token))
    return refuse(AuthFailure::BadToken, std::string(kUnknownKey));
  if (key->expires && now >= *key->expires)
    return refuse(AuthFailure::ExpiredToken, "The security token included in the request is expired");
  if (now > TimePoint(std::chrono::seconds(claim->expires))) return refuse(AuthFailure::Expired, "Request has expired");
  const auto host = parse_s3_host(request.headers.get("host"), domains);
  if (!equal_in_constant_time(signature_v2(key->secret, string_to_sign_v2(request, host.bucket)), claim->signature))
    return refuse(AuthFailure::WrongSignature, std::string(kWrongSignature));
  return Verified{.access_key_id = key->id,
                  .principal = key->principal,
                  .presigned = true,
                  .payload = PayloadForm::Unsigned,
                  .expected_sha256 = {},
                  .chunks = {}};
}

}  // namespace likeness::aws
