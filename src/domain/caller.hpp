#pragma once

#include <string>

namespace likeness::domain {

/// On whose behalf something is done. Collections belong to an account in a region; the same name in another region is
/// another collection.
struct Caller {
  std::string account = "000000000000";
  std::string region = "us-east-1";
  std::string arn;  // who asks
  /// What the services know of the request (an aws::RequestContext), valid during the call: the object store asks it
  /// what the caller may read. Null: the server asks for itself.
  const void* request = nullptr;

  std::string scope() const { return account + "/" + region; }
};

}  // namespace likeness::domain
