#include "services/lambda/downloads.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <memory>
#include <utility>

#include "storage/blobs.hpp"

namespace likeness::lambda {
namespace {

constexpr std::string_view kPath = "/_likeness/packages/";
constexpr auto kGood = std::chrono::minutes(10);

/// The value of a parameter that needs no decoding.
std::string parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto pair = query.substr(0, end);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
      return std::string(pair.substr(name.size() + 1));
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
  }
  return {};
}

std::int64_t number(const std::string& text) {
  std::int64_t out = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() ? out : -1;
}

class BlobBody final : public net::BodyReader {
 public:
  explicit BlobBody(std::unique_ptr<storage::BlobReader> blob) : blob_(std::move(blob)) {}
  Result<std::size_t> read(std::span<std::uint8_t> into) override { return blob_->read(into); }

 private:
  const std::unique_ptr<storage::BlobReader> blob_;
};

net::Response refusal(int status, std::string_view words) {
  return net::text_response(status, "text/plain; charset=utf-8", std::string(words) + "\n");
}

}  // namespace

std::string Downloads::signature(const std::string& digest, const std::string& size, const std::string& expires) const {
  return to_hex(hmac_sha256(key_, as_bytes(digest + "\n" + size + "\n" + expires)));
}

std::string Downloads::location(const std::string& server, const CodeRef& code) const {
  const auto digest = to_hex(from_base64(code.sha256).value_or(Bytes()));
  const auto size = std::to_string(code.size);
  const auto ends = std::chrono::system_clock::to_time_t(clock_.now() + kGood);
  const auto expires = std::to_string(ends);
  return fmt::format("{}{}{}?Size={}&Expires={}&Signature={}", server, kPath, digest, size, expires,
                     signature(digest, size, expires));
}

bool Downloads::matches(const net::Request& request) { return request.path().starts_with(kPath); }

net::Response Downloads::answer(const net::Request& request) const {
  if (request.method != "GET" && request.method != "HEAD") return refusal(405, "Only GET here.");
  const std::string digest(request.path().substr(kPath.size()));
  const auto size = parameter(request.query(), "Size"), expires = parameter(request.query(), "Expires");
  if (!equal_in_constant_time(signature(digest, size, expires), parameter(request.query(), "Signature")))
    return refusal(403, "The signature of this address is not right.");
  if (number(expires) < std::chrono::system_clock::to_time_t(clock_.now()))
    return refusal(403, "This address has expired.");
  const auto bytes = from_hex(digest);
  const CodeRef code{.sha256 = to_base64(bytes.value_or(Bytes())), .size = static_cast<std::uint64_t>(number(size))};
  auto blob = code_.open(code);
  if (!blob) return refusal(404, "The package is not there any more.");
  net::Response out;
  out.headers.add("Content-Type", "application/zip");
  out.stream = std::make_shared<BlobBody>(std::move(*blob));
  out.stream_length = code.size;
  return out;
}

}  // namespace likeness::lambda
