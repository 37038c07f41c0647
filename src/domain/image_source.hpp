#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "domain/caller.hpp"
#include "media/decode.hpp"
#include "media/image.hpp"

namespace likeness::domain {

/// An image that lies in the object store.
struct ObjectReference {
  std::string bucket;
  std::string name;
  std::optional<std::string> version = {};
};

/// Where `Image` of a request comes from: exactly one of the two. `bytes` is borrowed for the time of the call.
struct ImageSource {
  std::optional<BytesView> bytes = {};
  std::optional<ObjectReference> object = {};
};

/// Reads images from the object store. Blocking, thread-safe.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;

  /// The whole object. Errors, in AWS's terms: InvalidS3ObjectException (no such object, or `caller` may not read it),
  /// ImageTooLargeException (more than `max_bytes`; nothing is read then).
  virtual Result<Bytes> read(const Caller& caller, const ObjectReference& object, std::size_t max_bytes) = 0;
};

/// For a server without an object store: every object is unreadable.
class NoObjects : public ObjectReader {
 public:
  Result<Bytes> read(const Caller& caller, const ObjectReference& object, std::size_t max_bytes) override;
};

struct ImageLimits {
  media::DecodeLimits of_bytes;  // AWS: 5 MB
  media::DecodeLimits of_objects{.max_bytes = 15 * 1024 * 1024};
};

/// An image ready to be looked at, with the id that AWS calls ImageId: a UUID (version 3) of the file's bytes, so the
/// same file has the same id wherever it comes from.
struct LoadedImage {
  media::Image pixels;
  std::string id;
};

/// Errors: InvalidParameterException (not exactly one source; a side under the least size), InvalidS3ObjectException,
/// InvalidImageFormatException, ImageTooLargeException.
Result<LoadedImage> load_image(const Caller& caller, const ImageSource& source, ObjectReader& objects,
                               const ImageLimits& limits);

}  // namespace likeness::domain
