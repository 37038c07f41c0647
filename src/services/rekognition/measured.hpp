#pragma once

#include "aws/service.hpp"
#include "domain/metrics/recorder.hpp"

namespace likeness::rekognition {

/// Leaves the faces that were detected in the metrics of AWS/Rekognition. Called once the operations are there.
void measure(aws::Service& service, metrics::Recorder& recorder);

}  // namespace likeness::rekognition
