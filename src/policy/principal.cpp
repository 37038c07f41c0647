#include "policy/principal.hpp"

#include "base/bytes.hpp"

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

std::string canonical_user_id(std::string_view account) {
  return to_hex(sha256(as_bytes("canonical user of account " + std::string(account))));
}

}  // namespace likeness::policy
