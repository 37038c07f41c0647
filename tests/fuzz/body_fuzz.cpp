// Request bodies out of aws-chunked and gzip, with checksums, lengths and trailers as a stranger may put them. Nothing
// is ever longer than its limit; and of what was signed in chunks, no other byte is ever given out.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "aws/aws_chunked.hpp"
#include "aws/request_body.hpp"
#include "aws/sigv4.hpp"

namespace aws = likeness::aws;
namespace net = likeness::net;
using likeness::Bytes;
using likeness::BytesView;

namespace {

constexpr std::size_t kLimit = 100'000;

void check(bool holds) {
  if (!holds) std::abort();
}

/// What comes out of a reader before its end or its first error.
struct Read {
  Bytes bytes;
  bool whole = false;
};
Read read_all(net::BodyReader& reader, std::size_t step) {
  Read out;
  Bytes piece(step);
  while (true) {
    const auto count = reader.read(piece);
    if (!count) return out;
    check(*count <= piece.size());
    if (*count == 0) break;
    out.bytes.insert(out.bytes.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*count));
  }
  out.whole = true;
  return out;
}

aws::ChunkSigning signing() {
  const aws::Scope scope{"20150830", "us-east-1", "s3"};
  return {aws::signing_key("secret", scope), "20150830T123600Z", scope.text(), std::string(64, 'a')};
}

/// Header lines, an empty line, the body: opened as every kind of operation would.
void open_any(std::string_view text, unsigned kind, std::size_t step) {
  net::Request request;
  request.method = "PUT";
  request.target = "/bucket/key";
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) break;
    const auto colon = std::min(line.find(':'), line.size());
    request.headers.add(std::string(line.substr(0, colon)), std::string(line.substr(std::min(colon + 1, line.size()))));
  }
  Bytes body(text.begin(), text.end());
  if ((kind & 1) != 0)
    request.stream = aws::reader_of(std::move(body));
  else
    request.body = std::move(body);
  aws::Verified verified;
  verified.payload = static_cast<aws::PayloadForm>((kind >> 1) % 5);
  verified.chunks = signing();
  if ((kind & 64) != 0) verified.expected_sha256 = std::string(aws::kEmptySha256);
  const aws::BodyRules rules{.streams = (kind & 16) != 0, .is_s3 = (kind & 32) != 0, .limit = kLimit};
  const auto opened = aws::open_body(request, verified, rules);
  if (!opened) return;
  if (!rules.streams) {
    // A body that is passed on as it is has the server's limit, not this one.
    if (!opened->owned.empty()) check(opened->whole.size() <= kLimit);
    return;
  }
  const Read all = read_all(*opened->stream.reader, step);
  if (all.whole && opened->stream.length && verified.payload != aws::PayloadForm::Hashed &&
      verified.payload != aws::PayloadForm::Unsigned)
    check(all.bytes.size() == *opened->stream.length);
}

/// Chunks that were signed well, with one byte changed on the way.
void change_one(BytesView body, unsigned where, unsigned change, std::size_t step) {
  for (const auto form : {aws::PayloadForm::SignedChunks, aws::PayloadForm::SignedTrailer}) {
    std::string encoded = aws::encode_aws_chunked(body, step, form, signing(), {{"x-amz-checksum-crc32", "AAAAAA=="}});
    const auto decode = [&] {
      aws::AwsChunkedReader reader(aws::reader_of({encoded.begin(), encoded.end()}), form, signing(), std::nullopt);
      return read_all(reader, step);
    };
    const Read fine = decode();
    check(fine.whole && std::ranges::equal(fine.bytes, body));
    encoded[where % encoded.size()] = static_cast<char>(encoded[where % encoded.size()] ^ (change % 255 + 1));
    const Read changed = decode();
    check(changed.bytes.size() <= body.size() && std::ranges::equal(changed.bytes, body.first(changed.bytes.size())));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 5) return 0;
  const std::size_t step = data[1] + 1u;
  const unsigned where = data[2] | static_cast<unsigned>(data[3]) << 8;
  const BytesView rest(data + 5, size - 5);
  if ((data[0] & 128) != 0)
    change_one(rest.first(std::min<std::size_t>(rest.size(), 4096)), where, data[4], std::max<std::size_t>(step, 8));
  else
    open_any(likeness::as_text(rest), data[0], step);
  return 0;
}
