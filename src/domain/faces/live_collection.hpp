#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "domain/faces/records.hpp"
#include "domain/key_latches.hpp"
#include "index/face_index.hpp"
#include "storage/store.hpp"

namespace likeness::domain {

/// Makes an empty index for vectors of that many dimensions. `default_index` is what servers use.
using MakeIndex = std::function<std::unique_ptr<index::FaceIndex>(std::size_t dimensions)>;
std::unique_ptr<index::FaceIndex> default_index(std::size_t dimensions);

/// Adds a vector that the store has already: a refusal is logged and shows after the next start at the latest, because
/// what is stored is the truth.
void add_stored(index::FaceIndex& index, const index::VectorId& id, const vision::Embedding& vector);

/// Who of a collection's users has which faces, in memory: what a search needs to name a match. Thread-safe.
class UserDirectory {
 public:
  struct Entry {
    std::string id;
    UserStatus status = UserStatus::Created;
  };

  /// Adds the user or replaces what was known of it.
  void put(const StoredUser& user);
  void erase(const std::string& user_id);
  std::size_t size() const;

  std::optional<Entry> find(const index::VectorId& vector_id) const;
  /// The user that the face is associated with.
  std::optional<std::string> user_of(const index::VectorId& face_id) const;

 private:
  struct Hash {
    // The ids are random: any eight of their bytes are a hash.
    std::size_t operator()(const index::VectorId& id) const noexcept;
  };
  struct User {
    Entry entry;
    index::VectorId vector_id{};
    std::vector<index::VectorId> faces;
  };
  void erase_locked(const std::string& user_id);

  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const User>> by_id_;
  std::unordered_map<index::VectorId, std::shared_ptr<const User>, Hash> by_vector_;
  std::unordered_map<index::VectorId, std::shared_ptr<const User>, Hash> by_face_;
};

/// The part of a collection that is kept in memory: the indexes of its faces and users. Made when the collection is
/// first used after a start, by reading its vectors from the store; kept in step by whoever commits a change.
///
/// The rule that keeps index and store together: hold the latches of everything that a change touches ("face/ID",
/// "image/KEY", "user/ID"), commit, then change the index, then answer. So a search that starts after an answer sees
/// its effect, and two changes of one thing reach the index in the order of their commits.
///
/// Thread-safe. Shared by the requests that use it; alive until the last of them is done.
class LiveCollection {
 public:
  /// Counts a request that may change the collection, so that deleting it can wait for the end of those under way.
  class Writing {
   public:
    Writing(Writing&& other) noexcept : collection_(std::exchange(other.collection_, nullptr)) {}
    Writing& operator=(Writing&&) = delete;
    ~Writing() {
      if (collection_) collection_->end_writing();
    }

   private:
    friend class LiveCollection;
    explicit Writing(LiveCollection* collection) : collection_(collection) {}
    LiveCollection* collection_;
  };

  LiveCollection(Collection identity, const MakeIndex& make_index);

  /// Reads faces and users from the store. Errors: those of the store, InternalServerError for damaged values.
  Result<void> load(const storage::Store& store);

  const std::string& id() const { return identity_.id; }
  const std::string& generation() const { return identity_.generation; }
  const std::string& face_model_version() const { return identity_.face_model_version; }

  index::FaceIndex& faces() { return *faces_; }
  index::FaceIndex& users() { return *users_; }
  UserDirectory& directory() { return directory_; }
  KeyLatches& latches() { return latches_; }

  /// nullopt once the collection is being deleted.
  std::optional<Writing> begin_writing();
  /// Refuses further writers and waits for those under way.
  void close();

 private:
  void end_writing();

  const Collection identity_;
  const std::unique_ptr<index::FaceIndex> faces_;
  const std::unique_ptr<index::FaceIndex> users_;
  UserDirectory directory_;
  KeyLatches latches_;

  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t writers_ = 0;
  bool closed_ = false;
};

}  // namespace likeness::domain
