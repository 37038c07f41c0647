#include "domain/dynamodb/resource_policy.hpp"

#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "domain/dynamodb/database.hpp"
#include "policy/document.hpp"
#include "storage/testing.hpp"

namespace likeness::dynamodb {
namespace {

const std::string kArn = "arn:aws:dynamodb:us-east-1:000000000000:table/music";
const std::string kLabel = "2026-11-21T10:15:30.123";
const TimePoint kNow = TimePoint(std::chrono::hours(24 * 365 * 50));

std::string statement(const std::string& action, const std::string& resource = "*",
                      const std::string& principal = "*") {
  return R"({"Effect":"Allow","Principal":{"AWS":")" + principal + R"("},"Action":")" + action + R"(","Resource":")" +
         resource + R"("})";
}
std::string policy(const std::string& action, const std::string& resource = "*", const std::string& principal = "*") {
  return R"({"Version":"2012-10-17","Statement":[)" + statement(action, resource, principal) + "]}";
}

Table music() {
  Table table;
  table.account = "000000000000";
  table.region = "us-east-1";
  table.name = "music";
  table.id = "t1";
  table.keys = {{"pk", Type::S}, std::nullopt};
  table.attributes = {{"pk", Type::S}};
  table.stream = {true, StreamView::NewImage, kLabel};
  return table;
}

std::string why_not(const std::string& text, PolicyOf of = PolicyOf::Table) {
  auto read = read_policy(text, of);
  if (read) return {};
  EXPECT_EQ(read.error().code, "ValidationException");
  constexpr std::string_view kStart = "One or more parameter values were invalid: ";
  EXPECT_TRUE(read.error().message.starts_with(kStart)) << read.error().message;
  return read.error().message.substr(kStart.size());
}

Result<void> always(const ResourcePolicy&) { return {}; }

class ResourcePolicyTest : public testing::Test {
 protected:
  ResourcePolicyTest() : tables_(std::move(*Tables::open(*store_))) { EXPECT_TRUE(tables_->create(music())); }

  Result<ResourcePolicyPtr> put(const std::string& text, std::optional<std::string> expected = std::nullopt,
                                const std::string& arn = kArn) {
    return put_policy(*tables_, {}, {arn, std::move(expected)}, text, kNow, always);
  }
  Result<ResourcePolicyPtr> remove(std::optional<std::string> expected = std::nullopt, const std::string& arn = kArn) {
    return delete_policy(*tables_, {}, {arn, std::move(expected)});
  }
  Result<ResourcePolicyPtr> get(const std::string& arn = kArn) { return get_policy(*tables_, {}, arn); }

  storage::TemporaryStore store_;
  std::unique_ptr<Tables> tables_;
};

TEST(ReadPolicy, TakesActionsThatATableKnows) {
  EXPECT_EQ(why_not(policy("dynamodb:GetItem")), "");
  EXPECT_EQ(why_not(policy("dynamodb:*")), "");
  EXPECT_EQ(why_not(policy("dynamodb:batchget*")), "");
  EXPECT_EQ(why_not(policy("*")), "");
  EXPECT_EQ(why_not(policy("dynamodb:GetRecords")),
            "Invalid policy document: The following action names are invalid: \"dynamodb:GetRecords\"");
  EXPECT_EQ(why_not(policy("s3:GetObject")),
            "Invalid policy document: The following action names are invalid: \"s3:GetObject\"");
  EXPECT_EQ(why_not(policy("dynamodb:GetRecords"), PolicyOf::Stream), "");
  EXPECT_EQ(why_not(policy("dynamodb:GetItem"), PolicyOf::Stream),
            "Invalid policy document: The following action names are invalid: \"dynamodb:GetItem\"");
}

TEST(ReadPolicy, TakesResourcesOfItsKind) {
  EXPECT_EQ(why_not(policy("dynamodb:Query", kArn + "/index/by_g")), "");
  EXPECT_EQ(why_not(policy("dynamodb:Query", kArn + "-other")), "");
  EXPECT_EQ(why_not(policy("dynamodb:Query", kArn + "/stream/" + kLabel)),
            "Invalid policy document: The relative-id \"table/music/stream/" + kLabel + "\" is invalid for ARN \"" +
                kArn + "/stream/" + kLabel + "\"");
  EXPECT_EQ(why_not(policy("dynamodb:GetRecords", kArn), PolicyOf::Stream),
            "Invalid policy document: The relative-id \"table/music\" is invalid for ARN \"" + kArn + "\"");
  EXPECT_EQ(why_not(policy("dynamodb:GetRecords", kArn + "/stream/*"), PolicyOf::Stream), "");
  EXPECT_EQ(why_not(policy("dynamodb:Query", "music")),
            "Invalid policy document: Resource music must be in ARN format or \"*\".");
}

