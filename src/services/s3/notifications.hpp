#pragma once

#include <optional>

#include "aws/gen/s3.hpp"
#include "domain/objects/types.hpp"

namespace likeness::s3 {

/// Whom a bucket tells of its changes; nullopt if nobody was ever named.
std::optional<aws::s3::NotificationConfiguration> notifications_of(const objects::Bucket& bucket);

}  // namespace likeness::s3
