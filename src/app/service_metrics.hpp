#pragma once

#include "aws/gateway.hpp"
#include "domain/metrics/recorder.hpp"

namespace likeness::app {

/// Leaves a call in the metrics that AWS has for its service: requests, errors and times of Rekognition, S3 and
/// DynamoDB. The rest the services record themselves.
void record_call(metrics::Recorder& recorder, const aws::CallRecord& call, double milliseconds);

}  // namespace likeness::app