TEST(ReadPolicy, RefusesWhatIsNoPolicy) {
  EXPECT_EQ(why_not("{not json"), "Invalid policy document: This policy contains invalid Json");
  EXPECT_EQ(why_not(""), "Invalid policy document: This policy contains invalid Json");
  EXPECT_EQ(why_not(R"({"Version":"2012-10-17","Statement":[]})"),
            "Invalid policy document: Could not parse the policy: Statement is empty!");
  EXPECT_EQ(why_not(R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"dynamodb:*"}]})"),
            "Invalid policy document: Missing required field Resource");
  EXPECT_EQ(why_not(policy("dynamodb:*", "*", "somebody")), "Invalid principal in policy document.");
  EXPECT_EQ(why_not(policy("dynamodb:*", "*", "arn:aws:iam::000000000000:group/g")),
            "Invalid principal in policy document.");
  EXPECT_EQ(why_not(policy("dynamodb:*", "*", "arn:aws:iam::000000000000:role/r")), "");
}

TEST(ReadPolicy, CountsWhiteSpaceAndDoesNotKeepIt) {
  const std::string text = policy("dynamodb:*");
  const std::string padded =
      "{ \t\n" + text.substr(1, text.size() - 2) + std::string(kMaxPolicyBytes - text.size() - 4, ' ') + "}\r";
  ASSERT_EQ(padded.size(), kMaxPolicyBytes);
  auto read = read_policy(padded, PolicyOf::Table);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text, text);
  EXPECT_EQ(why_not(padded + " "), "Maximum policy size of 20480 bytes exceeded");
  auto quoted = read_policy(R"({"Id": "a \" b\\", "Statement":[)" + statement("dynamodb:*") + "]}", PolicyOf::Table);
  ASSERT_TRUE(quoted);
  EXPECT_TRUE(quoted->text.starts_with(R"({"Id":"a \" b\\","Statement":[)")) << quoted->text;
}

TEST_F(ResourcePolicyTest, ARevisionChangesWithThePolicyOnly) {
  EXPECT_EQ(get().error().message, "Resource-based policy not found for the provided ResourceArn: " + kArn);
  const auto first = put(policy("dynamodb:GetItem"));
  ASSERT_TRUE(first);
  EXPECT_EQ((*put(" " + policy("dynamodb:GetItem")))->revision, (*first)->revision);
  const auto second = put(policy("dynamodb:PutItem"));
  ASSERT_TRUE(second);
  EXPECT_GT((*second)->revision, (*first)->revision);
  EXPECT_EQ((*get())->text, policy("dynamodb:PutItem"));
  EXPECT_EQ((*remove())->revision, (*second)->revision);
  EXPECT_EQ(*remove(), nullptr);
  EXPECT_GT((*put(policy("dynamodb:PutItem")))->revision, (*second)->revision);
}

TEST_F(ResourcePolicyTest, AnExpectedRevisionKeepsOthersChanges) {
  const std::string start = "Resource-based policy not found for the provided ResourceArn: ";
  auto none = put(policy("dynamodb:GetItem"), "17");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, "PolicyNotFoundException");
  const auto first = put(policy("dynamodb:GetItem"), "NO_POLICY");
  ASSERT_TRUE(first);
  EXPECT_EQ(put(policy("dynamodb:GetItem"), "NO_POLICY").error().message,
            start +
                "Requested policy update expecting none to be present for table music, but a policy exists with "
                "revision id " +
                (*first)->revision + ".");
  const auto second = put(policy("dynamodb:PutItem"), (*first)->revision);
  ASSERT_TRUE(second);
  const std::string stale = start + "Requested update for policy with revision id " + (*first)->revision +
                            ", but the policy associated to target table music has revision id " + (*second)->revision +
                            ".";
  EXPECT_EQ(put(policy("dynamodb:Query"), (*first)->revision).error().message, stale);
  EXPECT_EQ(remove((*first)->revision).error().message, stale);
  EXPECT_TRUE(remove((*second)->revision));
  EXPECT_EQ(remove((*second)->revision).error().code, "PolicyNotFoundException");
}

TEST_F(ResourcePolicyTest, WhatTheCallerMustNotAttachChangesNothing) {
  const auto refused = put_policy(*tables_, {}, {kArn, std::nullopt}, policy("dynamodb:GetItem"), kNow,
                                  [](const ResourcePolicy&) -> Result<void> { return client_error("No", "no"); });
  EXPECT_EQ(refused.error().code, "No");
  EXPECT_EQ(get().error().code, "PolicyNotFoundException");
}

