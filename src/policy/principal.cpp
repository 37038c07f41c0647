#include "policy/principal.hpp"

namespace likeness::policy {

Principal Principal::root(const std::string& account) {
  Principal root;
  root.kind = Kind::Root;
  root.account = account;
  root.arn = "arn:aws:iam::" + account + ":root";
  root.user_id = account;
  return root;
}

Principal Principal::anonymous() {
  Principal nobody;
  nobody.arn = "anonymous";
  nobody.user_id = "anonymous";
  return nobody;
}

}  // namespace likeness::policy
