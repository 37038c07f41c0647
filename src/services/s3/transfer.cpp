#include "services/s3/transfer.hpp"

#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "net/held_body.hpp"

namespace likeness::s3 {

namespace {

/// Adapts the domain's reader to the network's.
class ContentStream final : public net::BodyReader {
 public:
  explicit ContentStream(std::unique_ptr<objects::ContentReader> reader) : reader_(std::move(reader)) {}
  Result<std::size_t> read(std::span<std::uint8_t> into) override { return reader_->read(into); }

 private:
  const std::unique_ptr<objects::ContentReader> reader_;
};

/// Content that is in memory.
class HeldContent final : public net::HeldBody {
 public:
  explicit HeldContent(storage::HeldBytes held) : held_(std::move(held)) {}
  std::string_view whole() const override { return as_text(held_.bytes); }
  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    const BytesView rest = held_.bytes.subspan(at_);
    const std::size_t count = std::min(into.size(), rest.size());
    std::copy_n(rest.begin(), count, into.begin());
    at_ += count;
    return count;
  }

 private:
  const storage::HeldBytes held_;
  std::size_t at_ = 0;
};

constexpr std::size_t kMaxUserMetadata = 2048;

}  // namespace

Result<GivenChecksum> one_checksum(
    std::initializer_list<std::pair<objects::Checksum::Algorithm, std::optional<std::string>>> given) {
  GivenChecksum one;
  for (const auto& [algorithm, value] : given) {
    if (!value) continue;
    if (one.algorithm)
      return objects::bad_request(
          "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
    // Of an object made of parts the value ends with the number of parts.
    const std::string_view text(*value);
    if (!objects::is_well_formed(algorithm, text.substr(0, text.find('-'))))
      return objects::bad_request("Value for x-amz-checksum-" + lower_case(std::string(objects::name_of(algorithm))) +
                                  " header is invalid.");
    one.algorithm = algorithm;
    one.value = *value;
  }
  return one;
}

std::optional<objects::Checksum::Algorithm> algorithm_of(shapes::ChecksumAlgorithm algorithm) {
  return objects::algorithm_named(shapes::to_text(algorithm));
}

std::optional<shapes::ChecksumAlgorithm> to_shape(objects::Checksum::Algorithm algorithm) {
  return enumerator(objects::name_of(algorithm), shapes::ChecksumAlgorithm::Crc64nvme);
}

Result<Bytes> parse_md5(const std::string& header) {
  auto bytes = from_base64(header);
  if (!bytes || bytes->size() != 16) return client_error("InvalidDigest", "The Content-MD5 you specified was invalid.");
  return std::move(*bytes);
}

ExpectedBytes with_trailer(const aws::RequestContext& context, objects::Expected expected, bool given) {
  // A checksum that is announced as a trailer is verified where the body is read; here we only need to compute the same
  // one, so that the object has it.
  if (!expected.checksum && context.request != nullptr) {
    const std::string trailer = lower_case(std::string(context.request->headers.get("x-amz-trailer")));
    constexpr std::string_view kPrefix = "x-amz-checksum-";
    if (trailer.starts_with(kPrefix)) {
      std::string name = trailer.substr(kPrefix.size());
      std::ranges::transform(name, name.begin(),
                             [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
      if (const auto algorithm = objects::algorithm_named(name)) {
        expected.algorithm = *algorithm;
        given = true;
      }
    }
  }
  return {.expected = std::move(expected), .checksum_given = given};
}

objects::Source source_of(const std::optional<aws::Stream>& body) {
  std::shared_ptr<net::BodyReader> reader = body ? body->reader : nullptr;
  return [reader](std::span<std::uint8_t> into) -> Result<std::size_t> {
    if (!reader) return std::size_t{0};
    return reader->read(into);
  };
}

aws::Stream stream_of(std::unique_ptr<objects::ContentReader> reader, std::uint64_t length) {
  if (auto held = reader->held(); held && held->bytes.size() == length)
    return {.reader = std::make_shared<HeldContent>(std::move(*held)), .length = length};
  return {.reader = std::make_shared<ContentStream>(std::move(reader)), .length = length};
}

Result<void> check_user_metadata(const std::map<std::string, std::string>& user) {
  std::size_t size = 0;
  for (const auto& [name, value] : user) size += name.size() + value.size();
  if (size > kMaxUserMetadata)
    return client_error("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size");
  return {};
}

Result<void> take_lock(const objects::Bucket& bucket, TimePoint now, std::optional<objects::Retention::Mode> mode,
                       const std::optional<TimePoint>& until, bool legal_hold, objects::Metadata& metadata) {
  if (mode.has_value() != until.has_value())
    return objects::bad_argument(
        "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied");
  if ((mode || legal_hold) && !bucket.object_lock) return objects::no_object_lock();
  if (until && *until <= now) return objects::bad_argument("The retain until date must be in the future!");
  if (mode) metadata.retention = objects::Retention{.mode = *mode, .until = *until};
  metadata.legal_hold = legal_hold;
  if (mode || !bucket.object_lock) return {};
  const auto lock = configured<shapes::PutObjectLockConfiguration, shapes::ObjectLockConfiguration>(
      bucket, configuration::kObjectLock, "ObjectLockConfiguration");
  if (!lock || !lock->rule || !lock->rule->default_retention) return {};
  const auto& usual = *lock->rule->default_retention;
  const std::chrono::days days(usual.days.value_or(0) + 365 * usual.years.value_or(0));
  metadata.retention = objects::Retention{.mode = usual.mode == shapes::ObjectLockRetentionMode::Compliance
                                                      ? objects::Retention::Mode::Compliance
                                                      : objects::Retention::Mode::Governance,
                                          .until = std::chrono::floor<std::chrono::seconds>(now) + days};
  return {};
}

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

std::string without_aws_chunked(std::string_view encoding) {
  std::string out;
  while (!encoding.empty()) {
    const auto comma = encoding.find(',');
    std::string_view one = encoding.substr(0, comma);
    encoding = comma == std::string_view::npos ? std::string_view() : encoding.substr(comma + 1);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one == "aws-chunked" || one.empty()) continue;
    if (!out.empty()) out += ',';
    out += one;
  }
  return out;
}

Failure precondition_failed(std::string_view header) {
  return aws::http_error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold",
                         {{"Condition", std::string(header)}});
}

}  // namespace likeness::s3
