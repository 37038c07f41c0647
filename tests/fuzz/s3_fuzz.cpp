// What strangers send to S3 outside of the models: HTML forms and their policies, ranges, sources of copies. A form
// says the same in whatever pieces it arrives; what is taken apart stays within what was given.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "services/s3/conditions.hpp"
#include "services/s3/form_reader.hpp"

namespace objects = likeness::objects;
namespace s3 = likeness::s3;
using likeness::Bytes;
using likeness::BytesView;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

objects::Source source_of(BytesView bytes, std::size_t bite) {
  return [bytes, bite](std::span<std::uint8_t> into) mutable -> likeness::Result<std::size_t> {
    const std::size_t count = std::min({into.size(), bytes.size(), bite});
    std::copy_n(bytes.begin(), count, into.begin());
    bytes = bytes.subspan(count);
    return count;
  };
}

/// All that a reader tells, as one text.
std::string read_form(BytesView body, std::size_t bite, std::size_t step) {
  s3::FormReader reader(source_of(body, bite), "X");
  std::string told;
  Bytes piece(step);
  while (true) {
    const auto part = reader.next();
    if (!part) return told + "!";
    if (!*part) return told + ".";
    told += "[" + (*part)->name + "|" + (*part)->filename.value_or("-") + "|" + (*part)->content_type + "]";
    while (true) {
      const auto got = reader.read(piece);
      if (!got) return told + "!";
      if (*got == 0) break;
      check(*got <= piece.size());
      told.append(likeness::as_text(BytesView(piece).first(*got)));
    }
  }
}

/// Up to where the first error shows: how much is given out before it depends on the pieces.
std::string_view before_error(std::string_view told) {
  return told.ends_with('!') ? told.substr(0, told.rfind('[') == std::string_view::npos ? 0 : told.rfind('[')) : told;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const BytesView rest(data + 3, size - 3);
  const std::string text(likeness::as_text(rest));
  const std::size_t bite = data[1] + 1u, step = data[2] + 1u;
  switch (data[0] % 4) {
    case 0: {
      const std::string whole = read_form(rest, SIZE_MAX, 4096);
      const std::string pieces = read_form(rest, bite, step);
      check(whole.back() == pieces.back());
      check(before_error(whole) == before_error(pieces) || whole.back() == '!');
      break;
    }
    case 1: {
      const s3::FormFields fields{{"key", "user/a"}, {"acl", "private"}, {"policy", text}};
      (void)s3::check_form_policy(text, fields, "bucket", likeness::TimePoint{});
      (void)s3::form_boundary(text);
      break;
    }
    case 2: {
      const std::uint64_t length = data[1] * 1000u + data[2];
      const auto range = s3::parse_range(text, length);
      if (range && *range) {
        check((*range)->first <= length && (*range)->length <= length - (*range)->first);
      }
      const auto copied = s3::parse_copy_range(text, length);
      if (copied) check(copied->length > 0 && copied->first < length && copied->length <= length - copied->first);
      break;
    }
    default: {
      const auto source = s3::parse_copy_source(text);
      if (source) check(!source->bucket.empty() && source->bucket.find('/') == std::string::npos);
    }
  }
  return 0;
}
