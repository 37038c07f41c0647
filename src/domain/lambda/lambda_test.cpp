#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "domain/lambda/code_store.hpp"
#include "domain/lambda/concurrency.hpp"
#include "domain/lambda/names.hpp"
#include "domain/lambda/policies.hpp"
#include "domain/lambda/registry.hpp"
#include "domain/lambda/rules.hpp"
#include "domain/lambda/testing.hpp"
#include "policy/evaluate.hpp"
#include "storage/testing.hpp"

namespace likeness::lambda {
namespace {

const Place kHere{"000000000000", "us-east-1"};

std::string parsed(std::string_view text, const std::optional<std::string>& qualifier = std::nullopt) {
  auto name = parse_function_name(kHere, text, qualifier);
  return name ? name->account + " " + name->name + " " + name->qualifier : name.error().code;
}

TEST(FunctionNames, HaveAllOfAwsForms) {
  EXPECT_EQ(parsed("photos"), "000000000000 photos ");
  EXPECT_EQ(parsed("photos:3"), "000000000000 photos 3");
  EXPECT_EQ(parsed("photos", "live"), "000000000000 photos live");
  EXPECT_EQ(parsed("function:photos"), "000000000000 photos ");
  EXPECT_EQ(parsed("123456789012:function:photos"), "123456789012 photos ");
  EXPECT_EQ(parsed("123456789012:function:photos:$LATEST"), "123456789012 photos $LATEST");
  EXPECT_EQ(parsed("arn:aws:lambda:us-east-1:123456789012:function:photos"), "123456789012 photos ");
  EXPECT_EQ(parsed("arn:aws:lambda:us-east-1:123456789012:function:photos:live"), "123456789012 photos live");
  EXPECT_EQ(parsed("arn:aws:lambda:us-east-1:123456789012:function:photos:live", "live"), "123456789012 photos live");
}

TEST(FunctionNames, RefuseWhatIsNone) {
  EXPECT_EQ(parsed("photos:1", "2"), "InvalidParameterValueException");
  EXPECT_EQ(parsed("arn:aws:lambda:eu-west-1:123456789012:function:photos"), "ResourceNotFoundException");
  EXPECT_EQ(parsed(""), "ValidationException");
  EXPECT_EQ(parsed("a b"), "ValidationException");
  EXPECT_EQ(parsed("a:b:c"), "ValidationException");
  EXPECT_EQ(parsed(":::::"), "ValidationException");
  EXPECT_EQ(parsed("arn:aws:lambda"), "ValidationException");
  EXPECT_EQ(parsed("../../etc"), "ValidationException");
}

Function function_named(const std::string& name) {
  Function function;
  function.account = kHere.account;
  function.region = kHere.region;
  function.name = name;
  function.id = "id-of-" + name;
  auto latest = std::make_shared<Configuration>();
  latest->runtime = "python3.12";
  latest->handler = "index.handler";
  latest->revision = "r1";
  latest->environment = {{"TABLE", "t\"1\""}};
  latest->layers = {{"arn:aws:lambda:us-east-1:000000000000:layer:l:1", {"abc", 1, 2}}};
  function.latest = latest;
  return function;
}
FunctionName named(const std::string& name, const std::string& qualifier = "") {
  return {kHere.account, kHere.region, name, qualifier};
}

class RegistryTest : public ::testing::Test {
 protected:
  RegistryTest() { open(); }
  void open() {
    registry.reset();
    registry = *Registry::open(*store, Clock::system());
  }
  void restart() {
    registry.reset();
    store.reopen();
    open();
  }
  storage::TemporaryStore store;
  std::unique_ptr<Registry> registry;
};

TEST_F(RegistryTest, AFunctionSurvivesARestartWithAllThatBelongsToIt) {
  ASSERT_TRUE(registry->create(function_named("photos")));
  ASSERT_TRUE(registry->change(named("photos"), [&](Function& function) -> Result<void> {
    publish(function, "first", registry->now());
    if (auto made = create_alias(function, "live", {.version = "1"}); !made) return fail(made);
    if (auto added = add_statement(function.policies["live"], {.sid = "s3",
                                                               .action = "lambda:InvokeFunction",
                                                               .principal = "s3.amazonaws.com",
                                                               .resource = function.arn("live"),
                                                               .source_arn = "arn:aws:s3:::photos"});
        !added)
      return fail(added);
    function.reserved = 0;
    function.urls["live"] = {.id = "abc", .cors = Cors{.allow_origins = {"*"}}};
    function.event_invokes["$LATEST"].retries = 1;
    return {};
  }));
  restart();
  auto target = registry->resolve(named("photos", "live"));
  ASSERT_TRUE(target);
  EXPECT_EQ(target->version->version, "1");
  EXPECT_EQ(target->version->description, "first");
  EXPECT_EQ(target->version->environment.at("TABLE"), "t\"1\"");
  EXPECT_EQ(target->version->layers.size(), 1u);
  EXPECT_EQ(target->function->reserved, 0);
  EXPECT_EQ(target->function->event_invokes.at("$LATEST").retries, 1);
  EXPECT_FALSE(target->function->event_invokes.at("$LATEST").max_age);
  EXPECT_NE(target->function->policies.at("live").document, nullptr);
  EXPECT_EQ(registry->find_url("abc").second, "live");
  EXPECT_EQ(target->function->urls.at("live").cors->allow_origins, std::vector<std::string>{"*"});
  EXPECT_EQ(target->arn(), "arn:aws:lambda:us-east-1:000000000000:function:photos:live");
}

TEST_F(RegistryTest, OfAnAliasWithWeightsBothVersionsRun) {
  ASSERT_TRUE(registry->create(function_named("photos")));
  ASSERT_TRUE(registry->change(named("photos"), [&](Function& function) -> Result<void> {
    publish(function, std::nullopt, registry->now());
    auto next = std::make_shared<Configuration>(*function.latest);
    next->memory = 512;
    function.latest = next;
    publish(function, std::nullopt, registry->now());
    auto made = create_alias(function, "live", {.version = "1", .weights = {{{"2", 0.5}}}});
    if (!made) return fail(made);
    return {};
  }));
  std::map<std::string, int> count;
  for (int i = 0; i < 1000; ++i) ++count[registry->resolve(named("photos", "live"))->version->version];
  EXPECT_GT(count["1"], 350);
  EXPECT_GT(count["2"], 350);
}

TEST_F(RegistryTest, WithoutAChangeTheLastVersionIsGivenAgain) {
  ASSERT_TRUE(registry->create(function_named("photos")));
  for (int i = 0; i < 2; ++i)
    ASSERT_TRUE(registry->change(named("photos"), [&](Function& function) -> Result<void> {
      EXPECT_EQ(publish(function, std::nullopt, registry->now())->version, "1");
      return {};
    }));
}

TEST_F(RegistryTest, AVersionThatAnAliasNeedsStays) {
  ASSERT_TRUE(registry->create(function_named("photos")));
  ASSERT_TRUE(registry->change(named("photos"), [&](Function& function) -> Result<void> {
    publish(function, std::nullopt, registry->now());
    return create_alias(function, "live", {.version = "1"}).map([](const auto&) {});
  }));
  const auto removed =
      registry->change(named("photos"), [](Function& function) { return delete_version(function, "1"); });
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, "ResourceConflictException");
  EXPECT_TRUE(registry->resolve(named("photos", "1")));
}

TEST_F(RegistryTest, ADeletedFunctionIsGoneWithItsVersionsAndItsNameIsFree) {
  ASSERT_TRUE(registry->create(function_named("photos")));
  ASSERT_TRUE(registry->change(named("photos"), [&](Function& function) -> Result<void> {
    publish(function, std::nullopt, registry->now());
    return {};
  }));
  EXPECT_EQ(registry->create(function_named("photos")).error().code, "ResourceConflictException");
  ASSERT_TRUE(registry->remove(named("photos")));
  EXPECT_EQ(registry->find(named("photos")).error().message,
            "Function not found: arn:aws:lambda:us-east-1:000000000000:function:photos");
  restart();
  EXPECT_FALSE(registry->find(named("photos")));
  auto again = function_named("photos");
  again.id = "another";
  ASSERT_TRUE(registry->create(again));
  EXPECT_FALSE(registry->resolve(named("photos", "1")));
}

TEST_F(RegistryTest, NumbersOfLayersAreNotGivenTwice) {
  LayerVersion layer;
  layer.account = kHere.account;
  layer.region = kHere.region;
  layer.layer = "deps";
  EXPECT_EQ((*registry->publish_layer(layer))->version, 1u);
  ASSERT_TRUE(registry->remove_layer({kHere.account, kHere.region, "deps", "1"}));
  restart();
  EXPECT_EQ((*registry->publish_layer(layer))->version, 2u);
  EXPECT_EQ(registry->layer_versions({kHere.account, kHere.region, "deps", ""}).size(), 1u);
}

TEST(Policies, AServiceMayInvokeForTheSourceThatTheStatementNames) {
  Policy policy;
  const std::string arn = "arn:aws:lambda:us-east-1:000000000000:function:photos";
  auto added = add_statement(policy, {.sid = "s3",
                                      .action = "lambda:InvokeFunction",
                                      .principal = "s3.amazonaws.com",
                                      .resource = arn,
                                      .source_arn = "arn:aws:s3:::photos",
                                      .source_account = "000000000000"});
  ASSERT_TRUE(added);
  EXPECT_EQ(
      *added,
      R"({"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction",)"
      R"("Resource":"arn:aws:lambda:us-east-1:000000000000:function:photos",)"
      R"("Condition":{"StringEquals":{"AWS:SourceAccount":"000000000000"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::photos"}}})");
  policy::Principal s3;
  s3.kind = policy::Principal::Kind::Service;
  s3.name = "s3.amazonaws.com";
  const auto allowed = [&](const std::string& bucket) {
    policy::Permission permission{.action = "lambda:InvokeFunction", .resource = arn};
    permission.context["aws:SourceArn"] = {"arn:aws:s3:::" + bucket};
    permission.context["aws:SourceAccount"] = {"000000000000"};
    permission.resource_policy = policy.document;
    return policy::evaluate(s3, permission, {}, {}).allowed();
  };
  EXPECT_TRUE(allowed("photos"));
  EXPECT_FALSE(allowed("others"));
  EXPECT_EQ(add_statement(policy, {.sid = "s3", .action = "*", .principal = "*", .resource = arn}).error().code,
            "ResourceConflictException");
  ASSERT_TRUE(remove_statement(policy, "s3"));
  EXPECT_EQ(policy.document, nullptr);
  EXPECT_EQ(remove_statement(policy, "s3").error().message, "Statement s3 is not found in resource policy.");
}

