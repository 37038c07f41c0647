#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "domain/lambda/model.hpp"
#include "domain/lambda/registry.hpp"

/// What functions may be and what may be done to them, with Lambda's errors and words. Functions that take `Function&`
/// are for Registry::change.
namespace likeness::lambda {

inline constexpr std::uint64_t kMaxUnpacked = 262'144'000;  // a function with its layers
inline constexpr std::size_t kMaxLayers = 5;
inline constexpr std::size_t kMaxTags = 50;

/// What the model leaves to the service: bounds, names of variables, their size, what belongs together.
Result<void> check(const Configuration& configuration);
Result<void> check_new_name(const std::string& name);

/// The layers that ARNs name, in their order. Errors: InvalidParameterValueException.
Result<std::vector<LayerRef>> find_layers(const Registry& registry, const Place& place,
                                          const std::vector<std::string>& arns);

/// Makes the latest version the next number; gives the last one again if nothing has changed since.
ConfigurationPtr publish(Function& function, const std::optional<std::string>& description, TimePoint now);
/// Error: ResourceConflictException if an alias needs it.
Result<void> delete_version(Function& function, const std::string& version);

struct AliasChange {
  std::optional<std::string> version{}, description{};
  std::optional<std::map<std::string, double>> weights{};
  std::optional<std::string> revision{};
};
Result<Alias> create_alias(Function& function, const std::string& name, const AliasChange& wanted);
Result<Alias> update_alias(Function& function, const std::string& name, const AliasChange& wanted);
Result<void> delete_alias(Function& function, const std::string& name);

/// That a qualifier names a version or an alias of the function. Error: ResourceNotFoundException.
Result<void> check_qualifier(const Function& function, const std::string& qualifier);

}  // namespace likeness::lambda
