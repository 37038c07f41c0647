#include "apps/native_functions.hpp"

#include "apps/image_workflow/image_workflow.hpp"
#include "apps/photo_check/photo_check.hpp"

namespace likeness::apps {

void add_native_functions(functions::NativeRegistry& registry) {
  registry.add("photo_check", photo_check);
  registry.add("image_workflow.process", process_image);
  registry.add("image_workflow.notify", send_notification);
}

}  // namespace likeness::apps
