#pragma once

#include <string>
#include <string_view>

namespace likeness::media {

/// Text that can be drawn: valid UTF-8, at most 400 characters, every wrong byte and control character a '?'.
std::string drawable(std::string_view text);

/// The longest start of `text`, with an ellipsis, that `fits` accepts; the text itself if it fits.
template <class Fits>
std::string shortened(const std::string& text, Fits fits) {
  if (fits(text)) return text;
  std::string start = text;
  while (!start.empty()) {
    // Drops one whole character: continuation bytes, then the first byte.
    while (!start.empty() && (static_cast<unsigned char>(start.back()) & 0xC0) == 0x80) start.pop_back();
    if (!start.empty()) start.pop_back();
    const std::string candidate = start + "\u2026";
    if (fits(candidate)) return candidate;
  }
  return {};
}

}  // namespace likeness::media
