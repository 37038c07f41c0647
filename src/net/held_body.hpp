#pragma once

#include <string_view>

#include "net/http.hpp"

namespace likeness::net {

/// A response body that is in memory as a whole, where others have it, too: it goes out in one write with its head,
/// without a copy. Also readable piece by piece, as every body.
class HeldBody : public BodyReader {
 public:
  /// All of it. Valid as long as this lives.
  virtual std::string_view whole() const = 0;
};

}  // namespace likeness::net
