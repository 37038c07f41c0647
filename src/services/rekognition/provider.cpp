#include "services/rekognition/provider.hpp"

#include "aws/gen/rekognition.hpp"
#include "services/rekognition/operations.hpp"

namespace likeness::rekognition {

std::unique_ptr<aws::Service> make_rekognition(domain::Recognition& recognition) {
  auto service = std::make_unique<aws::Service>(aws::rekognition::model(), aws::ErrorForm::CodeAndLogref);
  register_detection(*service, recognition);
  register_collections(*service, recognition);
  register_faces(*service, recognition);
  register_users(*service, recognition);
  register_permissions(*service);
  return service;
}

}  // namespace likeness::rekognition
