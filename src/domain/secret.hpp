#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "storage/store.hpp"

namespace likeness::domain {

/// What a data folder makes once, on the first start, and keeps from then on: keys and secrets, by name. Of several
/// that make it at the same time one wins, and all get what that one made.
Result<std::string> kept_value(storage::Store& store, std::string_view name,
                               const std::function<Result<std::string>()>& make);

/// The same of 32 random bytes.
Result<Bytes> kept_secret(storage::Store& store, std::string_view name);

}  // namespace likeness::domain
