#include "states/engine.hpp"

#include <zlib.h>

#include <map>

#include "states/engine_testing.hpp"
#include "states/map_runs.hpp"

namespace likeness::states {
namespace {

using namespace std::chrono_literals;

TEST_F(States, AChainOfPassAndChoice) {
  define(R"json({"StartAt":"A","States":{
    "A":{"Type":"Pass","Result":{"n":1},"ResultPath":"$.r","Next":"B"},
    "B":{"Type":"Choice","Choices":[{"Variable":"$.r.n","NumericEquals":1,"Next":"C"}],"Default":"D"},
    "C":{"Type":"Pass","Parameters":{"x.$":"$.in","t.$":"States.Format('{}-{}', $.in, $$.Execution.Name)"},"End":true},
    "D":{"Type":"Fail","Error":"No"}}})json");
  EXPECT_EQ(outcome(R"({"in": 7})"), R"({"x":7,"t":"7-e1"})");
  EXPECT_EQ(types(kFirst),
            "1<0 ExecutionStarted\n2<0 PassStateEntered\n3<2 PassStateExited\n4<3 ChoiceStateEntered\n5<4 "
            "ChoiceStateExited\n6<5 PassStateEntered\n7<6 PassStateExited\n8<7 ExecutionSucceeded\n");
}

TEST_F(States, ATaskIsTriedAgainAndThenCaught) {
  define(
      R"({"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"a":1},
    "Retry":[{"ErrorEquals":["Boom"],"IntervalSeconds":1,"MaxAttempts":1}],
    "Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.error","Next":"C"}],"Next":"C"},"C":{"Type":"Succeed"}}})");
  tasks.behave = [](const TaskRequest&) -> Outcome<std::string> { return problem("Boom", "bang"); };
  EXPECT_EQ(outcome(R"({"k":1})"), R"({"k":1,"error":{"Error":"Boom","Cause":"bang"}})");
  EXPECT_EQ(tasks.calls, 2);
  EXPECT_EQ(types(kFirst),
            "1<0 ExecutionStarted\n2<0 TaskStateEntered\n3<2 TaskScheduled\n4<3 TaskStarted\n5<4 TaskFailed\n6<5 "
            "TaskScheduled\n7<6 TaskStarted\n8<7 TaskFailed\n9<8 TaskStateExited\n10<9 SucceedStateEntered\n11<10 "
            "SucceedStateExited\n12<11 ExecutionSucceeded\n");
}

TEST_F(States, ParallelGathersWhatItsBranchesLeave) {
  define(R"({"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[
    {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","End":true}}},
    {"StartAt":"B","States":{"B":{"Type":"Pass","Result":"b","End":true}}}]}}})");
  EXPECT_EQ(outcome(), R"(["done","b"])");
}

TEST_F(States, AFailingBranchEndsTheOthers) {
  define(R"({"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[
    {"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":1000,"End":true}}},
    {"StartAt":"B","States":{"B":{"Type":"Fail","Error":"E","Cause":"C"}}}]}}})");
  EXPECT_EQ(outcome(), "E: C");
}

TEST_F(States, MapGoesOverItemsInOrder) {
  define(R"({"StartAt":"M","States":{"M":{"Type":"Map","ItemsPath":"$.items","MaxConcurrency":2,"End":true,
    "ItemSelector":{"v.$":"$$.Map.Item.Value","i.$":"$$.Map.Item.Index","of.$":"$.of"},
    "ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}}}})");
  EXPECT_EQ(outcome(R"({"items":["a","b","c"],"of":9})"),
            R"([{"v":"a","i":0,"of":9},{"v":"b","i":1,"of":9},{"v":"c","i":2,"of":9}])");
  EXPECT_EQ(outcome(R"({"items":[],"of":9})"), "[]");
  EXPECT_EQ(outcome(R"({"items":1,"of":9})"), "States.Runtime: Reference path \"$.items\" must point to array.");
}

TEST_F(States, JsonataAndVariables) {
  define(R"({"StartAt":"A","QueryLanguage":"JSONata","States":{
    "A":{"Type":"Pass","Assign":{"x":"{% $states.input.a * 2 %}"},"Output":{"sum":"{% $sum([1,2,$states.input.a]) %}"},"Next":"B"},
    "B":{"Type":"Choice","Choices":[{"Condition":"{% $x = 4 %}","Next":"C"}],"Default":"D"},
    "C":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Arguments":{"Body":"{% $states.input.sum %}"},
         "Output":"{% $states.result & '!' %}","End":true},
    "D":{"Type":"Fail","Error":"{% 'x is ' & $x %}"}}})");
  EXPECT_EQ(outcome(R"({"a":2})"), "\"done!\"");
  EXPECT_EQ(tasks.last(), "arn:aws:states:::sqs:sendMessage {\"Body\":5}");
  EXPECT_EQ(outcome(R"({"a":3})"), "x is 6: -");
  EXPECT_EQ(outcome(R"({"a":"z"})").substr(0, 28), "States.QueryEvaluationError:");
}

