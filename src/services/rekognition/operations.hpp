#pragma once

#include "aws/service.hpp"
#include "domain/recognition.hpp"

/// The operations in groups; `make_rekognition` calls each once.
namespace likeness::rekognition {

void register_detection(aws::Service& service, domain::Recognition& recognition);
void register_collections(aws::Service& service, domain::Recognition& recognition);
void register_faces(aws::Service& service, domain::Recognition& recognition);
void register_users(aws::Service& service, domain::Recognition& recognition);
/// What a caller needs for each.
void register_permissions(aws::Service& service);

}  // namespace likeness::rekognition
