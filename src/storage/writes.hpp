#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "storage/store.hpp"

namespace likeness::storage {

/// The two writes that ask for nothing of what is there.
inline Write put_of(std::string_view table, std::string partition, std::string sort, std::string value) {
  Write write;
  write.table = table;
  write.key = {std::move(partition), std::move(sort)};
  write.value = std::move(value);
  return write;
}

inline Write removal_of(std::string_view table, std::string partition, std::string sort) {
  Write write;
  write.table = table;
  write.key = {std::move(partition), std::move(sort)};
  return write;
}

}  // namespace likeness::storage
