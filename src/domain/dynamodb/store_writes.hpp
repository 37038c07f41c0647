#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "storage/store.hpp"

namespace likeness::dynamodb {

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

}  // namespace likeness::dynamodb
