#include "domain/logs/insights/run.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "domain/logs/insights/row.hpp"

namespace likeness::logs::insights {
namespace {

constexpr std::size_t kDefaultLimit = 10'000;
constexpr std::size_t kMostRows = 50'000;     // that a sort holds
constexpr std::size_t kMostGroups = 100'000;  // of a stats
constexpr std::size_t kMostValues = 100'000;  // of one percentile, or of distinct ones

/// One aggregate over the rows of a group.
class Aggregator {
 public:
  Aggregator(const Expression& call) : call_(&call) {}

  void add(const Row& row) {
    const auto& name = call_->name;
    if (call_->parts.empty()) {  // count(*)
      ++count_;
      return;
    }
    auto value = evaluate(call_->parts[0], row);
    if (value.is_nothing()) return;
    ++count_;
    if (name == "count") return;
    if (name == "count_distinct") {
      if (distinct_.size() < kMostValues) distinct_.insert(to_text(value));
      return;
    }
    if (name == "earliest" || name == "latest") {
      const auto time = row.id();
      const bool better = kept_.is_nothing() || (name == "earliest" ? time < at_ : at_ < time);
      if (!better) return;
      kept_ = std::move(value);
      at_ = time;
      return;
    }
    if (name == "min" || name == "max" || name == "sortsfirst" || name == "sortslast") {
      const int order = kept_.is_nothing() ? 0 : compare(value, kept_);
      const bool smaller = name == "min" || name == "sortsfirst";
      if (kept_.is_nothing() || (smaller ? order < 0 : order > 0)) kept_ = std::move(value);
      return;
    }
    double number = 0;
    if (!as_number(value, number)) {
      --count_;
      return;
    }
    sum_ += number;
    const double before = mean_;
    mean_ += (number - mean_) / static_cast<double>(count_);
    squares_ += (number - before) * (number - mean_);
    if (name != "pct" && name != "median") return;
    if (values_.size() < kMostValues) {
      values_.push_back(number);
      return;
    }
    // Beyond that every value has the same chance to be among those that are kept.
    dice_ = dice_ * 6364136223846793005u + 1442695040888963407u;
    const auto place = (dice_ >> 33) % count_;
    if (place < kMostValues) values_[place] = number;
  }

  Value result() {
    const auto& name = call_->name;
    if (name == "count") return Value::of(static_cast<double>(count_));
    if (name == "count_distinct") return Value::of(static_cast<double>(distinct_.size()));
    if (name == "sum") return Value::of(sum_);
    if (name == "avg") return count_ == 0 ? Value() : Value::of(mean_);
    if (name == "stddev") return count_ == 0 ? Value() : Value::of(std::sqrt(squares_ / static_cast<double>(count_)));
    if (name == "pct" || name == "median") {
      double share = 50;
      if (name == "pct" && !as_number(evaluate(call_->parts[1], Row()), share)) return {};
      if (values_.empty()) return {};
      std::ranges::sort(values_);
      const double rank = std::clamp(share, 0.0, 100.0) / 100 * static_cast<double>(values_.size());
      const auto at = static_cast<std::size_t>(std::max(0.0, std::ceil(rank) - 1));
      return Value::of(values_[std::min(at, values_.size() - 1)]);
    }
    return kept_;
  }

 private:
  const Expression* call_;
  std::uint64_t count_ = 0;
  double sum_ = 0, mean_ = 0, squares_ = 0;
  Value kept_;
  EventId at_;
  std::unordered_set<std::string> distinct_;
  std::vector<double> values_;
  std::uint64_t dice_ = 1;
};

void aggregates_in(const Expression& expression, std::vector<const Expression*>& out) {
  if (expression.kind == Expression::Kind::Call && is_aggregate(expression.name)) {
    out.push_back(&expression);
    return;
  }
  for (const auto& part : expression.parts) aggregates_in(part, out);
}

/// A command at work. `push` gives a row on to the next one; false says that no more are wanted.
class Stage {
 public:
  virtual ~Stage() = default;
  virtual bool take(Row row) = 0;
  virtual void finish() {
    if (next != nullptr) next->finish();
  }
  Stage* next = nullptr;

 protected:
  bool push(Row row) { return next->take(std::move(row)); }
};

class FieldsStage final : public Stage {
 public:
  explicit FieldsStage(const Command& command) : command_(command) {}
  bool take(Row row) override {
    for (const auto& column : command_.columns)
      if (column.expression.kind != Expression::Kind::Field || column.expression.name != column.name)
        row.set(column.name, evaluate(column.expression, row));
    return push(std::move(row));
  }

 private:
  const Command& command_;
};

class FilterStage final : public Stage {
 public:
  explicit FilterStage(const Command& command) : command_(command) {}
  bool take(Row row) override { return !evaluate(command_.condition, row).is_true() || push(std::move(row)); }

