#include "base/digest.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace likeness {

struct Digest::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

namespace {
const EVP_MD* algorithm(Digest::Kind kind) {
  switch (kind) {
    case Digest::Kind::Md5: return EVP_md5();
    case Digest::Kind::Sha1: return EVP_sha1();
    case Digest::Kind::Sha256: return EVP_sha256();
    case Digest::Kind::Sha384: return EVP_sha384();
    case Digest::Kind::Sha512: return EVP_sha512();
  }
  return nullptr;
}
}  // namespace

Digest::Digest(Kind kind) : state_(std::make_unique<State>()) {
  if (EVP_DigestInit_ex(state_->context, algorithm(kind), nullptr) != 1)
    throw std::runtime_error("OpenSSL has no such digest");
}
Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::update(BytesView bytes) {
  if (EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) != 1)
    throw std::runtime_error("OpenSSL could not compute a digest");
}

Bytes Digest::finish() {
  Bytes out(EVP_MAX_MD_SIZE);
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(state_->context, out.data(), &size) != 1)
    throw std::runtime_error("OpenSSL could not compute a digest");
  out.resize(size);
  return out;
}

}  // namespace likeness
