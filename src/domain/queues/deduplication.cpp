#include "domain/queues/deduplication.hpp"

#include <utility>

#include "domain/record.hpp"

namespace likeness::queues {
namespace {

constexpr std::string_view kIds = "queue_dedup";
constexpr std::string_view kExpiries = "queue_dedup_times";  // sort: expiry, then the id

// Fields of the record.
constexpr std::uint8_t kId = 1;
constexpr std::uint8_t kSequence = 2;
constexpr std::uint8_t kExpires = 3;

struct Known {
  KnownMessage message;
  Millis expires = 0;
};

Known decode(std::string_view bytes) {
  Known known;
  domain::RecordReader in(bytes);
  while (in.next()) switch (in.field()) {
      case kId: known.message.id = in.text(); break;
      case kSequence: known.message.sequence = in.number(); break;
      case kExpires: known.expires = static_cast<Millis>(in.number()); break;
      default: break;
    }
  return known;
}

storage::Write write_of(std::string_view table, const std::string& owner, std::string sort,
                        std::optional<std::string> value) {
  storage::Write write;
  write.table = table;
  write.key = {owner, std::move(sort)};
  write.value = std::move(value);
  return write;
}

}  // namespace

Result<std::optional<KnownMessage>> Deduplication::find(const std::string& owner, const std::string& id,
                                                        Millis now) const {
  auto found = store_.get(kIds, {owner, id});
  if (!found) return fail(found);
  if (!*found) return std::optional<KnownMessage>();
  auto known = decode(**found);
  if (known.expires <= now) return std::optional<KnownMessage>();
  return std::optional(std::move(known.message));
}

void Deduplication::remember(const std::string& owner, const std::string& id, const KnownMessage& message, Millis now,
                             std::vector<storage::Write>& writes) {
  const Millis expires = now + kWindow;
  domain::RecordWriter out;
  out.text(kId, message.id);
  out.number(kSequence, message.sequence);
  out.number(kExpires, static_cast<std::uint64_t>(expires));
  writes.push_back(write_of(kIds, owner, id, out.take()));
  std::string sort;
  append_number(sort, static_cast<std::uint64_t>(expires));
  writes.push_back(write_of(kExpiries, owner, sort + id, std::string()));
}

Result<std::size_t> Deduplication::sweep(const std::string& owner, Millis now, std::size_t limit) {
  std::string until;
  append_number(until, static_cast<std::uint64_t>(now));
  auto page = store_.range(kExpiries, owner, {.first = {}, .last = until, .limit = limit});
  if (!page) return fail(page);
  for (const auto& item : page->items) {
    const auto id = item.key.sort.substr(8);
    std::vector<storage::Write> writes{write_of(kExpiries, owner, item.key.sort, std::nullopt)};
    auto found = store_.get(kIds, {owner, id});
    if (!found) return fail(found);
    if (*found && decode(**found).expires <= now) {
      writes.push_back(write_of(kIds, owner, id, std::nullopt));
      writes.back().expect = storage::Write::Expect::SameValue;  // not one that was sent again meanwhile
      writes.back().expected_value = **found;
    }
    if (auto done = store_.commit(std::move(writes)); !done && done.error().code != "ConditionFailed")
      return fail(done);
  }
  return page->items.size();
}

}  // namespace likeness::queues
