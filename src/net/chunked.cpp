#include "net/chunked.hpp"

#include <algorithm>

namespace likeness::net {
namespace {

constexpr int kMaxDigits = 15;  // cannot overflow 64 bits
constexpr std::size_t kMaxSizeLine = 1024;

int hex_digit(std::uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Text, tab and foreign letters; no control characters, so no bare CR or LF.
bool is_line_byte(std::uint8_t c) { return c == '\t' || (c >= 0x20 && c != 0x7F); }

}  // namespace

std::size_t ChunkDecoder::feed(BytesView in, Bytes& out, std::size_t room) {
  std::size_t used = 0;
  while (used < in.size() && state_ != State::Done && state_ != State::Failed) {
    if (state_ != State::Data) {
      step(in[used++]);
      continue;
    }
    if (room == 0) break;
    const std::size_t take = static_cast<std::size_t>(std::min<std::uint64_t>({left_, in.size() - used, room}));
    const auto from = in.begin() + static_cast<std::ptrdiff_t>(used);
    out.insert(out.end(), from, from + static_cast<std::ptrdiff_t>(take));
    used += take;
    room -= take;
    left_ -= take;
    if (left_ == 0) state_ = State::DataReturn;
  }
  return used;
}

void ChunkDecoder::step(std::uint8_t byte) {
  const auto expect = [&](std::uint8_t wanted, State next) { state_ = byte == wanted ? next : State::Failed; };
  switch (state_) {
    case State::Size: {
      const int digit = hex_digit(byte);
      if (digit >= 0 && digits_ < kMaxDigits) {
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        ++digits_;
      } else if (digits_ > 0 && (byte == ';' || byte == ' ' || byte == '\t')) {
        state_ = State::Extension;
        line_bytes_ = 0;
      } else if (digits_ > 0 && byte == '\r') {
        state_ = State::SizeLineFeed;
      } else {
        state_ = State::Failed;
      }
      break;
    }
    case State::Extension:
      if (byte == '\r')
        state_ = State::SizeLineFeed;
      else if (!is_line_byte(byte) || ++line_bytes_ > kMaxSizeLine)
        state_ = State::Failed;
      break;
    case State::SizeLineFeed:
      expect('\n', left_ > 0 ? State::Data : State::TrailerStart);
      digits_ = 0;
      break;
    case State::DataReturn: expect('\r', State::DataLineFeed); break;
    case State::DataLineFeed: expect('\n', State::Size); break;
    case State::TrailerStart:
      state_ = byte == '\r' ? State::EndLineFeed : is_line_byte(byte) ? State::Trailer : State::Failed;
      if (keep_trailers_ && state_ == State::Trailer) trailers_ += static_cast<char>(byte);
      break;
    case State::Trailer:
      if (byte == '\r')
        state_ = State::TrailerLineFeed;
      else if (!is_line_byte(byte) || ++trailer_bytes_ > max_trailers_)
        state_ = State::Failed;
      else if (keep_trailers_)
        trailers_ += static_cast<char>(byte);
      break;
    case State::TrailerLineFeed:
      expect('\n', State::TrailerStart);
      if (keep_trailers_) trailers_ += '\n';
      break;
    case State::EndLineFeed: expect('\n', State::Done); break;
    case State::Data:
    case State::Done:
    case State::Failed: break;
  }
}

}  // namespace likeness::net
