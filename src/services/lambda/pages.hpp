#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "domain/lambda/errors.hpp"

namespace likeness::lambda {

template <class T>
struct Page {
  std::vector<T> items;
  std::optional<std::string> next;
};

/// A page of a short list; its marker is the position in it.
template <class T>
Result<Page<T>> page_of(std::vector<T> all, const std::optional<std::string>& marker,
                        const std::optional<std::int32_t>& max_items, std::size_t most = 50) {
  std::size_t from = 0;
  if (marker && !marker->empty()) {
    const auto bytes = from_base64(*marker);
    const auto text = bytes ? as_text(*bytes) : std::string_view();
    const auto read = std::from_chars(text.data(), text.data() + text.size(), from);
    if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size())
      return invalid("Invalid marker.");
  }
  Page<T> out;
  const auto limit = std::min(max_items ? static_cast<std::size_t>(*max_items) : most, most);
  const auto begin = std::min(from, all.size());
  const auto end = std::min(all.size(), begin + limit);
  out.items.assign(std::make_move_iterator(all.begin() + static_cast<std::ptrdiff_t>(begin)),
                   std::make_move_iterator(all.begin() + static_cast<std::ptrdiff_t>(end)));
  if (end < all.size()) out.next = to_base64(as_bytes(std::to_string(end)));
  return out;
}

}  // namespace likeness::lambda
