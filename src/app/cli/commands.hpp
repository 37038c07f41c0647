#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/cli/console.hpp"
#include "app/cli/face_service.hpp"

/// What each command does, once its options are parsed. All return an exit code of console.hpp.
namespace likeness::app {

struct DetectOptions {
  std::vector<std::string> photos = {};
  std::optional<std::string> draw = {};
  std::optional<std::string> crops = {};  // a folder that gets each face as a photo of its own
  std::size_t jobs = default_jobs();
};
int run_detect(const DetectOptions& options, FaceService& service, Console& console);

struct CheckOptions {
  std::vector<std::string> photos = {};
  std::string rules = "passport";  // name of a built-in set, or a file
  bool brief = false;              // only what failed
  std::optional<std::string> draw = {};
  std::size_t jobs = default_jobs();
};
int run_check(const CheckOptions& options, FaceService& service, Console& console);

struct CompareOptions {
  std::string source = {};
  std::vector<std::string> targets = {};
  float threshold = 80;
  std::optional<std::string> draw = {};
  std::size_t jobs = default_jobs();
};
int run_compare(const CompareOptions& options, FaceService& service, Console& console);

struct IndexOptions {
  std::string collection = {};
  std::vector<std::string> photos = {};
  std::optional<std::string> name = {};  // ExternalImageId of all faces; without it, the name of the file
  std::optional<int> max_faces = {};
  std::string quality_filter = "AUTO";
  std::optional<std::string> draw = {};
  std::size_t jobs = default_jobs();
};
int run_index(const IndexOptions& options, FaceService& service, Console& console);

struct SearchOptions {
  std::string collection = {};
  std::vector<std::string> photos = {};
  float threshold = 80;
  int max_faces = 5;
  bool all_faces = false;  // every face of a photo instead of the largest
  std::optional<std::string> draw = {};
  std::size_t jobs = default_jobs();
};
int run_search(const SearchOptions& options, FaceService& service, Console& console);

struct PeopleOptions {
  enum class Action { List, Create, Show, Delete };
  Action action = Action::List;
  std::optional<std::string> collection = {};
  std::string person = {};
  std::vector<std::string> photos = {};  // Create: of that person alone
  bool with_faces = false;               // Delete: the person's faces as well
};
int run_people(const PeopleOptions& options, FaceService& service, Console& console);

/// A name that AWS allows as ExternalImageId, from a file's name: other characters become '_'.
std::string external_id_for(const std::string& path);

}  // namespace likeness::app
