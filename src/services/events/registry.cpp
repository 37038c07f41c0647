#include "services/events/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "services/events/records.hpp"

namespace likeness::eventbridge {

namespace {

constexpr std::string_view kTable = "events";
constexpr std::string_view kBuses = "buses";
constexpr std::string_view kArchives = "archives";
/// Rules that changed since the matcher was made are asked one by one up to this many.
constexpr std::size_t kMostFresh = 32;

std::string rules_partition(std::string_view bus) { return fmt::format("rules/{}", bus); }

storage::Write put(std::string_view partition, std::string_view name, std::optional<std::string> value) {
  return {.table = std::string(kTable),
          .key = {std::string(partition), std::string(name)},
          .value = std::move(value),
          .expect = storage::Write::Expect::Anything,
          .expected_value = {}};
}

Failure no_bus(std::string_view name) {
  return client_error("ResourceNotFoundException", fmt::format("Event bus {} does not exist.", name));
}

Failure no_archive(std::string_view name) {
  return client_error("ResourceNotFoundException", fmt::format("Archive {} does not exist.", name));
}

/// Makes what events are matched and inputs are made with. The texts were checked before they were stored.
Result<void> compile(Rule& rule) {
  rule.compiled = nullptr;
  rule.timetable.reset();
  if (!rule.pattern.empty()) {
    auto pattern = events::Pattern::parse(rule.pattern);
    if (!pattern) return fail(pattern);
    rule.compiled = std::make_shared<const events::Pattern>(std::move(*pattern));
  }
  if (!rule.schedule.empty()) {
    rule.timetable = events::parse_schedule(rule.schedule);
    if (!rule.timetable || std::holds_alternative<events::Once>(*rule.timetable))
      return client_error("ValidationException", "Parameter ScheduleExpression is not valid.");
  }
  for (Target& target : rule.targets) {
    const std::string id = target.shape.id.value_or("");
    target.path.reset();
    target.transformer.reset();
    if (target.shape.input_path && !target.shape.input_path->empty()) {
      target.path = events::JsonPath::parse(*target.shape.input_path);
      if (!target.path)
        return client_error("ValidationException", fmt::format("InputPath for target {} is invalid.", id));
    }
    if (!target.shape.input_transformer) continue;
    const auto& given = *target.shape.input_transformer;
    auto transformer = events::InputTransformer::parse(
        given.input_paths_map.value_or(std::map<std::string, std::string>()), given.input_template.value_or(""), id);
    if (!transformer) return fail(transformer);
    target.transformer = std::move(*transformer);
  }
  return {};
}

Result<void> compile(Archive& archive) {
  archive.compiled = nullptr;
  if (archive.pattern.empty()) return {};
  auto pattern = events::Pattern::parse(archive.pattern);
  if (!pattern) return fail(pattern);
  archive.compiled = std::make_shared<const events::Pattern>(std::move(*pattern));
  return {};
}

template <class T>
std::vector<std::shared_ptr<const T>> with_prefix(
    const std::map<std::string, std::shared_ptr<const T>, std::less<>>& all, std::string_view prefix) {
  std::vector<std::shared_ptr<const T>> out;
  for (auto at = all.lower_bound(prefix); at != all.end() && at->first.starts_with(prefix); ++at)
    out.push_back(at->second);
  return out;
}

}  // namespace

const aws::Shape& shape_named(std::string_view name) {
  const auto& all = shapes::model().shapes;
  const auto found =
      std::lower_bound(all.begin(), all.end(), name,
                       [](const aws::Shape* shape, std::string_view wanted) { return shape->name < wanted; });
  return **found;
}

Result<std::unique_ptr<Registry>> Registry::open(storage::Store& store, const Clock& clock, std::string account,
                                                 std::string region) {
  auto registry = std::unique_ptr<Registry>(new Registry(store, clock, std::move(account), std::move(region)));
  if (auto loaded = registry->load(); !loaded) return fail(loaded);
  return registry;
}

Result<void> Registry::load() {
  Bus standard;
  standard.name = kDefaultBus;
  standard.created = standard.modified = clock_.now();
  buses_.emplace(kDefaultBus, std::make_shared<const Bus>(standard));

  Result<void> outcome;
  auto done = store_.scan(kTable, kBuses, [&](std::string_view, std::string_view value) {
    auto bus = decode_bus(value);
    if (!bus) {
      outcome = fail(bus);
      return false;
    }
    const std::string name = bus->name;
    buses_.insert_or_assign(name, std::make_shared<const Bus>(std::move(*bus)));
    return true;
  });
  if (!done) return fail(done);
  if (!outcome) return outcome;
  if (const auto kept = store_.get(kTable, {std::string(kBuses), std::string(kDefaultBus)}); kept && !*kept) {
    // So that it is as old as the data folder from now on.
    if (auto written = store_.commit({put(kBuses, kDefaultBus, encode(standard))}); !written) return fail(written);
  }

  for (auto& [name, bus] : buses_) {
    auto complete = std::make_shared<Bus>(*bus);
    complete->arn = bus_arn(name);
    bus = complete;
    RuleSet& rules = rules_[name];
    done = store_.scan(kTable, rules_partition(name), [&](std::string_view, std::string_view value) {
      auto rule = decode_rule(value);
      if (rule) {
        rule->arn = rule_arn(rule->bus, rule->name);
        if (auto good = compile(*rule); !good) rule = tl::unexpected(std::move(good.error()));
      }
      if (!rule) {
        outcome = fail(rule);
        return false;
      }
      const std::string of = rule->name;
      rules.by_name.emplace(of, std::make_shared<const Rule>(std::move(*rule)));
      return true;
    });
    if (!done) return fail(done);
    if (!outcome) return outcome;
    index(rules);
  }
  done = store_.scan(kTable, kArchives, [&](std::string_view, std::string_view value) {
    auto archive = decode_archive(value);
    if (archive) {
      archive->arn = archive_arn(archive->name);
      if (auto good = compile(*archive); !good) archive = tl::unexpected(std::move(good.error()));
    }
    if (!archive) {
      outcome = fail(archive);
      return false;
    }
    const std::string name = archive->name;
    archives_.emplace(name, std::make_shared<const Archive>(std::move(*archive)));
    return true;
  });
  if (!done) return fail(done);
  return outcome;
}

// -- buses

Result<void> Registry::add_bus(Bus bus) {
  const auto held = changing_.acquire({"bus/" + bus.name});
  {
    const std::shared_lock lock(mutex_);
    if (buses_.contains(bus.name))
      return client_error("ResourceAlreadyExistsException", fmt::format("Event bus {} already exists.", bus.name));
  }
  bus.arn = bus_arn(bus.name);
  bus.created = bus.modified = clock_.now();
  if (auto done = store_.commit({put(kBuses, bus.name, encode(bus))}); !done) return fail(done);
  const std::unique_lock lock(mutex_);
  rules_[bus.name];
  const std::string name = bus.name;
  buses_.emplace(name, std::make_shared<const Bus>(std::move(bus)));
  return {};
}

Result<std::shared_ptr<const Bus>> Registry::bus(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto found = buses_.find(name);
  if (found == buses_.end()) return no_bus(name);
  return found->second;
}

Result<void> Registry::change_bus(std::string_view name, const std::function<Result<void>(Bus&)>& change) {
  const auto held = changing_.acquire({"bus/" + std::string(name)});
  auto found = bus(name);
  if (!found) return fail(found);
  auto changed = std::make_shared<Bus>(**found);
  if (auto good = change(*changed); !good) return good;
  changed->modified = clock_.now();
  if (auto done = store_.commit({put(kBuses, name, encode(*changed))}); !done) return fail(done);
  const std::unique_lock lock(mutex_);
  buses_.insert_or_assign(std::string(name), std::move(changed));
  return {};
}

Result<void> Registry::remove_bus(std::string_view name) {
  if (name == kDefaultBus) return client_error("ValidationException", "Cannot delete event bus default.");
  const auto held = changing_.acquire({"bus/" + std::string(name)});
  if (auto found = bus(name); !found) return fail(found);
  {
    const std::shared_lock lock(mutex_);
    const auto rules = rules_.find(name);
    if (rules != rules_.end() && !rules->second.by_name.empty())
      return client_error("ValidationException",
                          fmt::format("Event bus {} can't be deleted since it has rules.", name));
  }
  if (auto done = store_.commit({put(kBuses, name, std::nullopt)}); !done) return fail(done);
  const std::unique_lock lock(mutex_);
  buses_.erase(buses_.find(name));
  if (const auto rules = rules_.find(name); rules != rules_.end()) rules_.erase(rules);
  return {};
}

std::vector<std::shared_ptr<const Bus>> Registry::buses(std::string_view prefix) const {
  const std::shared_lock lock(mutex_);
  return with_prefix(buses_, prefix);
}

// -- rules

std::shared_ptr<const Rule> Registry::find_rule(std::string_view bus, std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto rules = rules_.find(bus);
  if (rules == rules_.end()) return nullptr;
  const auto found = rules->second.by_name.find(name);
  return found == rules->second.by_name.end() ? nullptr : found->second;
}

Result<std::shared_ptr<const Rule>> Registry::rule(std::string_view bus, std::string_view name) const {
  if (auto there = this->bus(bus); !there) return fail(there);
  if (auto found = find_rule(bus, name)) return found;
  return client_error("ResourceNotFoundException", fmt::format("Rule {} does not exist on EventBus {}.", name, bus));
}

Result<std::shared_ptr<const Rule>> Registry::change_rule(std::string_view bus, std::string_view name, bool create,
                                                          const std::function<Result<void>(Rule&)>& change) {
  const auto held = changing_.acquire({fmt::format("rule/{}/{}", bus, name)});
  auto before = rule(bus, name);
  if (!before && (!create || !this->bus(bus))) return before;
  auto changed = std::make_shared<Rule>();
  if (before) {
    *changed = **before;
  } else {
    changed->bus = bus;
    changed->name = name;
    changed->arn = rule_arn(bus, name);
    changed->created = clock_.now();
  }
  if (auto good = change(*changed); !good) return fail(good);
  if (auto good = compile(*changed); !good) return fail(good);
  if (auto done = store_.commit({put(rules_partition(bus), name, encode(*changed))}); !done) return fail(done);
  std::shared_ptr<const Rule> after = std::move(changed);
  replace(bus, name, after);
  if (listener_ && (after->timetable || (before && (*before)->timetable))) listener_(after->arn);
  return after;
}

Result<void> Registry::remove_rule(std::string_view bus, std::string_view name) {
  const auto held = changing_.acquire({fmt::format("rule/{}/{}", bus, name)});
  if (auto there = this->bus(bus); !there) return fail(there);
  const auto found = find_rule(bus, name);
  if (!found) return {};  // AWS says nothing of rules that are not there
  if (!found->targets.empty())
    return client_error("ValidationException", "Rule can't be deleted since it has targets.");
  if (auto done = store_.commit({put(rules_partition(bus), name, std::nullopt)}); !done) return fail(done);
  replace(bus, name, nullptr);
  if (listener_ && found->timetable) listener_(found->arn);
  return {};
}

void Registry::replace(std::string_view bus, std::string_view name, RulePointer rule) {
  const std::unique_lock lock(mutex_);
  const auto found = rules_.find(bus);
  if (found == rules_.end()) return;
  RuleSet& rules = found->second;
  std::erase_if(rules.fresh, [name](const RulePointer& other) { return other->name == name; });
  if (!rule) {
    if (const auto at = rules.by_name.find(name); at != rules.by_name.end()) rules.by_name.erase(at);
    return;
  }
  rules.fresh.push_back(rule);
  rules.by_name.insert_or_assign(std::string(name), std::move(rule));
}

void Registry::index(RuleSet& rules) const {
  rules.fresh.clear();
  rules.indexed.clear();
  std::vector<std::shared_ptr<const events::Pattern>> patterns;
  for (const auto& [name, rule] : rules.by_name) {
    if (!rule->compiled || !rule->enabled()) continue;
    rules.indexed.push_back(rule);
    patterns.push_back(rule->compiled);
  }
  rules.matcher = std::make_shared<const events::Matcher>(std::move(patterns));
}

std::vector<std::shared_ptr<const Rule>> Registry::matching(std::string_view bus, std::string_view event) const {
  std::vector<RulePointer> out;
  std::shared_lock lock(mutex_);
  auto rules = rules_.find(bus);
  if (rules == rules_.end()) return out;
  if (rules->second.fresh.size() > kMostFresh + rules->second.indexed.size() / 8) {
    lock.unlock();
    {
      const std::unique_lock all(mutex_);
      rules = rules_.find(bus);
      if (rules == rules_.end()) return out;
      if (rules->second.fresh.size() > kMostFresh) index(rules->second);
    }
    lock.lock();
    rules = rules_.find(bus);
    if (rules == rules_.end()) return out;
  }
  const RuleSet& set = rules->second;
  if (set.matcher) {
    for (const std::size_t i : set.matcher->match(event)) {
      // Those that changed or went since the matcher was made do not count.
      const auto now = set.by_name.find(set.indexed[i]->name);
      if (now != set.by_name.end() && now->second == set.indexed[i]) out.push_back(set.indexed[i]);
    }
  }
  for (const auto& rule : set.fresh)
    if (rule->compiled && rule->enabled() && rule->compiled->matches(event)) out.push_back(rule);
  return out;
}

std::vector<std::shared_ptr<const Rule>> Registry::rules(std::string_view bus, std::string_view prefix) const {
  const std::shared_lock lock(mutex_);
  const auto rules = rules_.find(bus);
  if (rules == rules_.end()) return {};
  return with_prefix(rules->second.by_name, prefix);
}

std::vector<std::shared_ptr<const Rule>> Registry::scheduled() const {
  std::vector<RulePointer> out;
  const std::shared_lock lock(mutex_);
  for (const auto& [bus, rules] : rules_)
    for (const auto& [name, rule] : rules.by_name)
      if (rule->timetable) out.push_back(rule);
  return out;
}

// -- archives

Result<void> Registry::put_archive(Archive archive, bool create) {
  const auto held = changing_.acquire({"archive/" + archive.name});
  const auto before = this->archive(archive.name);
  if (create && before)
    return client_error("ResourceAlreadyExistsException", fmt::format("Archive {} already exists.", archive.name));
  if (!create && !before) return no_archive(archive.name);
  if (auto good = compile(archive); !good) return good;
  archive.arn = archive_arn(archive.name);
  if (create) archive.created = clock_.now();
  if (auto done = store_.commit({put(kArchives, archive.name, encode(archive))}); !done) return fail(done);
  const std::unique_lock lock(mutex_);
  const std::string name = archive.name;
  archives_.insert_or_assign(name, std::make_shared<const Archive>(std::move(archive)));
  return {};
}

Result<std::shared_ptr<const Archive>> Registry::archive(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto found = archives_.find(name);
  if (found == archives_.end()) return no_archive(name);
  return found->second;
}

Result<void> Registry::remove_archive(std::string_view name) {
  const auto held = changing_.acquire({"archive/" + std::string(name)});
  if (auto found = archive(name); !found) return fail(found);
  if (auto done = store_.commit({put(kArchives, name, std::nullopt)}); !done) return fail(done);
  const std::unique_lock lock(mutex_);
  archives_.erase(archives_.find(name));
  return {};
}

std::vector<std::shared_ptr<const Archive>> Registry::archives(std::string_view prefix) const {
  const std::shared_lock lock(mutex_);
  return with_prefix(archives_, prefix);
}

std::vector<std::shared_ptr<const Archive>> Registry::archives_of(std::string_view bus) const {
  const std::string arn = bus_arn(bus);
  std::vector<std::shared_ptr<const Archive>> out;
  const std::shared_lock lock(mutex_);
  for (const auto& [name, archive] : archives_)
    if (archive->bus_arn == arn) out.push_back(archive);
  return out;
}

// -- names

std::string Registry::bus_arn(std::string_view name) const {
  return fmt::format("arn:aws:events:{}:{}:event-bus/{}", region_, account_, name);
}

std::string Registry::rule_arn(std::string_view bus, std::string_view name) const {
  if (bus == kDefaultBus) return fmt::format("arn:aws:events:{}:{}:rule/{}", region_, account_, name);
  return fmt::format("arn:aws:events:{}:{}:rule/{}/{}", region_, account_, bus, name);
}

std::string Registry::archive_arn(std::string_view name) const {
  return fmt::format("arn:aws:events:{}:{}:archive/{}", region_, account_, name);
}

std::string Registry::replay_arn(std::string_view name) const {
  return fmt::format("arn:aws:events:{}:{}:replay/{}", region_, account_, name);
}

std::string Registry::bus_name(const std::optional<std::string>& name_or_arn) const {
  if (!name_or_arn || name_or_arn->empty()) return std::string(kDefaultBus);
  const std::string base = bus_arn("");
  return name_or_arn->starts_with(base) ? name_or_arn->substr(base.size()) : *name_or_arn;
}

}  // namespace likeness::eventbridge
