#include "base/signing_key.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <utility>

namespace likeness {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Freed<X509_free>>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;

constexpr unsigned kBits = 2048;

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

/// Without this OpenSSL would ask on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

struct SigningKey::State {
  KeyPtr key;
};

SigningKey::SigningKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey::~SigningKey() = default;

Result<SigningKey> SigningKey::make() {
  auto state = std::make_unique<State>();
  state->key.reset(EVP_RSA_gen(kBits));
  if (!state->key) return server_error("InternalError", "A key to sign with cannot be made.");
  return SigningKey(std::move(state));
}

Result<SigningKey> SigningKey::read(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  auto state = std::make_unique<State>();
  if (bio) state->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!state->key || EVP_PKEY_get_base_id(state->key.get()) != EVP_PKEY_RSA)
    return server_error("InvalidPrivateKey", "The key to sign with cannot be read.");
  return SigningKey(std::move(state));
}

std::string SigningKey::pem() const {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PrivateKey(bio.get(), state_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return {};
  return text_of(bio.get());
}

Result<std::string> SigningKey::certificate(const std::string& common_name, TimePoint now,
                                            std::chrono::hours lifetime) const {
  const CertificatePtr certificate(X509_new());
  const BioPtr bio(BIO_new(BIO_s_mem()));
  const auto failed = [] { return server_error("InternalError", "A certificate cannot be made."); };
  if (!certificate || !bio) return failed();
  X509* x = certificate.get();
  X509_NAME* subject = X509_get_subject_name(x);
  const auto from = std::chrono::system_clock::to_time_t(now - std::chrono::hours(1));
  const auto to = std::chrono::system_clock::to_time_t(now + lifetime);
  const auto serial = random_bytes(8);
  std::uint64_t number = 0;
  for (const auto byte : serial) number = number << 8 | byte;
  bool fine = X509_set_version(x, X509_VERSION_3) == 1 &&
              ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), number >> 1 | 1) == 1;
  fine = fine && ASN1_TIME_set(X509_getm_notBefore(x), from) != nullptr;
  fine = fine && ASN1_TIME_set(X509_getm_notAfter(x), to) != nullptr;
  fine = fine && X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                            reinterpret_cast<const unsigned char*>(common_name.data()),
                                            static_cast<int>(common_name.size()), -1, 0) == 1;
  fine = fine && X509_set_issuer_name(x, subject) == 1 && X509_set_pubkey(x, state_->key.get()) == 1;
  fine = fine && X509_sign(x, state_->key.get(), EVP_sha256()) != 0 && PEM_write_bio_X509(bio.get(), x) == 1;
  if (!fine) return failed();
  return text_of(bio.get());
}

Bytes SigningKey::sign(Digest::Kind digest, std::string_view data) const {
  const DigestPtr context(EVP_MD_CTX_new());
  const EVP_MD* kind = digest == Digest::Kind::Sha1 ? EVP_sha1() : EVP_sha256();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, kind, nullptr, state_->key.get()) != 1) return {};
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(data.data());
  if (EVP_DigestSign(context.get(), nullptr, &size, bytes, data.size()) != 1) return {};
  Bytes signature(size);
  if (EVP_DigestSign(context.get(), signature.data(), &size, bytes, data.size()) != 1) return {};
  signature.resize(size);
  return signature;
}

}  // namespace likeness
