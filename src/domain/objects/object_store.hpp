#pragma once

#include <memory>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/change_feed.hpp"
#include "domain/objects/buckets.hpp"
#include "domain/objects/contents.hpp"
#include "domain/objects/objects.hpp"
#include "domain/objects/uploads.hpp"
#include "storage/blobs.hpp"
#include "storage/store.hpp"

namespace likeness::objects {

/// Buckets, objects and uploads on one store. `open` puts right what a crash left.
class ObjectStore {
 public:
  /// Borrows all. `blobs` holds nothing else than objects.
  static Result<std::unique_ptr<ObjectStore>> open(storage::Store& store, storage::Blobs& blobs,
                                                   domain::ChangeFeed& feed, const Clock& clock) {
    auto made = std::unique_ptr<ObjectStore>(new ObjectStore(store, blobs, feed, clock));
    if (auto recovered = made->buckets.recover(); !recovered) return fail(recovered);
    if (auto recovered = made->contents_.recover(clock.now()); !recovered) return fail(recovered);
    return made;
  }

  storage::Store& store;
  domain::ChangeFeed& feed;
  const Clock& clock;

 private:
  ObjectStore(storage::Store& of, storage::Blobs& blobs, domain::ChangeFeed& changes, const Clock& time)
      : store(of),
        feed(changes),
        clock(time),
        contents_(of, blobs),
        buckets(of, time),
        objects(of, contents_, changes, time),
        uploads(of, objects, time) {}
  Contents contents_;

 public:
  Buckets buckets;
  Objects objects;
  Uploads uploads;
};

}  // namespace likeness::objects
