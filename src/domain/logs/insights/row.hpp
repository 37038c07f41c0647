#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "domain/logs/event.hpp"
#include "domain/logs/insights/query.hpp"
#include "domain/logs/insights/value.hpp"

namespace likeness::logs::insights {

/// What commands work on: an event with what it is known to hold, or a row that stats made.
class Row {
 public:
  Row() = default;
  /// `log` is "account:group".
  Row(const EventView& event, std::string log, std::string stream);

  bool has_event() const { return has_event_; }
  const EventId& id() const { return id_; }
  const std::string& log() const { return log_; }
  const std::string& stream() const { return stream_; }
  const std::string& message() const { return message_; }

  /// "@message", a computed name, a discovered field ("detail.items.0", "@duration"); nothing if there is none.
  Value get(std::string_view name) const;
  void set(const std::string& name, Value value) { values_[name] = std::move(value); }

  /// All that is discovered in a message of JSON, by path.
  std::map<std::string, std::string> discovered() const;

 private:
  const void* document() const;  // a boost::json::value; null if the message is none

  bool has_event_ = false;
  EventId id_;
  std::string log_, stream_, message_;
  std::map<std::string, Value, std::less<>> values_;
  mutable std::shared_ptr<const void> parsed_;
  mutable bool looked_ = false;
};

/// The value of aggregates, where an expression has any, by their place in it.
using Slots = std::map<const Expression*, Value>;

Value evaluate(const Expression& expression, const Row& row, const Slots* slots = nullptr);

/// Applies a parse command: names that are not found stay nothing.
void extract(const Extraction& extraction, Row& row);

/// "@ptr": names an event.
std::string pointer_of(const Row& row);
struct Pointer {
  std::string log, stream;
  EventId id;
};
bool read_pointer(std::string_view text, Pointer& out);

}  // namespace likeness::logs::insights
