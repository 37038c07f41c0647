#include "domain/faces/users.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_set>
#include <utility>

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "domain/errors.hpp"
#include "domain/faces/faces.hpp"
#include "domain/record.hpp"

namespace likeness::domain {

namespace {

using storage::Write;

std::string latch_of_face(const std::string& face_id) { return "face/" + face_id; }
std::string latch_of_user(const std::string& user_id) { return "user/" + user_id; }

/// The answer of a repeated request, as it is kept with the token.
constexpr std::uint8_t kChanged = 1, kStatus = 2, kFailedFace = 3, kFailedUser = 4, kFailedConfidence = 5,
                       kFailedReason = 6;

std::string encode_answer(const Users::Associations& answer) {
  RecordWriter out;
  for (const auto& id : answer.face_ids) out.text(kChanged, id);
  out.number(kStatus, static_cast<std::uint64_t>(answer.status));
  for (const auto& failed : answer.unsuccessful) {
    out.text(kFailedFace, failed.face_id);
    if (failed.user_id) out.text(kFailedUser, *failed.user_id);
    if (failed.confidence) out.floats(kFailedConfidence, std::span(&*failed.confidence, 1));
    if (failed.reason) out.number(kFailedReason, static_cast<std::uint64_t>(*failed.reason));
  }
  return out.take();
}

Result<Users::Associations> decode_answer(const std::string& bytes) {
  Users::Associations answer;
  auto& failed = answer.unsuccessful;
  RecordReader in(bytes);
  while (in.next()) {
    switch (in.field()) {
      case kChanged: answer.face_ids.emplace_back(in.text()); break;
      case kStatus: answer.status = static_cast<UserStatus>(in.number()); break;
      case kFailedFace:
        failed.push_back({.face_id = std::string(in.text()), .user_id = {}, .confidence = {}, .reason = {}});
        break;
      case kFailedUser:
        if (!failed.empty()) failed.back().user_id = std::string(in.text());
        break;
      case kFailedConfidence: {
        float value = 0;
        if (in.floats(std::span(&value, 1)) && !failed.empty()) failed.back().confidence = value;
        break;
      }
      case kFailedReason:
        if (!failed.empty()) failed.back().reason = static_cast<Users::NotAssociated>(in.number());
        break;
      default: break;
    }
  }
  if (!in.ok()) return internal_error("a stored answer is damaged");
  return answer;
}

float dot(const vision::Embedding& a, const vision::Embedding& b) {
  float sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// The direction that all vectors point to on average, of length 1.
vision::Embedding mean_of(const std::vector<vision::Embedding>& vectors) {
  std::array<double, vision::kEmbeddingSize> sum{};
  for (const auto& vector : vectors)
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(vector[i]);
  double length = 0;
  for (const double value : sum) length += value * value;
  length = std::sqrt(length);
  vision::Embedding mean{};
  // Vectors that cancel out leave no direction: the first stands for all.
  if (length < 1e-6) return vectors.empty() ? mean : vectors.front();
  for (std::size_t i = 0; i < sum.size(); ++i) mean[i] = static_cast<float>(sum[i] / length);
  return mean;
}

std::vector<std::string> without_doubles(const std::vector<std::string>& ids) {
  std::unordered_set<std::string> seen;
  std::vector<std::string> unique;
  for (const auto& id : ids)
    if (seen.insert(id).second) unique.push_back(id);
  return unique;
}

std::vector<std::string> latches_of(const std::string& user_id, const std::vector<std::string>& face_ids) {
  std::vector<std::string> names{latch_of_user(user_id)};
  for (const auto& id : face_ids) names.push_back(latch_of_face(id));
  return names;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text.append(part).push_back('\n');
  return text;
}

}  // namespace

Result<std::string> Users::once(
    const Caller& caller, const std::string& operation, const std::string& collection, const std::string& parameters,
    const Token& token, const std::function<Result<std::string>(LiveCollection&, const TokenedRequest*)>& work) {
  auto live = collections_.open(caller, collection);
  if (!live) return fail(live);
  const auto writing = (*live)->begin_writing();
  if (!writing) return collection_not_found(collection);
  if (!token) return work(**live, nullptr);
  const TokenedRequest request{
      .operation = operation, .token = *token, .collection = collection, .parameters = parameters};
  const auto latch = token_latches_.acquire({caller.scope() + "/" + operation + "/" + *token});
  auto before = tokens_.find(caller, **live, request);
  if (!before) return fail(before);
  if (*before) return std::move(**before);
  forget_old_tokens(caller);
  return work(**live, &request);
}

void Users::forget_old_tokens(const Caller& caller) {
  {
    const std::lock_guard lock(forget_mutex_);
    const auto now = collections_.clock().now();
    const auto [last, first_time] = forgotten_.try_emplace(caller.scope(), now);
    if (!first_time && now - last->second < kForgetEvery) return;
    last->second = now;
  }
  collections_.eraser().run_later([tokens = tokens_, caller]() mutable {
    if (const auto done = tokens.forget_old(caller); !done)
      log::warn("old request tokens stay for now: {} {}", done.error().message, done.error().detail);
  });
}

Result<void> Users::commit(const Caller& caller, LiveCollection& live, std::vector<Write> writes,
                           const TokenedRequest* request, const std::string& answer) {
  if (request) writes.push_back(tokens_.remember(caller, live, *request, answer));
  return collections_.store().commit(std::move(writes));
}

Result<StoredUser> Users::read(const LiveCollection& live, const std::string& user_id, std::string* bytes) const {
  auto found = collections_.store().get(tables::kUsers, {live.generation(), user_id});
  if (!found) return from_below(found);
  if (!*found) return user_not_found(user_id);
  auto user = decode_user(**found);
  if (user && bytes) *bytes = std::move(**found);
  return user;
}

Result<void> Users::create(const Caller& caller, const std::string& collection, const std::string& user_id,
                           const Token& token) {
  auto done = once(caller, "CreateUser", collection, user_id, token,
                   [&](LiveCollection& live, const TokenedRequest* request) -> Result<std::string> {
                     const auto latch = live.latches().acquire({latch_of_user(user_id)});
                     if (const auto limit = collections_.quotas().users_per_collection;
                         limit != 0 && live.directory().size() >= limit)
                       return quota_exceeded("The number of users in the collection", limit);
                     StoredUser user{.id = user_id, .vector_id = {}, .face_ids = {}, .embedding = {}};
                     const auto random = random_bytes(user.vector_id.size());
                     std::copy(random.begin(), random.end(), user.vector_id.begin());
                     const auto made = commit(caller, live,
                                              {Write{.table = std::string(tables::kUsers),
                                                     .key = {live.generation(), user_id},
                                                     .value = encode(user),
                                                     .expect = Write::Expect::Absent,
                                                     .expected_value = {}}},
                                              request, "");
                     if (!made) {
                       if (made.error().code == "ConditionFailed") return user_exists(user_id);
                       return from_below(made);
                     }
                     live.directory().put(user);
                     return std::string();
                   });
  if (!done) return fail(done);
  return {};
}

Result<void> Users::remove(const Caller& caller, const std::string& collection, const std::string& user_id,
                           const Token& token) {
  auto done = once(caller, "DeleteUser", collection, user_id, token,
                   [&](LiveCollection& live, const TokenedRequest* request) -> Result<std::string> {
                     const auto latch = live.latches().acquire({latch_of_user(user_id)});
                     std::string bytes;
                     auto user = read(live, user_id, &bytes);
                     if (!user) return fail(user);
                     const auto removed = commit(caller, live,
                                                 {Write{.table = std::string(tables::kUsers),
                                                        .key = {live.generation(), user_id},
                                                        .value = std::nullopt,
                                                        .expect = Write::Expect::SameValue,
                                                        .expected_value = std::move(bytes)}},
                                                 request, "");
                     if (!removed) {
                       if (removed.error().code == "ConditionFailed") return user_in_use(user_id);
                       return from_below(removed);
                     }
                     live.users().remove(user->vector_id);
                     live.directory().erase(user_id);
                     collections_.eraser().items_deleted(live.generation());
                     return std::string();
                   });
  if (!done) return fail(done);
  return {};
}

Result<Users::Listing> Users::list(const Caller& caller, const std::string& collection, std::size_t limit,
                                   const std::optional<std::string>& page_token) {
  auto live = collections_.open(caller, collection);
  if (!live) return fail(live);
  const auto& generation = (*live)->generation();
  const auto listing_name = "ListUsers/" + generation;
  PagePosition position;
  if (page_token) {
    auto read = collections_.tokens().read(listing_name, *page_token);
    if (!read) return fail(read);
    position = std::move(*read);
  }
  auto page = collections_.store().range(
      tables::kUsers, generation, {.first = position.from, .last = std::nullopt, .limit = limit, .reverse = false});
  if (!page) return from_below(page);
  Listing listing;
  for (const auto& item : page->items) {
    auto user = decode_user(item.value);
    if (!user) return fail(user);
    const auto status = user->status();
    listing.users.push_back({std::move(user->id), status});
  }
  // User ids have at most 128 characters, so a token holds them whole.
  if (page->next) listing.next_token = collections_.tokens().make(listing_name, {.from = *page->next, .skip = 0});
  return listing;
}

Result<void> Users::replace(const Caller& caller, LiveCollection& live, StoredUser user, std::string old_bytes,
                            const TokenedRequest* request, const std::string& answer) {
  std::vector<vision::Embedding> vectors;
  for (const auto& id : user.face_ids) {
    auto face = read_face(collections_.store(), live.generation(), id);
    if (!face) return fail(face);
    if (!*face) return internal_error("a face of a user is missing");
    vectors.push_back((*face)->embedding);
  }
  user.embedding = mean_of(vectors);
  const auto written = commit(caller, live,
                              {Write{.table = std::string(tables::kUsers),
                                     .key = {live.generation(), user.id},
                                     .value = encode(user),
                                     .expect = Write::Expect::SameValue,
                                     .expected_value = std::move(old_bytes)}},
                              request, answer);
  if (!written) {
    if (written.error().code == "ConditionFailed") return user_in_use(user.id);
    return from_below(written);
  }
  if (user.face_ids.empty()) {
    live.users().remove(user.vector_id);
  } else {
    add_stored(live.users(), user.vector_id, user.embedding);
  }
  live.directory().put(user);
  return {};
}

Result<Users::Associations> Users::associate(const Caller& caller, const std::string& collection,
                                             const std::string& user_id, const std::vector<std::string>& face_ids,
                                             float threshold, const Token& token) {
  const auto ids = without_doubles(face_ids);
  auto answer =
      once(caller, "AssociateFaces", collection, user_id + "\n" + std::to_string(threshold) + "\n" + joined(face_ids),
           token, [&](LiveCollection& live, const TokenedRequest* request) -> Result<std::string> {
             const auto latches = live.latches().acquire(latches_of(user_id, ids));
             std::string bytes;
             auto user = read(live, user_id, &bytes);
             if (!user) return fail(user);
             const auto limit = collections_.quotas().faces_per_user;
             if (user->face_ids.size() >= limit) return quota_exceeded("The number of faces of the user", limit);
             const bool had_faces = !user->face_ids.empty();
             Associations outcome;
             for (const auto& id : ids) {
               auto face = read_face(collections_.store(), live.generation(), id);
               if (!face) return fail(face);
               const auto vector_id = vector_id_of(id);
               if (!*face || !vector_id) {
                 outcome.unsuccessful.push_back({id, std::nullopt, std::nullopt, NotAssociated::FaceNotFound});
                 continue;
               }
               if (auto other = live.directory().user_of(*vector_id)) {
                 if (*other != user_id)
                   outcome.unsuccessful.push_back(
                       {id, std::move(other), std::nullopt, NotAssociated::AssociatedToADifferentUser});
                 continue;
               }
               if (had_faces) {
                 const float confidence = analyzer_.similarity(dot((*face)->embedding, user->embedding));
                 if (confidence < threshold) {
                   outcome.unsuccessful.push_back({id, user_id, confidence, NotAssociated::LowMatchConfidence});
                   continue;
                 }
               }
               if (user->face_ids.size() >= limit) {
                 outcome.unsuccessful.push_back({id, user_id, std::nullopt, std::nullopt});
                 continue;
               }
               user->face_ids.push_back(id);
               outcome.face_ids.push_back(id);
             }
             outcome.status = user->status();
             auto encoded = encode_answer(outcome);
             if (auto done = replace(caller, live, std::move(*user), std::move(bytes), request, encoded); !done)
               return fail(done);
             return encoded;
           });
  if (!answer) return fail(answer);
  return decode_answer(*answer);
}

Result<Users::Associations> Users::disassociate(const Caller& caller, const std::string& collection,
                                                const std::string& user_id, const std::vector<std::string>& face_ids,
                                                const Token& token) {
  const auto ids = without_doubles(face_ids);
  auto answer =
      once(caller, "DisassociateFaces", collection, user_id + "\n" + joined(face_ids), token,
           [&](LiveCollection& live, const TokenedRequest* request) -> Result<std::string> {
             const auto latches = live.latches().acquire(latches_of(user_id, ids));
             std::string bytes;
             auto user = read(live, user_id, &bytes);
             if (!user) return fail(user);
             Associations outcome;
             for (const auto& id : ids) {
               auto face = read_face(collections_.store(), live.generation(), id);
               if (!face) return fail(face);
               const auto vector_id = vector_id_of(id);
               if (!*face || !vector_id) {
                 outcome.unsuccessful.push_back({id, std::nullopt, std::nullopt, NotAssociated::FaceNotFound});
                 continue;
               }
               auto owner = live.directory().user_of(*vector_id);
               if (!owner) continue;  // as if it had been done before
               if (*owner != user_id) {
                 outcome.unsuccessful.push_back(
                     {id, std::move(owner), std::nullopt, NotAssociated::AssociatedToADifferentUser});
                 continue;
               }
               std::erase(user->face_ids, id);
               outcome.face_ids.push_back(id);
             }
             outcome.status = user->status();
             auto encoded = encode_answer(outcome);
             if (auto done = replace(caller, live, std::move(*user), std::move(bytes), request, encoded); !done)
               return fail(done);
             return encoded;
           });
  if (!answer) return fail(answer);
  return decode_answer(*answer);
}

std::vector<UserMatch> Users::find(LiveCollection& live, const vision::Embedding& query, std::size_t count,
                                   float threshold, const std::optional<index::VectorId>& except) const {
  const float min_cosine = threshold <= 0 ? -1.01f : analyzer_.cosine_for(threshold);
  std::vector<UserMatch> matches;
  for (const auto& match : live.users().search(query, count + (except ? 1 : 0), min_cosine)) {
    if (except && match.id == *except) continue;
    if (matches.size() == count) break;
    if (auto user = live.directory().find(match.id))
      matches.push_back({analyzer_.similarity(match.cosine), std::move(user->id), user->status});
  }
  return matches;
}

Result<Users::Matches> Users::search(const Caller& caller, const std::string& collection,
                                     const std::optional<std::string>& user_id,
                                     const std::optional<std::string>& face_id, std::size_t max_users,
                                     float threshold) {
  if (user_id.has_value() == face_id.has_value()) return search_users_wants_one_of_face_and_user();
  auto live = collections_.open(caller, collection);
  if (!live) return fail(live);
  Matches result;
  result.face_model_version = (*live)->face_model_version();
  if (face_id) {
    auto face = read_face(collections_.store(), (*live)->generation(), *face_id);
    if (!face) return fail(face);
    if (!*face) return face_not_in_collection();
    result.matches = find(**live, (*face)->embedding, max_users, threshold, std::nullopt);
    return result;
  }
  auto user = read(**live, *user_id);
  if (!user) return fail(user);
  if (user->face_ids.empty()) return result;  // nothing to compare
  result.matches = find(**live, user->embedding, max_users, threshold, user->vector_id);
  return result;
}

Result<Users::Matches> Users::search_by_image(const Caller& caller, const std::string& collection,
                                              const ImageSource& source, QualityFilter filter, std::size_t max_users,
                                              float threshold) {
  auto live = collections_.open(caller, collection);
  if (!live) return fail(live);
  if (const auto version = analyzer_.face_model_version(); version != (*live)->face_model_version())
    return other_face_model((*live)->face_model_version(), version);
  auto image = load_image(caller, source, objects_, limits_);
  if (!image) return fail(image);
  auto found = analyzer_.analyze(image->pixels, {.wanted = vision::Feature::Embedding});
  if (!found) return from_below(found);
  auto sifted = sift(*found, filter, 1, image->pixels.width(), image->pixels.height());
  Matches result;
  result.face_model_version = (*live)->face_model_version();
  for (auto& refused : sifted.refused) {
    // One face is searched for: others that would have passed are told as not the largest.
    if (refused.reasons == std::vector{Reason::ExceedsMaxFaces}) refused.reasons = {Reason::FaceNotLargest};
    refused.face.embedding.reset();
    result.unsearched.push_back({refused.face, std::move(refused.reasons)});
  }
  if (sifted.kept.empty()) return result;
  auto& searched = sifted.kept.front();
  result.matches = find(**live, *searched.embedding, max_users, threshold, std::nullopt);
  searched.embedding.reset();
  result.searched = searched;
  return result;
}

}  // namespace likeness::domain