 private:
  const Command& command_;
};

class ParseStage final : public Stage {
 public:
  explicit ParseStage(const Command& command) : command_(command) {}
  bool take(Row row) override {
    extract(command_.extraction, row);
    return push(std::move(row));
  }

 private:
  const Command& command_;
};

class LimitStage final : public Stage {
 public:
  explicit LimitStage(std::size_t left) : left_(left) {}
  bool take(Row row) override {
    if (left_ == 0) return false;
    --left_;
    return push(std::move(row)) && left_ > 0;
  }

 private:
  std::size_t left_;
};

class DedupStage final : public Stage {
 public:
  explicit DedupStage(const Command& command) : command_(command) {}
  bool take(Row row) override {
    std::string key;
    for (const auto& column : command_.columns) {
      const auto value = evaluate(column.expression, row);
      key += to_text(value);
      key += value.is_nothing() ? '\1' : '\0';
    }
    if (seen_.size() >= kMostGroups) return push(std::move(row));
    return !seen_.insert(std::move(key)).second || push(std::move(row));
  }

 private:
  const Command& command_;
  std::unordered_set<std::string> seen_;
};

class SortStage final : public Stage {
 public:
  SortStage(const Command& command, std::size_t wanted) : command_(command), wanted_(std::min(wanted, kMostRows)) {}

  bool take(Row row) override {
    Entry entry{{}, rows_.size() + dropped_, std::move(row)};
    for (const auto& key : command_.order) entry.keys.push_back(evaluate(key.expression, entry.row));
    rows_.push_back(std::move(entry));
    if (rows_.size() >= 2 * wanted_ + 1000) prune();
    return true;
  }
  void finish() override {
    prune();
    for (auto& entry : rows_)
      if (!push(std::move(entry.row))) break;
    rows_.clear();
    Stage::finish();
  }

 private:
  struct Entry {
    std::vector<Value> keys;
    std::size_t number;
    Row row;
  };
  void prune() {
    std::ranges::sort(rows_, [&](const Entry& a, const Entry& b) {
      for (std::size_t i = 0; i < a.keys.size(); ++i) {
        const int order = compare(a.keys[i], b.keys[i]);
        if (order != 0) return command_.order[i].descending ? order > 0 : order < 0;
      }
      return a.number < b.number;
    });
    if (rows_.size() <= wanted_) return;
    dropped_ += rows_.size() - wanted_;
    rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(wanted_), rows_.end());
  }

  const Command& command_;
  const std::size_t wanted_;
  std::size_t dropped_ = 0;
  std::vector<Entry> rows_;
};

class StatsStage final : public Stage {
 public:
  explicit StatsStage(const Command& command) : command_(command) {
    for (const auto& column : command.columns) aggregates_in(column.expression, calls_);
    if (command.groups.empty()) group({}, {});  // there is one row also of nothing
  }

  bool take(Row row) override {
    std::string key;
    std::vector<Value> values;
    for (const auto& column : command_.groups) {
      values.push_back(evaluate(column.expression, row));
      key += to_text(values.back());
      key += '\0';
    }
    auto* at = group(key, std::move(values));
    if (at != nullptr)
      for (auto& aggregate : at->aggregates) aggregate.add(row);
    return true;
  }

  void finish() override {
    for (auto& one : groups_) {
      Slots slots;
      for (std::size_t i = 0; i < calls_.size(); ++i) slots[calls_[i]] = one->aggregates[i].result();
      Row row;
      for (std::size_t i = 0; i < command_.groups.size(); ++i) row.set(command_.groups[i].name, one->values[i]);
      for (const auto& column : command_.columns) row.set(column.name, evaluate(column.expression, row, &slots));
      if (!push(std::move(row))) break;
    }
    Stage::finish();
  }

 private:
  struct Group {
    std::vector<Value> values;
    std::vector<Aggregator> aggregates;
  };
  Group* group(const std::string& key, std::vector<Value> values) {
    if (const auto at = index_.find(key); at != index_.end()) return at->second;
    if (groups_.size() >= kMostGroups) return nullptr;
    auto made = std::make_unique<Group>();
    made->values = std::move(values);
    for (const auto* call : calls_) made->aggregates.emplace_back(*call);
    groups_.push_back(std::move(made));
    return index_[key] = groups_.back().get();
  }

