#include "app/cli/local_service.hpp"

#include <fmt/format.h>

#include <mutex>

#include "app/cli/inputs.hpp"
#include "domain/recognition.hpp"
#include "storage/embedded_store.hpp"

namespace likeness::app {
namespace {

constexpr std::size_t kPage = 1000;
constexpr float kPersonThreshold = 75;  // AWS's default of AssociateFaces

std::string_view wire_name(domain::Reason reason) {
  switch (reason) {
    case domain::Reason::ExceedsMaxFaces: return "EXCEEDS_MAX_FACES";
    case domain::Reason::ExtremePose: return "EXTREME_POSE";
    case domain::Reason::LowBrightness: return "LOW_BRIGHTNESS";
    case domain::Reason::LowSharpness: return "LOW_SHARPNESS";
    case domain::Reason::LowConfidence: return "LOW_CONFIDENCE";
    case domain::Reason::SmallBoundingBox: return "SMALL_BOUNDING_BOX";
    case domain::Reason::LowFaceQuality: return "LOW_FACE_QUALITY";
    case domain::Reason::FaceNotLargest: return "FACE_NOT_LARGEST";
  }
  return "";
}

std::string_view wire_name(domain::UserStatus status) {
  switch (status) {
    case domain::UserStatus::Active: return "ACTIVE";
    case domain::UserStatus::Updating: return "UPDATING";
    case domain::UserStatus::Creating: return "CREATING";
    case domain::UserStatus::Created: return "CREATED";
  }
  return "";
}

std::string why_not(const std::optional<domain::Users::NotAssociated>& reason) {
  if (!reason) return "the person has as many faces as one may have";
  switch (*reason) {
    case domain::Users::NotAssociated::FaceNotFound: return "there is no such face";
    case domain::Users::NotAssociated::AssociatedToADifferentUser: return "it belongs to another person";
    case domain::Users::NotAssociated::LowMatchConfidence: return "it does not look like the person's other faces";
  }
  return "";
}

Result<domain::QualityFilter> quality_filter(const std::string& name) {
  if (name == "NONE") return domain::QualityFilter::None;
  if (name == "AUTO") return domain::QualityFilter::Auto;
  if (name == "LOW") return domain::QualityFilter::Low;
  if (name == "MEDIUM") return domain::QualityFilter::Medium;
  if (name == "HIGH") return domain::QualityFilter::High;
  return client_error("Usage", fmt::format("the quality filter must be NONE, AUTO, LOW, MEDIUM or HIGH, not {}", name));
}

StoredFace stored_face(const domain::IndexedFace& face) {
  return {.face_id = face.face_id,
          .image_id = face.image_id,
          .external_image_id = face.external_image_id.value_or(""),
          .user_id = face.user_id.value_or(""),
          .box = face.box,
          .confidence = face.confidence};
}

/// The command line takes more than the API: WebP, and files and sides beyond AWS's limits.
domain::ImageLimits wide_limits() {
  media::DecodeLimits limits;
  limits.max_bytes = kMostPhotoBytes;
  limits.min_side = 16;
  limits.max_side = 20'000;
  limits.max_pixels = 200'000'000;
  limits.allow_webp = true;
  return {.of_bytes = limits, .of_objects = limits};
}

domain::ImageSource source_of(const Photo& photo) { return {.bytes = BytesView(photo.file), .object = std::nullopt}; }

class LocalService final : public FaceService {
 public:
  explicit LocalService(LocalParts parts) : parts_(std::move(parts)) { caller_.region = parts_.region; }

  Result<std::vector<vision::Face>> detect(const Photo& photo, vision::Features wanted) override {
    auto found = analyzer();
    if (!found) return fail(found);
    return (*found)->analyze(photo.image, {.wanted = wanted});
  }

