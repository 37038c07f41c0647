#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "storage/store.hpp"

namespace likeness::domain {

/// Where a listing goes on.
struct PagePosition {
  std::string from;      // the listing's key to go on from
  std::size_t skip = 0;  // items with a key from there on that were listed already
};

/// Makes the NextToken of listings and reads it back. A token is opaque and signed with a secret of this data folder:
/// one that was changed, made up, or belongs to another listing is refused. At most 255 characters, AWS's limit,
/// however long the keys: a key over kMaxKey bytes is cut, and `skip` counts what that cut key stands for. Immutable,
/// thread-safe.
class PageTokens {
 public:
  static constexpr std::size_t kMaxKey = 150;

  /// Reads the secret from the store, or makes it on the first start.
  static Result<PageTokens> open(storage::Store& store);
  explicit PageTokens(Bytes secret) : secret_(std::move(secret)) {}

  /// `listing` names the operation and what it lists ("ListFaces" of a collection and its filters).
  std::string make(std::string_view listing, const PagePosition& position) const;
  /// Error: InvalidPaginationTokenException.
  Result<PagePosition> read(std::string_view listing, std::string_view token) const;

 private:
  std::string sign(std::string_view listing, std::string_view payload) const;

  Bytes secret_;
};

}  // namespace likeness::domain
