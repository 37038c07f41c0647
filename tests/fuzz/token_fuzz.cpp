// Tokens of OIDC providers, which anybody may show: any bytes as a token, any head and claims under a good signature,
// and any key set. Nothing unsigned is believed, and no claim takes the place of one that was not made.

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/signing_key.hpp"
#include "domain/identity/web_identity.hpp"

namespace {

using namespace likeness;
using namespace likeness::identity;

void check(bool holds) {
  if (!holds) std::abort();
}

std::string base64url(BytesView bytes) {
  std::string out = to_base64(bytes);
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  while (out.ends_with('=')) out.pop_back();
  return out;
}

class Keys final : public TokenKeys {
 public:
  std::optional<std::string> key_set(std::string_view) const override { return text; }
  std::string text;
};

struct Issuer {
  SigningKey key = std::move(SigningKey::make().value());
  std::string key_set;
  State state;

  Issuer() {
    const std::string pem = key.pem();
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                        BIO_free);
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> read(
        PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
    BIGNUM* n = nullptr;
    check(EVP_PKEY_get_bn_param(read.get(), OSSL_PKEY_PARAM_RSA_N, &n) == 1);
    Bytes modulus(static_cast<std::size_t>(BN_num_bytes(n)));
    BN_bn2bin(n, modulus.data());
    BN_free(n);
    key_set = R"({"keys":[{"kty":"RSA","kid":"k1","e":"AQAB","n":")" + base64url(modulus) + "\"}]}";
    state.account = "111111111111";
    auto provider = std::make_shared<OidcProvider>();
    provider->url = "idp.example.org/pool";
    provider->arn = "arn:aws:iam::111111111111:oidc-provider/" + provider->url;
    provider->clients = {"app"};
    state.providers[provider->arn] = provider;
  }
  std::string token(std::string_view head, std::string_view claims) const {
    std::string text = base64url(as_bytes(head)) + "." + base64url(as_bytes(claims));
    const Bytes signature = key.sign(Digest::Kind::Sha256, text);
    return text + "." + base64url(signature);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Issuer kIssuer;
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto head = text.substr(0, text.find('\n'));
  const auto claims = text.substr(std::min(head.size() + 1, text.size()));
  const TimePoint now{std::chrono::seconds(1000)};
  Keys keys;
  keys.text = kIssuer.key_set;
  const WebIdentities identities(keys);
  switch (data[0] % 3) {
    case 0: check(!identities.verify(kIssuer.state, text, now)); break;
    case 1: {
      std::string token = kIssuer.token(head, claims);
      const auto known = identities.verify(kIssuer.state, token, now);
      if (!known) {
        check(!known.error().code.empty() && known.error().message.size() < 1000 + claims.size());
        break;
      }
      check(known->audience == "app" && !known->subject.empty());
      check(known->principal.issuer_arn == kIssuer.state.providers.begin()->first);
      check(!identities.verify(kIssuer.state, token, TimePoint{std::chrono::seconds(9'000'000'001)}));
      // Of what was signed no character can change.
      const std::size_t at = size % token.rfind('.');
      token[at] = token[at] == 'A' ? 'B' : 'A';
      check(!identities.verify(kIssuer.state, token, now));
      break;
    }
    default: {
      const auto token = kIssuer.token(R"({"alg":"RS256","kid":"k1"})",
                                       R"({"iss":"https://idp.example.org/pool","sub":"s","aud":"app","exp":2000})");
      check(identities.verify(kIssuer.state, token, now).has_value());
      keys.text = text;
      if (text.find(kIssuer.key_set.substr(50, 100)) == std::string_view::npos)
        check(!identities.verify(kIssuer.state, token, now));
    }
  }
  return 0;
}
