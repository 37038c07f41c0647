#pragma once

#include "aws/service.hpp"
#include "domain/metrics/recorder.hpp"

namespace likeness::dynamodb {

/// Leaves what is done with each table in the metrics of AWS/DynamoDB. Called once the operations are there.
void measure(aws::Service& service, metrics::Recorder& recorder);

}  // namespace likeness::dynamodb
