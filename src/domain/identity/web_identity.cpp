#include "domain/identity/web_identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <vector>

#include "base/bytes.hpp"
#include "base/rsa.hpp"

namespace likeness::identity {
namespace json = boost::json;
namespace {

Failure refused(std::string message, std::string detail = {}) {
  return Failure(Error{"InvalidIdentityToken", std::move(message), Error::Fault::Client, std::move(detail)});
}

Failure not_a_token() {
  return refused("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)");
}

/// RFC 7515: base 64 of URLs, without padding.
std::optional<Bytes> from_base64url(std::string_view text) {
  std::string standard(text);
  std::ranges::replace(standard, '-', '+');
  std::ranges::replace(standard, '_', '/');
  while (standard.size() % 4 != 0) standard += '=';
  return from_base64(standard);
}

std::optional<json::object> object_of(std::string_view encoded) {
  const auto bytes = from_base64url(encoded);
  if (!bytes) return std::nullopt;
  const auto text = as_text(*bytes);
  json::error_code error;
  auto value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::string text_of(const json::object& object, json::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

std::optional<TimePoint> time_of(const json::object& object, json::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  json::error_code error;
  const auto count = value->to_number<std::int64_t>(error);
  // Beyond these the clock of nanoseconds ends.
  if (error || count < 0 || count > 9'000'000'000) return std::nullopt;
  return TimePoint(std::chrono::seconds(count));
}

/// "aud" is a text or a list of them.
std::vector<std::string> audiences(const json::object& claims) {
  std::vector<std::string> out;
  const auto* value = claims.if_contains("aud");
  if (value == nullptr) return out;
  if (value->is_string()) out.push_back(text_of(claims, "aud"));
  if (value->is_array())
    for (const auto& item : value->get_array())
      if (item.is_string()) out.emplace_back(item.get_string().data(), item.get_string().size());
  return out;
}

/// Does a key of the set, that of the token's "kid", confirm the signature?
bool confirmed(const std::string& key_set, const std::string& kid, std::string_view signed_text, BytesView signature) {
  json::error_code error;
  const auto parsed = json::parse(key_set, error);
  const auto* keys = !error && parsed.is_object() ? parsed.get_object().if_contains("keys") : nullptr;
  if (keys == nullptr || !keys->is_array()) return false;
  return std::ranges::any_of(keys->get_array(), [&](const json::value& item) {
    if (!item.is_object()) return false;
    const auto& key = item.get_object();
    if (text_of(key, "kty") != "RSA" || (!kid.empty() && text_of(key, "kid") != kid)) return false;
    const auto modulus = from_base64url(text_of(key, "n"));
    const auto exponent = from_base64url(text_of(key, "e"));
    return modulus && exponent && verify_rs256(*modulus, *exponent, as_bytes(signed_text), signature);
  });
}

}  // namespace

std::optional<std::string> TokenKeysInFolder::key_set(std::string_view issuer) const {
  constexpr std::size_t kMaxBytes = 256 * 1024;
  std::string name(issuer);
  std::ranges::replace(name, '/', '_');
  if (name.empty() || name.front() == '.') return std::nullopt;
  std::ifstream file(folder_ / (name + ".json"), std::ios::binary);
  if (!file) return std::nullopt;
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (text.size() > kMaxBytes) return std::nullopt;
  return text;
}

Result<WebIdentity> WebIdentities::verify(const State& state, std::string_view token, TimePoint now) const {
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) return not_a_token();
  const auto head = object_of(token.substr(0, first));
  const auto claims = object_of(token.substr(first + 1, second - first - 1));
  const auto signature = from_base64url(token.substr(second + 1));
  if (!head || !claims || !signature) return not_a_token();
  if (text_of(*head, "alg") != "RS256")
    return refused("The ID Token is signed with an algorithm that is not supported: only RS256 is.");

  std::string issuer = text_of(*claims, "iss");
  if (issuer.starts_with("https://")) issuer.erase(0, 8);
  if (issuer.ends_with('/')) issuer.pop_back();
  const auto arn = fmt::format("arn:aws:iam::{}:oidc-provider/{}", state.account, issuer);
  const auto provider = state.providers.find(arn);
  if (issuer.empty() || provider == state.providers.end())
    return refused(fmt::format("No OpenIDConnect provider found in your account for https://{}", issuer));

  const auto key_set = keys_.key_set(issuer);
  if (!key_set)
    return client_error(
        "IDPCommunicationError",
        fmt::format("The keys of https://{} are not known here: put its JSON Web Key Set into the folder of "
                    "the setting oidc_keys.",
                    issuer));
  if (!confirmed(*key_set, text_of(*head, "kid"), token.substr(0, second), *signature))
    return refused(
        "Couldn't retrieve verification key from your identity provider, please reference "
        "AssumeRoleWithWebIdentity documentation for requirements",
        "no key of the set confirms the signature");

  const auto expires = time_of(*claims, "exp");
  if (!expires) return refused("Missing a required claim: exp");
  if (now >= *expires)
    return client_error(
        "ExpiredTokenException",
        fmt::format("Token expired: current date/time {} must be before the expiration date/time {}",
                    std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count(),
                    std::chrono::duration_cast<std::chrono::seconds>(expires->time_since_epoch()).count()));
  if (const auto from = time_of(*claims, "nbf"); from && now + std::chrono::minutes(5) < *from)
    return refused("Token is not valid yet");

  WebIdentity out;
  const auto wanted = audiences(*claims);
  const auto& clients = provider->second->clients;
  const auto known = std::ranges::find_if(wanted, [&](const auto& audience) { return clients.contains(audience); });
  if (known == wanted.end()) return refused("Incorrect token audience");
  out.audience = *known;
  out.subject = text_of(*claims, "sub");
  if (out.subject.empty()) return refused("Missing a required claim: sub");
  out.principal.kind = policy::Principal::Kind::WebIdentity;
  out.principal.account = state.account;
  out.principal.arn = arn;
  out.principal.issuer_arn = arn;
  out.principal.name = issuer;
  out.principal.user_id = issuer + ":" + out.subject;
  out.keys[issuer + ":aud"] = {out.audience};
  out.keys[issuer + ":sub"] = {out.subject};
  if (const auto party = text_of(*claims, "azp"); !party.empty()) out.keys[issuer + ":azp"] = {party};
  return out;
}

}  // namespace likeness::identity
