#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

/// The text forms of setting values. Each parser takes the whole text or nothing; each format gives text that parses
/// back.
namespace likeness::config {

std::optional<std::int64_t> parse_integer(std::string_view text);
/// Bytes: "1048576", "512KiB", "5MiB", "2GiB", "15MB".
std::optional<std::int64_t> parse_size(std::string_view text);
/// "250ms", "10s", "2m", "1h"; a bare number is refused, because its unit would be a guess.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// "true"/"false", "yes"/"no", "on"/"off".
std::optional<bool> parse_bool(std::string_view text);
/// "DetectFaces=50,IndexFaces=5.5"; "" is an empty map. Values are 0 or more.
std::optional<std::map<std::string, double>> parse_rates(std::string_view text);

std::string format_size(std::int64_t bytes);
std::string format_duration(std::chrono::milliseconds time);
std::string format_rates(const std::map<std::string, double>& rates);

}  // namespace likeness::config
