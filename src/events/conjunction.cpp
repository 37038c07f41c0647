#include "events/conjunction.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace likeness::events {

namespace {

/// Steps of a search, after which an event counts as not matching: reached only by events that are made for it.
constexpr std::size_t kMostSteps = 200'000;

bool excluded_text(const Test& test, std::string_view text) {
  const auto any = [&test](auto&& says) { return std::any_of(test.texts.begin(), test.texts.end(), says); };
  switch (test.kind) {
    case Test::Kind::AnythingBut: return any([text](const auto& other) { return text == other; });
    case Test::Kind::AnythingButIgnoreCase:
      return any([lower = folded(text)](const auto& other) { return lower == other; });
    case Test::Kind::AnythingButPrefix: return any([text](const auto& other) { return text.starts_with(other); });
    case Test::Kind::AnythingButSuffix: return any([text](const auto& other) { return text.ends_with(other); });
    case Test::Kind::AnythingButWildcard:
      return std::any_of(test.wildcards.begin(), test.wildcards.end(),
                         [text](const Wildcard& wildcard) { return wildcard.matches(text); });
    default: return false;
  }
}

bool in_range(const Test& test, double number) {
  if (test.low_open ? number <= test.low : number < test.low) return false;
  return test.high_open ? number < test.high : number <= test.high;
}

bool passes_text(const Test& test, std::string_view text) {
  switch (test.kind) {
    case Test::Kind::Exact: return text == test.text;
    case Test::Kind::IgnoreCase: return folded(text) == test.text;
    case Test::Kind::Prefix: return text.starts_with(test.text);
    case Test::Kind::PrefixIgnoreCase: return folded(text).starts_with(test.text);
    case Test::Kind::Suffix: return text.ends_with(test.text);
    case Test::Kind::SuffixIgnoreCase: return folded(text).ends_with(test.text);
    case Test::Kind::Wildcard: return test.wildcards[0].matches(text);
    case Test::Kind::Network: {
      const auto address = parse_address(text);
      return address && address->size == test.address.size && address->masked(test.bits) == test.address;
    }
    default: return false;
  }
}

/// Which element of each array has been chosen so far, by array.
using Chosen = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

/// The search for values that stand together.
class Search {
 public:
  Search(const CompiledConjunction& conjunction, const EventFields& event) : event_(event) {
    fields_.reserve(conjunction.size());
    for (const CompiledField& field : conjunction) {
      Candidates candidates;
      candidates.values = event.of(field.field);
      for (const Test& test : *field.any_of) candidates.may_be_absent |= test.kind == Test::Kind::Absent;
      std::set<PlaceId> known;
      for (const FieldValue& value : candidates.values) {
        if (known.contains(value.place)) continue;
        if (!std::any_of(field.any_of->begin(), field.any_of->end(),
                         [&value](const Test& test) { return passes(test, value); }))
          continue;
        known.insert(value.place);
        candidates.places.push_back(value.place);
      }
      fields_.push_back(std::move(candidates));
    }
    // The arrays of which a later field has elements: all else that was chosen makes no difference to it.
    std::set<std::uint32_t> arrays;
    for (std::size_t i = fields_.size(); i-- > 0;) {
      for (const FieldValue& value : fields_[i].values)
        for (PlaceId place = value.place; place != kOutside; place = event.place(place).outer)
          arrays.insert(event.place(place).array);
      fields_[i].arrays = arrays;
    }
  }

  bool run() { return from(0, {}); }

 private:
  struct Candidates {
    std::span<const FieldValue> values;
    std::vector<PlaceId> places;
    bool may_be_absent = false;
    std::set<std::uint32_t> arrays;
  };

  /// Adds the place to what was chosen, unless that contradicts it.
  bool choose(PlaceId place, Chosen& chosen) const {
    for (; place != kOutside; place = event_.place(place).outer) {
      const ArrayPlace& at = event_.place(place);
      const auto found = std::lower_bound(chosen.begin(), chosen.end(), std::pair{at.array, std::uint32_t{0}});
      if (found == chosen.end() || found->first != at.array) {
        chosen.insert(found, {at.array, at.index});
      } else if (found->second != at.index) {
        return false;
      }
    }
    return true;
  }

  bool from(std::size_t field, const Chosen& chosen) {
    if (field == fields_.size()) return true;
    if (++steps_ > kMostSteps) return false;
    const Candidates& candidates = fields_[field];
    std::pair<std::size_t, Chosen> state{field, {}};
    for (const auto& choice : chosen)
      if (candidates.arrays.contains(choice.first)) state.second.push_back(choice);
    if (hopeless_.contains(state)) return false;

    if (candidates.may_be_absent &&
        std::none_of(candidates.values.begin(), candidates.values.end(), [&](const FieldValue& value) {
          Chosen copy = chosen;
          return choose(value.place, copy);
        }))
      if (from(field + 1, chosen)) return true;
    for (const PlaceId place : candidates.places) {
      Chosen with = chosen;
      if (choose(place, with) && from(field + 1, with)) return true;
    }
    hopeless_.insert(std::move(state));
    return false;
  }

  const EventFields& event_;
  std::vector<Candidates> fields_;
  std::set<std::pair<std::size_t, Chosen>> hopeless_;
  std::size_t steps_ = 0;
};

}  // namespace

bool passes(const Test& test, const FieldValue& value) {
  using Kind = Test::Kind;
  switch (test.kind) {
    case Kind::Exists: return true;
    case Kind::Absent: return false;
    case Kind::AnythingButNumber:
      return !value.number || std::find(test.numbers.begin(), test.numbers.end(), *value.number) == test.numbers.end();
    case Kind::AnythingBut:
    case Kind::AnythingButIgnoreCase:
    case Kind::AnythingButPrefix:
    case Kind::AnythingButSuffix:
    case Kind::AnythingButWildcard: return value.kind != FieldValue::Kind::String || !excluded_text(test, value.text);
    case Kind::Number:
      return value.kind == FieldValue::Kind::Number &&
             ((test.number && value.number && *test.number == *value.number) || test.text == value.text);
    case Kind::Range: return value.number && in_range(test, *value.number);
    case Kind::Literal: return value.kind == FieldValue::Kind::Literal && value.text == test.text;
    default: return value.kind == FieldValue::Kind::String && passes_text(test, value.text);
  }
}

bool holds(const CompiledConjunction& conjunction, const EventFields& event) {
  bool together = true;
  for (const CompiledField& field : conjunction) {
    const auto values = event.of(field.field);
    const bool outside =
        std::all_of(values.begin(), values.end(), [](const FieldValue& value) { return value.place == kOutside; });
    bool any = false;
    for (const Test& test : *field.any_of) {
      if (test.kind == Test::Kind::Absent) {
        // Whether it counts as absent can depend on the element of an array that the others are found in.
        any = values.empty() || !outside;
      } else {
        any =
            std::any_of(values.begin(), values.end(), [&test](const FieldValue& value) { return passes(test, value); });
      }
      if (any) break;
    }
    if (!any) return false;
    together = together && outside;
  }
  if (together) return true;
  return Search(conjunction, event).run();
}

}  // namespace likeness::events