TEST_F(States, ATaskTokenBringsTheResult) {
  define(
      R"({"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Parameters":{"token.$":"$$.Task.Token"},"TimeoutSeconds":100,"End":true}}})");
  const auto arn = start("e1");
  std::string token;
  for (int i = 0; i < 500 && token.empty(); ++i) {
    std::this_thread::sleep_for(5ms);
    const std::lock_guard lock(tasks.mutex);
    if (!tasks.requests.empty())
      token = parse_json(tasks.requests.back().substr(tasks.requests.back().find(' ')))->text_of("token");
  }
  ASSERT_FALSE(token.empty());
  EXPECT_EQ(engine->task_answer("nonsense", std::string("1")).error().code, "InvalidToken");
  EXPECT_TRUE(engine->task_heartbeat(token));
  EXPECT_TRUE(engine->task_answer(token, std::string("{\"ok\":true}")));
  EXPECT_EQ(wait_for(arn).ending.output, "{\"ok\":true}");
  EXPECT_EQ(engine->task_answer(token, std::string("1")).error().code, "TaskDoesNotExist");
}

TEST_F(States, AWaitIsALineOfAnIndexAndOutlivesARestart) {
  define(R"({"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":3,"Next":"T"},
    "T":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","End":true}}})");
  const auto arn = start("e1", R"({"kept":"yes"})");
  for (int i = 0; i < 200 && engine->loaded() > 0; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(engine->loaded(), 0u);
  EXPECT_EQ(engine->timers(), 1u);
  engine->stop();
  engine.reset();
  store.reopen();
  open();
  EXPECT_EQ(wait_for(arn).ending.output, "\"done\"");
  EXPECT_EQ(tasks.last(), "arn:aws:states:::sqs:sendMessage {\"kept\":\"yes\"}");
}

TEST_F(States, ATaskThatWasUnderWayIsDoneAgainAfterARestart) {
  define(R"({"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","End":true}}})");
  std::atomic<bool> release = false;
  tasks.behave = [&](const TaskRequest&) -> Outcome<std::string> {
    while (!release) std::this_thread::sleep_for(1ms);
    return "1";
  };
  const auto arn = start("e1");
  for (int i = 0; i < 500 && tasks.calls == 0; ++i) std::this_thread::sleep_for(5ms);
  std::thread stopper([&] { engine->stop(); });
  std::this_thread::sleep_for(50ms);
  release = true;
  stopper.join();
  engine.reset();
  EXPECT_EQ(tasks.calls, 1);
  open();
  EXPECT_EQ(wait_for(arn).ending.output, "1");
  EXPECT_EQ(tasks.calls, 2);
}

TEST_F(States, TasksAndExecutionsRunOutOfTime) {
  define(
      R"({"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Parameters":{"t.$":"$$.Task.Token"},"TimeoutSeconds":1,"End":true}}})");
  EXPECT_EQ(outcome(), "States.Timeout: -");
  define(R"({"StartAt":"W","TimeoutSeconds":1,"States":{"W":{"Type":"Wait","Seconds":100,"End":true}}})");
  EXPECT_EQ(wait_for(start("late")).ending.status, Status::TimedOut);
}

TEST_F(States, TheSameStartTwiceIsOneExecution) {
  define(R"({"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":100,"End":true}}})");
  const auto arn = start("same", "{}");
  EXPECT_TRUE(engine->start_execution(info("same", "{}"), definition));
  EXPECT_EQ(engine->start_execution(info("same", "[]"), definition).error().code, "AlreadyExists");
  EXPECT_TRUE(engine->stop_execution(arn, "E", "C"));
  EXPECT_EQ(wait_for(arn).ending.status, Status::Aborted);
  EXPECT_EQ(engine->start_execution(info("same", "{}"), definition).error().code, "AlreadyExists");
}

TEST_F(States, ActivitiesAreFetchedByWorkers) {
  constexpr auto kActivity = "arn:aws:states:us-east-1:000000000000:activity:a";
  define(
      R"({"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:us-east-1:000000000000:activity:a","End":true}}})");
  const auto arn = start("e1", R"({"work":1})");
  auto task = engine->next_activity_task(kActivity, "w", 5s, {});
  ASSERT_TRUE(task && *task);
  EXPECT_EQ((*task)->input, R"({"work":1})");
  EXPECT_TRUE(engine->task_answer((*task)->token, std::string("\"ok\"")));
  EXPECT_EQ(wait_for(arn).ending.output, "\"ok\"");
  EXPECT_FALSE(*engine->next_activity_task(kActivity, "w", 10ms, {}));
}

TEST_F(States, ExpressExecutionsRunInMemory) {
  define(R"({"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","End":true}}})");
  auto what = info("x", "{}");
  what.express = true;
  auto ended = engine->start_sync(what, definition, {});
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->second.output, "\"done\"");
  EXPECT_FALSE(*engine->find(what.arn));
}

