#include "domain/faces/faces.hpp"

#include <algorithm>
#include <set>
#include <unordered_set>
#include <utility>

#include "base/bytes.hpp"
#include "domain/errors.hpp"

namespace likeness::domain {

namespace {

using storage::Write;

std::string latch_of_face(const std::string& face_id) { return "face/" + face_id; }
std::string latch_of_image(const std::string& image) { return "image/" + image; }

float overlap(const vision::Box& a, const vision::Box& b) {
  const float width = std::min(a.left + a.width, b.left + b.width) - std::max(a.left, b.left);
  const float height = std::min(a.top + a.height, b.top + b.height) - std::max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const float both = width * height;
  return both / (a.area() + b.area() - both);
}

}  // namespace

Result<std::optional<StoredFace>> read_face(const storage::Store& store, const std::string& generation,
                                            const std::string& face_id) {
  auto found = store.get(tables::kFaces, {generation, face_id});
  if (!found) return from_below(found);
  if (!*found) return std::optional<StoredFace>();
  auto face = decode_face(**found);
  if (!face) return fail(face);
  return std::optional<StoredFace>(std::move(*face));
}

Result<Faces::Indexed> Faces::index(const Caller& caller, const std::string& collection, const IndexRequest& request) {
  auto live = collections_.open(caller, collection);
  if (!live) return fail(live);
  if (const auto version = analyzer_.face_model_version(); version != (*live)->face_model_version())
    return other_face_model((*live)->face_model_version(), version);
  auto image = load_image(caller, request.image, objects_, limits_);
  if (!image) return fail(image);
  // All faces are looked at, so that those beyond `max_faces` can be told of.
  auto found = analyzer_.analyze(image->pixels, {.wanted = request.attributes | vision::Feature::Embedding});
  if (!found) return from_below(found);
  auto sifted = sift(*found, request.filter, request.max_faces, image->pixels.width(), image->pixels.height());
  return store(**live, collection, image->id, request, std::move(sifted));
}

Result<Faces::Indexed> Faces::store(LiveCollection& live, const std::string& collection, const std::string& image_id,
                                    const IndexRequest& request, Sifted sifted) {
  auto& store = collections_.store();
  const auto writing = live.begin_writing();
  if (!writing) return collection_not_found(collection);
  const auto key = image_key(image_id, request.external_image_id);
  const auto image_latch = live.latches().acquire({latch_of_image(key)});

  Indexed result{
      .records = {}, .unindexed = std::move(sifted.refused), .face_model_version = live.face_model_version()};
  auto marker = store.get(tables::kImages, {live.generation(), key});
  if (!marker) return from_below(marker);
  ImageFaces image;
  std::vector<IndexedFace> known;
  if (*marker) {
    auto decoded = decode_image(**marker);
    if (!decoded) return fail(decoded);
    for (const auto& id : decoded->face_ids) {
      auto face = read_face(store, live.generation(), id);
      if (!face) return fail(face);
      if (!*face) continue;  // of a request that ended halfway
      image.face_ids.push_back(id);
      known.push_back(std::move((*face)->face));
    }
  }

  std::vector<StoredFace> added;
  for (auto& detail : sifted.kept) {
    Indexed::Record record;
    // The same bytes give the same boxes, so this finds the face itself and no neighbour.
    const auto same = std::max_element(known.begin(), known.end(), [&](const auto& a, const auto& b) {
      return overlap(a.box, detail.box) < overlap(b.box, detail.box);
    });
    if (same != known.end() && overlap(same->box, detail.box) > 0.8f) {
      record.face = *same;
      if (const auto id = vector_id_of(same->face_id)) record.face.user_id = live.directory().user_of(*id);
    } else {
      StoredFace stored{.face = {.face_id = uuid_v4(),
                                 .image_id = image_id,
                                 .external_image_id = request.external_image_id,
                                 .box = {as_stored(detail.box.left), as_stored(detail.box.top),
                                         as_stored(detail.box.width), as_stored(detail.box.height)},
                                 .confidence = as_stored(detail.confidence),
                                 .model_version = live.face_model_version(),
                                 .user_id = std::nullopt},
                        .embedding = *detail.embedding};
      image.face_ids.push_back(stored.face.face_id);
      record.face = stored.face;
      added.push_back(std::move(stored));
    }
    // The answer to IndexFaces has the numbers of the detection; later listings have the stored ones.
    record.face.box = detail.box;
    record.face.confidence = detail.confidence;
    detail.embedding.reset();
    record.detail = detail;
    result.records.push_back(std::move(record));
  }
  if (added.empty()) return result;
  const auto quota = collections_.quotas().faces_per_collection;
  if (const auto limit = quota == 0 ? index::kMaxVectors : std::min(quota, index::kMaxVectors);
      live.faces().size() + added.size() > limit)
    return quota_exceeded("The number of faces in the collection", limit);

  std::vector<std::string> face_latches;
  face_latches.reserve(added.size());
  for (const auto& face : added) face_latches.push_back(latch_of_face(face.face.face_id));
  const auto latches = live.latches().acquire(std::move(face_latches));

  // One commit. Only an image with a hundred new faces needs a second, because a commit has at most a hundred writes:
  // the marker goes with the first and names all faces, so that a crash in between leaves whole faces that the next
  // request for the same image finds, and adds the missing ones to.
  std::vector<Write> writes{Write{.table = std::string(tables::kImages),
                                  .key = {live.generation(), key},
                                  .value = encode(image),
                                  .expect = Write::Expect::Anything,
                                  .expected_value = {}}};
  std::size_t searchable = 0;
  for (std::size_t i = 0; i < added.size(); ++i) {
    writes.push_back({.table = std::string(tables::kFaces),
                      .key = {live.generation(), added[i].face.face_id},
                      .value = encode(added[i]),
                      .expect = Write::Expect::Absent,
                      .expected_value = {}});
    if (writes.size() < storage::kMaxWritesInCommit && i + 1 < added.size()) continue;
    const auto written = store.commit(std::exchange(writes, {}));
    if (!written) return from_below(written);
    for (; searchable <= i; ++searchable)
      if (const auto id = vector_id_of(added[searchable].face.face_id))
        add_stored(live.faces(), *id, added[searchable].embedding);
  }
  return result;
}

Result<Faces::Listing> Faces::list(const Caller& caller, const std::string& collection, std::size_t limit,
                                   const std::optional<std::string>& token,
                                   const std::optional<std::vector<std::string>>& face_ids,
                                   const std::optional<std::string>& user_id) {
  auto live = collections_.open(caller, collection);
  if (!live) return fail(live);
  auto& store = collections_.store();
  const auto& generation = (*live)->generation();

  // The ids to choose from, in order, where the request names them.
  std::optional<std::set<std::string>> chosen;
  std::string filters;
  if (user_id) {
    auto found = store.get(tables::kUsers, {generation, *user_id});
    if (!found) return from_below(found);
    if (!*found) return user_not_found(*user_id);
    auto user = decode_user(**found);
    if (!user) return fail(user);
    chosen.emplace(user->face_ids.begin(), user->face_ids.end());
    filters += "/user/" + *user_id;
  }
  if (face_ids) {
    std::set<std::string> asked(face_ids->begin(), face_ids->end());
    filters += "/faces/";
    for (const auto& id : asked) filters += id;
    if (chosen) std::erase_if(*chosen, [&](const auto& id) { return !asked.contains(id); });
    if (!chosen) chosen = std::move(asked);
  }

  const auto listing_name = "ListFaces/" + generation + filters;
  std::string from;
  if (token) {
    auto position = collections_.tokens().read(listing_name, *token);
    if (!position) return fail(position);
    from = std::move(position->from);
  }
  Listing listing{.faces = {}, .next_token = std::nullopt, .face_model_version = (*live)->face_model_version()};
  const auto show = [&](IndexedFace face) {
    if (const auto id = vector_id_of(face.face_id)) face.user_id = (*live)->directory().user_of(*id);
    listing.faces.push_back(std::move(face));
  };
  if (chosen) {
    for (auto at = chosen->lower_bound(from); at != chosen->end(); ++at) {
      auto face = read_face(store, generation, *at);
      if (!face) return fail(face);
      if (!*face) continue;
      if (listing.faces.size() == limit) {
        listing.next_token = collections_.tokens().make(listing_name, {.from = *at, .skip = 0});
        break;
      }
      show(std::move((*face)->face));
    }
    return listing;
  }
  auto page =
      store.range(tables::kFaces, generation, {.first = from, .last = std::nullopt, .limit = limit, .reverse = false});
  if (!page) return from_below(page);
  for (const auto& item : page->items) {
    auto face = decode_face(item.value);
    if (!face) return fail(face);
    show(std::move(face->face));
  }
  if (page->next) listing.next_token = collections_.tokens().make(listing_name, {.from = *page->next, .skip = 0});
  return listing;
}

Result<Faces::Deleted> Faces::remove(const Caller& caller, const std::string& collection,
                                     const std::vector<std::string>& face_ids) {
  auto live = collections_.open(caller, collection);
  if (!live) return fail(live);
  const auto writing = (*live)->begin_writing();
  if (!writing) return collection_not_found(collection);
  auto& store = collections_.store();
  const auto& generation = (*live)->generation();

  Deleted result;
  std::unordered_set<std::string> seen;
  std::vector<std::string> ids;
  for (const auto& id : face_ids)
    if (seen.insert(id).second) ids.push_back(id);
  // A face and its image's marker are two writes; a commit has a hundred.
  constexpr std::size_t kFacesInCommit = storage::kMaxWritesInCommit / 2;
  for (std::size_t start = 0; start < ids.size(); start += kFacesInCommit) {
    const auto end = std::min(ids.size(), start + kFacesInCommit);
    // Which images are touched shows only in the faces; an image's name in a face never changes.
    std::vector<std::string> latch_names;
    for (std::size_t i = start; i < end; ++i) {
      latch_names.push_back(latch_of_face(ids[i]));
      auto face = read_face(store, generation, ids[i]);
      if (!face) return fail(face);
      if (*face)
        latch_names.push_back(latch_of_image(image_key((*face)->face.image_id, (*face)->face.external_image_id)));
    }
    const auto latches = (*live)->latches().acquire(std::move(latch_names));

    std::vector<Write> writes;
    std::map<std::string, ImageFaces> images;
    std::vector<index::VectorId> vectors;
    std::vector<std::string> removed;
    for (std::size_t i = start; i < end; ++i) {
      auto face = read_face(store, generation, ids[i]);
      if (!face) return fail(face);
      const auto vector_id = vector_id_of(ids[i]);
      if (!*face || !vector_id) {
        result.unsuccessful.push_back({ids[i], std::nullopt, NotDeleted::FaceNotFound});
        continue;
      }
      if (auto user = (*live)->directory().user_of(*vector_id)) {
        result.unsuccessful.push_back({ids[i], std::move(user), NotDeleted::AssociatedToAnExistingUser});
        continue;
      }
      const auto key = image_key((*face)->face.image_id, (*face)->face.external_image_id);
      auto at = images.find(key);
      if (at == images.end()) {
        auto marker = store.get(tables::kImages, {generation, key});
        if (!marker) return from_below(marker);
        ImageFaces image;
        if (*marker) {
          auto decoded = decode_image(**marker);
          if (!decoded) return fail(decoded);
          image = std::move(*decoded);
        }
        at = images.emplace(key, std::move(image)).first;
      }
      std::erase(at->second.face_ids, ids[i]);
      writes.push_back({.table = std::string(tables::kFaces),
                        .key = {generation, ids[i]},
                        .value = std::nullopt,
                        .expect = Write::Expect::Present,
                        .expected_value = {}});
      vectors.push_back(*vector_id);
      removed.push_back(ids[i]);
    }
    if (removed.empty()) continue;
    for (const auto& [key, image] : images)
      writes.push_back({.table = std::string(tables::kImages),
                        .key = {generation, key},
                        .value = image.face_ids.empty() ? std::nullopt : std::optional(encode(image)),
                        .expect = Write::Expect::Anything,
                        .expected_value = {}});
    const auto written = store.commit(std::move(writes));
    if (!written) return from_below(written);
    (*live)->faces().remove(vectors);
    std::move(removed.begin(), removed.end(), std::back_inserter(result.face_ids));
  }
  if (!result.face_ids.empty()) collections_.eraser().items_deleted(generation);
  return result;
}

Result<std::vector<FaceMatch>> Faces::find(LiveCollection& live, const vision::Embedding& query, std::size_t count,
                                           float threshold, const std::optional<index::VectorId>& except) {
  // Without a threshold everything may match, also what points the other way.
  const float min_cosine = threshold <= 0 ? -1.01f : analyzer_.cosine_for(threshold);
  std::vector<FaceMatch> matches;
  for (const auto& match : live.faces().search(query, count + (except ? 1 : 0), min_cosine)) {
    if (except && match.id == *except) continue;
    if (matches.size() == count) break;
    auto face = read_face(collections_.store(), live.generation(), uuid_of(match.id));
    if (!face) return fail(face);
    if (!*face) continue;  // deleted a moment ago
    (*face)->face.user_id = live.directory().user_of(match.id);
    matches.push_back({.similarity = analyzer_.similarity(match.cosine), .face = std::move((*face)->face)});
  }
  return matches;
}

Result<Faces::Matches> Faces::search(const Caller& caller, const std::string& collection, const std::string& face_id,
                                     std::size_t max_faces, float threshold) {
  auto live = collections_.open(caller, collection);
  if (!live) return fail(live);
  auto face = read_face(collections_.store(), (*live)->generation(), face_id);
  if (!face) return fail(face);
  if (!*face) return face_not_in_collection();
  auto matches = find(**live, (*face)->embedding, max_faces, threshold, vector_id_of(face_id));
  if (!matches) return fail(matches);
  return Matches{
      .matches = std::move(*matches), .face_model_version = (*live)->face_model_version(), .searched = std::nullopt};
}

Result<Faces::Matches> Faces::search_by_image(const Caller& caller, const std::string& collection,
                                              const ImageSource& source, QualityFilter filter, std::size_t max_faces,
                                              float threshold) {
  auto live = collections_.open(caller, collection);
  if (!live) return fail(live);
  if (const auto version = analyzer_.face_model_version(); version != (*live)->face_model_version())
    return other_face_model((*live)->face_model_version(), version);
  auto image = load_image(caller, source, objects_, limits_);
  if (!image) return fail(image);
  // Without a filter the largest face is the one; with it, any of them may be.
  auto found = analyzer_.analyze(
      image->pixels, {.wanted = vision::Feature::Embedding, .max_faces = filter == QualityFilter::None ? 1 : 100});
  if (!found) return from_below(found);
  auto sifted = sift(*found, filter, 1, image->pixels.width(), image->pixels.height());
  if (sifted.kept.empty()) return no_faces_in_image();
  auto& searched = sifted.kept.front();
  auto matches = find(**live, *searched.embedding, max_faces, threshold, std::nullopt);
  if (!matches) return fail(matches);
  searched.embedding.reset();
  return Matches{
      .matches = std::move(*matches), .face_model_version = (*live)->face_model_version(), .searched = searched};
}

}  // namespace likeness::domain
