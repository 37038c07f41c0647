#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace likeness::events {

/// "/Users/*/photo.jpg": a star stands for any number of bytes, "\*" and "\\" for themselves.
class Wildcard {
 public:
  /// InvalidEventPatternException says where `text`, a string between quotes, is wrong.
  static Result<Wildcard> parse(std::string_view text);

  bool matches(std::string_view text) const;

  /// What each matching text begins and ends with.
  std::string_view head() const { return parts_.front(); }
  std::string_view tail() const { return parts_.back(); }
  /// Whether there is no star in it: it matches `head` only.
  bool plain() const { return parts_.size() == 1; }

  /// At how many places of these wildcards a matcher that reads byte after byte may have to stand at the same time, in
  /// the worst text there is; beyond `limit` anything larger than it.
  static std::size_t complexity(std::span<const Wildcard> wildcards, std::size_t limit);

 private:
  std::vector<std::string> parts_;  // between the stars
};

}  // namespace likeness::events