TEST_F(States, ADistributedMapRunsAnExecutionForEachItem) {
  define(R"({"StartAt":"M","States":{"M":{"Type":"Map","End":true,"MaxConcurrency":3,"Label":"each",
    "ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"CSV","CSVHeaderLocation":"FIRST_ROW"},
                  "Parameters":{"Bucket":"b","Key":"k"}},
    "ItemBatcher":{"MaxItemsPerBatch":2},
    "ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},
      "StartAt":"A","States":{"A":{"Type":"Pass","OutputPath":"$.Items[*].n","End":true}}}}}})");
  tasks.behave = [](const TaskRequest&) -> Outcome<std::string> { return R"({"Body":"n,m\n1,a\n2,\"b,c\"\n3,d\n"})"; };
  EXPECT_EQ(outcome(), R"([["1","2"],["3"]])");
  const auto runs = engine->map_runs().list(kFirst);
  ASSERT_TRUE(runs && runs->size() == 1);
  EXPECT_EQ(runs->front().succeeded, 2);
  EXPECT_EQ(runs->front().status, "SUCCEEDED");
}

TEST_F(States, ADistributedMapToleratesSomeFailures) {
  const auto text = [](int tolerated) {
    return fmt::format(R"({{"StartAt":"M","States":{{"M":{{"Type":"Map","End":true,"ToleratedFailureCount":{},
      "ItemProcessor":{{"ProcessorConfig":{{"Mode":"DISTRIBUTED","ExecutionType":"EXPRESS"}},"StartAt":"C","States":{{
        "C":{{"Type":"Choice","Choices":[{{"Variable":"$","NumericGreaterThan":1,"Next":"F"}}],"Default":"P"}},
        "P":{{"Type":"Pass","End":true}},"F":{{"Type":"Fail","Error":"E"}}}}}}}}}}}})",
                       tolerated);
  };
  define(text(2));
  EXPECT_EQ(outcome("[0,1,2,3]"), "[0,1]");
  define(text(1));
  EXPECT_EQ(outcome("[0,1,2,3]"),
            "States.ExceedToleratedFailureThreshold: The specified tolerated failure threshold was exceeded");
}

/// Objects by their keys.
class Objects : public FakeTasks {
 public:
  Outcome<std::string> read_object(const TaskRequest& request) override {
    const auto input = parse_json(request.input);
    const auto at = objects.find(fmt::format("{}/{}", input->text_of("Bucket"), input->text_of("Key")));
    if (at == objects.end()) return problem("S3.NoSuchKey", "The specified key does not exist.");
    return at->second;
  }
  std::map<std::string, std::string> objects;
};

std::string gzip(const std::string& text) {
  std::string out(compressBound(text.size()) + 32, '\0');
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string from = text;
  stream.next_in = reinterpret_cast<unsigned char*>(from.data());
  stream.avail_in = static_cast<uInt>(from.size());
  stream.next_out = reinterpret_cast<unsigned char*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

class Readers : public States {
 protected:
  /// What a map over the items gives, or its error and cause.
  std::string items(const std::string& resource, const std::string& config, const std::string& more = "") {
    engine->stop();
    engine.reset();
    open(objects);
    define(fmt::format(R"({{"StartAt":"M","States":{{"M":{{"Type":"Map","End":true,"ItemReader":{{
      "Resource":"arn:aws:states:::s3:{}","Parameters":{{"Bucket":"b","Key":"k"}},"ReaderConfig":{}}}{},
      "ItemProcessor":{{"ProcessorConfig":{{"Mode":"DISTRIBUTED","ExecutionType":"EXPRESS"}},
        "StartAt":"P","States":{{"P":{{"Type":"Pass","End":true}}}}}}}}}}}})",
                       resource, config, more));
    auto out = outcome();
    engine->stop();  // the objects may be changed
    return out;
  }
  Objects objects;
};

TEST_F(Readers, TakeTextOfMostKindsPackedOrNot) {
  objects.objects["b/k"] = gzip("n|m\n1|a\n2|b\n");
  EXPECT_EQ(items("getObject", R"({"InputType":"CSV","CSVHeaderLocation":"FIRST_ROW","CSVDelimiter":"PIPE"})"),
            R"([{"n":"1","m":"a"},{"n":"2","m":"b"}])");
  objects.objects["b/k"] = gzip("{\"a\":1}\n") + gzip("\n[2]\n");
  EXPECT_EQ(items("getObject", R"({"InputType":"JSONL"})"), R"([{"a":1},[2]])");
  objects.objects["b/k"] = R"({"x":{"a/b":[{"c":[1,2,3]}]}})";
  EXPECT_EQ(items("getObject", R"({"InputType":"JSON","ItemsPointer":"/x/a~1b/0/c","MaxItems":2})"), "[1,2]");
  objects.objects["b/k"] = gzip("x").substr(0, 12);
  EXPECT_EQ(items("getObject", R"({"InputType":"JSON"})"),
            "States.ItemReaderFailed: The object's gzip data is damaged.");
  EXPECT_EQ(items("getObject", R"({"InputType":"PARQUET"})").substr(0, 24), "States.ItemReaderFailed:");
}