  const Command& command_;
  std::vector<const Expression*> calls_;
  std::unordered_map<std::string, Group*> index_;
  std::vector<std::unique_ptr<Group>> groups_;  // in the order in which they came
};

/// Which names the result shows, in order; and whether @ptr comes with them.
std::vector<std::string> shown_names(const Query& query, bool& of_events) {
  std::vector<std::string> names;
  std::vector<std::string> parsed;
  of_events = true;
  const auto add = [](std::vector<std::string>& to, const std::string& name) {
    if (!name.empty() && std::ranges::find(to, name) == to.end()) to.push_back(name);
  };
  for (const auto& command : query.commands) {
    switch (command.kind) {
      case Command::Kind::Fields:
        for (const auto& column : command.columns) add(names, column.name);
        break;
      case Command::Kind::Display:
        names.clear();
        for (const auto& column : command.columns) add(names, column.name);
        break;
      case Command::Kind::Stats:
        names.clear();
        of_events = false;
        for (const auto& column : command.groups) add(names, column.name);
        for (const auto& column : command.columns) add(names, column.name);
        break;
      case Command::Kind::Parse:
        for (const auto& name : command.extraction.names) add(parsed, name);
        break;
      default: break;
    }
  }
  if (names.empty() && of_events) {
    names = {"@timestamp", "@message"};
    for (const auto& name : parsed) add(names, name);
  }
  return names;
}

class Collector final : public Stage {
 public:
  Collector(const Query& query, std::size_t limit, RunResult& out) : limit_(limit), out_(out) {
    names_ = shown_names(query, of_events_);
  }
  bool take(Row row) override {
    if (out_.rows.size() >= limit_) return false;
    ResultRow made;
    for (const auto& name : names_) {
      const auto value = row.get(name);
      if (!value.is_nothing()) made.emplace_back(name, to_text(value));
    }
    if (of_events_) made.emplace_back("@ptr", pointer_of(row));
    out_.rows.push_back(std::move(made));
    return out_.rows.size() < limit_;
  }
  void finish() override {}

 private:
  const std::size_t limit_;
  RunResult& out_;
  std::vector<std::string> names_;
  bool of_events_ = true;
};

/// Counts the rows that come through all filters: what statistics call matched.
class MatchedStage final : public Stage {
 public:
  explicit MatchedStage(RunStatistics& statistics) : statistics_(statistics) {}
  bool take(Row row) override {
    ++statistics_.matched;
    return push(std::move(row));
  }

 private:
  RunStatistics& statistics_;
};

std::unique_ptr<Stage> stage_of(const Query& query, std::size_t index, std::size_t limit) {
  const auto& command = query.commands[index];
  switch (command.kind) {
    case Command::Kind::Fields:
    case Command::Kind::Display: return std::make_unique<FieldsStage>(command);
    case Command::Kind::Filter: return std::make_unique<FilterStage>(command);
    case Command::Kind::Parse: return std::make_unique<ParseStage>(command);
    case Command::Kind::Limit: return std::make_unique<LimitStage>(command.limit);
    case Command::Kind::Dedup: return std::make_unique<DedupStage>(command);
    case Command::Kind::Stats: return std::make_unique<StatsStage>(command);
    case Command::Kind::Sort: break;
  }
  // How many of the sorted rows can be wanted.
  std::size_t wanted = limit;
  if (index + 1 < query.commands.size())
    wanted = query.commands[index + 1].kind == Command::Kind::Limit ? query.commands[index + 1].limit : kMostRows;
  return std::make_unique<SortStage>(command, wanted);
}

}  // namespace

Result<RunResult> run(const Logs& logs, const Query& query, std::vector<GroupCursor::Source> sources,
                      const EventRange& range, std::size_t limit, const std::string& account,
                      const std::atomic<bool>& cancelled) {
  RunResult out;
  if (limit == 0) limit = kDefaultLimit;
  for (const auto& command : query.commands)
    if (command.kind == Command::Kind::Limit) limit = command.limit;
  std::vector<std::unique_ptr<Stage>> stages;
  bool counted = false;
  for (std::size_t i = 0; i < query.commands.size(); ++i) {
    const auto kind = query.commands[i].kind;
    const bool filters = kind == Command::Kind::Fields || kind == Command::Kind::Filter ||
                         kind == Command::Kind::Parse || kind == Command::Kind::Display;
    if (!filters && !std::exchange(counted, true)) stages.push_back(std::make_unique<MatchedStage>(out.statistics));
    stages.push_back(stage_of(query, i, limit));
  }
  if (!counted) stages.push_back(std::make_unique<MatchedStage>(out.statistics));
  stages.push_back(std::make_unique<Collector>(query, limit, out));
  for (std::size_t i = 0; i + 1 < stages.size(); ++i) stages[i]->next = stages[i + 1].get();

  // The newest first: the order in which results come that nobody sorted.
  GroupCursor events(logs, std::move(sources), range, true);
  while (!cancelled) {
    auto more = events.next();
    if (!more) return fail(more);
    if (!*more) break;
    ++out.statistics.scanned;
    out.statistics.bytes += static_cast<double>(events.event().message.size());
    const auto& source = events.source();
    if (!stages.front()->take(Row(events.event(), account + ":" + source.group->name, source.stream.name))) break;
  }
  stages.front()->finish();
  return out;
}

}  // namespace likeness::logs::insights
