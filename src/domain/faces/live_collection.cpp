#include "domain/faces/live_collection.hpp"

#include <cstring>
#include <utility>

#include "base/log.hpp"
#include "domain/errors.hpp"

namespace likeness::domain {

std::unique_ptr<index::FaceIndex> default_index(std::size_t dimensions) {
  return index::make_face_index({.dimensions = dimensions});
}

void add_stored(index::FaceIndex& index, const index::VectorId& id, const vision::Embedding& vector) {
  if (const auto added = index.add(id, vector); !added)
    log::error("the vector {} is stored but cannot be searched: {}", uuid_of(id), added.error().message);
}

std::size_t UserDirectory::Hash::operator()(const index::VectorId& id) const noexcept {
  std::size_t value = 0;
  std::memcpy(&value, id.data(), sizeof value);
  return value;
}

void UserDirectory::put(const StoredUser& stored) {
  auto user = std::make_shared<User>();
  user->entry = {stored.id, stored.status()};
  user->vector_id = stored.vector_id;
  for (const auto& face : stored.face_ids)
    if (const auto id = vector_id_of(face)) user->faces.push_back(*id);
  const std::lock_guard lock(mutex_);
  erase_locked(stored.id);
  for (const auto& face : user->faces) by_face_[face] = user;
  by_vector_[user->vector_id] = user;
  by_id_[stored.id] = std::move(user);
}

void UserDirectory::erase(const std::string& user_id) {
  const std::lock_guard lock(mutex_);
  erase_locked(user_id);
}

void UserDirectory::erase_locked(const std::string& user_id) {
  const auto found = by_id_.find(user_id);
  if (found == by_id_.end()) return;
  for (const auto& face : found->second->faces) by_face_.erase(face);
  by_vector_.erase(found->second->vector_id);
  by_id_.erase(found);
}

std::size_t UserDirectory::size() const {
  const std::shared_lock lock(mutex_);
  return by_id_.size();
}

std::optional<UserDirectory::Entry> UserDirectory::find(const index::VectorId& vector_id) const {
  const std::shared_lock lock(mutex_);
  const auto found = by_vector_.find(vector_id);
  if (found == by_vector_.end()) return std::nullopt;
  return found->second->entry;
}

std::optional<std::string> UserDirectory::user_of(const index::VectorId& face_id) const {
  const std::shared_lock lock(mutex_);
  const auto found = by_face_.find(face_id);
  if (found == by_face_.end()) return std::nullopt;
  return found->second->entry.id;
}

LiveCollection::LiveCollection(Collection identity, const MakeIndex& make_index)
    : identity_(std::move(identity)),
      faces_(make_index(vision::kEmbeddingSize)),
      users_(make_index(vision::kEmbeddingSize)) {}

Result<void> LiveCollection::load(const storage::Store& store) {
  Result<void> outcome;
  auto scanned = store.scan(tables::kFaces, generation(), [&](std::string_view, std::string_view value) {
    const auto stored = decode_face(value);
    if (!stored) {
      outcome = Failure(stored.error());
      return false;
    }
    if (const auto id = vector_id_of(stored->face.face_id)) add_stored(*faces_, *id, stored->embedding);
    return true;
  });
  if (!scanned) return from_below(scanned);
  if (!outcome) return outcome;
  scanned = store.scan(tables::kUsers, generation(), [&](std::string_view, std::string_view value) {
    const auto user = decode_user(value);
    if (!user) {
      outcome = Failure(user.error());
      return false;
    }
    directory_.put(*user);
    if (!user->face_ids.empty()) add_stored(*users_, user->vector_id, user->embedding);
    return true;
  });
  if (!scanned) return from_below(scanned);
  return outcome;
}

std::optional<LiveCollection::Writing> LiveCollection::begin_writing() {
  const std::lock_guard lock(mutex_);
  if (closed_) return std::nullopt;
  ++writers_;
  return Writing(this);
}

void LiveCollection::end_writing() {
  // Notified under the lock: the waiter may destroy this object as soon as it sees the zero.
  const std::lock_guard lock(mutex_);
  if (--writers_ == 0) idle_.notify_all();
}

void LiveCollection::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  idle_.wait(lock, [this] { return writers_ == 0; });
}

}  // namespace likeness::domain
