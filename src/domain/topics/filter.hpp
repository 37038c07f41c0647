#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "domain/queues/message.hpp"

namespace likeness::topics {

/// A subscription's FilterPolicy: which messages it takes, by their attributes or by their body. Immutable.
class FilterPolicy {
 public:
  enum class Scope { Attributes, Body };

  /// InvalidParameterException, "Invalid parameter: FilterPolicy: ..." with the reason.
  static Result<std::shared_ptr<const FilterPolicy>> parse(std::string_view text, Scope scope);

  FilterPolicy(const FilterPolicy&) = delete;
  FilterPolicy& operator=(const FilterPolicy&) = delete;
  ~FilterPolicy();

  bool takes(std::string_view body, const queues::Attributes& attributes) const;

 private:
  struct Rules;
  FilterPolicy(Scope scope, std::unique_ptr<Rules> rules);
  const Scope scope_;
  const std::unique_ptr<Rules> rules_;
};

/// Attributes as the object that a policy of scope MessageAttributes looks at.
std::string attributes_as_event(const queues::Attributes& attributes);

}  // namespace likeness::topics
