#include "aws/aws_chunked.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "aws/sigv4.hpp"

namespace likeness::aws {
namespace {

constexpr std::size_t kReadSize = 64 << 10;

Failure invalid(std::string_view what) {
  return client_error("InvalidChunk", fmt::format("The aws-chunked body is broken: {}", what));
}
Failure incomplete(std::string_view what) { return client_error("IncompleteBody", std::string(what)); }
Failure wrong_signature() {
  return client_error("SignatureDoesNotMatch",
                      "The chunk signature we calculated does not match the signature you provided.");
}

std::string chunk_signature(const ChunkSigning& signing, const std::string& previous, BytesView data) {
  return signature_of(signing.key, fmt::format("AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{}\n{}", signing.timestamp,
                                               signing.scope, previous, kEmptySha256, to_hex(sha256(data))));
}

std::string trailer_signature(const ChunkSigning& signing, const std::string& previous, std::string_view canonical) {
  return signature_of(signing.key, fmt::format("AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}\n{}", signing.timestamp,
                                               signing.scope, previous, to_hex(sha256(as_bytes(canonical)))));
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

class MemoryReader final : public net::BodyReader {
 public:
  explicit MemoryReader(Bytes body) : body_(std::move(body)) {}
  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    const auto count = std::min(into.size(), body_.size() - at_);
    if (count > 0) std::memcpy(into.data(), body_.data() + at_, count);
    at_ += count;
    return count;
  }

 private:
  const Bytes body_;
  std::size_t at_ = 0;
};

}  // namespace

AwsChunkedReader::AwsChunkedReader(std::shared_ptr<net::BodyReader> source, PayloadForm form, ChunkSigning signing,
                                   std::optional<std::uint64_t> decoded_length, ChunkedLimits limits)
    : source_(std::move(source)),
      form_(form),
      signing_(std::move(signing)),
      announced_(decoded_length),
      limits_(limits),
      previous_(signing_.seed_signature) {}

/// More bytes of the source behind those that wait.
Result<void> AwsChunkedReader::fill() {
  if (raw_at_ > 0) {
    raw_.erase(raw_.begin(), raw_.begin() + static_cast<std::ptrdiff_t>(raw_at_));
    raw_at_ = 0;
  }
  const std::size_t had = raw_.size();
  raw_.resize(had + kReadSize);
  const auto count = source_->read(std::span(raw_).subspan(had));
  raw_.resize(had + (count ? *count : 0));
  if (!count) return Failure(count.error());
  if (*count == 0) return incomplete("The request body terminated unexpectedly");
  return {};
}

/// Up to the next "\r\n", which is taken but not given.
Result<std::string> AwsChunkedReader::line(std::size_t limit) {
  std::size_t looked_at = 0;
  while (true) {
    const auto* from = raw_.data() + raw_at_;
    const std::size_t size = raw_.size() - raw_at_;
    const auto* end = size > looked_at
                          ? static_cast<const std::uint8_t*>(std::memchr(from + looked_at, '\n', size - looked_at))
                          : nullptr;
    if (end != nullptr) {
      const auto length = static_cast<std::size_t>(end - from);
      if (length > limit) return invalid("a line is too long");
      if (length == 0 || from[length - 1] != '\r') return invalid("a line does not end in CR LF");
      std::string text(reinterpret_cast<const char*>(from), length - 1);
      raw_at_ += length + 1;
      return text;
    }
    if (size > limit) return invalid("a line is too long");
    looked_at = size;
    if (auto filled = fill(); !filled) return fail(filled);
  }
}

Result<void> AwsChunkedReader::take(std::span<std::uint8_t> into) {
  while (!into.empty()) {
    if (raw_at_ == raw_.size())
      if (auto filled = fill(); !filled) return filled;
    const auto count = std::min(into.size(), raw_.size() - raw_at_);
    std::memcpy(into.data(), raw_.data() + raw_at_, count);
    raw_at_ += count;
    into = into.subspan(count);
  }
  return {};
}

Result<void> AwsChunkedReader::end_of_line() {
  auto rest = line(2);
  if (!rest) return fail(rest);
  if (!rest->empty()) return invalid("a chunk is longer than its length says");
  return {};
}

Result<void> AwsChunkedReader::check_chunk(BytesView data, const std::string& signature) {
  auto expected = chunk_signature(signing_, previous_, data);
  if (!equal_in_constant_time(expected, signature)) return wrong_signature();
  previous_ = std::move(expected);
  return {};
}

/// Reads "10000;chunk-signature=..." and, if signed, the chunk behind it.
Result<void> AwsChunkedReader::begin_chunk() {
  const auto head = line(limits_.line);
  if (!head) return Failure(head.error());
  const auto semicolon = head->find(';');
  const auto digits = trim(std::string_view(*head).substr(0, semicolon));
  std::uint64_t size = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size())
    return invalid("a chunk's length is no hexadecimal number");
  // What is announced is also a limit, so that a client cannot send for ever.
  if (announced_ && size > *announced_ - given_)
    return incomplete("The request body is longer than x-amz-decoded-content-length says");

