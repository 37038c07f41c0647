#include "net/tls.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

namespace likeness::net {
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
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

/// What OpenSSL has to say, for the log.
std::string openssl_says() {
  std::array<char, 256> text{};
  const auto code = ERR_get_error();
  if (code == 0) return {};
  ERR_error_string_n(code, text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

Failure no_certificate(std::string message) {
  Failure failure = client_error("InvalidCertificate", std::move(message));
  failure.value().detail = openssl_says();
  return failure;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

BIO* as_bio(const std::string& text) { return BIO_new_mem_buf(text.data(), static_cast<int>(text.size())); }

/// Without this OpenSSL would ask on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

bool is_address(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> ignored{};
  return inet_pton(AF_INET, name.c_str(), ignored.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), ignored.data()) == 1;
}

bool add_extension(X509* certificate, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_random_serial(X509* certificate) {
  std::array<unsigned char, 8> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  std::uint64_t serial = 0;
  for (const auto byte : bytes) serial = serial << 8 | byte;
  return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1 | 1) == 1;
}

TimePoint time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

std::string text_of(const GENERAL_NAME& name) {
  if (name.type == GEN_DNS) {
    const auto* text = name.d.dNSName;
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
  }
  if (name.type != GEN_IPADD) return {};
  const auto* bytes = name.d.iPAddress;
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
  if (inet_ntop(family, ASN1_STRING_get0_data(bytes), text.data(), text.size()) == nullptr) return {};
  return text.data();
}

/// Of what a client offers we speak one; a client that offers others only is left to find that out by HTTP.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                    unsigned int in_size, void*) {
  static constexpr std::array<unsigned char, 9> kHttp11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kHttp11.data(), kHttp11.size(), in, in_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Result<TlsIdentity> make_self_signed(const std::vector<std::string>& names, TimePoint now,
                                     std::chrono::hours lifetime) {
  std::string alternatives;
  for (const auto& name : names)
    alternatives += fmt::format("{}{}:{}", alternatives.empty() ? "" : ",", is_address(name) ? "IP" : "DNS", name);
  const auto failed = [] { return server_error("InternalError", "A certificate cannot be made.", openssl_says()); };

  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertificatePtr certificate(X509_new());
  if (!key || !certificate) return failed();
  X509* x = certificate.get();
  // An hour back, for clients whose clocks are a little behind.
  const auto from = std::chrono::system_clock::to_time_t(now - std::chrono::hours(1));
  const auto to = std::chrono::system_clock::to_time_t(now + lifetime);
  X509_NAME* subject = X509_get_subject_name(x);
  constexpr std::string_view kName = "Likeness";
  bool fine = X509_set_version(x, X509_VERSION_3) == 1 && set_random_serial(x);
  fine = fine && ASN1_TIME_set(X509_getm_notBefore(x), from) != nullptr;
  fine = fine && ASN1_TIME_set(X509_getm_notAfter(x), to) != nullptr;
  fine = fine &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(kName.data()),
                                    static_cast<int>(kName.size()), -1, 0) == 1;
  fine = fine && X509_set_issuer_name(x, subject) == 1 && X509_set_pubkey(x, key.get()) == 1;
  // Strict clients want both key identifiers; some refuse a server whose certificate is also an authority's.
  fine = fine && add_extension(x, NID_basic_constraints, "critical,CA:FALSE");
  fine = fine && add_extension(x, NID_key_usage, "critical,digitalSignature");
  fine = fine && add_extension(x, NID_ext_key_usage, "serverAuth");
  fine = fine && add_extension(x, NID_subject_key_identifier, "hash");
  fine = fine && add_extension(x, NID_authority_key_identifier, "keyid:always");
  if (!fine) return failed();
  if (!add_extension(x, NID_subject_alt_name, alternatives))
    return no_certificate(fmt::format("A certificate cannot be for these names: {}.", fmt::join(names, ", ")));
  if (X509_sign(x, key.get(), EVP_sha256()) == 0) return failed();

  const BioPtr certificate_text(BIO_new(BIO_s_mem()));
  const BioPtr key_text(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(certificate_text.get(), x) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return failed();
  return TlsIdentity{text_of(certificate_text.get()), text_of(key_text.get())};
}

Result<CertificateFacts> read_certificate(const std::string& pem) {
  const BioPtr bio(as_bio(pem));
  const CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
  if (!certificate) return no_certificate("There is no certificate in PEM form.");
  CertificateFacts facts;
  const BioPtr subject(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(subject.get(), X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253);
  facts.subject = text_of(subject.get());
  facts.not_before = time_of(X509_get0_notBefore(certificate.get()));
  facts.not_after = time_of(X509_get0_notAfter(certificate.get()));
  const NamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  facts.names.reserve(static_cast<std::size_t>(std::max(0, count)));
  for (int i = 0; i < count; ++i) facts.names.push_back(text_of(*sk_GENERAL_NAME_value(names.get(), i)));
  return facts;
}

TlsContext::TlsContext(ssl_ctx_st* context) : context_(context) {}
TlsContext::~TlsContext() { SSL_CTX_free(context_); }

Result<std::shared_ptr<TlsContext>> TlsContext::open(const TlsIdentity& identity) {
  const BioPtr certificates(as_bio(identity.certificate));
  const BioPtr key_text(as_bio(identity.private_key));
  SSL_CTX* native = SSL_CTX_new(TLS_server_method());
  if (native == nullptr || !certificates || !key_text)
    return server_error("InternalError", "TLS cannot be set up.", openssl_says());
  std::shared_ptr<TlsContext> context(new TlsContext(native));
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  // A renegotiation costs the server more than the client.
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Idle connections give their buffers back.
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);

  const CertificatePtr own(PEM_read_bio_X509(certificates.get(), nullptr, no_passphrase, nullptr));
  if (!own || SSL_CTX_use_certificate(native, own.get()) != 1)
    return no_certificate("The file of the certificate does not hold one in PEM form.");
  while (CertificatePtr next{PEM_read_bio_X509(certificates.get(), nullptr, no_passphrase, nullptr)})
    if (SSL_CTX_add1_chain_cert(native, next.get()) != 1)
      return no_certificate("The certificates that vouch for the server's are not in order.");
  ERR_clear_error();  // the end of the file is one

  const KeyPtr key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, no_passphrase, nullptr));
  if (!key)
    return client_error("InvalidPrivateKey",
                        "The file of the private key does not hold one in PEM form without a "
                        "passphrase.");
  if (SSL_CTX_use_PrivateKey(native, key.get()) != 1 || SSL_CTX_check_private_key(native) != 1) {
    ERR_clear_error();
    return client_error("InvalidPrivateKey", "The private key is not that of the certificate.");
  }
  return context;
}

}  // namespace likeness::net
