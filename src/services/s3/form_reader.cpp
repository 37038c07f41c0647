#include "services/s3/form_reader.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <utility>

#include "aws/timestamps.hpp"

namespace likeness::s3 {

namespace {

constexpr std::size_t kBuffer = 64 * 1024;
constexpr std::size_t kMaxLine = 8 * 1024;

Failure malformed() {
  return client_error("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.");
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

/// The parameter of a header's value: name="value" or name=value.
std::optional<std::string> parameter(std::string_view value, std::string_view name) {
  for (std::size_t at = value.find(';'); at != std::string_view::npos;) {
    std::string_view rest = value.substr(at + 1);
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    const auto equals = rest.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string key = lower(rest.substr(0, equals));
    rest = rest.substr(equals + 1);
    std::string found;
    if (rest.starts_with('"')) {
      std::size_t i = 1;
      for (; i < rest.size() && rest[i] != '"'; ++i) {
        if (rest[i] == '\\' && i + 1 < rest.size() && (rest[i + 1] == '"' || rest[i + 1] == '\\')) ++i;
        found.push_back(rest[i]);
      }
      if (i >= rest.size()) return std::nullopt;
      rest = rest.substr(i + 1);
    } else {
      const auto end = rest.find(';');
      found = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
    }
    if (key == name) return found;
    const auto next = rest.find(';');
    if (next == std::string_view::npos) return std::nullopt;
    at = value.size() - rest.size() + next;
  }
  return std::nullopt;
}

// -- policies

Failure invalid_policy(const std::string& why) {
  return client_error("InvalidPolicyDocument", "Invalid Policy: " + why);
}
Failure denied(const std::string& why) { return client_error("AccessDenied", "Invalid according to Policy: " + why); }

/// What a policy's condition compares: fields, and the bucket.
std::string value_of(const std::string& name, const FormFields& fields, const std::string& bucket) {
  if (name == "bucket") return bucket;
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second;
}

struct Checked {
  FormPolicy policy;
  std::vector<std::string> names;  // fields that a condition is about
};

std::optional<std::uint64_t> whole_number(const boost::json::value& value) {
  if (value.is_int64() && value.get_int64() >= 0) return static_cast<std::uint64_t>(value.get_int64());
  if (value.is_uint64()) return value.get_uint64();
  if (value.is_string()) {
    const std::string_view text = value.get_string();
    if (text.empty() || text.size() > 18 || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
      return std::nullopt;
    return std::stoull(std::string(text));
  }
  return std::nullopt;
}

Result<void> check_list(const boost::json::array& condition, const FormFields& fields, const std::string& bucket,
                        Checked& checked) {
  if (condition.size() != 3 || !condition[0].is_string())
    return invalid_policy("Invalid Condition: wrong number of arguments.");
  const std::string kind = lower(std::string_view(condition[0].get_string()));
  if (kind == "content-length-range") {
    const auto least = whole_number(condition[1]);
    const auto most = whole_number(condition[2]);
    if (!least || !most) return invalid_policy("Invalid content-length-range.");
    checked.policy.length_range = {*least, *most};
    return {};
  }
  if (!condition[1].is_string() || !condition[2].is_string()) return invalid_policy("Invalid Condition.");
  std::string name = lower(std::string_view(condition[1].get_string()));
  if (!name.starts_with('$')) return invalid_policy("Invalid Condition: the field needs a leading $.");
  name.erase(0, 1);
  const std::string_view wanted = condition[2].get_string();
  const std::string value = value_of(name, fields, bucket);
  checked.names.push_back(name);
  const std::string shown =
      "Policy Condition failed: [\"" + kind + "\", \"$" + name + "\", \"" + std::string(wanted) + "\"]";
  if (kind == "eq") {
    if (value != wanted) return denied(shown);
  } else if (kind == "starts-with") {
    if (!value.starts_with(wanted)) return denied(shown);
  } else {
    return invalid_policy("Invalid Condition: unknown operator.");
  }
  return {};
}

Result<void> check_conditions(const boost::json::array& conditions, const FormFields& fields, const std::string& bucket,
                              Checked& checked) {
  for (const auto& condition : conditions) {
    if (condition.is_array()) {
      if (auto met = check_list(condition.get_array(), fields, bucket, checked); !met) return met;
    } else if (condition.is_object()) {
      for (const auto& entry : condition.get_object()) {
        if (!entry.value().is_string()) return invalid_policy("Invalid Simple-Condition.");
        const std::string name = lower(entry.key());
        checked.names.push_back(name);
        if (value_of(name, fields, bucket) != std::string_view(entry.value().get_string()))
          return denied("Policy Condition failed: [\"eq\", \"$" + name + "\", \"" +
                        std::string(entry.value().get_string()) + "\"]");
      }
    } else {
      return invalid_policy("Invalid Condition.");
    }
  }
  return {};
}

}  // namespace

FormReader::FormReader(objects::Source source, std::string_view boundary)
    : source_(std::move(source)), delimiter_("\r\n--" + std::string(boundary)), buffer_("\r\n") {}

Result<void> FormReader::fill() {
  if (source_ended_) return {};
  if (at_ > 0) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kBuffer);
  auto got = source_(std::span(reinterpret_cast<std::uint8_t*>(buffer_.data()) + before, kBuffer));
  if (!got) {
    buffer_.resize(before);
    return fail(got);
  }
  buffer_.resize(before + *got);
  source_ended_ = *got == 0;
  return {};
}

/// A line without its end; nullopt where the source ends first.
Result<std::optional<std::string>> FormReader::line() {
  while (true) {
    const auto end = buffer_.find("\r\n", at_);
    if (end != std::string::npos) {
      std::string text = buffer_.substr(at_, end - at_);
      at_ = end + 2;
      if (text.size() > kMaxLine) return malformed();
      return text;
    }
    if (buffer_.size() - at_ > kMaxLine) return malformed();
    if (source_ended_) return std::nullopt;
    if (auto filled = fill(); !filled) return fail(filled);
  }
}

/// How many bytes at the front of the buffer are the part's for sure; 0 at its end.
Result<std::size_t> FormReader::available() {
  while (true) {
    const auto end = buffer_.find(delimiter_, at_);
    if (end != std::string::npos) return end - at_;
    const std::size_t there = buffer_.size() - at_;
    if (there > delimiter_.size()) return there - delimiter_.size();
    if (source_ended_) return malformed();
    if (auto filled = fill(); !filled) return fail(filled);
  }
}

Result<std::size_t> FormReader::read(std::span<std::uint8_t> into) {
  if (!in_part_ || into.empty()) return std::size_t{0};
  auto there = available();
  if (!there) return there;
  const std::size_t count = std::min(*there, into.size());
  std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
  at_ += count;
  return count;
}

Result<std::optional<FormReader::Part>> FormReader::next() {
  in_part_ = true;  // what is before the first delimiter is skipped like a part
  while (true) {
    auto there = available();
    if (!there) return fail(there);
    if (*there == 0) break;
    at_ += *there;
  }
  in_part_ = false;
  at_ += delimiter_.size();
  auto rest = line();  // of the delimiter's own line
  if (!rest) return fail(rest);
  if (!*rest) {
    // "--" at the very end without a line's end.
    if (std::string_view(buffer_).substr(at_).starts_with("--")) return std::nullopt;
    return malformed();
  }
  if ((*rest)->starts_with("--")) return std::nullopt;
  Part part;
  for (int headers = 0;; ++headers) {
    auto header = line();
    if (!header) return fail(header);
    if (!*header || headers > 20) return malformed();
    if ((*header)->empty()) break;
    const auto colon = (*header)->find(':');
    if (colon == std::string::npos) return malformed();
    const std::string name = lower(std::string_view(**header).substr(0, colon));
    std::string_view value = std::string_view(**header).substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "content-disposition") {
      part.name = parameter(value, "name").value_or("");
      part.filename = parameter(value, "filename");
    } else if (name == "content-type") {
      part.content_type = value;
    }
  }
  in_part_ = true;
  return part;
}

std::optional<std::string> form_boundary(std::string_view content_type) {
  if (!lower(content_type).starts_with("multipart/form-data")) return std::nullopt;
  auto boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > 70) return std::nullopt;
  return boundary;
}

