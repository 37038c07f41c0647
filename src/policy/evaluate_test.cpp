#include "policy/evaluate.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace likeness::policy {
namespace {

using Outcome = Decision::Outcome;

std::shared_ptr<const Document> document(const std::string& statements, DocumentKind kind = DocumentKind::Identity) {
  auto parsed = Document::parse(fmt::format(R"({{"Version":"2012-10-17","Statement":[{}]}})", statements), kind);
  if (!parsed) throw std::runtime_error(parsed.error().message + ": " + statements);
  return *parsed;
}

Principal user(const std::string& name = "ann") {
  Principal out;
  out.kind = Principal::Kind::User;
  out.account = "111111111111";
  out.name = name;
  out.arn = "arn:aws:iam::111111111111:user/" + name;
  out.user_id = "AIDAEXAMPLE";
  out.tags = {{"team", "faces"}};
  return out;
}

Principal session() {
  Principal out;
  out.kind = Principal::Kind::AssumedRole;
  out.account = "111111111111";
  out.name = "reader";
  out.session_name = "s1";
  out.arn = "arn:aws:sts::111111111111:assumed-role/reader/s1";
  out.issuer_arn = "arn:aws:iam::111111111111:role/reader";
  out.user_id = "AROAEXAMPLE:s1";
  out.temporary = true;
  return out;
}

Environment environment() {
  Environment out;
  out.time = TimePoint(std::chrono::seconds(1'700'000'000));  // 2023-11-14T22:13:20Z
  out.account = "111111111111";
  out.region = "us-east-1";
  out.source_ip = "203.0.113.7";
  out.user_agent = "Boto3/1.44 test";
  out.secure = false;
  return out;
}

Decision decide(const Principal& who, Permission permission, std::vector<std::string> identity,
                const std::string& boundary = {}) {
  IdentityPolicies policies;
  for (auto& statements : identity) policies.identity.push_back({"policy", document(statements)});
  if (!boundary.empty()) policies.boundary = NamedPolicy{"boundary", document(boundary)};
  return evaluate(who, permission, policies, environment());
}

/// Does a statement of a user's policy, with these elements, reach this call?
bool reaches(const std::string& elements, const Permission& permission, const Principal& who = user()) {
  return decide(who, permission, {R"({"Effect":"Allow",)" + elements + "}"}).allowed();
}

TEST(Evaluate, MatchesActionsInAnyCaseAndWithWildcards) {
  const struct {
    const char* elements;
    const char* action;
    bool expected;
  } cases[] = {
      {R"("Action":"s3:GetObject")", "s3:GetObject", true},    {R"("Action":"S3:getobject")", "s3:GetObject", true},
      {R"("Action":"s3:Get*")", "s3:GetObject", true},         {R"("Action":"s3:*Object")", "s3:GetObject", true},
      {R"("Action":"s3:G?tObject")", "s3:GetObject", true},    {R"("Action":"*")", "s3:GetObject", true},
      {R"("Action":["iam:*","s3:*"])", "s3:GetObject", true},  {R"("Action":"s3:Get")", "s3:GetObject", false},
      {R"("Action":"s3:Get?Object")", "s3:GetObject", false},  {R"("Action":"s3:PutObject")", "s3:GetObject", false},
      {R"("NotAction":"s3:PutObject")", "s3:GetObject", true}, {R"("NotAction":"s3:*")", "s3:GetObject", false},
  };
  for (const auto& test : cases)
    EXPECT_EQ(reaches(std::string(test.elements) + R"(,"Resource":"*")", {.action = test.action}), test.expected)
        << test.elements;
}

TEST(Evaluate, MatchesResourcesWithWildcardsAndVariables) {
  const struct {
    const char* resource;
    const char* asked;
    bool expected;
  } cases[] = {
      {R"("Resource":"*")", "arn:aws:s3:::b/k", true},
      {R"("Resource":"arn:aws:s3:::b/k")", "arn:aws:s3:::b/k", true},
      {R"("Resource":"arn:aws:s3:::b/*")", "arn:aws:s3:::b/a/b/c", true},
      {R"("Resource":"arn:aws:s3:::b/*")", "arn:aws:s3:::b", false},
      {R"("Resource":"arn:aws:s3:::B/k")", "arn:aws:s3:::b/k", false},
      {R"("Resource":"arn:aws:s3:::b/???.jpg")", "arn:aws:s3:::b/abc.jpg", true},
      {R"("Resource":"arn:aws:s3:::b/???.jpg")", "arn:aws:s3:::b/abcd.jpg", false},
      {R"("Resource":"arn:aws:dynamodb:*:*:table/T")", "arn:aws:dynamodb:us-east-1:111111111111:table/T", true},
      {R"("Resource":"arn:aws:s3:::b/*")", "*", false},
      {R"("NotResource":"arn:aws:s3:::b/*")", "arn:aws:s3:::c/k", true},
      {R"("NotResource":"arn:aws:s3:::b/*")", "arn:aws:s3:::b/k", false},
      {R"("Resource":"arn:aws:s3:::b/${aws:username}/*")", "arn:aws:s3:::b/ann/k", true},
      {R"("Resource":"arn:aws:s3:::b/${AWS:UserName}/*")", "arn:aws:s3:::b/ann/k", true},
      {R"("Resource":"arn:aws:s3:::b/${aws:username}/*")", "arn:aws:s3:::b/bob/k", false},
      {R"("Resource":"arn:aws:s3:::${aws:PrincipalTag/team}/*")", "arn:aws:s3:::faces/k", true},
      {R"("Resource":"arn:aws:s3:::b/${aws:PrincipalTag/none}/*")", "arn:aws:s3:::b//k", false},
      {R"("Resource":"arn:aws:s3:::b/${aws:PrincipalTag/none, 'all'}/*")", "arn:aws:s3:::b/all/k", true},
      {R"("Resource":"arn:aws:s3:::b/${*}")", "arn:aws:s3:::b/*", true},
      {R"("Resource":"arn:aws:s3:::b/${*}")", "arn:aws:s3:::b/k", false},
      {R"("Resource":"arn:aws:s3:::b/${$}{x}")", "arn:aws:s3:::b/${x}", true},
      {R"("Resource":"arn:aws:s3:::b/${?}")", "arn:aws:s3:::b/?", true},
      {R"("Resource":"arn:aws:s3:::b/${open")", "arn:aws:s3:::b/${open", true},
  };
  for (const auto& test : cases)
    EXPECT_EQ(reaches(R"("Action":"*",)" + std::string(test.resource), {.action = "x:Y", .resource = test.asked}),
              test.expected)
        << test.resource << " " << test.asked;
}

TEST(Evaluate, TakesTheValueOfAVariableLiterally) {
  // Somebody named "*" must not get everybody's folder.
  EXPECT_FALSE(reaches(R"("Action":"*","Resource":"arn:aws:s3:::b/${aws:username}")",
                       {.action = "s3:GetObject", .resource = "arn:aws:s3:::b/ann"}, user("*")));
  EXPECT_TRUE(reaches(R"("Action":"*","Resource":"arn:aws:s3:::b/${aws:username}")",
                      {.action = "s3:GetObject", .resource = "arn:aws:s3:::b/*"}, user("*")));
}

TEST(Evaluate, LeavesVariablesOfTheOldVersionAlone) {
  const auto old = Document::parse(
      R"({"Version":"2008-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}"}})",
      DocumentKind::Resource);
  ASSERT_TRUE(old);
  Permission permission{.action = "s3:GetObject", .resource = "arn:aws:s3:::b/ann", .resource_policy = *old};
  EXPECT_FALSE(evaluate(user(), permission, {}, environment()).allowed());
  permission.resource = "arn:aws:s3:::b/${aws:username}";
  EXPECT_TRUE(evaluate(user(), permission, {}, environment()).allowed());
}

TEST(Evaluate, KnowsEveryConditionOperator) {
  const struct {
    const char* condition;
    bool expected;
  } cases[] = {
      // The call has t:text=Photos/a, t:number=10, t:list=[a,b], t:arn=arn:aws:s3:::b/k:x, t:binary=aGk=, t:flag=true.
      {R"("StringEquals":{"t:text":"Photos/a"})", true},
      {R"("StringEquals":{"T:TEXT":"Photos/a"})", true},
      {R"("StringEquals":{"t:text":["x","Photos/a"]})", true},
      {R"("StringEquals":{"t:text":"photos/a"})", false},
      {R"("StringEquals":{"t:text":"Photos/*"})", false},
      {R"("StringEquals":{"t:none":"x"})", false},
      {R"("StringEqualsIfExists":{"t:none":"x"})", true},
      {R"("StringEqualsIfExists":{"t:text":"x"})", false},
      {R"("StringNotEquals":{"t:text":"x"})", true},
      {R"("StringNotEquals":{"t:text":["x","Photos/a"]})", false},
      {R"("StringNotEquals":{"t:none":"x"})", true},
      {R"("StringEqualsIgnoreCase":{"t:text":"photos/A"})", true},
      {R"("StringNotEqualsIgnoreCase":{"t:text":"photos/A"})", false},
      {R"("StringLike":{"t:text":"Photos/*"})", true},
      {R"("StringLike":{"t:text":"P*t/a"})", false},
      {R"("StringLike":{"t:text":"P*o?/a"})", true},
      {R"("StringNotLike":{"t:text":"Photos/*"})", false},
      {R"("StringNotLike":{"t:text":"Other/*"})", true},
      {R"("StringLike":{"aws:username":"${aws:username}"})", true},
      {R"("StringEquals":{"aws:username":"${t:none}"})", false},
      {R"("StringEquals":{"aws:username":"${t:none, 'ann'}"})", true},
      {R"("NumericEquals":{"t:number":"10.0"})", true},
      {R"("NumericEquals":{"t:number":10})", true},
      {R"("NumericNotEquals":{"t:number":"10"})", false},
      {R"("NumericLessThan":{"t:number":"10"})", false},
      {R"("NumericLessThan":{"t:number":"10.5"})", true},
      {R"("NumericLessThanEquals":{"t:number":"10"})", true},
      {R"("NumericGreaterThan":{"t:number":"9"})", true},
      {R"("NumericGreaterThanEquals":{"t:number":"11"})", false},
      {R"("NumericEquals":{"t:text":"0"})", false},
      {R"("NumericEquals":{"t:number":"ten"})", false},
      {R"("DateGreaterThan":{"aws:CurrentTime":"2023-11-14T22:13:19Z"})", true},
      {R"("DateGreaterThan":{"aws:CurrentTime":"2023-11-14T22:13:20Z"})", false},
      {R"("DateGreaterThanEquals":{"aws:CurrentTime":"2023-11-14T23:13:20+01:00"})", true},
      {R"("DateLessThan":{"aws:CurrentTime":"2024"})", true},
      {R"("DateLessThanEquals":{"aws:CurrentTime":"2023-11-14"})", false},
      {R"("DateEquals":{"aws:EpochTime":"1700000000"})", true},
      {R"("DateNotEquals":{"aws:EpochTime":"1700000000"})", false},
      {R"("NumericLessThan":{"aws:EpochTime":"1700000001"})", true},
      {R"("Bool":{"aws:SecureTransport":"false"})", true},
      {R"("Bool":{"aws:SecureTransport":false})", true},
      {R"("Bool":{"aws:SecureTransport":"true"})", false},
      {R"("Bool":{"t:flag":"TRUE"})", true},
      {R"("Bool":{"aws:MultiFactorAuthPresent":"true"})", false},
      {R"("BoolIfExists":{"aws:MultiFactorAuthPresent":"true"})", true},
      {R"("BinaryEquals":{"t:binary":"aGk="})", true},
      {R"("BinaryEquals":{"t:binary":"aGo="})", false},
      {R"("IpAddress":{"aws:SourceIp":"203.0.113.0/24"})", true},
      {R"("IpAddress":{"aws:SourceIp":["10.0.0.0/8","203.0.113.7"]})", true},
      {R"("IpAddress":{"aws:SourceIp":"203.0.113.8/31"})", false},
      {R"("IpAddress":{"aws:SourceIp":"203.0.113.6/31"})", true},
      {R"("IpAddress":{"aws:SourceIp":"0.0.0.0/0"})", true},
      {R"("IpAddress":{"aws:SourceIp":"::/0"})", false},
      {R"("IpAddress":{"t:ipv6":"2001:db8::/33"})", true},
      {R"("IpAddress":{"t:ipv6":"2001:db8:8000::/33"})", false},
      {R"("IpAddress":{"t:mapped":"198.51.100.0/24"})", true},
      {R"("IpAddress":{"aws:SourceIp":"nonsense/99"})", false},
      {R"("NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"})", false},
      {R"("NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"})", true},
      {R"("ArnLike":{"t:arn":"arn:aws:s3:::b/*"})", true},
      {R"("ArnLike":{"t:arn":"arn:aws:*:::b/k:x"})", true},
      {R"("ArnLike":{"t:arn":"arn:aws:s3:*"})", false},
      {R"("ArnLike":{"t:arn":"arn:*k:x"})", false},
      {R"("ArnEquals":{"t:arn":"arn:aws:s3:::?/k:x"})", true},
      {R"("ArnNotEquals":{"t:arn":"arn:aws:s3:::c/*"})", true},
      {R"("ArnNotLike":{"t:arn":"arn:aws:s3:::b/*"})", false},
      {R"("Null":{"t:none":"true"})", true},
      {R"("Null":{"t:none":"false"})", false},
      {R"("Null":{"t:text":"false"})", true},
      {R"("Null":{"aws:TokenIssueTime":"true"})", true},
      {R"("ForAllValues:StringEquals":{"t:list":["a","b","c"]})", true},
      {R"("ForAllValues:StringEquals":{"t:list":["a"]})", false},
      {R"("ForAllValues:StringEquals":{"t:none":["a"]})", true},
      {R"("ForAnyValue:StringEquals":{"t:list":["b","z"]})", true},
      {R"("ForAnyValue:StringEquals":{"t:list":["z"]})", false},
      {R"("ForAnyValue:StringEquals":{"t:none":["a"]})", false},
      {R"("ForAllValues:StringNotEquals":{"t:list":["y","z"]})", true},
      {R"("ForAllValues:StringNotEquals":{"t:list":["a","z"]})", false},
      {R"("ForAnyValue:StringNotEquals":{"t:list":["a"]})", true},
      {R"("ForAnyValue:StringNotEquals":{"t:list":["a","b"]})", false},
      {R"("StringEquals":{"t:text":"Photos/a","t:number":"11"})", false},
      {R"("StringEquals":{"t:text":"Photos/a"},"Bool":{"t:flag":"false"})", false},
      {R"("StringEquals":{"t:text":[]})", false},
      // Global keys.
      {R"("StringEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:user/ann"})", true},
      {R"("StringEquals":{"aws:PrincipalAccount":"111111111111"})", true},
      {R"("StringEquals":{"aws:PrincipalType":"User"})", true},
      {R"("StringEquals":{"aws:userid":"AIDAEXAMPLE"})", true},
      {R"("StringEquals":{"aws:RequestedRegion":"us-east-1"})", true},
      {R"("StringLike":{"aws:UserAgent":"Boto3/*"})", true},
      {R"("StringEquals":{"aws:PrincipalTag/Team":"faces"})", true},
      {R"("StringEquals":{"aws:ResourceAccount":"111111111111"})", true},
      {R"("StringEquals":{"aws:Referer":"x"})", false},
  };
  const Permission permission{.action = "x:Y",
                              .resource = "*",
                              .context = {{"t:text", {"Photos/a"}},
                                          {"t:number", {"10"}},
                                          {"t:list", {"a", "b"}},
                                          {"t:arn", {"arn:aws:s3:::b/k:x"}},
                                          {"t:binary", {"aGk="}},
                                          {"t:flag", {"true"}},
                                          {"t:ipv6", {"2001:db8::1"}},
                                          {"t:mapped", {"::ffff:198.51.100.9"}}}};
  for (const auto& test : cases)
    EXPECT_EQ(reaches(R"("Action":"*","Resource":"*","Condition":{)" + std::string(test.condition) + "}", permission),
              test.expected)
        << test.condition;
}

constexpr const char* kAllowAll = R"({"Effect":"Allow","Action":"*","Resource":"*"})";
constexpr const char* kAllowGet = R"({"Sid":"Get","Effect":"Allow","Action":"s3:GetObject","Resource":"*"})";
constexpr const char* kDenyGet = R"({"Sid":"NoGet","Effect":"Deny","Action":"s3:GetObject","Resource":"*"})";
const Permission kGet{.action = "s3:GetObject", .resource = "arn:aws:s3:::b/k"};

TEST(Evaluate, DeniesWhatNobodyAllows) {
  const auto decision = decide(user(), kGet, {});
  EXPECT_EQ(decision.outcome, Outcome::ImplicitDeny);
  EXPECT_EQ(denial_message(user(), kGet, decision),
            "User: arn:aws:iam::111111111111:user/ann is not authorized to perform: s3:GetObject on resource: "
            "\"arn:aws:s3:::b/k\" because no identity-based policy allows the s3:GetObject action");
  EXPECT_EQ(explain(decision, {}), "the caller has no policies");
}

TEST(Evaluate, LetsAnExplicitDenyWin) {
  const auto decision = decide(user(), kGet, {kAllowAll, kDenyGet});
  EXPECT_EQ(decision.outcome, Outcome::ExplicitDeny);
  EXPECT_EQ(explain(decision, {}), "denied by statement NoGet of policy policy");
  EXPECT_EQ(
      denial_message(user(), {.action = "dynamodb:PutItem", .resource = "arn:t"}, decision),
      "User: arn:aws:iam::111111111111:user/ann is not authorized to perform: dynamodb:PutItem on resource: arn:t "
      "with an explicit deny in an identity-based policy");
}

TEST(Evaluate, KeepsTheIdentityWithinItsBoundary) {
  EXPECT_TRUE(decide(user(), kGet, {kAllowAll}, kAllowGet).allowed());
  EXPECT_FALSE(decide(user(), kGet, {}, kAllowGet).allowed());
  const auto outside =
      decide(user(), {.action = "s3:PutObject", .resource = "arn:aws:s3:::b/k"}, {kAllowAll}, kAllowGet);
  EXPECT_EQ(outside.outcome, Outcome::ImplicitDeny);
  EXPECT_EQ(outside.layer, Layer::Boundary);
  const auto denied = decide(user(), kGet, {kAllowAll}, std::string(kAllowAll) + "," + kDenyGet);
  EXPECT_EQ(denied.outcome, Outcome::ExplicitDeny);
  EXPECT_EQ(denied.layer, Layer::Boundary);
}

TEST(Evaluate, KeepsASessionWithinItsPolicies) {
  auto caller = session();
  EXPECT_TRUE(decide(caller, kGet, {kAllowAll}).allowed());
  caller.session_policies = {document(kAllowGet)};
  EXPECT_TRUE(decide(caller, kGet, {kAllowAll}).allowed());
  EXPECT_FALSE(decide(caller, kGet, {}).allowed());
  EXPECT_EQ(decide(caller, {.action = "s3:PutObject"}, {kAllowAll}).layer, Layer::Session);
  caller.session_policies.push_back(document(kDenyGet));
  EXPECT_EQ(decide(caller, kGet, {kAllowAll}).outcome, Outcome::ExplicitDeny);
}

std::string bucket_statement(const std::string& principal, const std::string& effect = "Allow") {
  return fmt::format(R"({{"Effect":"{}","Principal":{},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}})",
                     effect, principal);
}

Permission get_under(const std::string& statements, const std::string& account = {}) {
  Permission out = kGet;
  out.resource_policy = document(statements, DocumentKind::Resource);
  out.resource_account = account;
  return out;
}

TEST(Evaluate, TakesTheGrantOfAResourceWithinTheAccount) {
  const struct {
    const char* principal;
    bool user, session;
  } cases[] = {
      {R"("*")", true, true},
      {R"({"AWS":"*"})", true, true},
      {R"({"AWS":"arn:aws:iam::111111111111:user/ann"})", true, false},
      {R"({"AWS":"arn:aws:iam::111111111111:user/bob"})", false, false},
      {R"({"AWS":"arn:aws:iam::111111111111:role/reader"})", false, true},
      {R"({"AWS":"arn:aws:sts::111111111111:assumed-role/reader/s1"})", false, true},
      {R"({"AWS":"arn:aws:sts::111111111111:assumed-role/reader/s2"})", false, false},
      {R"({"AWS":"AIDAEXAMPLE"})", true, false},
      {R"({"AWS":"AROAEXAMPLE"})", false, true},
      // The account leaves it to the policies of its identities.
      {R"({"AWS":"111111111111"})", false, false},
      {R"({"AWS":"arn:aws:iam::111111111111:root"})", false, false},
      {R"({"AWS":"222222222222"})", false, false},
      {R"({"Service":"lambda.amazonaws.com"})", false, false},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(decide(user(), get_under(bucket_statement(test.principal)), {}).allowed(), test.user) << test.principal;
    EXPECT_EQ(decide(session(), get_under(bucket_statement(test.principal)), {}).allowed(), test.session)
        << test.principal;
  }
}

TEST(Evaluate, CutsTheGrantToARoleButNotThatToItsSession) {
  auto caller = session();
  caller.session_policies = {document(R"({"Effect":"Allow","Action":"iam:*","Resource":"*"})")};
  EXPECT_FALSE(
      decide(caller, get_under(bucket_statement(R"({"AWS":"arn:aws:iam::111111111111:role/reader"})")), {}).allowed());
  EXPECT_TRUE(
      decide(caller, get_under(bucket_statement(R"({"AWS":"arn:aws:sts::111111111111:assumed-role/reader/s1"})")), {})
          .allowed());
}

TEST(Evaluate, NeedsBothSidesAcrossAccounts) {
  const std::string here = R"({"AWS":"111111111111"})";
  EXPECT_TRUE(decide(user(), get_under(bucket_statement(here), "222222222222"), {kAllowGet}).allowed());
  EXPECT_EQ(decide(user(), get_under(bucket_statement(here), "222222222222"), {}).layer, Layer::Identity);
  EXPECT_EQ(decide(user(), get_under(bucket_statement(R"({"AWS":"333333333333"})"), "222222222222"), {kAllowGet}).layer,
            Layer::Resource);
  Permission theirs = kGet;
  theirs.resource_account = "222222222222";
  EXPECT_FALSE(decide(user(), theirs, {kAllowAll}).allowed());
  EXPECT_FALSE(evaluate(Principal::root("111111111111"), theirs, {}, environment()).allowed());
}

TEST(Evaluate, LetsAResourceDeny) {
  const auto denied = decide(user(), get_under(bucket_statement(R"("*")", "Deny")), {kAllowAll});
  EXPECT_EQ(denied.outcome, Outcome::ExplicitDeny);
  EXPECT_EQ(denied.layer, Layer::Resource);
  const std::string all_but_ann =
      R"({"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111111111111:user/ann"},"Action":"s3:*","Resource":"*"})";
  EXPECT_TRUE(decide(user(), get_under(all_but_ann), {kAllowAll}).allowed());
  EXPECT_FALSE(decide(user("bob"), get_under(all_but_ann), {kAllowAll}).allowed());
}

TEST(Evaluate, LetsRootDoEverythingButWhatAResourceDenies) {
  const auto root = Principal::root("111111111111");
  EXPECT_TRUE(evaluate(root, kGet, {}, environment()).allowed());
  const std::string nobody = R"({"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"})";
  EXPECT_FALSE(evaluate(root, get_under(nobody), {}, environment()).allowed());
  auto rescue = get_under(nobody);
  rescue.action = "s3:DeleteBucketPolicy";
  EXPECT_TRUE(evaluate(root, rescue, {}, environment()).allowed());
  auto table = get_under(R"({"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"})");
  table.action = "dynamodb:PutResourcePolicy";
  EXPECT_FALSE(evaluate(root, table, {}, environment()).allowed());
  table.action = "dynamodb:DeleteResourcePolicy";
  EXPECT_TRUE(evaluate(root, table, {}, environment()).allowed());
}

TEST(Evaluate, LetsAnonymousCallersDoWhatIsPublic) {
  const auto nobody = Principal::anonymous();
  EXPECT_FALSE(evaluate(nobody, kGet, {}, environment()).allowed());
  EXPECT_TRUE(evaluate(nobody, get_under(bucket_statement(R"("*")")), {}, environment()).allowed());
  EXPECT_FALSE(evaluate(nobody, get_under(bucket_statement(R"({"AWS":"111111111111"})")), {}, environment()).allowed());
  Permission by_acl = kGet;
  by_acl.granted_by_resource = true;
  EXPECT_TRUE(evaluate(nobody, by_acl, {}, environment()).allowed());
  auto denied = get_under(bucket_statement(R"("*")", "Deny"));
  denied.granted_by_resource = true;
  EXPECT_FALSE(evaluate(nobody, denied, {}, environment()).allowed());
  EXPECT_EQ(denial_message(nobody, kGet, {}), "Access Denied");
}

TEST(Evaluate, AssumesARoleOnlyIfItsTrustPolicySaysSo) {
  const auto assume = [](const std::string& principal) {
    Permission out{.action = "sts:AssumeRole", .resource = "arn:aws:iam::111111111111:role/reader"};
    out.resource_policy =
        document(R"({"Effect":"Allow","Action":"sts:AssumeRole","Principal":)" + principal + "}", DocumentKind::Trust);
    out.resource_policy_decides = true;
    return out;
  };
  const std::string account = R"({"AWS":"111111111111"})", ann = R"({"AWS":"arn:aws:iam::111111111111:user/ann"})";
  EXPECT_TRUE(decide(user(), assume(ann), {}).allowed());
  EXPECT_FALSE(decide(user("bob"), assume(ann), {kAllowAll}).allowed());
  EXPECT_FALSE(decide(user(), assume(account), {}).allowed());
  EXPECT_TRUE(decide(user(), assume(account), {kAllowAll}).allowed());
  Principal lambda;
  lambda.kind = Principal::Kind::Service;
  lambda.name = "lambda.amazonaws.com";
  EXPECT_TRUE(evaluate(lambda, assume(R"({"Service":"lambda.amazonaws.com"})"), {}, environment()).allowed());
  EXPECT_FALSE(evaluate(lambda, assume(R"({"Service":"states.amazonaws.com"})"), {}, environment()).allowed());
  EXPECT_FALSE(evaluate(lambda, assume(R"({"AWS":"*"})"), {}, environment()).allowed());
  // Queues and topics are often opened to everybody, with a condition on the source.
  EXPECT_TRUE(evaluate(lambda, get_under(bucket_statement(R"({"AWS":"*"})")), {}, environment()).allowed());
  EXPECT_TRUE(evaluate(lambda, get_under(bucket_statement(R"("*")")), {}, environment()).allowed());
  EXPECT_EQ(denial_message(user("bob"), assume(ann), decide(user("bob"), assume(ann), {})),
            "User: arn:aws:iam::111111111111:user/bob is not authorized to perform: sts:AssumeRole on resource: "
            "arn:aws:iam::111111111111:role/reader");
}

TEST(Evaluate, ARoleIsPassedToTheServiceThatThePolicySays) {
  const std::string role = "arn:aws:iam::111111111111:role/worker";
  const std::string elements = R"("Action":"iam:PassRole","Resource":"arn:aws:iam::111111111111:role/work*",)"
                               R"("Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}})";
  EXPECT_TRUE(reaches(elements, pass_role(role, "lambda.amazonaws.com")));
  EXPECT_FALSE(reaches(elements, pass_role(role, "states.amazonaws.com")));
  EXPECT_FALSE(reaches(elements, pass_role("arn:aws:iam::111111111111:role/admin", "lambda.amazonaws.com")));
}

TEST(Evaluate, NamesTheKeysThatAreMissing) {
  std::set<std::string> missing;
  auto around = environment();
  around.missing = &missing;
  IdentityPolicies policies;
  policies.identity.push_back(
      {"p",
       document(R"({"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"s3:prefix":"a"}}})")});
  EXPECT_FALSE(evaluate(user(), kGet, policies, around).allowed());
  EXPECT_EQ(missing, std::set<std::string>{"s3:prefix"});
}

}  // namespace
}  // namespace likeness::policy