TEST(ConcurrencyTest, AReservationIsAFunctionsOwnAndItsLimit) {
  Concurrency concurrency(12);
  Function reserved = function_named("reserved"), shared = function_named("shared"), none = function_named("none");
  reserved.reserved = 2;
  none.reserved = 0;
  concurrency.set_reserved(2);
  std::vector<Concurrency::Slot> slots;
  slots.reserve(12);
  for (int i = 0; i < 10; ++i) slots.push_back(std::move(*concurrency.enter(shared)));
  const auto over = concurrency.enter(shared);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, "TooManyRequestsException");
  EXPECT_EQ(over.error().detail, "ConcurrentInvocationLimitExceeded");
  slots.push_back(std::move(*concurrency.enter(reserved)));
  slots.push_back(std::move(*concurrency.enter(reserved)));
  EXPECT_EQ(concurrency.enter(reserved).error().detail, "ReservedFunctionConcurrentInvocationLimitExceeded");
  EXPECT_FALSE(concurrency.enter(none));
  EXPECT_EQ(concurrency.running(), 12);
  slots.clear();
  EXPECT_EQ(concurrency.running(), 0);
  EXPECT_TRUE(concurrency.enter(shared));
}

TEST(Rules, BoundsAreThoseOfFunctions) {
  Configuration configuration;
  configuration.runtime = "python3.12";
  configuration.handler = "a.b";
  EXPECT_TRUE(check(configuration));
  const auto refusal = [&](auto change) {
    Configuration changed = configuration;
    change(changed);
    auto done = check(changed);
    return done ? std::string() : done.error().message;
  };
  EXPECT_NE(refusal([](auto& c) { c.timeout = 901; }).find("less than or equal to 900"), std::string::npos);
  EXPECT_NE(refusal([](auto& c) { c.memory = 10241; }).find("less than or equal to 10240"), std::string::npos);
  EXPECT_NE(refusal([](auto& c) {
              c.environment["AWS_REGION"] = "x";
            }).find("Reserved keys used in this request: AWS_REGION"),
            std::string::npos);
  EXPECT_NE(refusal([](auto& c) { c.environment["LONG"] = std::string(4096, 'x'); }).find("exceeded the 4KB limit"),
            std::string::npos);
  EXPECT_EQ(refusal([](auto& c) { c.handler = ""; }),
            "Runtime and Handler are mandatory parameters for functions created with deployment packages.");
  EXPECT_NE(refusal([](auto& c) { c.package_type = "Image", c.image_uri = "docker.io/x"; }).find("native:NAME"),
            std::string::npos);
  EXPECT_NE(refusal([](auto& c) { c.architectures = {"arm64"}; }), "");
}

