#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "states/definition.hpp"
#include "storage/store.hpp"

namespace likeness::states {

using Tags = std::map<std::string, std::string>;

inline constexpr std::string_view kFirstRevision = "INITIAL-";

/// One revision of a state machine. `logging`, `tracing` and `encryption` are the API's JSON, kept as it came.
struct Machine {
  std::string arn;
  std::string name;
  bool express = false;
  std::string role_arn;
  std::string definition;
  std::string revision;  // begins with kFirstRevision before the first update
  std::string logging;
  std::string tracing;
  std::string encryption;
  TimePoint created;
  TimePoint updated;
};

struct MachineVersion {
  std::string arn;
  std::int64_t number = 0;
  std::string revision;
  std::string description;
  TimePoint created;
};

struct MachineAlias {
  std::string arn;
  std::string name;
  std::string description;
  std::vector<std::pair<std::string, int>> routes;  // version's ARN, weight
  TimePoint created;
  TimePoint updated;
};

struct Activity {
  std::string arn;
  std::string name;
  TimePoint created;
};

/// State machines, their revisions, versions, aliases and tags, and activities, in the store. Changes of one machine
/// exclude each other by conditions of the commits. Thread-safe; every call may wait for the store.
///
/// Errors: "NotFound", "AlreadyExists", "Conflict", and those of the store.
class Machines {
 public:
  Machines(storage::Store& store, const Clock& clock, ParseOptions parsing)
      : store_(store), clock_(clock), parsing_(std::move(parsing)) {}

  /// `scope`: "arn:aws:states:region:account". The same machine once more is answered with what is there.
  Result<Machine> create(const std::string& scope, Machine machine, const Tags& tags);
  Result<Machine> find(const std::string& arn) const;
  Result<Machine> find_revision(const std::string& arn, const std::string& revision) const;
  /// Sets `revision` and `updated`.
  Result<Machine> update(const Machine& before, Machine after);
  Result<void> remove(const std::string& arn);
  Result<std::vector<Machine>> list(const std::string& scope, const std::string& from, std::size_t limit) const;

  /// The definition, parsed; the last used ones are kept.
  Result<std::shared_ptr<const Definition>> definition(const std::string& arn, const std::string& revision) const;

  Result<MachineVersion> publish(const Machine& machine, const std::string& description);
  Result<std::vector<MachineVersion>> versions(const std::string& machine_arn) const;
  Result<MachineVersion> find_version(const std::string& version_arn) const;
  Result<void> remove_version(const std::string& version_arn);

  Result<MachineAlias> put_alias(const std::string& machine_arn, MachineAlias alias, bool fresh);
  Result<MachineAlias> find_alias(const std::string& alias_arn) const;
  Result<std::vector<MachineAlias>> aliases(const std::string& machine_arn) const;
  Result<void> remove_alias(const std::string& alias_arn);

  Result<Activity> create_activity(const std::string& arn, const std::string& name, const Tags& tags);
  Result<Activity> find_activity(const std::string& arn) const;
  Result<void> remove_activity(const std::string& arn);
  Result<std::vector<Activity>> activities(const std::string& scope, const std::string& from, std::size_t limit) const;

  Result<Tags> tags(const std::string& arn) const;
  Result<void> set_tags(const std::string& arn, const Tags& tags);

 private:
  storage::Store& store_;
  const Clock& clock_;
  const ParseOptions parsing_;

  mutable std::mutex mutex_;
  mutable std::list<std::string> recent_;  // newest first
  struct Cached {
    std::shared_ptr<const Definition> definition;
    std::list<std::string>::iterator place;
  };
  mutable std::unordered_map<std::string, Cached> cache_;
};

/// The parts of "arn:aws:states:region:account:kind:rest"; nullopt if it is none.
struct StatesArn {
  std::string scope;  // "arn:aws:states:region:account"
  std::string kind;   // stateMachine, execution, express, activity, mapRun
  std::string rest;
};
std::optional<StatesArn> parse_states_arn(const std::string& arn);

}  // namespace likeness::states
