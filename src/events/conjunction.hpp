#pragma once

#include <vector>

#include "events/event_fields.hpp"
#include "events/pattern.hpp"

namespace likeness::events {

/// Whether a value passes a test; of Absent, which is about no value, false.
bool passes(const Test& test, const FieldValue& value);

/// A Conjunction whose fields are numbered.
struct CompiledField {
  FieldId field = 0;
  const std::vector<Test>* any_of = nullptr;  // borrowed from the pattern
};
using CompiledConjunction = std::vector<CompiledField>;

/// Whether the event has all of them, in values that do not contradict each other: of an array of objects all that is
/// asked for must be found in the same element.
bool holds(const CompiledConjunction& conjunction, const EventFields& event);

}  // namespace likeness::events
