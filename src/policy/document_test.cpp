#include "policy/document.hpp"

#include <gtest/gtest.h>

namespace likeness::policy {
namespace {

struct Case {
  const char* text;
  const char* message;  // "" = accepted
};

void check(DocumentKind kind, std::string_view code, std::initializer_list<Case> cases) {
  for (const auto& test : cases) {
    SCOPED_TRACE(test.text);
    const auto parsed = Document::parse(test.text, kind);
    EXPECT_EQ(parsed ? "" : parsed.error().message, std::string(test.message));
    if (!parsed) EXPECT_EQ(parsed.error().code, code);
  }
}

TEST(Document, OfAnIdentityIsCheckedAsIamDoes) {
  constexpr const char* kSyntax = "Syntax errors in policy.";
  constexpr const char* kLegacy = "The policy failed legacy parsing";
#define STATEMENT(elements) R"({"Version":"2012-10-17","Statement":{"Effect":"Allow",)" elements "}}"
  check(
      DocumentKind::Identity, "MalformedPolicyDocument",
      {
          {STATEMENT(R"("Action":"s3:*","Resource":"*")"), ""},
          {R"({"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"a","Effect":"Deny","NotAction":["iam:*"],"NotResource":["arn:aws:s3:::b/*"]}]})",
           ""},
          {"", kSyntax},
          {"[]", kSyntax},
          {"{}", kSyntax},
          {"not json", kSyntax},
          {R"({"Version":"2012-10-17","Statement":[]})", kSyntax},
          {R"({"Version":"2012-10-17","Statement":["x"]})", kSyntax},
          {R"({"Version":"2011-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}})", kSyntax},
          {R"({"Version":"2012-10-17","Other":1,"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}})",
           kSyntax},
          {R"({"Version":"2012-10-17","Statement":{"Action":"s3:*","Resource":"*"}})", kSyntax},
          {R"({"Version":"2012-10-17","Statement":{"Effect":"Perhaps","Action":"s3:*","Resource":"*"}})", kSyntax},
          {STATEMENT(R"("Action":"s3:*","NotAction":"s3:*","Resource":"*")"), kSyntax},
          {STATEMENT(R"("Action":"s3:*","Resource":"*","NotResource":"*")"), kSyntax},
          {STATEMENT(R"("Action":7,"Resource":"*")"), kSyntax},
          {STATEMENT(R"("Action":["s3:*",7],"Resource":"*")"), kSyntax},
          {STATEMENT(R"("Action":"s3:*","Resource":{})"), kSyntax},
          {STATEMENT(R"("Sid":1,"Action":"s3:*","Resource":"*")"), kSyntax},
          {STATEMENT(R"("Action":"s3:*","Resource":"*","Extra":"*")"), kSyntax},
          {STATEMENT(R"("Action":"s3:*","Resource":"*","Condition":[])"), kSyntax},
          {STATEMENT(R"("Action":"s3:*","Resource":"*","Condition":{"x":"y"})"), kSyntax},
          {STATEMENT(R"("Action":"s3:*","Resource":"*","Condition":{"StringEqual":{"x":"y"}})"), kSyntax},
          {STATEMENT(R"("Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"x":{}}})"), kSyntax},
          {STATEMENT(R"("Action":"s3:*","Resource":"*","Condition":{"ForAllValues:StringLikeIfExists":{"x":["y"]}})"),
           ""},
          {STATEMENT(R"("Action":"s3:*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2013-06-30"}})"),
           ""},
          {STATEMENT(R"("Action":"s3:*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"yesterday"}})"),
           kLegacy},
          {R"({"Version":"2012-10-17","Statement":{"Effect":"allow","Action":"s3:*","Resource":"*"}})", kLegacy},
          {R"({"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}})",
           "Policy document must be version 2012-10-17 or greater."},
          {R"({"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}})",
           "Policy document must be version 2012-10-17 or greater."},
          {R"({"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"}]})",
           "Statement IDs (SID) in a single policy must be unique."},
          {STATEMENT(R"("Resource":"*")"), "Policy statement must contain actions."},
          {STATEMENT(R"("Action":[],"Resource":"*")"), "Policy statement must contain actions."},
          {STATEMENT(R"("Action":"s3:*")"), "Policy statement must contain resources."},
          {STATEMENT(R"("Action":"s3:*","Resource":[])"), "Policy statement must contain resources."},
          {STATEMENT(R"("Action":"GetObject","Resource":"*")"),
           "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
          {STATEMENT(R"("Action":"s3:Get:Object","Resource":"*")"), "Actions/Condition can contain only one colon."},
          {STATEMENT(R"("Action":"a b:GetObject","Resource":"*")"), "Vendor a b is not valid"},
          {STATEMENT(R"("Action":"s3:*","Resource":"photos")"), R"(Resource photos must be in ARN format or "*".)"},
          {STATEMENT(R"("Action":"s3:*","Resource":"arn:other:s3:::b/k")"),
           R"(Partition "other" is not valid for resource "arn:other:s3:::b/k".)"},
          {STATEMENT(R"("Action":"s3:*","Resource":"aws:s3:::photos")"),
           R"(Partition "s3" is not valid for resource "arn:s3:::photos:*".)"},
          {STATEMENT(R"("Action":"s3:*","Resource":"a:b:c:d:e:f:g:h")"),
           R"(Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h".)"},
          {STATEMENT(R"("Action":"s3:*","Resource":"x:aws:s3:::photos")"),
           R"(Resource x:aws:s3:::photos must be in ARN format or "*".)"},
          {STATEMENT(R"("Action":"s3:*","Resource":"arn:aws:s3")"), ""},
          {STATEMENT(R"("Action":"s3:*","Resource":"arn:aws")"),
           "Resource vendor must be fully qualified and cannot contain regexes."},
          {STATEMENT(R"("Action":"s3:*","Resource":"arn:aws:s3::b")"), kLegacy},
          {STATEMENT(R"("Resource":"arn:aws:s3::b")"), kLegacy},
          {STATEMENT(R"("Action":"s3:*","Resource":["arn:other:s3:::b","arn:other:s3::b"])"),
           R"(Partition "other" is not valid for resource "arn:other:s3:::b".)"},
          {STATEMENT(R"("Action":"s3:*","Resource":"*","Condition":{"DateLessThan":{"a":"9223372036854775808"}})"),
           kLegacy},
          {STATEMENT(R"("Action":"s3:*","Resource":"*","Condition":{"DateLessThan":{"a":"-292275054"}})"), ""},
          {STATEMENT(R"("Action":"iam:*","Resource":"arn:aws:iam:us-east-1:1:user/x")"),
           "IAM resource arn:aws:iam:us-east-1:1:user/x cannot contain region information."},
          {STATEMENT(R"("Action":"s3:*","Resource":"arn:aws:s3:us-east-1::b")"),
           "Resource arn:aws:s3:us-east-1::b can not contain region information."},
          {STATEMENT(R"("Action":"iam:*","Resource":"arn:aws:iam::1:thing/x")"),
           "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, group/, "
           "instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, "
           "access-report/."},
          {STATEMENT(R"("Principal":"*","Action":"s3:*","Resource":"*")"),
           "Policy document should not specify a principal."},
      });
}

