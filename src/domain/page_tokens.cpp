#include "domain/page_tokens.hpp"

#include <utility>

#include "domain/errors.hpp"
#include "domain/secret.hpp"

namespace likeness::domain {

namespace {

constexpr std::size_t kSignatureBytes = 16;
constexpr std::size_t kSkipBytes = 3;

}  // namespace

Result<PageTokens> PageTokens::open(storage::Store& store) {
  auto secret = kept_secret(store, "page-tokens");
  if (!secret) return fail(secret);
  return PageTokens(std::move(*secret));
}

std::string PageTokens::sign(std::string_view listing, std::string_view payload) const {
  std::string signed_text(listing);
  signed_text.push_back('\0');
  signed_text.append(payload);
  const auto mac = hmac_sha256(secret_, as_bytes(signed_text));
  return std::string(as_text(mac).substr(0, kSignatureBytes));
}

std::string PageTokens::make(std::string_view listing, const PagePosition& position) const {
  std::string payload;
  for (std::size_t i = 0; i < kSkipBytes; ++i) payload.push_back(static_cast<char>((position.skip >> (8 * i)) & 0xff));
  payload.append(std::string_view(position.from).substr(0, kMaxKey));
  return to_base64(as_bytes(sign(listing, payload) + payload));
}

Result<PagePosition> PageTokens::read(std::string_view listing, std::string_view token) const {
  const auto bytes = from_base64(token);
  if (!bytes || bytes->size() < kSignatureBytes + kSkipBytes) return invalid_page_token();
  const auto all = as_text(*bytes);
  const auto payload = all.substr(kSignatureBytes);
  if (!equal_in_constant_time(all.substr(0, kSignatureBytes), sign(listing, payload))) return invalid_page_token();
  PagePosition position;
  for (std::size_t i = 0; i < kSkipBytes; ++i)
    position.skip |= static_cast<std::size_t>(static_cast<std::uint8_t>(payload[i])) << (8 * i);
  position.from = payload.substr(kSkipBytes);
  return position;
}

}  // namespace likeness::domain
