#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "domain/queues/message.hpp"
#include "storage/store.hpp"

namespace likeness::queues {

inline storage::Write put_of(std::string_view table, std::string partition, std::string sort, std::string value) {
  storage::Write write;
  write.table = table;
  write.key = {std::move(partition), std::move(sort)};
  write.value = std::move(value);
  return write;
}

inline storage::Write removal_of(std::string_view table, std::string partition, std::string sort) {
  storage::Write write;
  write.table = table;
  write.key = {std::move(partition), std::move(sort)};
  return write;
}

/// What the index of times says of a message besides its time: in flight, delayed or ready from the start.
inline std::string flag_of(const State& state) {
  if (state.receives != 0) return "f";
  return state.visible_at > state.sent ? "d" : "r";
}

}  // namespace likeness::queues
