#include "app/cli/remote_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "app/cli/face_json.hpp"
#include "media/encode.hpp"

namespace likeness::app {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostImageBytes = 5 * 1024 * 1024;
constexpr int kPage = 1000;
constexpr int kPeoplePage = 500;  // ListUsers takes no more

struct AttributeName {
  vision::Feature feature;
  const char* name;
};
constexpr std::array kAttributes = {
    AttributeName{vision::Feature::AgeRange, "AGE_RANGE"},
    AttributeName{vision::Feature::Smile, "SMILE"},
    AttributeName{vision::Feature::Eyeglasses, "EYEGLASSES"},
    AttributeName{vision::Feature::Sunglasses, "SUNGLASSES"},
    AttributeName{vision::Feature::Gender, "GENDER"},
    AttributeName{vision::Feature::Beard, "BEARD"},
    AttributeName{vision::Feature::Mustache, "MUSTACHE"},
    AttributeName{vision::Feature::EyesOpen, "EYES_OPEN"},
    AttributeName{vision::Feature::MouthOpen, "MOUTH_OPEN"},
    AttributeName{vision::Feature::Emotions, "EMOTIONS"},
    AttributeName{vision::Feature::FaceOccluded, "FACE_OCCLUDED"},
    AttributeName{vision::Feature::EyeDirection, "EYE_DIRECTION"},
};

/// All at once is one word and brings all thirty landmarks; no attribute brings the default ones.
json::array attributes_json(vision::Features wanted) {
  if (wanted == vision::Features()) return {"DEFAULT"};
  if (wanted == vision::Features::attributes()) return {"ALL"};
  json::array names = {"DEFAULT"};
  for (const AttributeName& attribute : kAttributes)
    if (wanted.has(attribute.feature)) names.emplace_back(attribute.name);
  return names;
}

bool starts_with(BytesView file, std::string_view magic) {
  return file.size() >= magic.size() && as_text(file.first(magic.size())) == magic;
}

Result<json::object> image_json(const Photo& photo) {
  const bool known = starts_with(photo.file, "\xff\xd8") || starts_with(photo.file, "\x89PNG");
  if (known && photo.file.size() <= kMostImageBytes) return json::object{{"Bytes", to_base64(photo.file)}};
  for (const int quality : {95, 85, 70, 50}) {
    auto smaller = media::encode_jpeg(photo.image, quality);
    if (!smaller) return fail(smaller);
    if (smaller->size() <= kMostImageBytes) return json::object{{"Bytes", to_base64(*smaller)}};
  }
  return client_error("ImageTooLargeException", "The photo is too large to be sent, even as a small JPEG.");
}

/// Members of an answer; a wrong shape reads as absent.
const json::array& list_of(const json::value& answer, std::string_view name) {
  static const json::array none;
  const json::object* object = answer.if_object();
  const json::value* found = object == nullptr ? nullptr : object->if_contains(name);
  return found != nullptr && found->is_array() ? found->get_array() : none;
}

const json::value& member(const json::value& answer, std::string_view name) {
  static const json::value none;
  const json::object* object = answer.if_object();
  const json::value* found = object == nullptr ? nullptr : object->if_contains(name);
  return found == nullptr ? none : *found;
}

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : std::string();
}

double number_of(const json::value& value) {
  if (value.is_double()) return value.get_double();
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  return 0;
}

std::uint64_t count_of(const json::value& value) {
  return static_cast<std::uint64_t>(std::max(0.0, std::min(1e15, number_of(value))));
}

class RemoteService final : public FaceService {
 public:
  explicit RemoteService(CallApi call) : call_(std::move(call)) {}

  Result<std::vector<vision::Face>> detect(const Photo& photo, vision::Features wanted) override {
    auto image = image_json(photo);
    if (!image) return fail(image);
    auto answer = ask("DetectFaces", {{"Image", std::move(*image)}, {"Attributes", attributes_json(wanted)}});
    if (!answer) return fail(answer);
    std::vector<vision::Face> faces;
    for (const json::value& detail : list_of(*answer, "FaceDetails")) faces.push_back(face_of_json(detail));
    std::ranges::sort(faces, std::greater<>(), [](const vision::Face& face) { return face.box.area(); });
    return faces;
  }