  std::string signature;
  constexpr std::string_view kName = "chunk-signature=";
  if (semicolon != std::string::npos) {
    const auto extension = trim(std::string_view(*head).substr(semicolon + 1));
    if (extension.starts_with(kName)) signature = extension.substr(kName.size());
  }
  if (is_signed()) {
    if (signature.empty()) return invalid("a chunk has no signature");
    if (size > limits_.signed_chunk) return invalid("a signed chunk is too large");
    chunk_.resize(size);
    chunk_at_ = 0;
    if (auto taken = take(chunk_); !taken) return taken;
    if (auto checked = check_chunk(chunk_, signature); !checked) return checked;
  }
  if (size == 0) return read_trailer();
  if (is_signed()) return end_of_line();
  left_ = size;
  return {};
}

/// Header lines up to an empty one or the end of the body; clients differ in how many line ends they put at the end.
Result<void> AwsChunkedReader::read_trailer() {
  done_ = true;
  if (announced_ && given_ != *announced_)
    return incomplete("The request body is shorter than x-amz-decoded-content-length says");
  std::string canonical;
  std::string signature;
  std::size_t size = 0;
  while (true) {
    auto text = line(limits_.trailer);
    if (!text) {
      if (text.error().code == "IncompleteBody" && raw_at_ == raw_.size()) break;
      return fail(text);
    }
    if (text->empty()) {
      // The empty line of the last chunk may stand before the trailer.
      if (size == 0 && form_ != PayloadForm::SignedChunks && raw_at_ < raw_.size()) continue;
      break;
    }
    size += text->size();
    if (size > limits_.trailer) return invalid("the trailer is too long");
    const auto colon = text->find(':');
    if (colon == std::string::npos || colon == 0) return invalid("a trailing header has no name");
    const auto name = lower(trim(std::string_view(*text).substr(0, colon)));
    const std::string value(trim(std::string_view(*text).substr(colon + 1)));
    if (name == "x-amz-trailer-signature") {
      signature = value;
      continue;
    }
    canonical += fmt::format("{}:{}\n", name, value);
    trailer_.add(name, value);
  }
  if (form_ == PayloadForm::SignedTrailer) return check_trailer(canonical, signature);
  return {};
}

Result<void> AwsChunkedReader::check_trailer(const std::string& canonical, const std::string& signature) {
  if (signature.empty()) return invalid("the trailer has no signature");
  if (!equal_in_constant_time(trailer_signature(signing_, previous_, canonical), signature)) return wrong_signature();
  return {};
}

Result<std::size_t> AwsChunkedReader::read(std::span<std::uint8_t> into) {
  if (into.empty()) return std::size_t{0};
  while (!done_ && left_ == 0 && chunk_at_ == chunk_.size())
    if (auto begun = begin_chunk(); !begun) return fail(begun);

  if (chunk_at_ < chunk_.size()) {
    const auto count = std::min(into.size(), chunk_.size() - chunk_at_);
    std::memcpy(into.data(), chunk_.data() + chunk_at_, count);
    chunk_at_ += count;
    given_ += count;
    return count;
  }
  if (left_ > 0) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_));
    if (auto taken = take(into.first(count)); !taken) return fail(taken);
    left_ -= count;
    given_ += count;
    if (left_ == 0)
      if (auto ended = end_of_line(); !ended) return fail(ended);
    return count;
  }
  return std::size_t{0};
}

std::shared_ptr<net::BodyReader> reader_of(Bytes body) { return std::make_shared<MemoryReader>(std::move(body)); }

std::string encode_aws_chunked(BytesView body, std::size_t chunk_size, PayloadForm form, const ChunkSigning& signing,
                               const net::Headers& trailer) {
  std::string out;
  std::string previous = signing.seed_signature;
  const auto add = [&](BytesView data) {
    out += fmt::format("{:x}", data.size());
    if (form != PayloadForm::UnsignedTrailer) {
      previous = chunk_signature(signing, previous, data);
      out += ";chunk-signature=" + previous;
    }
    out += "\r\n";
    out += as_text(data);
    if (!data.empty()) out += "\r\n";
  };
  for (std::size_t at = 0; at < body.size(); at += chunk_size)
    add(body.subspan(at, std::min(chunk_size, body.size() - at)));
  add({});
  std::string canonical;
  if (form != PayloadForm::SignedChunks) {
    for (const auto& header : trailer) {
      canonical += fmt::format("{}:{}\n", lower(header.name), header.value);
      out += fmt::format("{}:{}\r\n", header.name, header.value);
    }
    if (form == PayloadForm::SignedTrailer)
      out += fmt::format("x-amz-trailer-signature:{}\r\n", trailer_signature(signing, previous, canonical));
  }
  return out + "\r\n";
}

}  // namespace likeness::aws