TEST_F(Readers, FollowManifestsAndListings) {
  objects.objects["b/k"] =
      R"({"destinationBucket":"arn:aws:s3:::inventory","fileFormat":"CSV","fileSchema":"Bucket, Key, Size",
          "files":[{"key":"data/1.csv.gz"},{"key":"data/2.csv.gz"}]})";
  objects.objects["inventory/data/1.csv.gz"] = gzip("\"photos\",\"a.jpg\",\"10\"\n\"photos\",\"b.jpg\",\"20\"\n");
  objects.objects["inventory/data/2.csv.gz"] = gzip("\"photos\",\"c.jpg\",\"30\"\n");
  EXPECT_EQ(items("getObject", R"({"InputType":"MANIFEST","MaxItems":3})"),
            R"([{"Bucket":"photos","Key":"a.jpg","Size":"10"},{"Bucket":"photos","Key":"b.jpg","Size":"20"},)"
            R"({"Bucket":"photos","Key":"c.jpg","Size":"30"}])");
  objects.objects["b/k"] = "s3://out/1\ns3://out/2\n";
  objects.objects["out/1"] = "[1,2]";
  objects.objects["out/2"] = "[3]";
  EXPECT_EQ(items("getObject", R"({"ManifestType":"ATHENA_DATA","InputType":"JSON"})"), "[1,2,3]");
  objects.objects["b/k"] = "out/1\n";
  EXPECT_EQ(items("getObject", R"({"ManifestType":"ATHENA_DATA","InputType":"JSON"})"),
            "States.ItemReaderFailed: The manifest has a line that is no S3 URI: out/1");
  objects.behave = [](const TaskRequest& request) -> Outcome<std::string> {
    if (request.input.find("ContinuationToken") == std::string::npos)
      return R"({"Contents":[{"Key":"in/"},{"Key":"in/1"}],"NextContinuationToken":"t"})";
    return R"({"Contents":[{"Key":"in/2"}]})";
  };
  objects.objects["b/in/1"] = "1\n2\n";
  objects.objects["b/in/2"] = "3\n";
  EXPECT_EQ(items("listObjectsV2", R"({"Transformation":"LOAD_AND_FLATTEN","InputType":"JSONL"})"), "[1,2,3]");
  objects.objects.erase("b/in/2");
  EXPECT_EQ(items("listObjectsV2", R"({"Transformation":"LOAD_AND_FLATTEN","InputType":"JSONL"})"),
            "States.ItemReaderFailed: The specified key does not exist.");
}

TEST_F(Readers, AWriterWithoutAPlaceShapesTheOutput) {
  objects.objects["b/k"] = "[[1,2],[3]]";
  const auto with = [&](const char* kind) {
    return items("getObject", R"({"InputType":"JSON"})",
                 fmt::format(R"(,"ResultWriter":{{"WriterConfig":{{"Transformation":"{}"}}}})", kind));
  };
  EXPECT_EQ(with("COMPACT"), "[[1,2],[3]]");
  EXPECT_EQ(with("FLATTEN"), "[1,2,3]");
  const auto whole = parse_json(with("NONE"));
  ASSERT_TRUE(whole && whole->is_array() && whole->as_array().size() == 2);
  EXPECT_EQ(whole->as_array()[0].text_of("Status"), "SUCCEEDED");
  EXPECT_EQ(whole->as_array()[0].text_of("Output"), "[1,2]");
}

TEST_F(States, ManyExecutionsAtOnce) {
  define(
      R"({"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Next":"C"},
    "C":{"Type":"Pass","End":true}}})");
  std::vector<std::string> arns;
  arns.reserve(300);
  for (int i = 0; i < 300; ++i) arns.push_back(start(fmt::format("m{}", i)));
  for (const auto& arn : arns) EXPECT_EQ(wait_for(arn).ending.output, "\"done\"");
  EXPECT_EQ(tasks.calls, 300);
  const auto page = engine->list(kMachine, Status::Succeeded, 200, "");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->executions.size(), 200u);
  const auto rest = engine->list(kMachine, Status::Succeeded, 200, page->next.value_or(""));
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->executions.size(), 100u);
  EXPECT_FALSE(rest->next);
}

}  // namespace
}  // namespace likeness::states
