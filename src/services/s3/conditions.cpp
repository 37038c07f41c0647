#include "services/s3/conditions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "domain/objects/errors.hpp"
#include "net/http.hpp"

namespace likeness::s3 {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Whether one of the ETags of a list is the version's.
bool names(std::string_view list, const std::string& etag) {
  while (true) {
    const auto comma = list.find(',');
    std::string_view one = trimmed(list.substr(0, comma));
    if (one == "*") return true;
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one.size() >= 2 && one.front() == '"' && one.back() == '"') one = one.substr(1, one.size() - 2);
    if (one == etag) return true;
    if (comma == std::string_view::npos) return false;
    list = list.substr(comma + 1);
  }
}

}  // namespace

Result<std::optional<ByteRange>> parse_range(std::string_view header, std::uint64_t size) {
  header = trimmed(header);
  if (!header.starts_with("bytes=")) return std::nullopt;
  header = trimmed(header.substr(6));
  const auto dash = header.find('-');
  if (dash == std::string_view::npos || header.find(',') != std::string_view::npos) return std::nullopt;
  const auto first_text = trimmed(header.substr(0, dash));
  const auto last_text = trimmed(header.substr(dash + 1));
  const auto bad = [] { return client_error("InvalidRange", "The requested range is not satisfiable"); };
  if (first_text.empty()) {
    const auto suffix = number(last_text);
    if (!suffix) return std::nullopt;
    if (*suffix == 0 || size == 0) return bad();
    const std::uint64_t length = std::min(*suffix, size);
    return ByteRange{.first = size - length, .length = length};
  }
  const auto first = number(first_text);
  if (!first) return std::nullopt;
  std::uint64_t last = size == 0 ? 0 : size - 1;
  if (!last_text.empty()) {
    const auto given = number(last_text);
    if (!given || *given < *first) return std::nullopt;
    last = std::min(*given, last);
  }
  if (*first >= size) return bad();
  return ByteRange{.first = *first, .length = last - *first + 1};
}

Result<ByteRange> parse_copy_range(std::string_view header, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  const auto numbers = header.starts_with(kUnit) ? header.substr(kUnit.size()) : std::string_view();
  const auto dash = std::min(numbers.find('-'), numbers.size());
  const auto first = number(numbers.substr(0, dash));
  const auto last = number(numbers.substr(std::min(dash + 1, numbers.size())));
  if (!first || !last || *first > *last)
    return objects::bad_argument(
        "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
        "zero-based "
        "offsets of the first and last bytes to copy");
  if (*last >= size)
    return objects::bad_request(fmt::format("Range specified is not valid for source object of size: {}", size));
  return ByteRange{.first = *first, .length = *last - *first + 1};
}

Result<CopySource> parse_copy_source(std::string_view header) {
  const auto bad = [] { return objects::bad_argument("Invalid copy source object key"); };
  if (header.starts_with("arn:")) {
    return client_error("NotImplemented", "Copy sources that name an access point are not available");
  }
  CopySource source;
  const auto question = header.rfind("?versionId=");
  if (question != std::string_view::npos) {
    const auto version = net::percent_decode(header.substr(question + 11));
    if (!version || version->empty()) return bad();
    source.version_id = *version;
    header = header.substr(0, question);
  }
  const auto path = net::percent_decode(header);
  if (!path) return bad();
  std::string_view rest = *path;
  if (rest.starts_with('/')) rest.remove_prefix(1);
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == rest.size())
    return objects::bad_argument("Invalid copy source bucket name");
  source.bucket = rest.substr(0, slash);
  source.key = rest.substr(slash + 1);
  return source;
}

std::optional<Unmet> unmet(const ReadConditions& conditions, const objects::Version& version) {
  if (conditions.if_match) {
    if (!names(*conditions.if_match, version.etag)) return Unmet{.header = "If-Match"};
  } else if (conditions.if_unmodified_since && version.modified > *conditions.if_unmodified_since) {
    return Unmet{.header = "If-Unmodified-Since"};
  }
  if (conditions.if_none_match) {
    if (names(*conditions.if_none_match, version.etag)) return Unmet{.header = "If-None-Match", .not_modified = true};
  } else if (conditions.if_modified_since && version.modified <= *conditions.if_modified_since) {
    return Unmet{.header = "If-Modified-Since", .not_modified = true};
  }
  return std::nullopt;
}

}  // namespace likeness::s3
