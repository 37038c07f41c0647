#include "domain/image_source.hpp"

#include <utility>

#include "domain/errors.hpp"

namespace likeness::domain {

namespace {

Result<LoadedImage> upright(BytesView file, const media::DecodeLimits& limits) {
  auto pixels = media::decode(file, limits);
  if (!pixels) return from_decoder(std::move(pixels.error()));
  return LoadedImage{std::move(*pixels), uuid_v3(file)};
}

}  // namespace

Result<Bytes> NoObjects::read(const Caller&, const ObjectReference&, std::size_t) { return unreadable_object(); }

Result<LoadedImage> load_image(const Caller& caller, const ImageSource& source, ObjectReader& objects,
                               const ImageLimits& limits) {
  if (source.bytes.has_value() == source.object.has_value()) return bad_image_source();
  if (source.bytes) return upright(*source.bytes, limits.of_bytes);
  auto file = objects.read(caller, *source.object, limits.of_objects.max_bytes);
  if (!file) return fail(file);
  return upright(*file, limits.of_objects);
}

}  // namespace likeness::domain
