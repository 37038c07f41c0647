#include "domain/faces/request_tokens.hpp"

#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "domain/errors.hpp"
#include "domain/record.hpp"

namespace likeness::domain {

namespace {

constexpr std::uint8_t kCollection = 1, kGeneration = 2, kParameters = 3, kAnswer = 4, kWhenMs = 5;

struct Remembered {
  std::string collection, generation, parameters, answer;
  std::uint64_t when_ms = 0;
};

std::optional<Remembered> decode(std::string_view bytes) {
  Remembered value;
  RecordReader in(bytes);
  while (in.next()) {
    switch (in.field()) {
      case kCollection: value.collection = in.text(); break;
      case kGeneration: value.generation = in.text(); break;
      case kParameters: value.parameters = in.text(); break;
      case kAnswer: value.answer = in.text(); break;
      case kWhenMs: value.when_ms = in.number(); break;
      default: break;
    }
  }
  if (!in.ok()) return std::nullopt;
  return value;
}

std::uint64_t milliseconds(TimePoint time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

bool is_old(const Remembered& value, const Clock& clock) {
  const auto lifetime = static_cast<std::uint64_t>(std::chrono::milliseconds(RequestTokens::kLifetime).count());
  return milliseconds(clock.now()) >= value.when_ms + lifetime;
}

std::string digest(const TokenedRequest& request) { return to_hex(sha256(as_bytes(request.parameters))); }

storage::Key key_of(const Caller& caller, const TokenedRequest& request) {
  return {caller.scope(), request.operation + "/" + request.token};
}

}  // namespace

Result<std::optional<std::string>> RequestTokens::find(const Caller& caller, const LiveCollection& live,
                                                       const TokenedRequest& request) const {
  auto found = store_.get(tables::kRequests, key_of(caller, request));
  if (!found) return from_below(found);
  if (!*found) return std::optional<std::string>();
  auto value = decode(**found);
  if (!value) return internal_error("a stored request token is damaged");
  const bool of_earlier_collection = value->collection == request.collection && value->generation != live.generation();
  if (is_old(*value, clock_) || of_earlier_collection) return std::optional<std::string>();
  if (value->collection != request.collection || value->parameters != digest(request))
    return token_in_use(request.token);
  return std::optional<std::string>(std::move(value->answer));
}

storage::Write RequestTokens::remember(const Caller& caller, const LiveCollection& live, const TokenedRequest& request,
                                       const std::string& answer) const {
  RecordWriter out;
  out.text(kCollection, request.collection);
  out.text(kGeneration, live.generation());
  out.text(kParameters, digest(request));
  out.text(kAnswer, answer);
  out.number(kWhenMs, milliseconds(clock_.now()));
  return {.table = std::string(tables::kRequests),
          .key = key_of(caller, request),
          .value = out.take(),
          // Requests with one token are kept apart by a latch; what is there now is forgotten and may be replaced.
          .expect = storage::Write::Expect::Anything,
          .expected_value = {}};
}

Result<std::size_t> RequestTokens::forget_old(const Caller& caller) {
  std::vector<storage::Write> old;
  const auto scanned =
      store_.scan(tables::kRequests, caller.scope(), [&](std::string_view sort, std::string_view bytes) {
        const auto value = decode(bytes);
        if (!value || is_old(*value, clock_))
          old.push_back({.table = std::string(tables::kRequests),
                         .key = {caller.scope(), std::string(sort)},
                         .value = std::nullopt,
                         // It may be in use again by now.
                         .expect = storage::Write::Expect::SameValue,
                         .expected_value = std::string(bytes)});
        return true;
      });
  if (!scanned) return from_below(scanned);
  std::size_t forgotten = 0;
  for (auto& write : old) {
    const auto removed = store_.commit({std::move(write)});
    if (removed) ++forgotten;
    if (!removed && removed.error().code != "ConditionFailed") return from_below(removed);
  }
  return forgotten;
}

}  // namespace likeness::domain
