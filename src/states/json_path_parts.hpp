#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "states/value.hpp"

/// What json_path.cpp and json_path_parser.cpp share.
namespace likeness::states {

struct PathSegment;
using PathSegments = std::vector<PathSegment>;

/// One side of a comparison, or a whole condition.
struct PathFilter {
  enum class Kind { Or, And, Not, Compare, Exists, Literal, Current, Root, Pattern };
  Kind kind = Kind::Literal;
  std::string op;                    // of Compare
  std::vector<PathFilter> operands;  // of Or, And, Not, Compare
  Value literal;
  std::shared_ptr<const PathSegments> path;  // of Current and Root
  bool definite = true;                      // of that path
  std::string pattern;                       // in RE2's syntax
};

struct PathSegment {
  enum class Kind { Names, Indexes, Slice, Wildcard, Filter, Function };
  Kind kind = Kind::Names;
  bool deep = false;  // after ".."
  std::vector<std::string> names;
  std::vector<std::int64_t> indexes;
  std::optional<std::int64_t> from, to, step;
  PathFilter filter;
  std::string function;

  bool definite() const {
    if (deep) return false;
    switch (kind) {
      case Kind::Names: return names.size() == 1;
      case Kind::Indexes: return indexes.size() == 1;
      case Kind::Function: return true;
      default: return false;
    }
  }
};

struct ParsedPath {
  PathSegments segments;
  std::size_t end = 0;  // where in the text it ended
};

/// The segments after the root, up to where no further one begins. Error: "InvalidPath".
Result<ParsedPath> parse_path_segments(std::string_view text, std::size_t at, int depth);

}  // namespace likeness::states
