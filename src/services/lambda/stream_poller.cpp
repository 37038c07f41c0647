#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "aws/gen/dynamodbstreams.hpp"
#include "aws/json_writer.hpp"
#include "base/elastic_pool.hpp"
#include "base/log.hpp"
#include "services/lambda/pollers.hpp"
#include "services/lambda/stream_lane.hpp"

namespace likeness::lambda {
namespace {

namespace streams = aws::dynamodbstreams;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kIdle = milliseconds(100);  // between reads of a stream that has nothing new
constexpr auto kLookForShards = seconds(10);
constexpr auto kWindowGrace = seconds(1);  // records know the second that they are of, not more
constexpr std::size_t kMaxEvent = 6u << 20;
constexpr std::size_t kMaxAhead = 16u << 20;  // bytes of a shard read and not yet run

const aws::Shape& record_shape() {
  static const aws::Shape& shape = []() -> const aws::Shape& {
    for (const aws::Shape* candidate : streams::model().shapes)
      if (candidate->name == "Record") return *candidate;
    return *streams::model().shapes[0];
  }();
  return shape;
}

StreamItem item_of(const streams::Record& record, const Mapping& mapping) {
  StreamItem out;
  out.json = "{";
  aws::write_json_members(record_shape(), &record, out.json, true);
  out.json += ",\"eventSourceARN\":";
  aws::write_json_string(mapping.source, out.json);
  out.json += '}';
  if (!record.dynamodb) return out;
  out.sequence = record.dynamodb->sequence_number.value_or("");
  if (record.dynamodb->approximate_creation_date_time) out.created = *record.dynamodb->approximate_creation_date_time;
  if (record.dynamodb->keys)
    for (const auto& [name, value] : *record.dynamodb->keys) {
      out.key += name + '=' + value.s.value_or(value.n.value_or("")) + ';';
      if (value.b) out.key += as_text(*value.b);
    }
  return out;
}

/// FNV-1a. What lanes have done is stored by their numbers, so this never changes.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t out = 14695981039346656037u;
  for (const char c : text) out = (out ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return out;
}

/// One thread reads all shards of a stream in turn, parents before children, and gives the records of each to its
/// lanes: those of one key always to the same. Lanes run in threads of their own, so that a batch that fails stops only
/// its lane.
class StreamPoller final : public Poller {
 public:
  StreamPoller(const PollerParts& parts, MappingPtr mapping) : parts_(parts), mapping_(std::move(mapping)) {
    if (auto filter = BatchFilter::make(mapping_->filters)) filter_ = std::move(*filter);
    thread_ = std::thread([this] { run(); });
  }
  ~StreamPoller() override {
    StreamPoller::stop();
    thread_.join();
    pool_.stop();
  }
  void stop() override {
    stopper_.stop();
    const std::lock_guard lock(mutex_);
    wake_.notify_all();
  }

 private:
  struct Lane {
    Lane(const PollerParts& parts, const Mapping& mapping, const BatchFilter& filter, const Stopper& stopper,
         StreamProgress& progress, const std::string& shard, std::size_t number)
        : runner(parts, mapping, filter, stopper, progress, shard, number) {}
    StreamLane runner;               // of its thread while busy
    std::deque<StreamItem> waiting;  // read, not yet run
    TimePoint first_read{};
    bool busy = false;
  };
  struct Shard {
    std::string id, parent, iterator;
    std::unique_ptr<StreamProgress> progress;
    std::string read_to;  // the last record that was read
    std::vector<std::unique_ptr<Lane>> lanes;
    TimePoint tip{};  // when a read began that found nothing new
    bool at_end = false;
  };

