#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "domain/caller.hpp"
#include "domain/faces/collections.hpp"
#include "domain/faces/quality_filter.hpp"
#include "domain/faces/records.hpp"
#include "domain/faces/request_tokens.hpp"
#include "domain/image_source.hpp"
#include "vision/face_analyzer.hpp"

namespace likeness::domain {

struct UserMatch {
  float similarity = 0;  // percent
  std::string user_id;
  UserStatus status = UserStatus::Active;
};

/// People of a collection, each known by several faces: the mean direction of the faces' vectors, kept in an index of
/// its own. Thread-safe; every method blocks. All answer ResourceNotFoundException if there is no such collection, and
/// those that name a user also if there is no such user (except create).
///
/// `token` is the ClientRequestToken: the same request again gets the same answer and changes nothing; another request
/// under it is an IdempotentParameterMismatchException.
class Users {
 public:
  using Token = std::optional<std::string>;

  struct Listing {
    struct Item {
      std::string id;
      UserStatus status = UserStatus::Created;
    };
    std::vector<Item> users;  // by id
    std::optional<std::string> next_token;
  };
  enum class NotAssociated { FaceNotFound, AssociatedToADifferentUser, LowMatchConfidence };
  /// Answer of associate and disassociate.
  struct Associations {
    struct Unsuccessful {
      std::string face_id;
      std::optional<std::string> user_id;   // whose it is
      std::optional<float> confidence;      // of the match, where that was too low
      std::optional<NotAssociated> reason;  // none where the user is full: AWS has no reason for it
    };
    std::vector<std::string> face_ids;  // changed; faces that were so already are in neither list
    std::vector<Unsuccessful> unsuccessful;
    UserStatus status = UserStatus::Created;
  };
  struct Matches {
    struct Unsearched {
      vision::Face face;
      std::vector<Reason> reasons;
    };
    std::vector<UserMatch> matches;  // falling similarity
    std::string face_model_version;
    std::optional<vision::Face> searched;  // of a search by image; nullopt if it has no face
    std::vector<Unsearched> unsearched;
  };

  Users(Collections& collections, vision::FaceAnalyzer& analyzer, ObjectReader& objects, ImageLimits limits)
      : collections_(collections),
        analyzer_(analyzer),
        objects_(objects),
        limits_(limits),
        tokens_(collections.store(), collections.clock()) {}

  /// Errors besides: ConflictException (the user exists), ServiceQuotaExceededException.
  Result<void> create(const Caller& caller, const std::string& collection, const std::string& user_id,
                      const Token& token);
  /// Its faces stay in the collection.
  Result<void> remove(const Caller& caller, const std::string& collection, const std::string& user_id,
                      const Token& token);
  /// Error besides: InvalidPaginationTokenException.
  Result<Listing> list(const Caller& caller, const std::string& collection, std::size_t limit,
                       const std::optional<std::string>& page_token);

  /// `threshold` (percent) counts against the faces that the user has already; the first ones of a user are all taken.
  /// Error besides: ServiceQuotaExceededException (the user has 100 faces).
  Result<Associations> associate(const Caller& caller, const std::string& collection, const std::string& user_id,
                                 const std::vector<std::string>& face_ids, float threshold, const Token& token);
  Result<Associations> disassociate(const Caller& caller, const std::string& collection, const std::string& user_id,
                                    const std::vector<std::string>& face_ids, const Token& token);

  /// Users like a face of the collection, or like a user, itself excepted; exactly one must be given. Error besides:
  /// InvalidParameterException (no such face; none or both given).
  Result<Matches> search(const Caller& caller, const std::string& collection, const std::optional<std::string>& user_id,
                         const std::optional<std::string>& face_id, std::size_t max_users, float threshold);
  /// Users like the largest face that passes `filter`. Without such a face there is no match and nothing searched: not
  /// an error, unlike in Faces::search_by_image.
  Result<Matches> search_by_image(const Caller& caller, const std::string& collection, const ImageSource& image,
                                  QualityFilter filter, std::size_t max_users, float threshold);

 private:
  /// Runs `work` as the request's one execution: under the token's latch, unless it was answered before.
  Result<std::string> once(const Caller& caller, const std::string& operation, const std::string& collection,
                           const std::string& parameters, const Token& token,
                           const std::function<Result<std::string>(LiveCollection&, const TokenedRequest*)>& work);
  Result<void> commit(const Caller& caller, LiveCollection& live, std::vector<storage::Write> writes,
                      const TokenedRequest* request, const std::string& answer);
  Result<StoredUser> read(const LiveCollection& live, const std::string& user_id, std::string* bytes = nullptr) const;
  /// Writes the user with these faces and brings directory and index up to it.
  Result<void> replace(const Caller& caller, LiveCollection& live, StoredUser user, std::string old_bytes,
                       const TokenedRequest* request, const std::string& answer);
  std::vector<UserMatch> find(LiveCollection& live, const vision::Embedding& query, std::size_t count, float threshold,
                              const std::optional<index::VectorId>& except) const;

  Collections& collections_;
  vision::FaceAnalyzer& analyzer_;
  ObjectReader& objects_;
  const ImageLimits limits_;
  /// Old tokens are looked for at most this often, in the background.
  static constexpr std::chrono::minutes kForgetEvery{30};
  void forget_old_tokens(const Caller& caller);

  RequestTokens tokens_;
  std::mutex forget_mutex_;
  std::map<std::string, TimePoint> forgotten_;  // scope -> when last
  KeyLatches token_latches_;
};

}  // namespace likeness::domain
