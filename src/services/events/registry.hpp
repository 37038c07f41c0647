#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "aws/gen/events.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/key_latches.hpp"
#include "events/input_transformer.hpp"
#include "events/matcher.hpp"
#include "events/schedule.hpp"
#include "storage/store.hpp"

namespace likeness::eventbridge {

namespace shapes = aws::events;

using Tags = std::map<std::string, std::string>;

/// A target with what its input is made by, parsed.
struct Target {
  shapes::Target shape;
  std::optional<events::JsonPath> path = {};
  std::optional<events::InputTransformer> transformer = {};
};

/// A rule as it is at one time; replaced whole when it changes.
struct Rule {
  std::string bus;
  std::string name;
  std::string arn;
  std::string pattern = {};   // JSON; empty: none
  std::string schedule = {};  // empty: none
  shapes::RuleState state = shapes::RuleState::Enabled;
  std::optional<std::string> description = {};
  std::optional<std::string> role_arn = {};
  Tags tags = {};
  TimePoint created = {};
  std::vector<Target> targets = {};

  std::shared_ptr<const events::Pattern> compiled = {};
  std::optional<events::ScheduleExpression> timetable = {};

  bool enabled() const { return state != shapes::RuleState::Disabled; }
};

/// What is kept of the events of a bus.
struct Archive {
  std::string name;
  std::string arn;
  std::string bus_arn;
  std::optional<std::string> description = {};
  std::string pattern = {};
  int retention_days = 0;  // 0: for ever
  TimePoint created = {};
  std::shared_ptr<const events::Pattern> compiled = {};  // null: everything
};

struct Bus {
  std::string name;
  std::string arn;
  std::optional<std::string> description = {};
  std::optional<std::string> dead_letter_arn = {};
  std::optional<std::string> kms_key = {};
  std::string policy = {};  // empty: none
  Tags tags = {};
  TimePoint created = {};
  TimePoint modified = {};
};

/// Buses, rules with their targets, and archives: in the store, and in memory in the form that events are matched with.
/// Lives as long as the server; thread-safe. What changes blocks on the store; reading and matching do not.
/// Errors carry AWS's names and texts.
class Registry {
 public:
  static constexpr std::string_view kDefaultBus = "default";

  static Result<std::unique_ptr<Registry>> open(storage::Store& store, const Clock& clock, std::string account,
                                                std::string region);

  // -- buses
  Result<void> add_bus(Bus bus);
  Result<std::shared_ptr<const Bus>> bus(std::string_view name) const;
  Result<void> change_bus(std::string_view name, const std::function<Result<void>(Bus&)>& change);
  Result<void> remove_bus(std::string_view name);
  std::vector<std::shared_ptr<const Bus>> buses(std::string_view prefix) const;

  // -- rules
  std::shared_ptr<const Rule> find_rule(std::string_view bus, std::string_view name) const;
  Result<std::shared_ptr<const Rule>> rule(std::string_view bus, std::string_view name) const;
  /// `change` gets the rule that is, or an empty one with its names set. Parses what it leaves. Gives the rule.
  Result<std::shared_ptr<const Rule>> change_rule(std::string_view bus, std::string_view name, bool create,
                                                  const std::function<Result<void>(Rule&)>& change);
  Result<void> remove_rule(std::string_view bus, std::string_view name);
  /// By name.
  std::vector<std::shared_ptr<const Rule>> rules(std::string_view bus, std::string_view prefix) const;
  /// Those of all buses that have a schedule.
  std::vector<std::shared_ptr<const Rule>> scheduled() const;
  /// The enabled rules of a bus whose pattern matches.
  std::vector<std::shared_ptr<const Rule>> matching(std::string_view bus, std::string_view event) const;

  // -- archives
  Result<void> put_archive(Archive archive, bool create);
  Result<std::shared_ptr<const Archive>> archive(std::string_view name) const;
  Result<void> remove_archive(std::string_view name);
  std::vector<std::shared_ptr<const Archive>> archives(std::string_view prefix) const;
  std::vector<std::shared_ptr<const Archive>> archives_of(std::string_view bus) const;

  // -- names
  std::string bus_arn(std::string_view name) const;
  std::string rule_arn(std::string_view bus, std::string_view name) const;
  std::string archive_arn(std::string_view name) const;
  std::string replay_arn(std::string_view name) const;
  /// The bus that a name, an ARN or nothing means.
  std::string bus_name(const std::optional<std::string>& name_or_arn) const;
  const std::string& account() const { return account_; }
  const std::string& region() const { return region_; }

  /// What scheduled rules are watched by; told after every change of a rule with a schedule, outside all locks.
  void on_schedule_change(std::function<void(const std::string& rule_arn)> listener) {
    listener_ = std::move(listener);
  }

  storage::Store& store() { return store_; }
  const Clock& clock() const { return clock_; }

 private:
  using RulePointer = std::shared_ptr<const Rule>;
  /// The rules of a bus, most of them in a matcher, those that changed lately beside it.
  struct RuleSet {
    std::map<std::string, RulePointer, std::less<>> by_name;
    std::vector<RulePointer> indexed;
    std::shared_ptr<const events::Matcher> matcher;
    std::vector<RulePointer> fresh;
  };

  Registry(storage::Store& store, const Clock& clock, std::string account, std::string region)
      : store_(store), clock_(clock), account_(std::move(account)), region_(std::move(region)) {}

  Result<void> load();
  void index(RuleSet& rules) const;
  void replace(std::string_view bus, std::string_view name, RulePointer rule);

  storage::Store& store_;
  const Clock& clock_;
  const std::string account_, region_;
  domain::KeyLatches changing_;  // one change of a name at a time
  std::function<void(const std::string&)> listener_;

  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<const Bus>, std::less<>> buses_;
  mutable std::map<std::string, RuleSet, std::less<>> rules_;  // by bus
  std::map<std::string, std::shared_ptr<const Archive>, std::less<>> archives_;
};

/// The shape of that name in the model of the service.
const aws::Shape& shape_named(std::string_view name);

}  // namespace likeness::eventbridge
