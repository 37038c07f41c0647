#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <utility>

#include "aws/gen/dynamodbstreams.hpp"
#include "aws/json_writer.hpp"
#include "base/log.hpp"
#include "domain/lambda/errors.hpp"
#include "services/lambda/pollers.hpp"

namespace likeness::lambda {
namespace {

namespace json = boost::json;
namespace streams = aws::dynamodbstreams;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kTable = "lambda-progress";
constexpr auto kIdle = milliseconds(100);  // between reads of a stream that has nothing new
constexpr auto kLookForShards = seconds(10);
constexpr auto kLongestWait = milliseconds(60'000);  // between attempts
constexpr std::size_t kMaxEvent = 6u << 20;

std::string time_text(TimePoint time) {
  const auto millis = std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count() % 1000;
  auto text = iso8601(time);
  text.pop_back();
  return fmt::format("{}.{:03}Z", text, millis);
}

/// A record on its way: as the function sees it.
struct Item {
  std::string json;
  std::string sequence;
  TimePoint created{};
};

const aws::Shape& record_shape() {
  static const aws::Shape& shape = []() -> const aws::Shape& {
    for (const aws::Shape* candidate : streams::model().shapes)
      if (candidate->name == "Record") return *candidate;
    return *streams::model().shapes[0];
  }();
  return shape;
}

Item item_of(const streams::Record& record, const Mapping& mapping) {
  Item out;
  out.json = "{";
  aws::write_json_members(record_shape(), &record, out.json, true);
  out.json += ",\"eventSourceARN\":";
  aws::write_json_string(mapping.source, out.json);
  out.json += '}';
  if (record.dynamodb) {
    out.sequence = record.dynamodb->sequence_number.value_or("");
    if (record.dynamodb->approximate_creation_date_time) out.created = *record.dynamodb->approximate_creation_date_time;
  }
  return out;
}

/// How far a shard is done: kept after every batch, so that a restart goes on there.
struct Progress {
  std::string sequence;  // the last that is done; empty: none
  bool ended = false;
};

/// One thread reads all shards of a stream in turn, each in its order; parents before children.
class StreamPoller final : public Poller {
 public:
  StreamPoller(const PollerParts& parts, MappingPtr mapping) : parts_(parts), mapping_(std::move(mapping)) {
    if (auto filter = BatchFilter::make(mapping_->filters)) filter_ = std::move(*filter);
    thread_ = std::thread([this] { run(); });
  }
  ~StreamPoller() override {
    stopper_.stop();
    thread_.join();
  }
  void stop() override { stopper_.stop(); }

 private:
  struct Shard {
    std::string id, parent, iterator;
    Progress progress;
    std::deque<Item> waiting;  // read, not yet run
    TimePoint first_read{};
    bool at_end = false;
  };

  void run() {
    auto wait = kIdle;
    auto looked = TimePoint();
    while (!stopper_.stopped()) {
      Result<bool> worked = false;
      if (parts_.clock.now() >= looked + kLookForShards) {
        if (auto found = find_shards(); !found)
          worked = fail(found);
        else
          looked = parts_.clock.now();
      }
      if (worked)
        for (auto& [id, shard] : shards_) {
          if (stopper_.stopped()) return;
          if (shard.progress.ended || waits_for_parent(shard)) continue;
          auto did = step(shard);
          if (!did) {
            worked = fail(did);
            break;
          }
          if (*did) worked = true;
        }
      if (!worked) {
        const auto& error = worked.error();
        if (error.code != last_error_)
          log::warn("event source mapping {}: {} cannot be read: {} {}", mapping_->uuid, mapping_->source, error.code,
                    error.message);
        last_error_ = error.code;
        for (auto& [id, shard] : shards_) shard.iterator.clear();
        if (!stopper_.sleep(wait)) return;
        wait = std::min<milliseconds>(wait * 2, seconds(10));
        continue;
      }
      last_error_.clear();
      wait = kIdle;
      if (!*worked && !stopper_.sleep(kIdle)) return;
    }
  }

  bool waits_for_parent(const Shard& shard) const {
    const auto parent = shards_.find(shard.parent);
    return parent != shards_.end() && !parent->second.progress.ended;
  }

  Result<aws::LocalCaller> caller() const {
    auto name = parse_function_name({mapping_->account, mapping_->region}, mapping_->function);
    if (!name) return fail(name);
    auto target = parts_.registry.resolve(*name);
    if (!target) return fail(target);
    return parts_.destinations.caller_of(*target);
  }

  Result<void> find_shards() {
    auto who = caller();
    if (!who) return fail(who);
    streams::DescribeStreamInput in;
    in.stream_arn = mapping_->source;
    while (true) {
      auto out = parts_.calls.call<streams::DescribeStream>(*who, in);
      if (!out) return fail(out);
      const auto& description = *out->stream_description;
      for (const auto& found : description.shards.value_or(std::vector<streams::Shard>())) {
        auto& shard = shards_[*found.shard_id];
        if (!shard.id.empty()) continue;
        shard.id = *found.shard_id;
        shard.parent = found.parent_shard_id.value_or("");
        auto progress = load(shard.id);
        if (!progress) return fail(progress);
        shard.progress = std::move(*progress);
      }
      if (!description.last_evaluated_shard_id) return {};
      in.exclusive_start_shard_id = description.last_evaluated_shard_id;
    }
  }

  storage::Key key(const std::string& shard) const { return {mapping_->uuid, shard}; }

  Result<Progress> load(const std::string& shard) const {
    auto found = parts_.store.get(kTable, key(shard));
    if (!found) return fail(found);
    Progress out;
    if (!*found) return out;
    out.ended = (*found)->starts_with('e');
    out.sequence = (*found)->substr(1);
    return out;
  }
  Result<void> save(const Shard& shard) {
    return parts_.store.commit({{.table = std::string(kTable),
                                 .key = key(shard.id),
                                 .value = (shard.progress.ended ? "e" : "s") + shard.progress.sequence,
                                 .expected_value = {}}});
  }

  Result<void> open_iterator(Shard& shard) {
    auto who = caller();
    if (!who) return fail(who);
    streams::GetShardIteratorInput in;
    in.stream_arn = mapping_->source;
    in.shard_id = shard.id;
    in.shard_iterator_type = shard.progress.sequence.empty() ? streams::ShardIteratorType::TrimHorizon
                                                             : streams::ShardIteratorType::AfterSequenceNumber;
    if (!shard.progress.sequence.empty()) in.sequence_number = shard.progress.sequence;
    auto out = parts_.calls.call<streams::GetShardIterator>(*who, in);
    if (!out && out.error().code == "TrimmedDataAccessException") {
      // What was to be read is a day old and gone: from the oldest that there is.
      in.shard_iterator_type = streams::ShardIteratorType::TrimHorizon;
      in.sequence_number.reset();
      out = parts_.calls.call<streams::GetShardIterator>(*who, in);
    }
    if (!out) return fail(out);
    shard.iterator = out->shard_iterator.value_or("");
    shard.waiting.clear();
    shard.at_end = false;
    return {};
  }

  /// Reads what there is and runs a batch if one is due. True if there was anything to do.
  Result<bool> step(Shard& shard) {
    const auto full = static_cast<std::size_t>(mapping_->batch_size);
    bool read_any = false;
    if (!shard.at_end && shard.waiting.size() < full) {
      if (shard.iterator.empty())
        if (auto opened = open_iterator(shard); !opened) return fail(opened);
      auto who = caller();
      if (!who) return fail(who);
      streams::GetRecordsInput in;
      in.shard_iterator = shard.iterator;
      in.limit = static_cast<std::int32_t>(std::min<std::size_t>(full, 1000));
      auto out = parts_.calls.call<streams::GetRecords>(*who, in);
      if (!out) {
        shard.iterator.clear();
        if (out.error().code == "ExpiredIteratorException") return true;
        return fail(out);
      }
      if (out->next_shard_iterator)
        shard.iterator = *out->next_shard_iterator;
      else
        shard.at_end = true;
      if (out->records)
        for (const auto& record : *out->records) {
          auto item = item_of(record, *mapping_);
          // Since when a mapping with LATEST counts is kept with it, so that a restart misses nothing in between.
          if (mapping_->starting_position == "LATEST" &&
              item.created < std::chrono::floor<seconds>(mapping_->starting_time))
            continue;
          if (shard.waiting.empty()) shard.first_read = parts_.clock.now();
          shard.waiting.push_back(std::move(item));
          read_any = true;
        }
    }
    if (shard.waiting.empty()) {
      if (!shard.at_end) return read_any;
      shard.progress.ended = true;
      if (auto saved = save(shard); !saved) return fail(saved);
      return true;
    }
    const bool is_over = parts_.clock.now() >= shard.first_read + seconds(mapping_->window);
    if (shard.waiting.size() < full && !is_over && !shard.at_end) return read_any;

    std::vector<Item> batch;
    std::size_t bytes = 0;
    while (!shard.waiting.empty() && batch.size() < full && bytes < kMaxEvent / 2) {
      bytes += shard.waiting.front().json.size();
      batch.push_back(std::move(shard.waiting.front()));
      shard.waiting.pop_front();
    }
    if (!process(shard, std::move(batch))) {
      shard.iterator.clear();  // stopped in between: what is not done is read again
      return true;
    }
    return true;
  }

  /// Until every item is done or given up, in order. False if it was stopped first.
  bool process(Shard& shard, std::vector<Item> items) {
    struct Part {
      std::vector<Item> items;
      int attempts = 0;
    };
    std::deque<Part> parts;
    parts.push_back({std::move(items), 0});
    while (!parts.empty()) {
      if (stopper_.stopped()) return false;
      Part& part = parts.front();
      const auto last = part.items.back().sequence;
      std::vector<Item> wanted;
      for (const auto& item : part.items)
        if (filter_.passes(item.json)) wanted.push_back(item);
      if (wanted.empty()) {
        if (!advance(shard, last)) return false;
        parts.pop_front();
        continue;
      }
      const auto now = parts_.clock.now();
      if (part.attempts > 0 && mapping_->max_age > 0 && wanted.front().created + seconds(mapping_->max_age) < now) {
        give_up(shard, wanted, "RecordAgeExceeded", part.attempts, nullptr);
        if (!advance(shard, last)) return false;
        parts.pop_front();
        continue;
      }
      std::string event = "{\"Records\":[";
      for (const auto& item : wanted) {
        if (&item != &wanted.front()) event += ',';
        event += item.json;
      }
      event += "]}";
      auto run = run_batch(parts_, *mapping_, event);
      if (!run) {
        // Throttled, or not to be run at all now: the batch waits, as on AWS, and does not count as tried.
        if (!stopper_.sleep(wait_after(++waits_))) return false;
        continue;
      }
      waits_ = 0;
      if (run->failures && run->failures->empty()) {
        if (!advance(shard, last)) return false;
        parts.pop_front();
        continue;
      }
      ++part.attempts;
      if (run->failures && !run->failures->empty()) {
        // From the first that failed on they are tried again.
        const auto first = std::ranges::find_if(part.items, [&](const Item& item) {
          return std::ranges::find(*run->failures, item.sequence) != run->failures->end();
        });
        if (first != part.items.end() && first != part.items.begin()) {
          if (!advance(shard, std::prev(first)->sequence)) return false;
          part.items.erase(part.items.begin(), first);
          part.attempts = 1;
        }
      }
      if (mapping_->max_attempts >= 0 && part.attempts > mapping_->max_attempts) {
        if (mapping_->bisect && part.items.size() > 1) {
          split(parts);
          continue;
        }
        give_up(shard, part.items, "RetryAttemptsExhausted", part.attempts, &*run);
        if (!advance(shard, last)) return false;
        parts.pop_front();
        continue;
      }
      if (mapping_->bisect && part.items.size() > 1) {
        split(parts);
        continue;
      }
      if (!stopper_.sleep(wait_after(part.attempts))) return false;
    }
    return true;
  }

  /// The first part in two halves, each with its attempts before it.
  template <class Parts>
  static void split(Parts& parts) {
    auto whole = std::move(parts.front());
    parts.pop_front();
    const auto middle = whole.items.begin() + static_cast<std::ptrdiff_t>(whole.items.size() / 2);
    typename Parts::value_type second{{std::make_move_iterator(middle), std::make_move_iterator(whole.items.end())}, 0};
    whole.items.erase(middle, whole.items.end());
    whole.attempts = 0;
    parts.push_front(std::move(second));
    parts.push_front(std::move(whole));
  }

  static milliseconds wait_after(int attempts) {
    return std::min<milliseconds>(milliseconds(100) * (1 << std::min(attempts, 12)), kLongestWait);
  }

  bool advance(Shard& shard, const std::string& sequence) {
    shard.progress.sequence = sequence;
    auto saved = save(shard);
    if (!saved)
      log::warn("event source mapping {}: its position is not kept: {}", mapping_->uuid, saved.error().detail);
    return saved.has_value();
  }

  void give_up(const Shard& shard, const std::vector<Item>& items, const std::string& condition, int attempts,
               const BatchRun* run) {
    if (mapping_->on_failure.empty()) return;
    json::object record;
    json::object request{{"requestId", run != nullptr ? run->request_id : ""},
                         {"functionArn", mapping_->function},
                         {"condition", condition},
                         {"approximateInvokeCount", attempts}};
    record["requestContext"] = std::move(request);
    if (run != nullptr) {
      json::object response{{"statusCode", 200}, {"executedVersion", run->target.version->version}};
      if (run->failed()) response["functionError"] = run->outcome.function_error;
      record["responseContext"] = std::move(response);
    }
    record["version"] = "1.0";
    record["timestamp"] = time_text(parts_.clock.now());
    record["DDBStreamBatchInfo"] = {{"shardId", shard.id},
                                    {"startSequenceNumber", items.front().sequence},
                                    {"endSequenceNumber", items.back().sequence},
                                    {"approximateArrivalOfFirstRecord", time_text(items.front().created)},
                                    {"approximateArrivalOfLastRecord", time_text(items.back().created)},
                                    {"batchSize", items.size()},
                                    {"streamArn", mapping_->source}};
    auto who = caller();
    auto sent = who ? parts_.destinations.send_text(*who, mapping_->on_failure, json::serialize(record))
                    : Result<void>(fail(who));
    if (!sent)
      log::warn("event source mapping {}: what was given up could not be sent to {}: {} {}", mapping_->uuid,
                mapping_->on_failure, sent.error().code, sent.error().message);
  }

  const PollerParts parts_;
  const MappingPtr mapping_;
  BatchFilter filter_;
  Stopper stopper_;
  std::map<std::string, Shard> shards_;
  int waits_ = 0;
  std::string last_error_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Poller> make_stream_poller(const PollerParts& parts, MappingPtr mapping) {
  return std::make_unique<StreamPoller>(parts, std::move(mapping));
}

Result<void> forget_progress(storage::Store& store, const std::string& uuid) {
  while (true) {
    auto page = store.range(kTable, uuid, {.first = {}, .last = {}, .limit = 90, .reverse = false});
    if (!page) return fail(page);
    if (page->items.empty()) return {};
    std::vector<storage::Write> writes;
    writes.reserve(page->items.size());
    for (auto& item : page->items)
      writes.push_back({.table = std::string(kTable), .key = std::move(item.key), .value = {}, .expected_value = {}});
    if (auto done = store.commit(std::move(writes)); !done) return done;
  }
}

}  // namespace likeness::lambda
