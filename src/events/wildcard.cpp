#include "events/wildcard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

namespace likeness::events {

namespace {

constexpr int kStar = 256;
/// More sets of places than any pattern of an allowed complexity has.
constexpr std::size_t kMostSets = 20'000;

/// A place of a wildcard: behind its token `token`, or within it when that is a star.
struct Place {
  std::uint16_t wildcard;
  std::uint16_t token;
  auto operator<=>(const Place&) const = default;
};

}  // namespace

Result<Wildcard> Wildcard::parse(std::string_view text) {
  Wildcard out;
  out.parts_.emplace_back();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    // Positions are counted with the quote before the text, as AWS counts them.
    if (c == '*') {
      if (i + 1 < text.size() && text[i + 1] == '*')
        return client_error("InvalidEventPatternException",
                            fmt::format("Consecutive wildcard characters at pos {}", i + 1));
      out.parts_.emplace_back();
    } else if (c == '\\') {
      const char escaped = i + 1 < text.size() ? text[i + 1] : '\0';
      if (escaped != '*' && escaped != '\\')
        return client_error("InvalidEventPatternException", fmt::format("Invalid escape character at pos {}", i + 1));
      out.parts_.back().push_back(escaped);
      ++i;
    } else {
      out.parts_.back().push_back(c);
    }
  }
  return out;
}

bool Wildcard::matches(std::string_view text) const {
  if (plain()) return text == parts_[0];
  if (text.size() < head().size() + tail().size() || !text.starts_with(head()) || !text.ends_with(tail())) return false;
  text.remove_prefix(head().size());
  text.remove_suffix(tail().size());
  for (std::size_t i = 1; i + 1 < parts_.size(); ++i) {
    const std::size_t found = text.find(parts_[i]);
    if (found == std::string_view::npos) return false;
    text.remove_prefix(found + parts_[i].size());
  }
  return true;
}

std::size_t Wildcard::complexity(std::span<const Wildcard> wildcards, std::size_t limit) {
  std::vector<std::vector<int>> tokens;
  std::set<int> alphabet{-1};  // -1 is any byte that no wildcard names
  for (const auto& wildcard : wildcards) {
    std::vector<int> list{'"'};
    for (std::size_t i = 0; i < wildcard.parts_.size(); ++i) {
      if (i > 0) list.push_back(kStar);
      for (const char c : wildcard.parts_[i]) list.push_back(static_cast<unsigned char>(c));
    }
    list.push_back('"');
    for (const int token : list)
      if (token != kStar) alphabet.insert(token);
    tokens.push_back(std::move(list));
  }

  using Places = std::vector<Place>;
  Places start;
  for (std::size_t i = 0; i < tokens.size(); ++i) start.push_back({static_cast<std::uint16_t>(i), 0});
  std::set<Places> seen{start};
  std::vector<Places> pending{start};
  std::size_t most = 0;
  const auto measure = [&](const Places& places) {
    std::size_t size = places.size();
    for (const Place& place : places) {
      const auto& list = tokens[place.wildcard];
      const std::size_t next = place.token + std::size_t{1};
      if (list[place.token] != kStar && next < list.size() && list[next] == kStar &&
          !std::binary_search(places.begin(), places.end(), Place{place.wildcard, static_cast<std::uint16_t>(next)}))
        ++size;
    }
    return size;
  };
  most = measure(start);
  while (!pending.empty() && most <= limit) {
    const Places from = std::move(pending.back());
    pending.pop_back();
    for (const int byte : alphabet) {
      std::set<Place> to;
      for (const Place& place : from) {
        const auto& list = tokens[place.wildcard];
        const auto step = [&](std::size_t token) {
          if (token < list.size() && list[token] == byte)
            to.insert({place.wildcard, static_cast<std::uint16_t>(token)});
        };
        if (list[place.token] == kStar) {
          to.insert(place);
          step(place.token + std::size_t{1});
          continue;
        }
        const std::size_t next = place.token + std::size_t{1};
        if (next < list.size() && list[next] == kStar) {
          to.insert({place.wildcard, static_cast<std::uint16_t>(next)});
          step(next + 1);
        } else {
          step(next);
        }
      }
      if (to.empty()) continue;
      Places places(to.begin(), to.end());
      most = std::max(most, measure(places));
      if (most > limit) return most;
      if (seen.insert(places).second) pending.push_back(std::move(places));
    }
    if (seen.size() > kMostSets) return limit + 1;
  }
  return most;
}

}  // namespace likeness::events
