#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/objects/contents.hpp"

/// HTML forms and their policies, taken apart. No network, no store: also run by the fuzzer.
namespace likeness::s3 {

/// Reads multipart/form-data part by part, holding no more than one buffer. Errors: MalformedPOSTRequest, those of the
/// source.
class FormReader {
 public:
  struct Part {
    std::string name;
    std::optional<std::string> filename;
    std::string content_type;
  };

  FormReader(objects::Source source, std::string_view boundary);

  /// Skips what is left of the part before. Nullopt at the end of the form.
  Result<std::optional<Part>> next();
  /// Bytes of the part; 0 at its end.
  Result<std::size_t> read(std::span<std::uint8_t> into);

 private:
  Result<void> fill();
  Result<std::optional<std::string>> line();
  Result<std::size_t> available();

  const objects::Source source_;
  const std::string delimiter_;  // CR LF -- boundary
  std::string buffer_;
  std::size_t at_ = 0;
  bool source_ended_ = false;
  bool in_part_ = false;
};

/// The boundary of a Content-Type; nullopt if it is no form.
std::optional<std::string> form_boundary(std::string_view content_type);

/// Fields of a form by their lower-case names.
using FormFields = std::map<std::string, std::string>;

/// Checks a form against its policy (JSON). `length_range` is set where the policy bounds the size of the file. Errors:
/// AccessDenied, InvalidPolicyDocument.
struct FormPolicy {
  std::optional<std::pair<std::uint64_t, std::uint64_t>> length_range;
};
Result<FormPolicy> check_form_policy(std::string_view json, const FormFields& fields, const std::string& bucket,
                                     TimePoint now);

}  // namespace likeness::s3
