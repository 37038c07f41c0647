#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

struct ssl_ctx_st;  // OpenSSL's

namespace likeness::net {

/// What a server shows that it is who it says: a certificate, with those that vouch for it after it, and its key. PEM.
struct TlsIdentity {
  std::string certificate;
  std::string private_key;
};

/// A certificate that vouches for itself, for `names`: host names ("*.example.org" too) and IP addresses. Its key is
/// new, of the curve P-256. Whoever trusts the certificate itself (`verify="certificate.pem"`) trusts the server.
Result<TlsIdentity> make_self_signed(const std::vector<std::string>& names, TimePoint now, std::chrono::hours lifetime);

/// What a certificate in PEM says of itself; of a chain the first.
struct CertificateFacts {
  std::string subject;
  TimePoint not_before{};
  TimePoint not_after{};
  std::vector<std::string> names;  // host names and addresses, as make_self_signed() takes them
};
/// Error "InvalidCertificate".
Result<CertificateFacts> read_certificate(const std::string& pem);

/// An identity ready for use: parsed, and key and certificate belong together. Any number of connections share one.
class TlsContext {
 public:
  /// Errors "InvalidCertificate", "InvalidPrivateKey".
  static Result<std::shared_ptr<TlsContext>> open(const TlsIdentity& identity);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* native() const { return context_; }

 private:
  explicit TlsContext(ssl_ctx_st* context);
  ssl_ctx_st* context_;
};

}  // namespace likeness::net
