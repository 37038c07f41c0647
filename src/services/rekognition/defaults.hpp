#pragma once

#include <cstddef>

/// What a request means that leaves a member out. The model has no defaults: these are of its documentation strings
/// unless said otherwise.
namespace likeness::rekognition {

inline constexpr float kFaceMatchThreshold = 80;      // SearchFaces, SearchFacesByImage
inline constexpr float kSimilarityThreshold = 80;     // CompareFaces
inline constexpr float kAssociationThreshold = 75;    // AssociateFaces
inline constexpr float kUserMatchThreshold = 80;      // SearchUsers, SearchUsersByImage
inline constexpr std::size_t kMaxFacesToIndex = 100;  // and never more, whatever MaxFaces says

// Not documented; clients that need all read on with NextToken.
inline constexpr std::size_t kMaxMatches = 80;
inline constexpr std::size_t kMaxUsers = 80;
inline constexpr std::size_t kPageSize = 1000;     // ListCollections, ListFaces
inline constexpr std::size_t kUserPageSize = 500;  // ListUsers: the most that may be asked for

}  // namespace likeness::rekognition