Result<FormPolicy> check_form_policy(std::string_view json, const FormFields& fields, const std::string& bucket,
                                     TimePoint now) {
  boost::json::error_code problem;
  const auto value = boost::json::parse(json, problem);
  if (problem || !value.is_object()) return invalid_policy("Invalid JSON.");
  const auto& document = value.get_object();
  const auto* expiration = document.if_contains("expiration");
  if (expiration == nullptr || !expiration->is_string()) return invalid_policy("Policy missing expiration.");
  const auto until = aws::parse_iso8601(std::string_view(expiration->get_string()));
  if (!until) return invalid_policy("Invalid 'expiration' value.");
  if (*until <= now) return denied("Policy expired.");
  const auto* conditions = document.if_contains("conditions");
  if (conditions == nullptr || !conditions->is_array()) return invalid_policy("Policy missing conditions.");
  Checked checked;
  if (auto met = check_conditions(conditions->get_array(), fields, bucket, checked); !met) return fail(met);
  // Every field has to be one that the signer thought of.
  constexpr std::array<std::string_view, 5> kFree{"policy", "x-amz-signature", "signature", "awsaccesskeyid", "file"};
  for (const auto& [name, text] : fields) {
    if (std::ranges::find(kFree, name) != kFree.end() || name.starts_with("x-ignore-")) continue;
    if (std::ranges::find(checked.names, name) == checked.names.end()) return denied("Extra input fields: " + name);
  }
  return checked.policy;
}

}  // namespace likeness::s3