TEST_F(ResourcePolicyTest, AStreamHasAPolicyOfItsOwn) {
  const std::string stream = kArn + "/stream/" + kLabel;
  ASSERT_TRUE(put(policy("dynamodb:GetRecords"), std::nullopt, stream));
  EXPECT_EQ(get().error().code, "PolicyNotFoundException");
  EXPECT_EQ((*get(stream))->text, policy("dynamodb:GetRecords"));
  const auto table = tables_->find({}, "music");
  EXPECT_EQ(policy_document(**table, kArn), nullptr);
  EXPECT_EQ(policy_document(**table, kArn + "/index/by_g"), nullptr);
  EXPECT_EQ(policy_document(**table, stream), (*get(stream))->document);
  EXPECT_EQ(policy_document(**table, kArn + "/stream/2000-01-01T00:00:00.000"), nullptr);
  EXPECT_EQ(get(kArn + "/stream/2000-01-01T00:00:00.000").error().message,
            "Requested resource not found: Stream: 2000-01-01T00:00:00.000 not found for Table: music");
}

TEST_F(ResourcePolicyTest, AFormerStreamKeepsItsPolicyWhileItCanBeRead) {
  const std::string old = kArn + "/stream/" + kLabel;
  ASSERT_TRUE(put(policy("dynamodb:GetRecords"), std::nullopt, old));
  const auto restart = [&](TimePoint now) {
    std::string label = iso8601(now);
    label.back() = '.';
    label += "000";
    EXPECT_TRUE(tables_->change(**tables_->find({}, "music"), [&](Table& next) -> Result<void> {
      next.stream.label = label;
      return {};
    }));
    EXPECT_TRUE(put_policy(*tables_, {}, {kArn + "/stream/" + label, std::nullopt}, policy("dynamodb:GetRecords"), now,
                           always));
  };
  const auto year = std::chrono::hours(24 * 365 * 57);
  restart(TimePoint(year));
  EXPECT_TRUE(get(old));
  restart(TimePoint(year + std::chrono::hours(1)));
  EXPECT_TRUE(get(old));
  restart(TimePoint(year + std::chrono::hours(48)));
  EXPECT_EQ(get(old).error().code, "ResourceNotFoundException");
}

TEST_F(ResourcePolicyTest, NamesAreChecked) {
  const auto said = [&](const std::string& arn) { return get(arn).error().message; };
  const std::string invalid = "One or more parameter values were invalid: ";
  EXPECT_EQ(said("music"), invalid + "ARNs must start with 'arn:': music");
  EXPECT_EQ(said("arn:aws:dynamodb:us-east-1:000000000000:table/other"),
            "Requested resource not found: Table: other not found");
  EXPECT_EQ(said("arn:aws:dynamodb:us-east-1:111111111111:table/music"),
            "This action is only supported by accounts that match the resource owner\u2019s account.");
  EXPECT_EQ(said("arn:aws:dynamodb:eu-west-1:000000000000:table/music"),
            invalid + "Invalid resource Arn: arn:aws:dynamodb:eu-west-1:000000000000:table/music");
  EXPECT_EQ(said(kArn + "/index/by_g"),
            invalid + "Invalid resource arn provided, only table or stream is accepted. Provided resource arn: " +
                kArn + "/index/by_g");
  EXPECT_EQ(said(kArn + "/backup/1"), invalid + "Provided Arn is not a DynamoDB resource arn: " + kArn + "/backup/1");
  EXPECT_EQ(said("arn:aws"), invalid + "Provided Arn is not a DynamoDB resource arn: arn:aws");
}

TEST_F(ResourcePolicyTest, PoliciesAreThereAfterARestartAndGoWithTheTable) {
  const std::string stream = kArn + "/stream/" + kLabel;
  const auto of_table = put(policy("dynamodb:GetItem"));
  const auto of_stream = put(policy("dynamodb:GetRecords"), std::nullopt, stream);
  ASSERT_TRUE(of_table && of_stream);
  tables_ = std::move(*Tables::open(*store_));
  EXPECT_EQ((*get())->text, (*of_table)->text);
  EXPECT_EQ((*get())->revision, (*of_table)->revision);
  EXPECT_EQ((*get())->document->statements().size(), 1U);
  EXPECT_EQ((*get(stream))->revision, (*of_stream)->revision);
  ASSERT_TRUE(tables_->remove(**tables_->find({}, "music")));
  ASSERT_TRUE(tables_->create(music()));
  EXPECT_EQ(get().error().code, "PolicyNotFoundException");
  EXPECT_EQ(get(stream).error().code, "PolicyNotFoundException");
}

}  // namespace
}  // namespace likeness::dynamodb
