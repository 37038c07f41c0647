#include "app/serve.hpp"

#include "base/log.hpp"

namespace likeness::app {

int run_serve(const ServeOptions&) {
  log::error("serve is not part of this build yet");
  return 2;
}

}  // namespace likeness::app
