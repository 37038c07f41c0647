// Requests with hostile signatures, targets and headers, and aws-chunked bodies. Nothing that was not signed with the
// key may be accepted; what is signed must be.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "aws/aws_chunked.hpp"
#include "aws/signature_verifier.hpp"
#include "aws/sigv4.hpp"
#include "aws/timestamps.hpp"

namespace aws = likeness::aws;
namespace net = likeness::net;

namespace {

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

/// Method, target, header lines, an empty line, the body: one after the other, whatever they are.
net::Request parse(std::string_view text) {
  net::Request request;
  request.method = take_line(text);
  request.target = take_line(text);
  while (!text.empty()) {
    const auto line = take_line(text);
    if (line.empty()) break;
    const auto colon = std::min(line.find(':'), line.size());
    request.headers.add(std::string(line.substr(0, colon)), std::string(line.substr(std::min(colon + 1, line.size()))));
  }
  request.body.assign(text.begin(), text.end());
  return request;
}

void read_chunks(const likeness::Bytes& body, aws::PayloadForm form) {
  const aws::ChunkSigning signing{{}, "20150830T123600Z", "20150830/us-east-1/s3/aws4_request", "seed"};
  aws::AwsChunkedReader reader(aws::reader_of(body), form, signing, std::nullopt, {.signed_chunk = 1 << 20});
  std::uint8_t piece[100];
  std::size_t total = 0;
  while (true) {
    const auto count = reader.read(piece);
    if (!count || *count == 0) break;
    total += *count;
  }
  if (total > body.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const aws::AccessKey key{"AKIDEXAMPLE", "a secret that no input can know", "", {}};
  static const auto now = *aws::parse_iso8601_basic("20150830T123600Z");
  static aws::StaticCredentials credentials;
  static const bool added = [] {
    credentials.add(key);
    return true;
  }();
  static const aws::SignatureVerifier verifier(credentials, "us-east-1", std::chrono::minutes(15));
  if (!added || size < 1) return 0;

  const bool is_s3 = (data[0] & 1) != 0;
  const aws::SignatureDemands demands{.service = is_s3 ? "s3" : "service",
                                      .rules = is_s3 ? aws::kS3Rules : aws::SignatureRules{},
                                      .allow_unsigned_payload = is_s3};
  net::Request request = parse({reinterpret_cast<const char*>(data) + 1, size - 1});
  if (verifier.verify(request, demands, now)) std::abort();
  for (const auto form :
       {aws::PayloadForm::SignedChunks, aws::PayloadForm::SignedTrailer, aws::PayloadForm::UnsignedTrailer})
    read_chunks(request.body, form);

  // The same request with our signature instead of its own.
  for (const char* name : {"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "host"})
    request.headers.remove(name);
  request.headers.add("Host", "localhost");
  const aws::SigningOptions options{.region = "us-east-1",
                                    .service = demands.service,
                                    .time = now,
                                    .rules = demands.rules,
                                    .sign_payload_header = is_s3};
  // A name with a semicolon or a comma would be two in the list of signed headers; HTTP allows neither.
  const bool plain = std::ranges::all_of(request.headers, [](const net::Header& header) {
    return !header.name.empty() && header.name.find_first_of(";, \t\r=") == std::string::npos;
  });
  if (plain) {
    aws::sign_headers(request, key, options);
    if (!verifier.verify(request, demands, now)) std::abort();
    request.method += 'X';
    if (verifier.verify(request, demands, now)) std::abort();
  }
  return 0;
}
