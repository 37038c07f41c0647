#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace likeness::policy {

class Document;

/// Names of condition keys are the same in any case.
struct CaseInsensitiveLess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const;
};

/// Condition keys of a request and their values: {"s3:prefix", {"photos/"}}. A key without a value is not there.
using ContextKeys = std::map<std::string, std::vector<std::string>, CaseInsensitiveLess>;

/// What one call needs: the right to one action on one resource.
///
///     policy::Permission{.action = "s3:GetObject", .resource = "arn:aws:s3:::photos/a.jpg"}
struct Permission {
  std::string action;          // "dynamodb:PutItem"
  std::string resource = "*";  // ARN; "*" for actions that know no resources
  /// Those of the service; the global ones (aws:SourceIp, aws:PrincipalArn ...) are there by themselves.
  ContextKeys context = {};

  // Of resources that have policies of their own.
  std::shared_ptr<const Document> resource_policy = nullptr;  // a bucket policy, a trust policy; null: none
  /// The resource policy has to allow the call, whatever the caller's identity may: role trust policies.
  bool resource_policy_decides = false;
  /// The resource allows this caller by other means than a policy (an ACL). An explicit deny still wins.
  bool granted_by_resource = false;
  /// Of the resource; empty: the one in the ARN, or this installation's.
  std::string resource_account = {};
};

/// What handing a role to a service takes: of whoever names a role for a function, a state machine, a stream processor.
/// `service` is its principal, "lambda.amazonaws.com".
Permission pass_role(std::string role_arn, std::string service);

}  // namespace likeness::policy