  Result<Comparison> compare(const Photo& source, const Photo& target, float threshold) override {
    auto found = analyzer();
    if (!found) return fail(found);
    domain::Detection detection(**found, objects_, wide_limits());
    auto compared =
        detection.compare(caller_, source_of(source), source_of(target), threshold, domain::QualityFilter::None);
    if (!compared) return fail(compared);
    Comparison out;
    out.source_box = compared->source.box;
    out.source_confidence = compared->source.confidence;
    for (const auto& match : compared->matches) out.matches.push_back({match.similarity, match.face});
    out.unmatched = std::move(compared->unmatched);
    return out;
  }

  Result<std::vector<CollectionInfo>> collections() override {
    auto open = recognition();
    if (!open) return fail(open);
    std::vector<CollectionInfo> out;
    std::optional<std::string> token;
    do {
      auto page = (*open)->collections.list(caller_, kPage, token);
      if (!page) return fail(page);
      for (const auto& item : page->items) {
        auto info = describe_collection(item.id);
        if (!info) return fail(info);
        out.push_back(std::move(*info));
      }
      token = page->next_token;
    } while (token);
    return out;
  }

  Result<CollectionInfo> describe_collection(const std::string& id) override {
    auto open = recognition();
    if (!open) return fail(open);
    auto found = (*open)->collections.describe(caller_, id);
    if (!found) return fail(found);
    return CollectionInfo{id, found->face_count, found->user_count, found->collection.face_model_version};
  }

  Result<void> create_collection(const std::string& id) override {
    if (auto valid = check_id(id); !valid) return valid;
    auto open = recognition();
    if (!open) return fail(open);
    if (auto made = (*open)->collections.create(caller_, id, {}); !made) return fail(made);
    return {};
  }

  Result<void> delete_collection(const std::string& id) override {
    auto open = recognition();
    if (!open) return fail(open);
    return (*open)->collections.remove(caller_, id);
  }

  Result<Indexed> index(const std::string& collection, const Photo& photo, const IndexRequest& request) override {
    auto open = recognition();
    if (!open) return fail(open);
    const auto filter = quality_filter(request.quality_filter);
    if (!filter) return tl::unexpected(filter.error());
    domain::Faces::IndexRequest wanted;
    wanted.image = source_of(photo);
    if (!request.external_image_id.empty()) wanted.external_image_id = request.external_image_id;
    wanted.filter = *filter;
    if (request.max_faces) wanted.max_faces = static_cast<std::size_t>(*request.max_faces);
    auto indexed = (*open)->faces.index(caller_, collection, wanted);
    if (!indexed) return fail(indexed);
    Indexed out;
    out.face_model_version = indexed->face_model_version;
    for (const auto& record : indexed->records) out.records.push_back({stored_face(record.face), record.detail});
    for (const auto& refused : indexed->unindexed) {
      Indexed::Left left{{}, refused.face};
      for (const domain::Reason reason : refused.reasons) left.reasons.emplace_back(wire_name(reason));
      out.left.push_back(std::move(left));
    }
    return out;
  }

  Result<Searched> search(const std::string& collection, const Photo& photo, const SearchRequest& request) override {
    auto open = recognition();
    if (!open) return fail(open);
    auto found = (*open)->faces.search_by_image(caller_, collection, source_of(photo), domain::QualityFilter::None,
                                                static_cast<std::size_t>(request.max_faces), request.threshold);
    if (!found) return fail(found);
    Searched out;
    if (found->searched) {
      out.box = found->searched->box;
      out.confidence = found->searched->confidence;
    }
    for (const auto& match : found->matches) out.matches.push_back({match.similarity, stored_face(match.face)});
    return out;
  }

  Result<std::vector<PersonInfo>> people(const std::string& collection) override {
    auto open = recognition();
    if (!open) return fail(open);
    std::vector<PersonInfo> out;
    std::optional<std::string> token;
    do {
      auto page = (*open)->users.list(caller_, collection, kPage / 2, token);
      if (!page) return fail(page);
      for (const auto& user : page->users) out.push_back({user.id, std::string(wire_name(user.status))});
      token = page->next_token;
    } while (token);
    return out;
  }

