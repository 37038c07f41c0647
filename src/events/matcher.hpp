#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "events/conjunction.hpp"
#include "events/event_fields.hpp"
#include "events/pattern.hpp"

namespace likeness::events {

/// Which of many patterns an event matches. The patterns are sorted into a tree by what they ask for, at each node by
/// the fields that tell most of them apart, so that an event is compared with the few that it may match and not with
/// all: the time for an event hardly depends on how many patterns there are. Immutable once made; thread-safe.
class Matcher {
 public:
  explicit Matcher(std::vector<std::shared_ptr<const Pattern>> patterns);

  /// The places in `patterns` of those that match, rising; nothing if `event` is no JSON object.
  std::vector<std::size_t> match(std::string_view event) const;
  bool any(std::string_view event) const { return !match(event).empty(); }

  std::size_t size() const { return patterns_.size(); }

 private:
  friend class MatcherBuilder;
  using NodeId = std::uint32_t;
  using AlternativeId = std::uint32_t;

  struct KeyHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };
  using Keys = std::unordered_map<std::string, NodeId, KeyHash, std::equal_to<>>;

  struct Interval {
    double low = 0;
    double high = 0;
    double highest = 0;  // of this one and all below it in the implied tree
    NodeId node = 0;
  };
  /// Where the values of one field lead.
  struct Split {
    FieldId field = 0;
    Keys texts, numbers, raw_numbers, literals, folded_texts;
    Keys prefixes, suffixes, folded_prefixes, folded_suffixes;
    std::vector<std::size_t> prefix_lengths, suffix_lengths, folded_prefix_lengths, folded_suffix_lengths;
    Keys networks;                                    // by size, bits and address
    std::vector<std::pair<std::uint8_t, int>> masks;  // size and bits that there are
    std::vector<Interval> intervals;                  // by their low end
    std::vector<NodeId> anything;                     // any value leads there
  };
  struct Node {
    std::vector<AlternativeId> here;  // to be compared
    std::vector<Split> splits;        // by field
  };
  struct Alternative {
    CompiledConjunction fields;
    std::size_t pattern = 0;
  };

  void collect(NodeId node, const EventFields& event, std::vector<AlternativeId>& found) const;
  void follow(const Split& split, const FieldValue& value, const EventFields& event,
              std::vector<AlternativeId>& found) const;
  void follow_text(const Split& split, std::string_view text, const EventFields& event,
                   std::vector<AlternativeId>& found) const;
  void stab(const Split& split, std::size_t first, std::size_t last, double number, const EventFields& event,
            std::vector<AlternativeId>& found) const;

  std::vector<std::shared_ptr<const Pattern>> patterns_;
  FieldNames names_;
  std::vector<Alternative> alternatives_;
  std::vector<Node> nodes_;
};

}  // namespace likeness::events