class Packages : public ::testing::Test {
 protected:
  Packages() { open(); }
  void open() { code = *CodeStore::open(storage->store(), storage->blobs(), storage.folder() / "functions"); }
  storage::TemporaryStorage storage;
  std::unique_ptr<CodeStore> code;
};

TEST_F(Packages, AreUnpackedOnceAndMadeAnewWhereTheFolderIsGone) {
  const auto zip = testing::make_zip({{"index.py", "print(1)"}});
  CodeRef ref;
  {
    auto pin = code->put(zip);
    ASSERT_TRUE(pin);
    ref = pin->code;
    EXPECT_EQ(code->put(zip)->code, ref);
  }
  EXPECT_EQ(ref.sha256, to_base64(sha256(zip)));
  EXPECT_EQ(ref.unpacked, 8u);
  auto folder = code->unpacked(ref);
  ASSERT_TRUE(folder);
  EXPECT_TRUE(std::filesystem::exists(*folder / "index.py"));
  code.reset();
  storage.reopen();
  std::filesystem::remove_all(*folder);
  open();
  EXPECT_EQ(*code->zip(ref), zip);
  EXPECT_TRUE(std::filesystem::exists(*code->unpacked(ref) / "index.py"));
}

TEST_F(Packages, ThatNobodyNeedsAreCollected) {
  auto pin = code->put(testing::make_zip({{"a", "1"}}));
  const CodeRef first = pin->code;
  CodeRef second;
  {
    auto other = code->put(testing::make_zip({{"a", "2"}}));
    second = other->code;
  }
  ASSERT_TRUE(code->unpacked(second));
  ASSERT_TRUE(code->collect([] { return std::set<std::string>(); }));
  EXPECT_TRUE(code->zip(first)) << "it is pinned";
  EXPECT_FALSE(code->zip(second));
  EXPECT_EQ(code->total_bytes(), first.size);
}

}  // namespace
}  // namespace likeness::lambda
