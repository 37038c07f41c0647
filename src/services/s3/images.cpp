#include "services/s3/images.hpp"

#include "base/log.hpp"
#include "domain/errors.hpp"
#include "services/s3/access.hpp"

namespace likeness::s3 {

Result<Bytes> Images::read(const domain::Caller& caller, const domain::ObjectReference& object, std::size_t max_bytes) {
  // Whatever is the matter, the caller learns no more than that it cannot be read.
  if (const auto* context = static_cast<const aws::RequestContext*>(caller.request)) {
    const char* action = object.version ? "s3:GetObjectVersion" : "s3:GetObject";
    const auto needed = permission(state_, *context, action, object.bucket, object.name, object.version);
    if (auto may = context->allowed(needed); !may) return domain::unreadable_object();
  }
  const auto bucket = state_.store.buckets.get(object.bucket);
  if (!bucket) return domain::unreadable_object();
  const auto version = state_.store.objects.find(*bucket, object.name, object.version);
  if (!version || version->is_delete_marker) return domain::unreadable_object();
  if (version->size > max_bytes) return domain::image_too_large();
  auto reader = state_.store.objects.open(*version, 0, version->size);
  if (!reader) return domain::from_below(reader.error());
  Bytes bytes(static_cast<std::size_t>(version->size));
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    auto got = (*reader)->read(std::span(bytes).subspan(filled));
    if (!got) return domain::from_below(got.error());
    if (*got == 0) return domain::internal_error("an object is shorter than its record says");
    filled += *got;
  }
  return bytes;
}

}  // namespace likeness::s3