  Result<Comparison> compare(const Photo& source, const Photo& target, float threshold) override {
    auto source_image = image_json(source);
    if (!source_image) return fail(source_image);
    auto target_image = image_json(target);
    if (!target_image) return fail(target_image);
    auto answer = ask("CompareFaces", {{"SourceImage", std::move(*source_image)},
                                       {"TargetImage", std::move(*target_image)},
                                       {"SimilarityThreshold", threshold}});
    if (!answer) return fail(answer);
    Comparison out;
    const json::value& face = member(*answer, "SourceImageFace");
    out.source_box = box_of_json(member(face, "BoundingBox"));
    out.source_confidence = static_cast<float>(number_of(member(face, "Confidence")));
    for (const json::value& match : list_of(*answer, "FaceMatches"))
      out.matches.push_back(
          {static_cast<float>(number_of(member(match, "Similarity"))), face_of_json(member(match, "Face"))});
    for (const json::value& other : list_of(*answer, "UnmatchedFaces")) out.unmatched.push_back(face_of_json(other));
    return out;
  }

  Result<std::vector<CollectionInfo>> collections() override {
    std::vector<CollectionInfo> out;
    json::object input = {{"MaxResults", kPage}};
    for (;;) {
      auto page = ask("ListCollections", input);
      if (!page) return fail(page);
      for (const json::value& id : list_of(*page, "CollectionIds")) {
        auto info = describe_collection(text_of(id));
        if (!info) return fail(info);
        out.push_back(std::move(*info));
      }
      if (!goes_on(*page, input)) return out;
    }
  }

  Result<CollectionInfo> describe_collection(const std::string& id) override {
    auto answer = ask("DescribeCollection", {{"CollectionId", id}});
    if (!answer) return fail(answer);
    return CollectionInfo{id, count_of(member(*answer, "FaceCount")), count_of(member(*answer, "UserCount")),
                          text_of(member(*answer, "FaceModelVersion"))};
  }

  Result<void> create_collection(const std::string& id) override {
    return done(ask("CreateCollection", {{"CollectionId", id}}));
  }
  Result<void> delete_collection(const std::string& id) override {
    return done(ask("DeleteCollection", {{"CollectionId", id}}));
  }

  Result<Indexed> index(const std::string& collection, const Photo& photo, const IndexRequest& request) override {
    auto image = image_json(photo);
    if (!image) return fail(image);
    json::object input = {
        {"CollectionId", collection}, {"Image", std::move(*image)}, {"QualityFilter", request.quality_filter}};
    if (!request.external_image_id.empty()) input["ExternalImageId"] = request.external_image_id;
    if (request.max_faces) input["MaxFaces"] = *request.max_faces;
    auto answer = ask("IndexFaces", input);
    if (!answer) return fail(answer);
    Indexed out;
    out.face_model_version = text_of(member(*answer, "FaceModelVersion"));
    for (const json::value& record : list_of(*answer, "FaceRecords"))
      out.records.push_back({stored_face_of_json(member(record, "Face")), face_of_json(member(record, "FaceDetail"))});
    for (const json::value& face : list_of(*answer, "UnindexedFaces")) {
      Indexed::Left left{{}, face_of_json(member(face, "FaceDetail"))};
      for (const json::value& reason : list_of(face, "Reasons")) left.reasons.push_back(text_of(reason));
      out.left.push_back(std::move(left));
    }
    return out;
  }

