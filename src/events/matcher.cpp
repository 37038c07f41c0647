#include "events/matcher.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <optional>
#include <set>

namespace likeness::events {

namespace {

/// As many are compared one by one as long as that is quicker than to look them up.
constexpr std::size_t kFewEnough = 4;
/// A pattern with more values than these in a field is not multiplied by them below the root.
constexpr std::size_t kMostKeysBelowRoot = 16;

/// Where in a Split a test belongs.
enum class Slot : char {
  Text = 't',
  Number = 'n',
  RawNumber = 'r',
  Literal = 'l',
  Folded = 'f',
  Prefix = 'p',
  Suffix = 's',
  FoldedPrefix = 'P',
  FoldedSuffix = 'S',
  Network = 'a',
  Interval = 'i',
  Anything = '*',
};

struct SlotKey {
  Slot slot;
  std::string key;
  double low = 0;
  double high = 0;
  auto operator<=>(const SlotKey&) const = default;
};

std::string number_key(double number) {
  const auto bits = std::bit_cast<std::uint64_t>(number);
  std::string key(sizeof bits, '\0');
  std::memcpy(key.data(), &bits, sizeof bits);
  return key;
}

std::string interval_key(double low, double high) { return number_key(low) + number_key(high); }

std::string network_key(const Address& address, int bits) {
  std::string key(address.view());
  key.push_back(static_cast<char>(address.size));
  key.push_back(static_cast<char>(bits));
  return key;
}

/// The most telling key that every value which passes the test has; several where any of them will do. False for
/// Absent, which no value has.
bool keys_of(const Test& test, std::vector<SlotKey>& keys) {
  switch (test.kind) {
    case Test::Kind::Exact: keys.push_back({Slot::Text, test.text}); return true;
    case Test::Kind::Number:
      if (test.number) keys.push_back({Slot::Number, number_key(*test.number)});
      if (!test.text.empty() && !test.number) keys.push_back({Slot::RawNumber, test.text});
      return true;
    case Test::Kind::Literal: keys.push_back({Slot::Literal, test.text}); return true;
    case Test::Kind::IgnoreCase: keys.push_back({Slot::Folded, test.text}); return true;
    case Test::Kind::Prefix: keys.push_back({Slot::Prefix, test.text}); return true;
    case Test::Kind::PrefixIgnoreCase: keys.push_back({Slot::FoldedPrefix, test.text}); return true;
    case Test::Kind::Suffix: keys.push_back({Slot::Suffix, test.text}); return true;
    case Test::Kind::SuffixIgnoreCase: keys.push_back({Slot::FoldedSuffix, test.text}); return true;
    case Test::Kind::Wildcard: {
      const Wildcard& wildcard = test.wildcards[0];
      if (wildcard.plain())
        keys.push_back({Slot::Text, std::string(wildcard.head())});
      else if (wildcard.head().size() >= wildcard.tail().size())
        keys.push_back({Slot::Prefix, std::string(wildcard.head())});
      else
        keys.push_back({Slot::Suffix, std::string(wildcard.tail())});
      return true;
    }
    case Test::Kind::Range:
      keys.push_back({Slot::Interval, interval_key(test.low, test.high), test.low, test.high});
      return true;
    case Test::Kind::Network: keys.push_back({Slot::Network, network_key(test.address, test.bits)}); return true;
    case Test::Kind::Absent: return false;
    default: keys.push_back({Slot::Anything, {}}); return true;
  }
}

/// Of all tests of a field; nullopt if the field cannot tell whether the pattern matches, because it may be absent.
std::optional<std::vector<SlotKey>> keys_of(const std::vector<Test>& tests) {
  std::vector<SlotKey> keys;
  for (const Test& test : tests)
    if (!keys_of(test, keys)) return std::nullopt;
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  // A value of any kind makes all other keys of the field idle.
  for (const SlotKey& key : keys)
    if (key.slot == Slot::Anything) return std::vector{key};
  return keys;
}

void note_length(std::vector<std::size_t>& lengths, std::size_t length) {
  const auto at = std::lower_bound(lengths.begin(), lengths.end(), length);
  if (at == lengths.end() || *at != length) lengths.insert(at, length);
}

}  // namespace

/// Builds the tree from the root down.
class MatcherBuilder {
 public:
  explicit MatcherBuilder(Matcher& out) : out_(out) {
    keys_.reserve(out.alternatives_.size());
    for (const auto& alternative : out.alternatives_) {
      auto& fields = keys_.emplace_back();
      for (const CompiledField& field : alternative.fields)
        if (auto keys = keys_of(*field.any_of)) fields.emplace_back(field.field, std::move(*keys));
    }
  }

