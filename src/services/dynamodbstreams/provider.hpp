#pragma once

#include <memory>

#include "aws/service.hpp"
#include "domain/dynamodb/streams.hpp"

namespace likeness::dynamodbstreams {

/// DynamoDB Streams, every operation. Borrows `streams`; the result is read-only and safe from any thread.
std::unique_ptr<aws::Service> make_dynamodbstreams(dynamodb::Streams& streams, const Clock& clock = Clock::system());

}  // namespace likeness::dynamodbstreams