  std::size_t lane_count() const { return static_cast<std::size_t>(std::max(mapping_->parallelization, 1)); }
  std::size_t full() const { return static_cast<std::size_t>(std::max(mapping_->batch_size, 1)); }

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
          if (shard.progress->ended() || waits_for_parent(shard)) continue;
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
      if (*worked) continue;
      // A lane that becomes free may have something to do at once.
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kIdle, [&] { return lane_freed_ || stopper_.stopped(); });
      lane_freed_ = false;
    }
  }

  bool waits_for_parent(const Shard& shard) const {
    const auto parent = shards_.find(shard.parent);
    return parent != shards_.end() && !parent->second.progress->ended();
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
        if (shards_.contains(*found.shard_id)) continue;
        auto progress =
            StreamProgress::load(parts_.store, mapping_->uuid, *found.shard_id, lane_count(), mapping_->tumbling > 0);
        if (!progress) return fail(progress);
        auto& shard = shards_[*found.shard_id];
        shard.id = *found.shard_id;
        shard.parent = found.parent_shard_id.value_or("");
        shard.progress = std::move(*progress);
        shard.read_to = shard.progress->sequence();
        for (std::size_t at = 0; at < lane_count(); ++at)
          shard.lanes.push_back(
              std::make_unique<Lane>(parts_, *mapping_, filter_, stopper_, *shard.progress, shard.id, at));
      }
      if (!description.last_evaluated_shard_id) return {};
      in.exclusive_start_shard_id = description.last_evaluated_shard_id;
    }
  }

  Result<void> open_iterator(Shard& shard) {
    auto who = caller();
    if (!who) return fail(who);
    streams::GetShardIteratorInput in;
    in.stream_arn = mapping_->source;
    in.shard_id = shard.id;
    in.shard_iterator_type = shard.read_to.empty() ? streams::ShardIteratorType::TrimHorizon
                                                   : streams::ShardIteratorType::AfterSequenceNumber;
    if (!shard.read_to.empty()) in.sequence_number = shard.read_to;
    auto out = parts_.calls.call<streams::GetShardIterator>(*who, in);
    if (!out && out.error().code == "TrimmedDataAccessException") {
      // What was to be read is a day old and gone: from the oldest that there is.
      in.shard_iterator_type = streams::ShardIteratorType::TrimHorizon;
      in.sequence_number.reset();
      out = parts_.calls.call<streams::GetShardIterator>(*who, in);
    }
    if (!out) return fail(out);
    shard.iterator = out->shard_iterator.value_or("");
    shard.at_end = false;
    return {};
  }

  /// Reads what there is and begins the runs that are due. True if there was anything to do.
  Result<bool> step(Shard& shard) {
    auto worked = read(shard);
    if (!worked) return worked;
    bool idle = true;
    {
      const std::lock_guard lock(mutex_);
      for (auto& lane : shard.lanes) {
        if (begin(shard, *lane)) worked = true;
        if (lane->busy || !lane->waiting.empty() || lane->runner.open_window()) idle = false;
      }
    }
    if (!shard.at_end || !idle) return worked;
    if (auto saved = shard.progress->end(); !saved) return fail(saved);
    return true;
  }

  bool has_room(const Shard& shard) const {
    const std::lock_guard lock(mutex_);
    std::size_t bytes = 0, items = 0;
    bool wanted = false;
    for (const auto& lane : shard.lanes) {
      for (const auto& item : lane->waiting) bytes += item.json.size();
      items += lane->waiting.size();
      wanted = wanted || lane->waiting.size() < full();
    }
    return wanted && bytes < kMaxAhead && items < 2 * full() * lane_count();
  }

  Result<bool> read(Shard& shard) {
    if (shard.at_end || !has_room(shard)) return false;
    if (shard.iterator.empty())
      if (auto opened = open_iterator(shard); !opened) return fail(opened);
    auto who = caller();
    if (!who) return fail(who);
    streams::GetRecordsInput in;
    in.shard_iterator = shard.iterator;
    in.limit = static_cast<std::int32_t>(std::min<std::size_t>(full() * lane_count(), 1000));
    const auto began = parts_.clock.now();
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
    const auto records = out->records.value_or(std::vector<streams::Record>());
    if (records.empty()) shard.tip = began;
    for (const auto& record : records) take(shard, item_of(record, *mapping_));
    return !records.empty();
  }

  void take(Shard& shard, StreamItem item) {
    shard.read_to = item.sequence;
    // Since when a mapping with LATEST counts is kept with it, so that a restart misses nothing in between.
    if (mapping_->starting_position == "LATEST" && item.created < std::chrono::floor<seconds>(mapping_->starting_time))
      return;
    const auto number = static_cast<std::size_t>(hash_of(item.key) % shard.lanes.size());
    if (!shard.progress->take(item, number)) return;
    const std::lock_guard lock(mutex_);
    auto& lane = *shard.lanes[number];
    if (lane.waiting.empty()) lane.first_read = parts_.clock.now();
    lane.waiting.push_back(std::move(item));
  }

  /// Begins what is due in a lane. With the lock.
  bool begin(Shard& shard, Lane& lane) {
    if (lane.busy) return false;
    const auto open = lane.runner.open_window();
    if (open) {
      const auto over = TimePoint(seconds(*open + mapping_->tumbling)) + kWindowGrace;
      const bool next_began = !lane.waiting.empty() && lane.runner.window_of(lane.waiting.front()) > *open;
      const bool all_read = lane.waiting.empty() && (shard.tip >= over || (shard.at_end && parts_.clock.now() >= over));
      if (next_began || all_read) return submit(lane, [&lane] { lane.runner.finish_window(); });
    }
    if (lane.waiting.empty()) return false;
    const bool is_over = parts_.clock.now() >= lane.first_read + seconds(mapping_->window);
    if (lane.waiting.size() < full() && !is_over && !shard.at_end) return false;

    const bool windows = mapping_->tumbling > 0;
    const auto window = open.value_or(windows ? lane.runner.window_of(lane.waiting.front()) : 0);
    std::size_t bytes = 0, count = 0;
    for (const auto& item : lane.waiting) {
      if (count == full() || bytes >= kMaxEvent / 2) break;
      if (windows && lane.runner.window_of(item) > window) break;
      bytes += item.json.size();
      ++count;
    }
    const auto end = lane.waiting.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<StreamItem> batch(std::make_move_iterator(lane.waiting.begin()), std::make_move_iterator(end));
    const bool began = submit(lane, [&lane, batch] { lane.runner.run(batch); });
    if (began)
      lane.waiting.erase(lane.waiting.begin(), end);
    else
      std::ranges::move(batch, lane.waiting.begin());
    return began;
  }

  bool submit(Lane& lane, std::function<void()> job) {
    lane.busy = pool_.submit([this, &lane, job = std::move(job)] {
      job();
      const std::lock_guard lock(mutex_);
      lane.busy = false;
      lane_freed_ = true;
      wake_.notify_all();
    });
    return lane.busy;
  }

  const PollerParts parts_;
  const MappingPtr mapping_;
  BatchFilter filter_;
  Stopper stopper_;
  std::map<std::string, Shard> shards_;  // of the thread, but for the lanes
  std::string last_error_;
  mutable std::mutex mutex_;  // of the lanes
  std::condition_variable wake_;
  bool lane_freed_ = false;
  ElasticPool pool_{"stream-lane", 1024};
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Poller> make_stream_poller(const PollerParts& parts, MappingPtr mapping) {
  return std::make_unique<StreamPoller>(parts, std::move(mapping));
}

}  // namespace likeness::lambda