  Result<std::vector<StoredFace>> faces(const std::string& collection,
                                        const std::optional<std::string>& person) override {
    auto open = recognition();
    if (!open) return fail(open);
    std::vector<StoredFace> out;
    std::optional<std::string> token;
    do {
      auto page = (*open)->faces.list(caller_, collection, kPage, token, std::nullopt, person);
      if (!page) return fail(page);
      for (const auto& face : page->faces) out.push_back(stored_face(face));
      token = page->next_token;
    } while (token);
    return out;
  }

  Result<void> create_person(const std::string& collection, const std::string& person) override {
    if (auto valid = check_id(person); !valid) return valid;
    auto open = recognition();
    if (!open) return fail(open);
    return (*open)->users.create(caller_, collection, person, std::nullopt);
  }

  Result<std::vector<std::string>> add_faces(const std::string& collection, const std::string& person,
                                             const std::vector<std::string>& face_ids) override {
    auto open = recognition();
    if (!open) return fail(open);
    auto done = (*open)->users.associate(caller_, collection, person, face_ids, kPersonThreshold, std::nullopt);
    if (!done) return fail(done);
    std::vector<std::string> refused;
    for (const auto& face : done->unsuccessful)
      refused.push_back(fmt::format("face {} was not added: {}", face.face_id, why_not(face.reason)));
    return refused;
  }

  Result<void> delete_person(const std::string& collection, const std::string& person) override {
    auto open = recognition();
    if (!open) return fail(open);
    return (*open)->users.remove(caller_, collection, person, std::nullopt);
  }

  Result<void> delete_faces(const std::string& collection, const std::vector<std::string>& face_ids) override {
    auto open = recognition();
    if (!open) return fail(open);
    if (auto gone = (*open)->faces.remove(caller_, collection, face_ids); !gone) return fail(gone);
    return {};
  }

  std::optional<double> false_match_rate(float similarity) override {
    const std::lock_guard lock(mutex_);
    if (!analyzer_) return std::nullopt;
    return analyzer_->false_match_rate(similarity);
  }

 private:
  /// The server's protocol layer checks names by the service model; here it is done by hand.
  static Result<void> check_id(const std::string& id) {
    const bool fits =
        !id.empty() && id.size() <= 255 &&
        id.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-:") == std::string::npos;
    if (fits) return {};
    return client_error("Usage", fmt::format("'{}' cannot be a name: 1 to 255 of letters, digits and _ . -", id));
  }

  Result<vision::FaceAnalyzer*> analyzer() {
    const std::lock_guard lock(mutex_);
    return analyzer_locked();
  }

  Result<vision::FaceAnalyzer*> analyzer_locked() {
    if (!analyzer_) {
      auto made = parts_.make_analyzer();
      if (!made) return fail(made);
      analyzer_ = std::move(*made);
    }
    return analyzer_.get();
  }

  Result<domain::Recognition*> recognition() {
    const std::lock_guard lock(mutex_);
    if (recognition_) return recognition_.get();
    auto models = analyzer_locked();
    if (!models) return fail(models);
    std::error_code error;
    std::filesystem::create_directories(parts_.data, error);
    if (error)
      return client_error("NotWritable",
                          fmt::format("the data folder {} cannot be made: {}", parts_.data.string(), error.message()));
    auto store = storage::open_embedded_store(parts_.data / kStoreFolder);
    if (!store) return fail(store);
    store_ = std::move(*store);
    auto opened = domain::Recognition::open(*store_, **models, parts_.make_index, objects_, Clock::system(),
                                            {.images = wide_limits(), .quotas = {}});
    if (!opened) return fail(opened);
    recognition_ = std::move(*opened);
    return recognition_.get();
  }

  static constexpr const char* kStoreFolder = "store";  // the server's name for it

  const LocalParts parts_;
  domain::Caller caller_;
  domain::NoObjects objects_;
  std::mutex mutex_;
  std::unique_ptr<vision::FaceAnalyzer> analyzer_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<domain::Recognition> recognition_;  // last: uses the two above
};

}  // namespace

std::unique_ptr<FaceService> make_local_service(LocalParts parts) {
  return std::make_unique<LocalService>(std::move(parts));
}

}  // namespace likeness::app
