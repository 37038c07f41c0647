#include "states/execution.hpp"

#include <charconv>

#include "states/record.hpp"

namespace likeness::states {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr TimePoint kNever{};

Failure damaged(const char* what) { return server_error("StorageFailure", "A stored execution is damaged.", what); }

Value variables_value(const Variables& variables) {
  Object out;
  for (const auto& [name, value] : variables) out.add(name, value);
  return Value(std::move(out));
}

Result<Value> read_value(std::string_view text) { return parse_json(text); }

}  // namespace

std::string_view name_of(Status status) {
  switch (status) {
    case Status::Running: return "RUNNING";
    case Status::Succeeded: return "SUCCEEDED";
    case Status::Failed: return "FAILED";
    case Status::TimedOut: return "TIMED_OUT";
    case Status::Aborted: return "ABORTED";
    case Status::PendingRedrive: return "PENDING_REDRIVE";
  }
  return "";
}

const Definition* part_of(const Definition& definition, std::string_view path) {
  const Definition* at = &definition;
  while (!path.empty()) {
    const auto end = std::min(path.find('\n'), path.size());
    const auto part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    const auto slash = part.rfind('/');
    if (slash == std::string_view::npos) return nullptr;
    std::size_t index = 0;
    std::from_chars(part.data() + slash + 1, part.data() + part.size(), index);
    const State* const state = at->find(part.substr(0, slash));
    if (state == nullptr || index >= state->branches.size()) return nullptr;
    at = state->branches[index].get();
  }
  return at;
}

std::string encode(const Fiber& fiber) {
  FieldWriter out(kFormat);
  out.number(1, fiber.id);
  if (fiber.parent != 0) out.number(2, fiber.parent);
  if (fiber.index != 0) out.number(3, fiber.index);
  if (!fiber.path.empty()) out.text(4, fiber.path);
  out.text(5, fiber.state);
  out.number(6, static_cast<std::uint64_t>(fiber.phase));
  out.text(7, *fiber.input.text);
  if (!fiber.variables.empty()) out.text(8, write_json(variables_value(fiber.variables)));
  out.number(9, fiber.previous_event);
  out.number(10, fiber.entered_event);
  out.number(30, fiber.before_entered);
  out.time(11, fiber.entered);
  if (!fiber.retries.empty())
    out.text(12, std::string_view(reinterpret_cast<const char*>(fiber.retries.data()), fiber.retries.size() * 4));
  if (fiber.retry_count != 0) out.number(13, fiber.retry_count);
  if (fiber.attempt != 0) out.number(14, fiber.attempt);
  if (fiber.due != kNever) out.time(15, fiber.due);
  if (fiber.timeout_at != kNever) out.time(16, fiber.timeout_at);
  if (fiber.heartbeat_at != kNever) out.time(17, fiber.heartbeat_at);
  if (fiber.heartbeat_seconds != 0) out.number(18, static_cast<std::uint64_t>(fiber.heartbeat_seconds));
  if (!fiber.token.empty()) out.text(19, fiber.token);
  if (!fiber.call_input.empty()) out.text(20, fiber.call_input);
  if (!fiber.call_role.empty()) out.text(21, fiber.call_role);
  if (!fiber.child_arn.empty()) out.text(22, fiber.child_arn);
  if (fiber.map_value) {
    out.text(23, write_json(*fiber.map_value));
    out.number(24, fiber.map_index);
  }
  if (fiber.items != nullptr) out.text(25, write_json(*fiber.items));
  if (fiber.total_children != 0) {
    out.number(26, fiber.started_children);
    out.number(27, fiber.done_children);
    out.number(28, fiber.total_children);
    out.number(29, fiber.max_concurrency);
  }
  if (fiber.map_redrives != 0) out.number(31, fiber.map_redrives);
  return out.take();
}

Result<Fiber> decode_fiber(std::string_view bytes) {
  Fiber out;
  FieldReader in(bytes);
  bool whole = true;
  const auto value = [&](std::string_view text) {
    auto parsed = read_value(text);
    if (!parsed) whole = false;
    return parsed ? std::move(*parsed) : Value();
  };
  while (in.next()) {
    switch (in.field()) {
      case 1: out.id = in.number(); break;
      case 2: out.parent = in.number(); break;
      case 3: out.index = in.small(); break;
      case 4: out.path = in.text(); break;
      case 5: out.state = in.text(); break;
      case 6: out.phase = static_cast<Phase>(in.number()); break;
      case 7: out.input = Data(value(in.view()), in.text()); break;
      case 8: {
        const Value variables = value(in.view());
        if (variables.is_object())
          for (const auto& [name, member] : variables.as_object()) out.variables[name] = member;
        break;
      }
      case 9: out.previous_event = in.number(); break;
      case 10: out.entered_event = in.number(); break;
      case 30: out.before_entered = in.number(); break;
      case 11: out.entered = in.time(); break;
      case 12:
        out.retries.resize(in.view().size() / 4);
        std::memcpy(out.retries.data(), in.view().data(), out.retries.size() * 4);
        break;
      case 13: out.retry_count = in.small(); break;
      case 14: out.attempt = in.small(); break;
      case 15: out.due = in.time(); break;
      case 16: out.timeout_at = in.time(); break;
      case 17: out.heartbeat_at = in.time(); break;
      case 18: out.heartbeat_seconds = static_cast<std::int64_t>(in.number()); break;
      case 19: out.token = in.text(); break;
      case 20: out.call_input = in.text(); break;
      case 21: out.call_role = in.text(); break;
      case 22: out.child_arn = in.text(); break;
      case 23: out.map_value = value(in.view()); break;
      case 24: out.map_index = in.small(); break;
      case 25: out.items = std::make_shared<const Value>(value(in.view())); break;
      case 26: out.started_children = in.small(); break;
      case 27: out.done_children = in.small(); break;
      case 28: out.total_children = in.small(); break;
      case 29: out.max_concurrency = in.small(); break;
      case 31: out.map_redrives = in.small(); break;
      default: break;
    }
  }
  if (!in.ok() || !whole || out.id == 0) return damaged("a fiber");
  return out;
}

