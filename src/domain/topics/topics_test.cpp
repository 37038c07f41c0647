#include "domain/topics/topics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/topics/endpoints.hpp"
#include "domain/topics/outbox.hpp"
#include "storage/testing.hpp"

namespace likeness::topics {
namespace {

using testing::HasSubstr;

class SetClock final : public Clock {
 public:
  TimePoint now() const override { return at; }
  TimePoint at = TimePoint(std::chrono::seconds(1'800'000'000));
};

class TopicsTest : public testing::Test {
 protected:
  TopicsTest() { open(); }
  void open() {
    auto opened = Topics::open(*store, clock, {});
    ASSERT_TRUE(opened) << opened.error().message;
    topics = std::move(*opened);
  }
  void restart() {
    topics.reset();
    store.reopen();
    open();
  }
  Topics::TopicPointer create(const std::string& name, const AttributeTexts& attributes = {}) {
    auto topic = topics->create(name, attributes, {});
    EXPECT_TRUE(topic) << topic.error().message;
    return *topic;
  }
  Result<Topics::SubscriptionPointer> subscribe(const Topics::TopicPointer& topic, const std::string& protocol,
                                                const std::string& endpoint, const AttributeTexts& attributes = {}) {
    return topics->subscribe({.topic_arn = topic->arn,
                              .protocol = protocol,
                              .endpoint = endpoint,
                              .attributes = attributes,
                              .owner = "000000000000",
                              .confirmed = false});
  }

  SetClock clock;
  storage::TemporaryStore store;
  std::unique_ptr<Topics> topics;
};

TEST_F(TopicsTest, TheSameTopicCanBeCreatedAgainButNotAnother) {
  const auto topic = create("alerts", {{"DisplayName", "Alerts"}});
  EXPECT_EQ(topic->arn, "arn:aws:sns:us-east-1:000000000000:alerts");
  EXPECT_TRUE(topics->create("alerts", {{"DisplayName", "Alerts"}}, {}));
  EXPECT_EQ(topics->create("alerts", {{"DisplayName", "Others"}}, {}).error().message,
            "Invalid parameter: Attributes Reason: Topic already exists with different attributes");
  EXPECT_EQ(topics->create("no spaces", {}, {}).error().message, "Invalid parameter: Topic Name");
  EXPECT_FALSE(topics->create("plain", {{"FifoTopic", "true"}}, {}));
  EXPECT_FALSE(topics->create("t", {{"ContentBasedDeduplication", "true"}}, {}));
  EXPECT_FALSE(topics->create("t", {{"ArchivePolicy", "{}"}}, {}));
}

TEST_F(TopicsTest, ATopicIsFoundAfterARestart) {
  const auto topic = create("alerts"), other = create("a-topic-with-a-longer-name", {{"DisplayName", "others"}});
  restart();
  ASSERT_TRUE(topics->find(topic->arn));
  ASSERT_TRUE(topics->find(other->arn));
  EXPECT_EQ((*topics->find(other->arn))->attribute("DisplayName"), "others");
}

TEST_F(TopicsTest, ASubscriptionCountsOnceItIsConfirmed) {
  const auto topic = create("alerts");
  const auto subscription = subscribe(topic, "email", "ann@example.org");
  ASSERT_TRUE(subscription);
  EXPECT_FALSE((*subscription)->confirmed);
  EXPECT_EQ((*subscribe(topic, "email", "ann@example.org"))->arn, (*subscription)->arn);
  EXPECT_EQ(topics->confirm(topic->arn, "made up", false, false).error().message, "Invalid parameter: Token");
  EXPECT_EQ(topics->confirm(topic->arn, "", false, false).error().message, "Invalid parameter: Token");
  const auto confirmed = topics->confirm(topic->arn, (*subscription)->token, false, false);
  ASSERT_TRUE(confirmed);
  EXPECT_TRUE((*confirmed)->confirmed);
  EXPECT_TRUE(topics->confirm(topic->arn, (*subscription)->token, false, false));  // twice is fine
  restart();
  EXPECT_TRUE((*topics->find_subscription((*subscription)->arn))->confirmed);
  ASSERT_TRUE(topics->unsubscribe((*subscription)->arn));
  EXPECT_EQ(topics->find_subscription((*subscription)->arn).error().code, "NotFoundException");
}

TEST_F(TopicsTest, ATokenIsGoodForThreeDays) {
  const auto topic = create("alerts");
  const auto subscription = subscribe(topic, "email", "ann@example.org");
  clock.at += std::chrono::hours(73);
  EXPECT_FALSE(topics->confirm(topic->arn, (*subscription)->token, false, false));
  ASSERT_TRUE(topics->sweep());
  EXPECT_TRUE(topics->subscriptions().empty());
}

TEST_F(TopicsTest, ATopicTakesItsSubscriptionsAlong) {
  const auto topic = create("alerts");
  const auto other = create("others");
  for (int i = 0; i < 150; ++i) ASSERT_TRUE(subscribe(topic, "email", "a" + std::to_string(i) + "@example.org"));
  ASSERT_TRUE(subscribe(other, "email", "a@example.org"));
  ASSERT_TRUE(topics->remove(topic->arn));
  EXPECT_EQ(topics->subscriptions().size(), 1u);
  restart();
  EXPECT_EQ(topics->subscriptions().size(), 1u);
  EXPECT_EQ(topics->list().size(), 1u);
}

TEST_F(TopicsTest, EndpointsHaveTheFormOfTheirProtocol) {
  const auto topic = create("alerts");
  const auto fifo = create("orders.fifo", {{"FifoTopic", "true"}});
  for (const auto& [protocol, endpoint] :
       std::vector<std::pair<std::string, std::string>>{{"email", "nobody"},
                                                        {"email", "a@b\r\nRCPT TO:<c@d>"},
                                                        {"http", "https://x/"},
                                                        {"https", "https://"},
                                                        {"sqs", "arn:aws:sns:us-east-1:0:q"},
                                                        {"sqs", "arn:aws:sqs:us-east-1:000000000000:q.fifo"},
                                                        {"sms", "12345"},
                                                        {"application", "arn:aws:sns:us-east-1:0:endpoint/x"},
                                                        {"pigeon", "coop"}})
    EXPECT_EQ(subscribe(topic, protocol, endpoint).error().code, "InvalidParameterException") << protocol << endpoint;
  EXPECT_FALSE(subscribe(fifo, "email", "a@example.org"));
  EXPECT_TRUE(subscribe(fifo, "sqs", "arn:aws:sqs:us-east-1:000000000000:q.fifo"));
  EXPECT_TRUE(subscribe(topic, "sms", "+15005550100"));
}

queues::Attributes attributes(std::initializer_list<std::tuple<std::string, std::string, std::string>> all) {
  queues::Attributes out;
  for (const auto& [name, type, value] : all) out[name] = {type, value, false};
  return out;
}

TEST(DeliveryPolicy, ItsContentTypeIsOneLine) {
  // It becomes a header of the requests to subscribers.
  for (const std::string type : {R"(text/plain\r\nX-Evil: 1)", R"(a\nb)", R"(text\u0000)", R"(\u00e9)", ""}) {
    const auto subscription =
        with_attribute(Subscription(), "DeliveryPolicy", R"({"requestPolicy":{"headerContentType":")" + type + "\"}}");
    ASSERT_FALSE(subscription) << type;
    EXPECT_EQ(subscription.error().code, "InvalidParameterException");
    const auto topic = with_attribute(
        Topic(), "DeliveryPolicy", R"({"http":{"defaultRequestPolicy":{"headerContentType":")" + type + "\"}}}", false);
    EXPECT_FALSE(topic) << type;
  }
  EXPECT_TRUE(with_attribute(Subscription(), "DeliveryPolicy",
                             R"({"requestPolicy":{"headerContentType":"application/json; charset=UTF-8"}})"));
}

TEST(FilterPolicy, LooksAtAttributes) {
  const auto policy = FilterPolicy::parse(
      R"({"store":["shop"],"event":[{"anything-but":"cancelled"}],"price":[{"numeric":[">=",100]}]})",
      FilterPolicy::Scope::Attributes);
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_TRUE((*policy)->takes(
      "", attributes({{"store", "String", "shop"}, {"event", "String", "placed"}, {"price", "Number", "100"}})));
  EXPECT_FALSE((*policy)->takes(
      "", attributes({{"store", "String", "shop"}, {"event", "String", "cancelled"}, {"price", "Number", "100"}})));
  // A text is no number.
  EXPECT_FALSE((*policy)->takes(
      "", attributes({{"store", "String", "shop"}, {"event", "String", "placed"}, {"price", "String", "100"}})));
  EXPECT_FALSE((*policy)->takes("", {}));
  const auto interests =
      FilterPolicy::parse(R"({"interests":["rugby",{"prefix":"foot"}]})", FilterPolicy::Scope::Attributes);
  EXPECT_TRUE((*interests)->takes("", attributes({{"interests", "String.Array", R"(["soccer","football"])"}})));
  EXPECT_FALSE((*interests)->takes("", attributes({{"interests", "String.Array", R"(["soccer"])"}})));
  const auto absent = FilterPolicy::parse(R"({"a":[{"exists":false}]})", FilterPolicy::Scope::Attributes);
  EXPECT_TRUE((*absent)->takes("", {}));
  EXPECT_FALSE((*absent)->takes("", attributes({{"a", "String", "x"}})));
  const auto either = FilterPolicy::parse(R"({"$or":[{"a":["1"]},{"b":["2"]}]})", FilterPolicy::Scope::Attributes);
  ASSERT_TRUE(either) << either.error().message;
  EXPECT_TRUE((*either)->takes("", attributes({{"b", "String", "2"}})));
  EXPECT_TRUE((*FilterPolicy::parse("{}", FilterPolicy::Scope::Attributes))->takes("", {}));
}

TEST(FilterPolicy, LooksAtTheBody) {
  const auto policy = FilterPolicy::parse(R"({"a":{"b":["x"]}})", FilterPolicy::Scope::Body);
  ASSERT_TRUE(policy);
  EXPECT_TRUE((*policy)->takes(R"({"a":{"b":"x"}})", {}));
  EXPECT_FALSE((*policy)->takes(R"({"a":{"b":"y"}})", {}));
  EXPECT_FALSE((*policy)->takes("no JSON", {}));
}

TEST(FilterPolicy, RefusesWhatIsNone) {
  for (const auto* text :
       {"", "{", "[]", "\"x\"", R"({"a":"x"})", R"({"a":[]})", R"({"a":{"b":["x"]}})", R"({"a":[{"nonsense":1}]})",
        R"({"a":["1"],"b":["1"],"c":["1"],"d":["1"],"e":["1"],"f":["1"]})"}) {
    const auto policy = FilterPolicy::parse(text, FilterPolicy::Scope::Attributes);
    ASSERT_FALSE(policy) << text;
    EXPECT_EQ(policy.error().code, "InvalidParameterException") << text;
  }
}

TEST(Publication, HasRules) {
  Topic standard, fifo;
  fifo.fifo = true;
  const auto problem = [](const Topic& topic, const std::function<void(Publication&)>& change) {
    Publication publication;
    publication.message = "m";
    change(publication);
    const auto checked = check_publication(&topic, publication);
    return checked ? std::string() : checked.error().message;
  };
  EXPECT_EQ(problem(standard, [](auto&) {}), "");
  EXPECT_EQ(problem(standard, [](auto& p) { p.message.clear(); }), "Invalid parameter: Empty message");
  EXPECT_EQ(problem(standard, [](auto& p) { p.message.assign(262'145, 'x'); }), "Invalid parameter: Message too long");
  EXPECT_EQ(problem(standard, [](auto& p) { p.subject = "two\nlines"; }), "Invalid parameter: Subject");
  EXPECT_EQ(problem(standard, [](auto& p) { p.subject = std::string(101, 'x'); }), "Invalid parameter: Subject");
  EXPECT_THAT(problem(standard, [](auto& p) { p.deduplication = "id"; }), HasSubstr("not valid for this topic type"));
  EXPECT_THAT(problem(standard, [](auto& p) { p.attributes["n"] = {"Number", "x", false}; }), HasSubstr("to number"));
  EXPECT_THAT(problem(fifo, [](auto&) {}), HasSubstr("MessageGroupId parameter is required"));
  EXPECT_THAT(problem(fifo, [](auto& p) { p.group = "g"; }), HasSubstr("ContentBasedDeduplication"));

  Publication structured;
  structured.message = R"({"default":"for all","sqs":"for queues","email":1})";
  ASSERT_TRUE(read_structure(structured));
  EXPECT_EQ(structured.message, "for all");
  EXPECT_EQ(structured.by_protocol, (std::map<std::string, std::string>{{"sqs", "for queues"}}));
  structured.message = R"({"sqs":"x"})";
  EXPECT_EQ(read_structure(structured).error().message,
            "Invalid parameter: Message Structure - No default entry in JSON message body");
}

TEST(Notification, SurvivesItsRecord) {
  Notification notification;
  notification.id = "id";
  notification.topic_arn = "arn";
  notification.time = TimePoint(std::chrono::milliseconds(1'800'000'000'123));
  notification.publication.message = "m";
  notification.publication.subject = "s";
  notification.publication.by_protocol["sqs"] = "q";
  notification.publication.attributes["b"] = {"Binary", std::string("\0\1", 2), true};
  const auto again = decode_notification(encode(notification));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->publication.attributes.at("b").value, std::string("\0\1", 2));
  EXPECT_EQ(again->text_for("sqs"), "q");
  EXPECT_EQ(again->text_for("email"), "m");
  EXPECT_EQ(again->time, notification.time);
}

TEST(Outbox, KeepsTheLatest) {
  SetClock clock;
  storage::TemporaryStore store;
  auto outbox = Outbox::open(*store, clock, 3);
  ASSERT_TRUE(outbox);
  for (int i = 1; i <= 5; ++i)
    ASSERT_TRUE((*outbox)->add({.time = {},
                                .kind = "email",
                                .to = "a@b.c",
                                .subject = std::to_string(i),
                                .body = {},
                                .topic_arn = {},
                                .links = {{"text", "url"}}}));
  outbox->reset();
  outbox = Outbox::open(*store, clock, 3);
  const auto listed = (*outbox)->list(10);
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 3u);
  EXPECT_EQ(listed->front().subject, "5");
  EXPECT_EQ(listed->front().links.front().second, "url");
  EXPECT_EQ((*outbox)->list(10, listed->front().number)->front().subject, "4");
}

}  // namespace
}  // namespace likeness::topics
