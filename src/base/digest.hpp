#pragma once

#include <memory>

#include "base/bytes.hpp"

namespace likeness {

/// A cryptographic digest of data that comes in pieces. Used by one thread at a time.
class Digest {
 public:
  enum class Kind { Md5, Sha1, Sha256, Sha384, Sha512 };

  explicit Digest(Kind kind);
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;

  void update(BytesView bytes);
  /// Once; of no further use then.
  Bytes finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace likeness