  void build() {
    std::vector<Matcher::AlternativeId> all(out_.alternatives_.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<Matcher::AlternativeId>(i);
    std::vector<FieldId> used;
    node(all, used);
  }

 private:
  using FieldKeys = std::pair<FieldId, std::vector<SlotKey>>;
  using Ids = std::vector<Matcher::AlternativeId>;
  struct FieldSlot {
    FieldId field;
    const SlotKey* key;
    bool operator==(const FieldSlot& other) const { return field == other.field && *key == *other.key; }
  };
  struct FieldSlotHash {
    std::size_t operator()(const FieldSlot& slot) const {
      return std::hash<std::string_view>()(slot.key->key) * 31 + slot.field * 1024 +
             static_cast<std::size_t>(slot.key->slot);
    }
  };

  Matcher::NodeId node(const Ids& ids, std::vector<FieldId>& used) {
    const auto id = static_cast<Matcher::NodeId>(out_.nodes_.size());
    out_.nodes_.emplace_back();
    if (ids.size() <= kFewEnough) {
      out_.nodes_[id].here = ids;
      return id;
    }
    std::unordered_map<FieldSlot, std::size_t, FieldSlotHash> counts;
    std::unordered_map<FieldId, std::size_t> of_field;
    const auto usable = [&](const FieldKeys& keys) {
      return std::find(used.begin(), used.end(), keys.first) == used.end() &&
             (used.empty() || keys.second.size() <= kMostKeysBelowRoot);
    };
    for (const auto alternative : ids) {
      for (const FieldKeys& keys : keys_[alternative]) {
        if (!usable(keys)) continue;
        ++of_field[keys.first];
        for (const SlotKey& key : keys.second) ++counts[{keys.first, &key}];
      }
    }
    // Each goes under the field whose keys it shares with the fewest others.
    std::map<FieldId, Ids> groups;
    for (const auto alternative : ids) {
      const FieldKeys* best = nullptr;
      std::pair<std::size_t, std::size_t> least;
      for (const FieldKeys& keys : keys_[alternative]) {
        if (!usable(keys)) continue;
        std::size_t sharing = 0;
        for (const SlotKey& key : keys.second) {
          std::size_t count = counts[{keys.first, &key}];
          // All of these are walked whenever the field is there.
          if (key.slot == Slot::Anything) count *= 4;
          sharing = std::max(sharing, count);
        }
        // Of equally good fields the one that most have: fewer lookups for an event.
        const std::pair weight{sharing, ids.size() - of_field[keys.first]};
        if (best == nullptr || weight < least) {
          best = &keys;
          least = weight;
        }
      }
      if (best == nullptr) {
        out_.nodes_[id].here.push_back(alternative);
      } else {
        groups[best->first].push_back(alternative);
      }
    }
    for (const auto& [field, members] : groups) split(id, field, members, used);
    return id;
  }

  void split(Matcher::NodeId parent, FieldId field, const Ids& members, std::vector<FieldId>& used) {
    std::map<SlotKey, Ids> by_key;
    for (const auto alternative : members) {
      const auto& fields = keys_[alternative];
      const auto found =
          std::find_if(fields.begin(), fields.end(), [field](const FieldKeys& keys) { return keys.first == field; });
      for (const SlotKey& key : found->second) by_key[key].push_back(alternative);
    }
    used.push_back(field);
    Matcher::Split out;
    out.field = field;
    for (const auto& [key, ids] : by_key) place(out, key, node(ids, used));
    used.pop_back();
    std::sort(out.intervals.begin(), out.intervals.end(), [](const auto& a, const auto& b) { return a.low < b.low; });
    if (!out.intervals.empty()) highest(out.intervals, 0, out.intervals.size());
    out_.nodes_[parent].splits.push_back(std::move(out));
  }

  static void place(Matcher::Split& split, const SlotKey& key, Matcher::NodeId node) {
    switch (key.slot) {
      case Slot::Text: split.texts.emplace(key.key, node); break;
      case Slot::Number: split.numbers.emplace(key.key, node); break;
      case Slot::RawNumber: split.raw_numbers.emplace(key.key, node); break;
      case Slot::Literal: split.literals.emplace(key.key, node); break;
      case Slot::Folded: split.folded_texts.emplace(key.key, node); break;
      case Slot::Prefix:
        split.prefixes.emplace(key.key, node);
        note_length(split.prefix_lengths, key.key.size());
        break;
      case Slot::Suffix:
        split.suffixes.emplace(key.key, node);
        note_length(split.suffix_lengths, key.key.size());
        break;
      case Slot::FoldedPrefix:
        split.folded_prefixes.emplace(key.key, node);
        note_length(split.folded_prefix_lengths, key.key.size());
        break;
      case Slot::FoldedSuffix:
        split.folded_suffixes.emplace(key.key, node);
        note_length(split.folded_suffix_lengths, key.key.size());
        break;
      case Slot::Network: {
        split.networks.emplace(key.key, node);
        const std::pair mask{static_cast<std::uint8_t>(key.key[key.key.size() - 2]),
                             static_cast<int>(static_cast<unsigned char>(key.key.back()))};
        if (std::find(split.masks.begin(), split.masks.end(), mask) == split.masks.end()) split.masks.push_back(mask);
        break;
      }
      case Slot::Interval: split.intervals.push_back({key.low, key.high, key.high, node}); break;
      case Slot::Anything: split.anything.push_back(node); break;
    }
  }

  /// The middle of a sorted range is its root.
  static double highest(std::vector<Matcher::Interval>& intervals, std::size_t first, std::size_t last) {
    const std::size_t middle = first + (last - first) / 2;
    double most = intervals[middle].high;
    if (first < middle) most = std::max(most, highest(intervals, first, middle));
    if (middle + 1 < last) most = std::max(most, highest(intervals, middle + 1, last));
    intervals[middle].highest = most;
    return most;
  }

  Matcher& out_;
  std::vector<std::vector<FieldKeys>> keys_;  // by alternative; those fields that can lead to it
};

Matcher::Matcher(std::vector<std::shared_ptr<const Pattern>> patterns) : patterns_(std::move(patterns)) {
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    for (const Conjunction& conjunction : patterns_[i]->alternatives()) {
      Alternative& alternative = alternatives_.emplace_back();
      alternative.pattern = i;
      for (const FieldTest& field : conjunction) alternative.fields.push_back({names_.add(field.path), &field.any_of});
    }
  }
  MatcherBuilder(*this).build();
}

void Matcher::stab(const Split& split, std::size_t first, std::size_t last, double number, const EventFields& event,
                   std::vector<AlternativeId>& found) const {
  while (first < last) {
    const std::size_t middle = first + (last - first) / 2;
    const Interval& interval = split.intervals[middle];
    if (number > interval.highest) return;
    if (number < interval.low) {
      last = middle;
      continue;
    }
    if (number <= interval.high) collect(interval.node, event, found);
    stab(split, first, middle, number, event, found);
    first = middle + 1;
  }
}

void Matcher::follow_text(const Split& split, std::string_view text, const EventFields& event,
                          std::vector<AlternativeId>& found) const {
  const auto look_up = [&](const Keys& keys, std::string_view key) {
    if (const auto at = keys.find(key); at != keys.end()) collect(at->second, event, found);
  };
  const auto ends = [&](const Keys& keys, const std::vector<std::size_t>& lengths, std::string_view of, bool front) {
    for (const std::size_t length : lengths) {
      if (length > of.size()) break;
      look_up(keys, front ? of.substr(0, length) : of.substr(of.size() - length));
    }
  };
  if (!split.texts.empty()) look_up(split.texts, text);
  ends(split.prefixes, split.prefix_lengths, text, true);
  ends(split.suffixes, split.suffix_lengths, text, false);
  if (!split.folded_texts.empty() || !split.folded_prefixes.empty() || !split.folded_suffixes.empty()) {
    const std::string lower = folded(text);
    look_up(split.folded_texts, lower);
    ends(split.folded_prefixes, split.folded_prefix_lengths, lower, true);
    ends(split.folded_suffixes, split.folded_suffix_lengths, lower, false);
  }
  if (split.masks.empty()) return;
  if (const auto address = parse_address(text))
    for (const auto& [size, bits] : split.masks)
      if (size == address->size) look_up(split.networks, network_key(address->masked(bits), bits));
}

void Matcher::follow(const Split& split, const FieldValue& value, const EventFields& event,
                     std::vector<AlternativeId>& found) const {
  const auto look_up = [&](const Keys& keys, std::string_view key) {
    if (const auto at = keys.find(key); at != keys.end()) collect(at->second, event, found);
  };
  for (const NodeId node : split.anything) collect(node, event, found);
  switch (value.kind) {
    case FieldValue::Kind::Literal: look_up(split.literals, value.text); break;
    case FieldValue::Kind::String: follow_text(split, value.text, event, found); break;
    case FieldValue::Kind::Number:
      if (!split.raw_numbers.empty()) look_up(split.raw_numbers, value.text);
      if (!value.number) break;
      if (!split.numbers.empty()) look_up(split.numbers, number_key(*value.number));
      stab(split, 0, split.intervals.size(), *value.number, event, found);
      break;
  }
}

void Matcher::collect(NodeId id, const EventFields& event, std::vector<AlternativeId>& found) const {
  const Node& node = nodes_[id];
  found.insert(found.end(), node.here.begin(), node.here.end());
  // Both are sorted by field: the fewer are looked up among the others.
  if (node.splits.size() <= event.all().size()) {
    for (const Split& split : node.splits)
      for (const FieldValue& value : event.of(split.field)) follow(split, value, event, found);
    return;
  }
  for (const FieldValue& value : event.all()) {
    const auto split = std::lower_bound(node.splits.begin(), node.splits.end(), value.field,
                                        [](const Split& a, FieldId field) { return a.field < field; });
    if (split != node.splits.end() && split->field == value.field) follow(*split, value, event, found);
  }
}

std::vector<std::size_t> Matcher::match(std::string_view event) const {
  std::vector<std::size_t> matching;
  const auto fields = EventFields::read(event, names_);
  if (!fields) return matching;
  std::vector<AlternativeId> candidates;
  collect(0, *fields, candidates);
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  for (const auto candidate : candidates) {
    const Alternative& alternative = alternatives_[candidate];
    if (!matching.empty() && matching.back() == alternative.pattern) continue;
    if (holds(alternative.fields, *fields)) matching.push_back(alternative.pattern);
  }
  return matching;
}

bool Pattern::matches(std::string_view event) const {
  FieldNames names;
  std::vector<CompiledConjunction> compiled;
  for (const Conjunction& conjunction : alternatives_) {
    auto& fields = compiled.emplace_back();
    for (const FieldTest& field : conjunction) fields.push_back({names.add(field.path), &field.any_of});
  }
  const auto fields = EventFields::read(event, names);
  return fields && std::any_of(compiled.begin(), compiled.end(),
                               [&fields](const CompiledConjunction& one) { return holds(one, *fields); });
}

}  // namespace likeness::events
