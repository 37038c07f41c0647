#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/lambda/model.hpp"
#include "domain/lambda/names.hpp"
#include "storage/store.hpp"

namespace likeness::lambda {

/// What an invoke is for: a function and the version of it that runs.
struct Target {
  FunctionPtr function;
  ConfigurationPtr version;
  std::string qualifier;  // as asked for; empty: none

  std::string arn() const { return function->arn(qualifier); }
  /// Whose settings for asynchronous invokes hold.
  std::string event_invoke_key() const { return qualifier.empty() ? std::string(kLatest) : qualifier; }
};

/// All functions, layers and event source mappings: in memory for quick reading, the store is the truth. Readers never
/// wait for a change; changes are rare and go one after the other, each in one commit. Thread-safe; what changes
/// something blocks.
class Registry {
 public:
  static Result<std::unique_ptr<Registry>> open(storage::Store& store, const Clock& clock);

  TimePoint now() const { return clock_.now(); }

  // -- functions
  /// Error: ResourceNotFoundException, "Function not found: ARN".
  Result<FunctionPtr> find(const FunctionName& name) const;
  /// The version that a qualifier stands for; of an alias with weights by chance. Error: ResourceNotFoundException.
  Result<Target> resolve(const FunctionName& name) const;
  /// By name after `after`, in order.
  std::vector<FunctionPtr> list(const std::string& scope, std::string_view after, std::size_t limit) const;
  std::vector<FunctionPtr> all() const;
  /// Whose function URL has that id, and the qualifier; null if there is none.
  std::pair<FunctionPtr, std::string> find_url(std::string_view id) const;

  /// Error: ResourceConflictException.
  Result<FunctionPtr> create(Function function);
  /// Stores what `change` makes of the newest state. Errors: those of `change`, ResourceNotFoundException.
  Result<FunctionPtr> change(const FunctionName& name, const std::function<Result<void>(Function&)>& change);
  /// With all versions. Error: ResourceNotFoundException.
  Result<FunctionPtr> remove(const FunctionName& name);

  // -- layers
  Result<LayerVersionPtr> find_layer(const LayerName& name) const;  // with a version
  /// Of one layer, newest first; empty if there is none.
  std::vector<LayerVersionPtr> layer_versions(const LayerName& name) const;
  /// The newest version of each, by name.
  std::vector<LayerVersionPtr> layers(const std::string& scope) const;
  /// Gives it the next number.
  Result<LayerVersionPtr> publish_layer(LayerVersion layer);
  Result<LayerVersionPtr> change_layer(const LayerName& name, const std::function<Result<void>(LayerVersion&)>& change);
  /// Nothing happens if there is none. Its number is not given again.
  Result<void> remove_layer(const LayerName& name);

  // -- event source mappings
  Result<MappingPtr> find_mapping(std::string_view uuid) const;
  std::vector<MappingPtr> mappings() const;
  Result<MappingPtr> create_mapping(Mapping mapping);
  Result<MappingPtr> change_mapping(std::string_view uuid, const std::function<Result<void>(Mapping&)>& change);
  Result<MappingPtr> remove_mapping(std::string_view uuid);

  /// Digests of the packages that functions and layers have.
  std::set<std::string> packages() const;

 private:
  Registry(storage::Store& store, const Clock& clock) : store_(store), clock_(clock) {}
  Result<void> load();
  Result<void> commit(const Function* before, const Function& after);

  storage::Store& store_;
  const Clock& clock_;
  std::mutex changing_;  // one change at a time
  mutable std::shared_mutex mutex_;
  std::map<std::string, FunctionPtr, std::less<>> functions_;  // by scope/name
  std::map<std::string, std::pair<FunctionPtr, std::string>, std::less<>> urls_;
  std::map<std::string, std::map<std::uint64_t, LayerVersionPtr>, std::less<>> layers_;  // by scope/name
  std::map<std::string, std::uint64_t> last_layer_;                                      // highest number ever
  std::map<std::string, MappingPtr, std::less<>> mappings_;
};

}  // namespace likeness::lambda
