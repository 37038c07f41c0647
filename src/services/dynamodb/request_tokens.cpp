#include "services/dynamodb/request_tokens.hpp"

#include <utility>

#include "domain/dynamodb/errors.hpp"
#include "storage/writes.hpp"

namespace likeness::dynamodb {

namespace {

constexpr std::chrono::minutes kLifetime{10};
constexpr std::string_view kBuckets = "buckets";  // partition with the names of all others

std::string partition_of(const std::string& scope, std::int64_t bucket) { return scope + '/' + std::to_string(bucket); }

/// "milliseconds fingerprint"
struct Entry {
  std::int64_t milliseconds = 0;
  std::string fingerprint;
};

std::string encode(const Entry& entry) { return std::to_string(entry.milliseconds) + ' ' + entry.fingerprint; }
Entry decode(const std::string& text) {
  const auto space = text.find(' ');
  return {std::strtoll(text.c_str(), nullptr, 10), text.substr(space + 1)};
}

}  // namespace

Result<RequestTokens::Lookup> RequestTokens::look_up(const std::string& scope, const std::string& token,
                                                     const std::string& fingerprint) {
  std::vector<std::string> names;
  names.push_back(scope + ' ' + token);
  Lookup out{latches_.acquire(std::move(names)), false, {}};
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(database_.clock().now().time_since_epoch()).count();
  const auto lifetime = std::chrono::duration_cast<std::chrono::milliseconds>(kLifetime).count();
  const std::int64_t bucket = now / lifetime;
  for (const std::int64_t candidate : {bucket, bucket - 1}) {
    auto stored = database_.store().get(kTokensTable, {partition_of(scope, candidate), token});
    if (!stored) return from_storage(stored.error());
    if (!*stored) continue;
    const Entry entry = decode(**stored);
    if (now - entry.milliseconds >= lifetime) continue;
    if (entry.fingerprint != fingerprint)
      return client_error("IdempotentParameterMismatchException",
                          "The request uses the same client token as a previous, but non-identical request.");
    out.done = true;
    return out;
  }
  auto writes = sweep_old(scope, bucket);
  if (!writes) return fail(writes);
  out.writes = std::move(*writes);
  out.writes.push_back(storage::put_of(kTokensTable, partition_of(scope, bucket), token, encode({now, fingerprint})));
  return out;
}

Result<std::vector<storage::Write>> RequestTokens::sweep_old(const std::string& scope, std::int64_t bucket) {
  std::vector<storage::Write> out;
  const std::string current = partition_of(scope, bucket);
  auto known = database_.store().get(kTokensTable, {std::string(kBuckets), current});
  if (!known) return from_storage(known.error());
  if (*known) return out;
  const auto scanned =
      database_.store().scan(kTokensTable, kBuckets, [&](std::string_view name, std::string_view number) {
        if (std::strtoll(std::string(number).c_str(), nullptr, 10) < bucket - 1) {
          out.push_back(Tables::garbage_write(kTokensTable, std::string(name)));
          out.push_back(storage::removal_of(kTokensTable, std::string(kBuckets), std::string(name)));
        }
        return out.size() < 40;
      });
  if (!scanned) return from_storage(scanned.error());
  out.push_back(storage::put_of(kTokensTable, std::string(kBuckets), current, std::to_string(bucket)));
  // By itself: two requests may both be the first of their ten minutes, and say the same.
  if (auto done = database_.store().commit(std::move(out)); !done) return from_storage(done.error());
  database_.wake();
  return std::vector<storage::Write>();
}

}  // namespace likeness::dynamodb
