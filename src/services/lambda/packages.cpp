#include "services/lambda/packages.hpp"

#include <fmt/format.h>

#include "aws/gen/s3.hpp"
#include "domain/lambda/errors.hpp"

namespace likeness::lambda {
namespace {

constexpr std::uint64_t kMaxObject = 50u << 20;

Failure from_s3(const Error& error, const std::string& bucket, const std::string& key) {
  if (error.code == "AccessDenied" || error.code == "AccessDeniedException")
    return client_error("AccessDeniedException",
                        fmt::format("Your access has been denied by S3, please make sure your request credentials have "
                                    "permission to GetObject for {}/{}. S3 Error Code: {}. S3 Error Message: {}",
                                    bucket, key, "AccessDenied", error.message));
  return invalid(fmt::format("Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}", error.code,
                             error.message));
}

Result<Bytes> read_object(const Lambda& parts, const aws::RequestContext& context, const PackageSource& source) {
  aws::s3::GetObjectRequest in;
  in.bucket = source.bucket;
  in.key = source.key;
  if (source.version && !source.version->empty()) in.version_id = source.version;
  auto out = parts.calls.call<aws::s3::GetObject>({.principal = context.principal}, in);
  if (!out) return from_s3(out.error(), source.bucket.value_or(""), source.key.value_or(""));
  const auto size = static_cast<std::uint64_t>(out->content_length.value_or(0));
  if (size > kMaxObject) return invalid(fmt::format("Zipped size must be smaller than {} bytes", kMaxObject));
  Bytes bytes(size);
  std::size_t filled = 0;
  if (out->body && out->body->reader)
    while (filled < bytes.size()) {
      auto got = out->body->reader->read(std::span(bytes).subspan(filled));
      if (!got) return internal(got.error());
      if (*got == 0) break;
      filled += *got;
    }
  bytes.resize(filled);
  return bytes;
}

}  // namespace

Result<CodeStore::Pin> take_package(const Lambda& parts, const aws::RequestContext& context,
                                    const PackageSource& source) {
  if (source.zip != nullptr) {
    if (source.bucket || source.key)
      return invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.");
    return parts.code.put(*source.zip);
  }
  if (!source.bucket || !source.key) return invalid("Please provide a source for function code.");
  auto bytes = read_object(parts, context, source);
  if (!bytes) return fail(bytes);
  return parts.code.put(*bytes);
}

}  // namespace likeness::lambda
