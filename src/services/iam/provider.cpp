#include "services/iam/provider.hpp"

#include "services/iam/registrar.hpp"

namespace likeness::iam {

std::unique_ptr<aws::Service> make_iam(identity::Directory& directory, const Usage& usage) {
  auto service = std::make_unique<aws::Service>(shapes::model());
  Registrar registrar(*service, directory);
  register_users(registrar, usage);
  register_roles(registrar, usage);
  register_policies(registrar);
  register_account(registrar);
  register_simulation(registrar);
  return service;
}

}  // namespace likeness::iam