std::string encode(const std::vector<Event>& events, std::size_t first, std::size_t last) {
  FieldWriter out(kFormat);
  for (std::size_t i = first; i < last; ++i) {
    const Event& event = events[i];
    out.number(1, event.id);
    out.number(2, event.previous);
    out.time(3, event.time);
    out.text(4, event.type);
    if (!event.details.empty()) out.text(5, event.details);
  }
  return out.take();
}

Result<std::vector<Event>> decode_events(std::string_view bytes) {
  std::vector<Event> out;
  FieldReader in(bytes);
  while (in.next()) {
    if (in.field() == 1) {
      out.emplace_back().id = in.number();
      continue;
    }
    if (out.empty()) return damaged("history");
    Event& event = out.back();
    switch (in.field()) {
      case 2: event.previous = in.number(); break;
      case 3: event.time = in.time(); break;
      case 4: event.type = in.text(); break;
      case 5: event.details = in.text(); break;
      default: break;
    }
  }
  if (!in.ok()) return damaged("history");
  return out;
}

std::string encode(const ExecutionRecord& record) {
  FieldWriter out(kFormat);
  const auto& info = record.info;
  out.text(1, info.arn);
  out.text(2, info.name);
  out.text(3, info.machine_arn);
  out.text(4, info.machine_name);
  out.text(5, info.revision);
  if (!info.version_arn.empty()) out.text(6, info.version_arn);
  if (!info.alias_arn.empty()) out.text(7, info.alias_arn);
  out.text(8, info.role_arn);
  if (info.express) out.number(9, 1);
  out.text(10, info.input);
  out.time(11, info.started);
  if (!info.trace_header.empty()) out.text(12, info.trace_header);
  if (!info.map_run_arn.empty()) out.text(13, info.map_run_arn);
  if (!info.processor_path.empty()) out.text(14, info.processor_path);
  out.number(20, static_cast<std::uint64_t>(record.ending.status));
  if (record.ending.status != Status::Running) {
    out.time(21, record.ending.stopped);
    out.text(22, record.ending.output);
    if (record.ending.error) out.text(23, *record.ending.error);
    if (record.ending.cause) out.text(24, *record.ending.cause);
  }
  if (record.redrive_count != 0) {
    out.number(25, record.redrive_count);
    out.time(26, record.redriven);
  }
  out.number(27, record.next_event);
  if (!record.redrive_token.empty()) out.text(28, record.redrive_token);
  return out.take();
}

Result<ExecutionRecord> decode_execution(std::string_view bytes) {
  ExecutionRecord out;
  FieldReader in(bytes);
  while (in.next()) {
    switch (in.field()) {
      case 1: out.info.arn = in.text(); break;
      case 2: out.info.name = in.text(); break;
      case 3: out.info.machine_arn = in.text(); break;
      case 4: out.info.machine_name = in.text(); break;
      case 5: out.info.revision = in.text(); break;
      case 6: out.info.version_arn = in.text(); break;
      case 7: out.info.alias_arn = in.text(); break;
      case 8: out.info.role_arn = in.text(); break;
      case 9: out.info.express = in.number() != 0; break;
      case 10: out.info.input = in.text(); break;
      case 11: out.info.started = in.time(); break;
      case 12: out.info.trace_header = in.text(); break;
      case 13: out.info.map_run_arn = in.text(); break;
      case 14: out.info.processor_path = in.text(); break;
      case 20: out.ending.status = static_cast<Status>(in.number()); break;
      case 21: out.ending.stopped = in.time(); break;
      case 22: out.ending.output = in.text(); break;
      case 23: out.ending.error = in.text(); break;
      case 24: out.ending.cause = in.text(); break;
      case 25: out.redrive_count = in.small(); break;
      case 26: out.redriven = in.time(); break;
      case 27: out.next_event = in.number(); break;
      case 28: out.redrive_token = in.text(); break;
      default: break;
    }
  }
  if (!in.ok() || out.info.arn.empty()) return damaged("an execution");
  return out;
}

}  // namespace likeness::states
