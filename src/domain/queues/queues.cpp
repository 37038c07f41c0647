#include "domain/queues/queues.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "domain/queues/errors.hpp"
#include "domain/record.hpp"
#include "storage/writes.hpp"

namespace likeness::queues {
namespace {

constexpr std::string_view kQueues = "queues";
constexpr std::string_view kRemains = "queue_remains";  // partitions of purged and deleted queues, to be erased
constexpr std::string_view kAll = "all";
constexpr std::size_t kSwept = 500;
constexpr std::size_t kErased = 90;  // writes of one commit
constexpr std::size_t kMostTags = 50;

// Fields of the record.
constexpr std::uint8_t kNumber = 1;
constexpr std::uint8_t kContents = 2;
constexpr std::uint8_t kCreated = 3;
constexpr std::uint8_t kModified = 4;
constexpr std::uint8_t kAttribute = 5;
constexpr std::uint8_t kTag = 6;
constexpr std::uint8_t kFifo = 7;

std::string encode(const Description& queue) {
  domain::RecordWriter out;
  out.number(kNumber, queue.number);
  out.text(kContents, queue.contents);
  out.number(kCreated, static_cast<std::uint64_t>(queue.created));
  out.number(kModified, static_cast<std::uint64_t>(queue.modified));
  out.number(kFifo, queue.settings.fifo ? 1 : 0);
  for (const auto& [name, value] : texts_of(queue.settings)) out.text(kAttribute, domain::encode_pair(name, value));
  for (const auto& [key, value] : queue.tags) out.text(kTag, domain::encode_pair(key, value));
  return out.take();
}

Result<Description> decode(std::string name, std::string_view bytes) {
  Description queue;
  queue.name = std::move(name);
  AttributeTexts attributes;
  domain::RecordReader in(bytes);
  while (in.next()) switch (in.field()) {
      case kNumber: queue.number = in.number(); break;
      case kContents: queue.contents = in.text(); break;
      case kCreated: queue.created = static_cast<Millis>(in.number()); break;
      case kModified: queue.modified = static_cast<Millis>(in.number()); break;
      case kFifo: queue.settings.fifo = in.number() != 0; break;
      case kAttribute: attributes.insert(domain::decode_pair(in.text())); break;
      case kTag: queue.tags.insert(domain::decode_pair(in.text())); break;
      default: break;
    }
  auto settings = changed(queue.settings, attributes, false);
  if (!in.ok() || !settings) return server_error("InternalError", "The record of a queue is damaged.", queue.name);
  queue.settings = std::move(*settings);
  return queue;
}

bool is_queue_name(std::string_view name) {
  return !name.empty() && name.size() <= 80 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::string random_partition() { return to_hex(random_bytes(12)); }

Failure invalid_name(bool fifo) {
  return invalid_parameter(
      fifo
          ? "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with "
            ".fifo suffix and be 1 to 80 in length."
          : "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
}

}  // namespace

Queues::Queues(storage::Store& store, const Clock& clock, QueuesOptions options, Receipts receipts)
    : store_(store),
      options_(std::move(options)),
      receipts_(std::move(receipts)),
      around_{.store = store,
              .clock = clock,
              .receipts = receipts_,
              .metrics = options_.metrics,
              .find = [this](const std::string& arn) { return find_arn(arn); }} {}

Queues::~Queues() = default;

Result<std::unique_ptr<Queues>> Queues::open(storage::Store& store, const Clock& clock, QueuesOptions options) {
  auto receipts = Receipts::open(store);
  if (!receipts) return fail(receipts);
  std::unique_ptr<Queues> queues(new Queues(store, clock, std::move(options), std::move(*receipts)));
  if (auto loaded = queues->load(); !loaded) return fail(loaded);
  return queues;
}

Result<void> Queues::load() {
  storage::Range range;
  while (true) {
    auto page = store_.range(kQueues, kAll, range);
    if (!page) return fail(page);
    for (const auto& item : page->items) {
      auto description = decode(item.key.sort, item.value);
      if (!description) return fail(description);
      description->arn = arn_of(description->name);
      auto queue = Queue::open(around_, std::move(*description));
      if (!queue) return fail(queue);
      queues_[item.key.sort] = std::move(*queue);
    }
    if (!page->next) break;
    range.first = *page->next;
  }
  auto tasks = MoveTasks::open(store_, around_);
  if (!tasks) return fail(tasks);
  tasks_ = std::move(*tasks);
  return {};
}

std::string Queues::arn_of(std::string_view name) const {
  return fmt::format("arn:aws:sqs:{}:{}:{}", options_.region, options_.account, name);
}

Result<std::shared_ptr<Queue>> Queues::find(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto at = queues_.find(name);
  if (at == queues_.end()) return queue_does_not_exist();
  return at->second;
}

std::shared_ptr<Queue> Queues::find_arn(std::string_view arn) const {
  const auto colon = arn.rfind(':');
  if (colon == std::string_view::npos) return nullptr;
  const auto name = arn.substr(colon + 1);
  if (arn != arn_of(name)) return nullptr;
  auto found = find(name);
  return found ? std::move(*found) : nullptr;
}

std::vector<std::shared_ptr<Queue>> Queues::list(std::string_view prefix) const {
  std::vector<std::shared_ptr<Queue>> out;
  const std::shared_lock lock(mutex_);
  for (auto at = queues_.lower_bound(prefix); at != queues_.end() && at->first.starts_with(prefix); ++at)
    out.push_back(at->second);
  return out;
}

std::vector<std::string> Queues::sources_of(std::string_view arn) const {
  std::vector<std::string> out;
  for (const auto& queue : list({}))
    if (const auto description = queue->describe(); description->settings.dead_letter_arn == arn)
      out.push_back(description->name);
  return out;
}

Result<Settings> Queues::checked(const std::string& name, const Settings& from, const AttributeTexts& changes,
                                 bool creating) const {
  auto settings = changed(from, changes, creating);
  if (!settings) return settings;
  const auto redrive = changes.find("RedrivePolicy");
  if (redrive == changes.end() || settings->dead_letter_arn.empty()) return settings;
  const auto& arn = settings->dead_letter_arn;
  const auto target = find_arn(arn);
  if (target == nullptr) return invalid_value(redrive->second, "RedrivePolicy", "Dead letter target does not exist.");
  const auto description = target->describe();
  if (description->settings.fifo != settings->fifo)
    return invalid_value(redrive->second, "RedrivePolicy",
                         "Dead-letter queue must be same type of queue as the source.");
  if (!description->settings.allows_source(arn_of(name)))
    return invalid_value(redrive->second, "RedrivePolicy",
                         fmt::format("Dead letter target {} does not allow this queue as its source.", arn));
  return settings;
}

Result<std::shared_ptr<Queue>> Queues::create(const std::string& name, const AttributeTexts& attributes,
                                              const std::map<std::string, std::string>& tags) {
  const auto fifo_attribute = attributes.find("FifoQueue");
  const bool wants_fifo = fifo_attribute != attributes.end() && fifo_attribute->second == "true";
  const bool fifo_name = name.ends_with(".fifo");
  if (wants_fifo &&
      (!fifo_name || name.size() > 80 || !is_queue_name(std::string_view(name).substr(0, name.size() - 5))))
    return invalid_name(true);
  if (!wants_fifo && !is_queue_name(name)) return invalid_name(false);
  if (tags.size() > kMostTags) return invalid_parameter(fmt::format("Too many tags added for queue {}.", name));

  const auto held = changing_.acquire({name});
  if (auto existing = find(name)) {
    auto same = changed((*existing)->describe()->settings, attributes, false);
    if (!same) return fail(same);
    if (const auto other = difference((*existing)->describe()->settings, attributes); !other.empty())
      return client_error(
          "QueueNameExists",
          fmt::format("A queue already exists with the same name and a different value for attribute {}", other));
    return existing;
  }
  const Millis now = millis(around_.clock.now());
  {
    const std::unique_lock lock(mutex_);
    std::erase_if(deleted_, [&](const auto& one) { return one.second + 1000 * options_.rest.count() <= now; });
    if (deleted_.contains(name))
      return client_error("QueueDeletedRecently",
                          "You must wait 60 seconds after deleting a queue before you can create another with the same "
                          "name.");
  }
  Settings defaults;
  defaults.fifo = wants_fifo;
  auto settings = checked(name, defaults, attributes, true);
  if (!settings) return fail(settings);
  Description description{.name = name,
                          .arn = arn_of(name),
                          .number = read_number(as_text(random_bytes(8))),
                          .contents = random_partition(),
                          .settings = std::move(*settings),
                          .tags = tags,
                          .created = now,
                          .modified = now};
  auto record = storage::put_of(kQueues, std::string(kAll), name, encode(description));
  record.expect = storage::Write::Expect::Absent;
  if (auto done = store_.commit({std::move(record)}); !done) return from_store(done.error());
  auto queue = Queue::open(around_, std::move(description));
  if (!queue) return queue;
  const std::unique_lock lock(mutex_);
  queues_[name] = *queue;
  return queue;
}

Result<void> Queues::update(const std::string& name, const Queue::Change& change) {
  const auto held = changing_.acquire({name});
  auto queue = find(name);
  if (!queue) return fail(queue);
  return (*queue)->change(change);
}

Result<void> Queues::remove(const std::string& name) {
  auto removed = update(name, [&](const Description& before) -> Result<std::optional<Description>> {
    std::vector<storage::Write> writes{storage::removal_of(kQueues, std::string(kAll), name)};
    writes.push_back(storage::put_of(kRemains, std::string(kAll), before.contents, std::string()));
    writes.push_back(storage::put_of(kRemains, std::string(kAll), std::to_string(before.number), std::string()));
    if (auto done = store_.commit(std::move(writes)); !done) return from_store(done.error());
    const std::unique_lock lock(mutex_);
    queues_.erase(name);
    purged_.erase(name);
    deleted_[name] = millis(around_.clock.now());
    return std::optional<Description>();
  });
  return removed;
}

Result<void> Queues::set_attributes(const std::string& name, const AttributeTexts& attributes) {
  return update(name, [&](const Description& before) -> Result<std::optional<Description>> {
    auto settings = checked(name, before.settings, attributes, false);
    if (!settings) return fail(settings);
    Description after = before;
    after.settings = std::move(*settings);
    after.modified = millis(around_.clock.now());
    if (auto done = store_.commit({storage::put_of(kQueues, std::string(kAll), name, encode(after))}); !done)
      return from_store(done.error());
    return std::optional(std::move(after));
  });
}

Result<void> Queues::tag(const std::string& name, const std::map<std::string, std::string>& tags) {
  return update(name, [&](const Description& before) -> Result<std::optional<Description>> {
    Description after = before;
    for (const auto& [key, value] : tags) after.tags[key] = value;
    if (after.tags.size() > kMostTags) return invalid_parameter(fmt::format("Too many tags added for queue {}.", name));
    if (auto done = store_.commit({storage::put_of(kQueues, std::string(kAll), name, encode(after))}); !done)
      return from_store(done.error());
    return std::optional(std::move(after));
  });
}

Result<void> Queues::untag(const std::string& name, const std::vector<std::string>& keys) {
  return update(name, [&](const Description& before) -> Result<std::optional<Description>> {
    Description after = before;
    for (const auto& key : keys) after.tags.erase(key);
    if (auto done = store_.commit({storage::put_of(kQueues, std::string(kAll), name, encode(after))}); !done)
      return from_store(done.error());
    return std::optional(std::move(after));
  });
}

Result<void> Queues::purge(const std::string& name) {
  return update(name, [&](const Description& before) -> Result<std::optional<Description>> {
    const Millis now = millis(around_.clock.now());
    {
      const std::shared_lock lock(mutex_);
      const auto at = purged_.find(name);
      if (at != purged_.end() && at->second + 1000 * options_.rest.count() > now)
        return client_error("PurgeQueueInProgress",
                            fmt::format("Only one PurgeQueue operation on {} is allowed every 60 seconds.", name));
    }
    // The messages are another partition's from now on, so nothing has to be walked through; `tend` erases the old.
    Description after = before;
    after.contents = random_partition();
    if (auto done = store_.commit({storage::put_of(kQueues, std::string(kAll), name, encode(after)),
                                   storage::put_of(kRemains, std::string(kAll), before.contents, std::string())});
        !done)
      return from_store(done.error());
    const std::unique_lock lock(mutex_);
    purged_[name] = now;
    return std::optional(std::move(after));
  });
}

Result<void> Queues::erase_remains() {
  static constexpr std::string_view kTables[] = {kBodies, kStates, kTimes, "queue_dedup", "queue_dedup_times"};
  auto remains = store_.range(kRemains, kAll, {.first = {}, .last = {}, .limit = 100});
  if (!remains) return from_store(remains.error());
  for (const auto& one : remains->items) {
    const auto& partition = one.key.sort;
    for (const auto table : kTables) {
      storage::Range range{.first = {}, .last = {}, .limit = kErased};
      while (!around_.stopping) {
        auto page = store_.range(table, partition, range);
        if (!page) return from_store(page.error());
        std::vector<storage::Write> writes;
        for (const auto& item : page->items) writes.push_back(storage::removal_of(table, partition, item.key.sort));
        if (!writes.empty())
          if (auto done = store_.commit(std::move(writes)); !done) return from_store(done.error());
        if (!page->next) break;
        range.first = *page->next;
      }
    }
    if (around_.stopping) return {};
    if (auto done = store_.commit({storage::removal_of(kRemains, std::string(kAll), partition)}); !done)
      return from_store(done.error());
  }
  return {};
}

Result<void> Queues::tend() {
  for (const auto& queue : list({})) {
    if (around_.stopping) return {};
    for (std::size_t swept = kSwept; swept == kSwept && !around_.stopping;) {
      auto done = queue->sweep(kSwept);
      if (!done) return fail(done);
      swept = *done;
    }
  }
  return erase_remains();
}

void Queues::measure() {
  if (options_.metrics == nullptr) return;
  const Millis now = millis(around_.clock.now());
  for (const auto& queue : list({})) {
    const auto name = queue->describe()->name;
    const auto record = [&](std::string_view metric, double value, metrics::Unit unit = metrics::Unit::Count) {
      options_.metrics->record("AWS/SQS", metric, {{"QueueName", name}}, value, unit);
    };
    const auto counts = queue->counts();
    record("ApproximateNumberOfMessagesVisible", static_cast<double>(counts.visible));
    record("ApproximateNumberOfMessagesNotVisible", static_cast<double>(counts.in_flight));
    record("ApproximateNumberOfMessagesDelayed", static_cast<double>(counts.delayed));
    if (auto oldest = queue->oldest(); oldest && *oldest != 0)
      record("ApproximateAgeOfOldestMessage", static_cast<double>(now - *oldest) / 1000, metrics::Unit::Seconds);
  }
}

void Queues::stop() {
  around_.stopping = true;
  for (const auto& queue : list({})) queue->wake();
}

}  // namespace likeness::queues
