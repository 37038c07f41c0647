#include "domain/topics/outbox.hpp"

#include <algorithm>

#include "domain/queues/message.hpp"
#include "domain/record.hpp"
#include "domain/topics/errors.hpp"

namespace likeness::topics {
namespace {

constexpr std::string_view kTable = "outbox";
constexpr std::string_view kAll = "all";
constexpr std::size_t kRemovedAtOnce = 50;

// Fields of the record.
constexpr std::uint8_t kTime = 1;
constexpr std::uint8_t kKind = 2;
constexpr std::uint8_t kTo = 3;
constexpr std::uint8_t kSubject = 4;
constexpr std::uint8_t kBody = 5;
constexpr std::uint8_t kTopic = 6;
constexpr std::uint8_t kLink = 7;
// Fields of the record of a link.
constexpr std::uint8_t kText = 1;
constexpr std::uint8_t kUrl = 2;

std::string key_of(std::uint64_t number) {
  std::string key;
  queues::append_number(key, number);
  return key;
}

std::string encode(const OutboxEntry& entry) {
  domain::RecordWriter out;
  out.number(kTime, static_cast<std::uint64_t>(queues::millis(entry.time)));
  out.text(kKind, entry.kind);
  out.text(kTo, entry.to);
  out.text(kSubject, entry.subject);
  out.text(kBody, entry.body);
  out.text(kTopic, entry.topic_arn);
  for (const auto& [text, url] : entry.links) {
    domain::RecordWriter link;
    link.text(kText, text);
    link.text(kUrl, url);
    out.text(kLink, link.take());
  }
  return out.take();
}

Result<OutboxEntry> decode(std::string_view key, std::string_view bytes) {
  OutboxEntry entry;
  entry.number = queues::read_number(key);
  domain::RecordReader in(bytes);
  while (in.next()) switch (in.field()) {
      case kTime: entry.time = queues::time_of(static_cast<queues::Millis>(in.number())); break;
      case kKind: entry.kind = in.text(); break;
      case kTo: entry.to = in.text(); break;
      case kSubject: entry.subject = in.text(); break;
      case kBody: entry.body = in.text(); break;
      case kTopic: entry.topic_arn = in.text(); break;
      case kLink: {
        domain::RecordReader link(in.text());
        auto& [text, url] = entry.links.emplace_back();
        while (link.next()) (link.field() == kText ? text : url) = link.text();
        break;
      }
      default: break;
    }
  if (!in.ok()) return server_error("InternalErrorException", "An entry of the outbox is damaged.");
  return entry;
}

storage::Write write_of(std::uint64_t number, std::optional<std::string> value) {
  storage::Write write;
  write.table = kTable;
  write.key = {std::string(kAll), key_of(number)};
  write.value = std::move(value);
  return write;
}

}  // namespace

Result<std::unique_ptr<Outbox>> Outbox::open(storage::Store& store, const Clock& clock, std::size_t limit) {
  std::unique_ptr<Outbox> outbox(new Outbox(store, clock, std::max<std::size_t>(1, limit)));
  auto last = store.range(kTable, kAll, {.first = {}, .last = {}, .limit = 1, .reverse = true});
  if (!last) return from_store(last.error());
  auto first = store.range(kTable, kAll, {.first = {}, .last = {}, .limit = 1});
  if (!first) return from_store(first.error());
  if (!last->items.empty()) outbox->next_ = queues::read_number(last->items.front().key.sort) + 1;
  outbox->oldest_ = first->items.empty() ? outbox->next_ : queues::read_number(first->items.front().key.sort);
  return outbox;
}

Result<void> Outbox::add(OutboxEntry entry) {
  entry.time = clock_.now();
  std::vector<storage::Write> writes;
  {
    const std::lock_guard lock(mutex_);
    entry.number = next_++;
    // What is too much goes in the commits of what comes.
    while (next_ - oldest_ > limit_ && writes.size() < kRemovedAtOnce)
      writes.push_back(write_of(oldest_++, std::nullopt));
  }
  writes.push_back(write_of(entry.number, encode(entry)));
  if (auto done = store_.commit(std::move(writes)); !done) return from_store(done.error());
  return {};
}

Result<std::vector<OutboxEntry>> Outbox::list(std::size_t limit, std::uint64_t before) const {
  storage::Range range{.first = {}, .last = {}, .limit = std::max<std::size_t>(1, limit), .reverse = true};
  if (before != 0) range.last = key_of(before);
  auto page = store_.range(kTable, kAll, range);
  if (!page) return from_store(page.error());
  std::vector<OutboxEntry> out;
  for (const auto& item : page->items) {
    auto entry = decode(item.key.sort, item.value);
    if (!entry) return fail(entry);
    out.push_back(std::move(*entry));
  }
  return out;
}

}  // namespace likeness::topics
