#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "media/image.hpp"
#include "vision/face.hpp"

/// What the commands need done, whoever does it: this machine's models and data folder, or a server. The commands are
/// written against this, so that they behave the same either way and can be tested without models.
namespace likeness::app {

/// A photo as read from its file, and decoded: by name, bytes and pixels.
struct Photo {
  std::string path;
  Bytes file;
  media::Image image;
};

/// A face that a collection keeps.
struct StoredFace {
  std::string face_id;
  std::string image_id;
  std::string external_image_id;  // empty if none was given
  std::string user_id;            // the person it belongs to; empty if none
  vision::Box box;
  float confidence = 0;
};

struct FaceMatch {
  float similarity = 0;  // percent
  StoredFace face;
};

struct Comparison {
  struct Match {
    float similarity = 0;
    vision::Face face;
  };
  vision::Box source_box;
  float source_confidence = 0;
  std::vector<Match> matches;           // falling similarity
  std::vector<vision::Face> unmatched;  // faces of the target below the threshold
};

struct IndexRequest {
  std::string external_image_id;  // may be empty
  std::optional<int> max_faces;
  std::string quality_filter = "AUTO";  // AWS's terms
};

struct Indexed {
  struct Record {
    StoredFace face;
    vision::Face detail;
  };
  struct Left {
    std::vector<std::string> reasons;  // AWS's terms: "LOW_SHARPNESS" ...
    vision::Face detail;
  };
  std::vector<Record> records;
  std::vector<Left> left;
  std::string face_model_version;
};

struct SearchRequest {
  float threshold = 80;  // percent
  int max_faces = 10;
};

struct Searched {
  vision::Box box;  // the face that was searched for: the largest of the photo
  float confidence = 0;
  std::vector<FaceMatch> matches;
};

struct CollectionInfo {
  std::string id;
  std::uint64_t faces = 0, persons = 0;
  std::string face_model_version;
};

struct PersonInfo {
  std::string id;
  std::string status;  // "ACTIVE" ...
};

/// Every method blocks and may be called from several threads at once. Error codes are AWS's
/// ("InvalidImageFormatException", "ResourceNotFoundException" ...) or "Unreachable" when there is no server.
class FaceService {
 public:
  virtual ~FaceService() = default;

  /// Faces by falling size.
  virtual Result<std::vector<vision::Face>> detect(const Photo& photo, vision::Features wanted) = 0;
  virtual Result<Comparison> compare(const Photo& source, const Photo& target, float threshold) = 0;

  virtual Result<std::vector<CollectionInfo>> collections() = 0;
  virtual Result<CollectionInfo> describe_collection(const std::string& id) = 0;
  virtual Result<void> create_collection(const std::string& id) = 0;
  virtual Result<void> delete_collection(const std::string& id) = 0;
  virtual Result<Indexed> index(const std::string& collection, const Photo& photo, const IndexRequest& request) = 0;
  virtual Result<Searched> search(const std::string& collection, const Photo& photo, const SearchRequest& request) = 0;

  virtual Result<std::vector<PersonInfo>> people(const std::string& collection) = 0;
  /// All faces of the collection, or those of one person.
  virtual Result<std::vector<StoredFace>> faces(const std::string& collection,
                                                const std::optional<std::string>& person) = 0;
  virtual Result<void> create_person(const std::string& collection, const std::string& person) = 0;
  /// At most 100 faces a call. The faces that could not be added, with the reason, come back.
  virtual Result<std::vector<std::string>> add_faces(const std::string& collection, const std::string& person,
                                                     const std::vector<std::string>& face_ids) = 0;
  virtual Result<void> delete_person(const std::string& collection, const std::string& person) = 0;
  virtual Result<void> delete_faces(const std::string& collection, const std::vector<std::string>& face_ids) = 0;

  /// Share of pairs of different people that reach this similarity, if it is known here (locally it is).
  virtual std::optional<double> false_match_rate(float similarity) = 0;
};

}  // namespace likeness::app
