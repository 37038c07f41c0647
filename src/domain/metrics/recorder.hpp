#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace likeness::metrics {

/// What tells metrics of one name apart: {"FunctionName", "photo-check"}.
struct Dimension {
  std::string name;
  std::string value;
  auto operator<=>(const Dimension&) const = default;
};

/// AWS's StandardUnit, in the order of the model.
enum class Unit : std::uint8_t {
  Seconds,
  Microseconds,
  Milliseconds,
  Bytes,
  Kilobytes,
  Megabytes,
  Gigabytes,
  Terabytes,
  Bits,
  Kilobits,
  Megabits,
  Gigabits,
  Terabits,
  Percent,
  Count,
  BytesPerSecond,
  KilobytesPerSecond,
  MegabytesPerSecond,
  GigabytesPerSecond,
  TerabytesPerSecond,
  BitsPerSecond,
  KilobitsPerSecond,
  MegabitsPerSecond,
  GigabitsPerSecond,
  TerabitsPerSecond,
  CountPerSecond,
  None
};

/// Where the server's own parts leave the measurements that AWS shows in CloudWatch: `record("AWS/Lambda", "Duration",
/// {{"FunctionName", name}}, 12.5, Unit::Milliseconds)`. Thread-safe; never blocks for I/O, never fails: values are
/// aggregated in memory by the minute and stored a little later (and when the server stops), so a crash loses the
/// last of them. The number of different metrics held is bounded; what is beyond is dropped and counted.
///
/// Dimensions may stand in any order; each set of them is a metric of its own, as on AWS: whoever wants the total over
/// all functions records it without dimensions, too. Keep their values to things that exist (functions, rules, tables,
/// operations), never ids of requests.
///
/// Whoever may work without takes a pointer; null is "no metrics".
class Recorder {
 public:
  virtual ~Recorder() = default;
  virtual void record(std::string_view ns, std::string_view name, std::span<const Dimension> dimensions, double value,
                      Unit unit) = 0;
  void record(std::string_view ns, std::string_view name, std::initializer_list<Dimension> dimensions, double value,
              Unit unit) {
    record(ns, name, std::span<const Dimension>(dimensions.begin(), dimensions.size()), value, unit);
  }
};

}  // namespace likeness::metrics
