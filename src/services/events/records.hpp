#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "services/events/registry.hpp"

/// How buses, rules and archives lie in the store.
namespace likeness::eventbridge {

std::string encode(const Bus& bus);
std::string encode(const Rule& rule);
std::string encode(const Archive& archive);

Result<Bus> decode_bus(std::string_view bytes);
/// Without what is parsed.
Result<Rule> decode_rule(std::string_view bytes);
Result<Archive> decode_archive(std::string_view bytes);

/// A target as JSON of its shape.
std::string write_target(const shapes::Target& target);
Result<shapes::Target> read_target(std::string_view json);

}  // namespace likeness::eventbridge
