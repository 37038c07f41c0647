#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "domain/caller.hpp"
#include "domain/faces/collections.hpp"
#include "domain/faces/quality_filter.hpp"
#include "domain/faces/records.hpp"
#include "domain/image_source.hpp"
#include "vision/face_analyzer.hpp"

namespace likeness::domain {

struct FaceMatch {
  float similarity = 0;  // percent
  IndexedFace face;
};

/// The faces of collections. Thread-safe; every method blocks. All take a collection's id and answer
/// ResourceNotFoundException if there is none; those that take an image have the errors of load_image.
class Faces {
 public:
  struct IndexRequest {
    ImageSource image;
    std::optional<std::string> external_image_id = {};
    vision::Features attributes = {};
    QualityFilter filter = QualityFilter::Auto;
    std::size_t max_faces = 100;
  };
  struct Indexed {
    struct Record {
      IndexedFace face;
      vision::Face detail;
    };
    std::vector<Record> records;             // by falling area
    std::vector<Sifted::Refused> unindexed;  // likewise
    std::string face_model_version;
  };
  struct Listing {
    std::vector<IndexedFace> faces;  // by face id
    std::optional<std::string> next_token;
    std::string face_model_version;
  };
  enum class NotDeleted { FaceNotFound, AssociatedToAnExistingUser };
  struct Deleted {
    struct Unsuccessful {
      std::string face_id;
      std::optional<std::string> user_id;
      NotDeleted reason = NotDeleted::FaceNotFound;
    };
    std::vector<std::string> face_ids;
    std::vector<Unsuccessful> unsuccessful;
  };
  struct Matches {
    std::vector<FaceMatch> matches;  // falling similarity
    std::string face_model_version;
    std::optional<vision::Face> searched;  // of a search by image
  };

  Faces(Collections& collections, vision::FaceAnalyzer& analyzer, ObjectReader& objects, ImageLimits limits)
      : collections_(collections), analyzer_(analyzer), objects_(objects), limits_(limits) {}

  /// Finds the faces of an image and keeps those that pass. All faces of an image are stored, or none. A face that the
  /// same image (with the same external id) brought in before is not stored again: its record is returned.
  /// Error besides: ServiceQuotaExceededException.
  Result<Indexed> index(const Caller& caller, const std::string& collection, const IndexRequest& request);

  /// `face_ids` and `user_id` narrow the listing; ids that are not in the collection are left out, an unknown user is a
  /// ResourceNotFoundException. Errors besides: InvalidPaginationTokenException.
  Result<Listing> list(const Caller& caller, const std::string& collection, std::size_t limit,
                       const std::optional<std::string>& token, const std::optional<std::vector<std::string>>& face_ids,
                       const std::optional<std::string>& user_id);

  Result<Deleted> remove(const Caller& caller, const std::string& collection, const std::vector<std::string>& face_ids);

  /// Faces like a face of the collection, itself excepted. Error besides: InvalidParameterException (no such face).
  Result<Matches> search(const Caller& caller, const std::string& collection, const std::string& face_id,
                         std::size_t max_faces, float threshold);

  /// Faces like the largest face of the image that passes `filter`. Error besides: InvalidParameterException (no face).
  Result<Matches> search_by_image(const Caller& caller, const std::string& collection, const ImageSource& image,
                                  QualityFilter filter, std::size_t max_faces, float threshold);

 private:
  Result<Indexed> store(LiveCollection& live, const std::string& collection, const std::string& image_id,
                        const IndexRequest& request, Sifted sifted);
  Result<std::vector<FaceMatch>> find(LiveCollection& live, const vision::Embedding& query, std::size_t count,
                                      float threshold, const std::optional<index::VectorId>& except);

  Collections& collections_;
  vision::FaceAnalyzer& analyzer_;
  ObjectReader& objects_;
  const ImageLimits limits_;
};

/// A face of the collection, or nullopt.
Result<std::optional<StoredFace>> read_face(const storage::Store& store, const std::string& generation,
                                            const std::string& face_id);

}  // namespace likeness::domain
