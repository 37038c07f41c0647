#include "base/certificate.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <climits>
#include <memory>

namespace likeness {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

}  // namespace

bool is_certificate(std::string_view pem) {
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  const auto end = pem.find(kEnd);
  if (pem.size() > INT_MAX || end == std::string_view::npos) return false;
  const auto after = pem.substr(end + kEnd.size());
  if (after.find_first_not_of(" \t\r\n") != std::string_view::npos) return false;
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return false;
  const std::unique_ptr<X509, FreeCertificate> read(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return read != nullptr;
}

}  // namespace likeness
