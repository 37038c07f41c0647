#pragma once

#include <memory>

#include "aws/service.hpp"
#include "domain/recognition.hpp"

namespace likeness::rekognition {

/// The Rekognition service with every operation that we have. Borrows: `recognition` must outlive the result, which is
/// read-only from then on and safe from any thread.
std::unique_ptr<aws::Service> make_rekognition(domain::Recognition& recognition);

}  // namespace likeness::rekognition