TEST(Document, OfARoleNamesWhoMayAssumeIt) {
  check(
      DocumentKind::Trust, "MalformedPolicyDocument",
      {
          {STATEMENT(R"("Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole")"), ""},
          {R"({"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["1","2"]},"Action":"sts:AssumeRole"}]})",
           ""},
          {STATEMENT(R"("Action":"sts:AssumeRole")"), "Missing required field Principal"},
          {STATEMENT(R"("Principal":"*","Action":"sts:AssumeRole","Resource":"*")"), "Has prohibited field Resource."},
          {STATEMENT(R"("Principal":"*","Action":"s3:GetObject")"),
           "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  and "
           "sts:AssumeRoleWithWebIdentity"},
          {STATEMENT(R"("Principal":"ann","Action":"sts:AssumeRole")"), "Syntax errors in policy."},
          {STATEMENT(R"("Principal":{"Person":"ann"},"Action":"sts:AssumeRole")"), "Syntax errors in policy."},
      });
}

TEST(Document, OfAResourceIsCheckedAsS3Does) {
  check(
      DocumentKind::Resource, "MalformedPolicy",
      {
          {STATEMENT(R"("Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*")"), ""},
          {R"({"Statement":[{"Effect":"Allow","Principal":{"CanonicalUser":"79a5"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]})",
           ""},
          {"hello", "Policies must be valid JSON and the first byte must be '{'"},
          {"{}", "Missing required field Statement"},
          {R"({"Statements":[]})", "Unknown field Statements"},
          {STATEMENT(R"("Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*")"), "Missing required field Principal"},
          {STATEMENT(R"("Principal":"*","Resource":"arn:aws:s3:::b/*")"), "Missing required field Action"},
          {STATEMENT(R"("Principal":"*","Action":"s3:GetObject")"), "Missing required field Resource"},
          {STATEMENT(R"("Principal":"*","Action":"GetObject","Resource":"arn:aws:s3:::b/*")"),
           "Policy has invalid action"},
          {STATEMENT(R"("Principal":"*","Action":"s3:GetObject","Resource":"*","Condition":{"Equals":{}})"),
           "Invalid Condition type : Equals"},
      });
#undef STATEMENT
}

TEST(Document, IsNotTakenTooDeep) {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  EXPECT_FALSE(Document::parse(deep, DocumentKind::Identity));
}

TEST(Document, SizeLeavesWhiteSpaceAside) { EXPECT_EQ(policy_size(" {\n\t\"a b\" : 1 }\r"), 8u); }

}  // namespace
}  // namespace likeness::policy