  Result<Searched> search(const std::string& collection, const Photo& photo, const SearchRequest& request) override {
    auto image = image_json(photo);
    if (!image) return fail(image);
    auto answer = ask("SearchFacesByImage", {{"CollectionId", collection},
                                             {"Image", std::move(*image)},
                                             {"MaxFaces", request.max_faces},
                                             {"FaceMatchThreshold", request.threshold}});
    if (!answer) return fail(answer);
    Searched out;
    out.box = box_of_json(member(*answer, "SearchedFaceBoundingBox"));
    out.confidence = static_cast<float>(number_of(member(*answer, "SearchedFaceConfidence")));
    for (const json::value& match : list_of(*answer, "FaceMatches"))
      out.matches.push_back(
          {static_cast<float>(number_of(member(match, "Similarity"))), stored_face_of_json(member(match, "Face"))});
    return out;
  }

  Result<std::vector<PersonInfo>> people(const std::string& collection) override {
    std::vector<PersonInfo> out;
    json::object input = {{"CollectionId", collection}, {"MaxResults", kPeoplePage}};
    for (;;) {
      auto page = ask("ListUsers", input);
      if (!page) return fail(page);
      for (const json::value& user : list_of(*page, "Users"))
        out.push_back({text_of(member(user, "UserId")), text_of(member(user, "UserStatus"))});
      if (!goes_on(*page, input)) return out;
    }
  }

  Result<std::vector<StoredFace>> faces(const std::string& collection,
                                        const std::optional<std::string>& person) override {
    std::vector<StoredFace> out;
    json::object input = {{"CollectionId", collection}, {"MaxResults", kPage}};
    if (person) input["UserId"] = *person;
    for (;;) {
      auto page = ask("ListFaces", input);
      if (!page) return fail(page);
      for (const json::value& face : list_of(*page, "Faces")) out.push_back(stored_face_of_json(face));
      if (!goes_on(*page, input)) return out;
    }
  }

  Result<void> create_person(const std::string& collection, const std::string& person) override {
    return done(ask("CreateUser", {{"CollectionId", collection}, {"UserId", person}}));
  }

  Result<std::vector<std::string>> add_faces(const std::string& collection, const std::string& person,
                                             const std::vector<std::string>& face_ids) override {
    auto answer = ask("AssociateFaces",
                      {{"CollectionId", collection}, {"UserId", person}, {"FaceIds", json::value_from(face_ids)}});
    if (!answer) return fail(answer);
    std::vector<std::string> refused;
    for (const json::value& face : list_of(*answer, "UnsuccessfulFaceAssociations")) {
      std::vector<std::string> reasons;
      for (const json::value& reason : list_of(face, "Reasons")) reasons.push_back(text_of(reason));
      refused.push_back(
          fmt::format("face {} was not added: {}", text_of(member(face, "FaceId")), fmt::join(reasons, ", ")));
    }
    return refused;
  }

  Result<void> delete_person(const std::string& collection, const std::string& person) override {
    return done(ask("DeleteUser", {{"CollectionId", collection}, {"UserId", person}}));
  }
  Result<void> delete_faces(const std::string& collection, const std::vector<std::string>& face_ids) override {
    return done(ask("DeleteFaces", {{"CollectionId", collection}, {"FaceIds", json::value_from(face_ids)}}));
  }

  std::optional<double> false_match_rate(float) override { return std::nullopt; }

 private:
  Result<json::value> ask(std::string_view operation, const json::object& input) {
    auto answer = call_(operation, json::serialize(input));
    if (!answer) return fail(answer);
    json::error_code error;
    json::value parsed = json::parse(answer->empty() ? "{}" : *answer, error);
    if (error)
      return server_error("Unreachable",
                          fmt::format("the server's answer to {} is not JSON: is this the right address?", operation));
    return parsed;
  }

  static Result<void> done(Result<json::value> answer) {
    if (!answer) return fail(answer);
    return {};
  }

  /// Puts the token of the next page into `input`; false at the end.
  static bool goes_on(const json::value& page, json::object& input) {
    const std::string token = text_of(member(page, "NextToken"));
    if (token.empty()) return false;
    input["NextToken"] = token;
    return true;
  }

  const CallApi call_;
};

}  // namespace

std::unique_ptr<FaceService> make_remote_service(CallApi call) {
  return std::make_unique<RemoteService>(std::move(call));
}

}  // namespace likeness::app
