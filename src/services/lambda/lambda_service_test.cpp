#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "services/lambda/service_testing.hpp"

namespace likeness::lambda {
namespace {

namespace json = boost::json;

TEST_F(LambdaService, AFunctionIsMadeAndInvoked) {
  create();
  auto answer = invoke(R"({"a":1})");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status_code, 200);
  EXPECT_EQ(text_of(*answer->payload), R"({"a":1})");
  EXPECT_EQ(answer->executed_version, "$LATEST");
  EXPECT_FALSE(answer->function_error);
  ASSERT_EQ(runner.runs.size(), 1u);
  const auto& run = runner.runs[0];
  EXPECT_EQ(run.function.runtime, "python3.12");
  EXPECT_EQ(run.function.role_arn, kRole);
  EXPECT_TRUE(std::filesystem::exists(run.function.code / "index.py"));
  EXPECT_EQ(run.invocation.invoked_arn, "arn:aws:lambda:us-east-1:000000000000:function:photos");
}

TEST_F(LambdaService, WhatTheFunctionDoesWrongIsInTheAnswer) {
  create();
  runner.fails();
  auto answer = invoke("{}");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status_code, 200);
  EXPECT_EQ(answer->function_error, "Unhandled");
  EXPECT_EQ(text_of(*answer->payload), R"({"errorMessage":"no face","errorType":"ValueError"})");
}

TEST_F(LambdaService, BadEventsAreRefusedInLambdasWords) {
  create();
  auto no_json = invoke("{not json");
  ASSERT_FALSE(no_json);
  EXPECT_EQ(no_json.error().code, "InvalidRequestContentException");
  EXPECT_TRUE(no_json.error().message.starts_with(
      "Could not parse request body into json: Could not parse payload into json: "));
  auto large = invoke('"' + std::string(6 * 1024 * 1024, 'x') + '"');
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, "RequestTooLargeException");
  EXPECT_EQ(large.error().message,
            "6291458 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)");
  EXPECT_EQ(code_of(invoke("{}", shapes::InvocationType::RequestResponse, "nobody")), "ResourceNotFoundException");
  EXPECT_EQ(runner.count(), 0u);
}

TEST_F(LambdaService, CreationIsCheckedBeforeAnythingIsStored) {
  auto in = create_request();
  in.role = "arn:aws:iam::000000000000:role/nobody";
  auto refused = call<shapes::CreateFunction>(in);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "The role defined for the function cannot be assumed by Lambda.");
  in = create_request();
  in.code->zip_file = Bytes{1, 2, 3};
  EXPECT_EQ(code_of(call<shapes::CreateFunction>(in)), "InvalidParameterValueException");
  in = create_request();
  in.timeout = 901;
  EXPECT_EQ(code_of(call<shapes::CreateFunction>(in)), "ValidationException");
  in = create_request();
  in.runtime = shapes::Runtime::Java21;
  EXPECT_EQ(call<shapes::CreateFunction>(in).error().message, "The runtime java21 cannot run here: there is no Java.");
  EXPECT_TRUE(registry->all().empty());
}

TEST_F(LambdaService, ANativeFunctionIsAnImageOfThatName) {
  auto in = create_request("native");
  in.runtime.reset();
  in.handler.reset();
  in.package_type = shapes::PackageType::Image;
  in.code = shapes::FunctionCode{};
  in.code->image_uri = "native:nobody";
  EXPECT_NE(call<shapes::CreateFunction>(in).error().message.find("(it has echo)"), std::string::npos);
  in.code->image_uri = "native:echo";
  ASSERT_TRUE(call<shapes::CreateFunction>(in));
  ASSERT_TRUE(invoke("{}", shapes::InvocationType::RequestResponse, "native"));
  EXPECT_EQ(runner.runs[0].function.native, "echo");
}

TEST_F(LambdaService, AChangeEndsTheWorkersOfTheOldState) {
  create();
  ASSERT_TRUE(invoke("{}"));
  shapes::UpdateFunctionConfigurationRequest in;
  in.function_name = "photos";
  in.memory_size = 512;
  auto changed = call<shapes::UpdateFunctionConfiguration>(in);
  ASSERT_TRUE(changed) << changed.error().message;
  ASSERT_EQ(runner.retired.size(), 1u);
  EXPECT_EQ(runner.retired[0], runner.runs[0].function.key);
  ASSERT_TRUE(invoke("{}"));
  EXPECT_EQ(runner.runs[1].function.memory_mb, 512);
  in.revision_id = "another";
  EXPECT_EQ(code_of(call<shapes::UpdateFunctionConfiguration>(in)), "PreconditionFailedException");
}

TEST_F(LambdaService, ReservedConcurrencyOfNoughtThrottlesEverything) {
  create();
  shapes::PutFunctionConcurrencyRequest in;
  in.function_name = "photos";
  in.reserved_concurrent_executions = 0;
  ASSERT_TRUE(call<shapes::PutFunctionConcurrency>(in));
  auto answer = invoke("{}");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "TooManyRequestsException");
  EXPECT_EQ(answer.error().message, "Rate Exceeded.");
}

TEST_F(LambdaService, AnEventIsTriedThreeTimesWithTheSameRequestId) {
  create();
  runner.fails();
  auto answer = send(R"({"key":"a.jpg"})");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status_code, 202);
  ASSERT_TRUE(runner.wait_for(3));
  std::this_thread::sleep_for(100ms);
  ASSERT_EQ(runner.count(), 3u);
  for (const auto& run : runner.runs) {
    EXPECT_EQ(run.invocation.request_id, runner.runs[0].invocation.request_id);
    EXPECT_EQ(*run.invocation.payload, R"({"key":"a.jpg"})");
  }
}

TEST_F(LambdaService, WhatBecameOfAnEventIsSentOn) {
  create();
  shapes::PutFunctionEventInvokeConfigRequest in;
  in.function_name = "photos";
  in.maximum_retry_attempts = 1;
  in.destination_config.emplace().on_failure = shapes::OnFailure{"arn:aws:sqs:us-east-1:000000000000:failed"};
  in.destination_config->on_success = shapes::OnSuccess{"arn:aws:events:us-east-1:000000000000:event-bus/default"};
  ASSERT_TRUE(call<shapes::PutFunctionEventInvokeConfig>(in));
  ASSERT_TRUE(send(R"({"n":1})"));
  ASSERT_TRUE(calls.wait_for(1));
  EXPECT_EQ(calls.sent[0].first,
            "arn:aws:events:us-east-1:000000000000:event-bus/default "
            "Lambda Function Invocation Result - Success");
  runner.fails();
  ASSERT_TRUE(send(R"({"n":2})"));
  ASSERT_TRUE(calls.wait_for(2));
  EXPECT_EQ(calls.sent[1].first, "https://sqs.us-east-1.amazonaws.com/000000000000/failed");
  const auto record = json::parse(calls.sent[1].second);
  EXPECT_EQ(record.at("version"), "1.0");
  EXPECT_EQ(record.at_pointer("/requestContext/condition"), "RetriesExhausted");
  EXPECT_EQ(record.at_pointer("/requestContext/approximateInvokeCount"), 2);
  EXPECT_EQ(record.at_pointer("/requestContext/functionArn"),
            "arn:aws:lambda:us-east-1:000000000000:function:photos:$LATEST");
  EXPECT_EQ(record.at_pointer("/requestPayload/n"), 2);
  EXPECT_EQ(record.at_pointer("/responseContext/functionError"), "Unhandled");
  EXPECT_EQ(record.at_pointer("/responsePayload/errorMessage"), "no face");
}

TEST_F(LambdaService, ADeadLetterIsTheEventWithWhatWentWrong) {
  auto in = create_request();
  in.dead_letter_config = shapes::DeadLetterConfig{"arn:aws:sqs:us-east-1:000000000000:dead"};
  ASSERT_TRUE(call<shapes::CreateFunction>(in));
  runner.fails();
  ASSERT_TRUE(send(R"({"n":3})"));
  ASSERT_TRUE(calls.wait_for(1));
  EXPECT_EQ(calls.sent[0].second, R"({"n":3})");
  EXPECT_EQ(calls.attributes.at("ErrorMessage"), "no face");
  EXPECT_EQ(calls.attributes.at("RequestID"), runner.runs[0].invocation.request_id);
}

TEST_F(LambdaService, ThrottledEventsWait) {
  create();
  auto left = std::make_shared<std::atomic<int>>(2);  // the last run may outlive this test
  runner.answers([left](const auto&) -> Result<functions::Outcome> {
    if ((*left)-- > 0) return server_error("TooManyWorkers", "");
    return functions::Outcome{.payload = "1"};
  });
  ASSERT_TRUE(send("{}"));
  // A second, then two.
  EXPECT_TRUE(runner.wait_for(3, 8s));
}

TEST_F(LambdaService, ARestartLosesNoEvent) {
  create();
  std::mutex mutex;
  std::condition_variable changed;
  bool open_now = false;
  runner.answers([&](const auto&) -> Result<functions::Outcome> {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return open_now; });
    return server_error("Stopping", "the server is stopping");
  });
  const std::string large(700'000, 'x');
  ASSERT_TRUE(send('"' + large + '"'));
  ASSERT_TRUE(send("2"));
  ASSERT_TRUE(runner.wait_for(2));
  {
    const std::lock_guard lock(mutex);
    open_now = true;
  }
  changed.notify_all();
  restart();
  runner.answers({});
  ASSERT_TRUE(runner.wait_for(4, 8s));
  std::set<std::string> payloads;
  for (std::size_t i = 2; i < 4; ++i) payloads.insert(*runner.runs[i].invocation.payload);
  EXPECT_EQ(payloads, (std::set<std::string>{"2", '"' + large + '"'}));
}

TEST_F(LambdaService, EventsOfAFunctionThatIsGoneAreDropped) {
  create();
  runner.fails();
  shapes::PutFunctionConcurrencyRequest reserve;
  ASSERT_TRUE(send("{}"));
  ASSERT_TRUE(runner.wait_for(1));
  shapes::DeleteFunctionRequest in;
  in.function_name = "photos";
  ASSERT_TRUE(call<shapes::DeleteFunction>(in));
  create();
  std::this_thread::sleep_for(200ms);
  EXPECT_LE(runner.count(), 2u) << "the new function of that name does not get them";
}

shapes::CreateEventSourceMappingRequest queue_mapping() {
  shapes::CreateEventSourceMappingRequest in;
  in.event_source_arn = "arn:aws:sqs:us-east-1:000000000000:jobs";
  in.function_name = "photos";
  return in;
}

TEST_F(LambdaService, MessagesOfAQueueAreRunAndThenDeleted) {
  create();
  ASSERT_TRUE(call<shapes::CreateEventSourceMapping>(queue_mapping()));
  calls.put({"one", "two"});
  ASSERT_TRUE(calls.wait_deleted(2));
  const auto event = json::parse(*runner.runs[0].invocation.payload);
  const auto& record = event.at("Records").at(0);
  EXPECT_EQ(record.at("body"), "one");
  EXPECT_EQ(record.at("eventSource"), "aws:sqs");
  EXPECT_EQ(record.at("eventSourceARN"), "arn:aws:sqs:us-east-1:000000000000:jobs");
}

TEST_F(LambdaService, MessagesThatFailStayInTheQueue) {
  create();
  runner.answers([](const auto& invocation) {
    functions::Outcome out;
    const auto event = json::parse(*invocation.payload);
    json::array failures;
    for (const auto& record : event.at("Records").as_array())
      if (record.at("body") == "bad") failures.push_back({{"itemIdentifier", record.at("messageId")}});
    out.payload = json::serialize(json::object{{"batchItemFailures", failures}});
    return out;
  });
  auto in = queue_mapping();
  in.function_response_types = {shapes::FunctionResponseType::ReportBatchItemFailures};
  ASSERT_TRUE(call<shapes::CreateEventSourceMapping>(in));
  calls.put({"good", "bad", "fine"});
  ASSERT_TRUE(calls.wait_deleted(2));
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(calls.deleted, (std::set<std::string>{"id-good", "id-fine"}));
}

TEST_F(LambdaService, WhatNoFilterWantsIsNotRun) {
  create();
  auto in = queue_mapping();
  in.filter_criteria.emplace().filters = {shapes::Filter{R"({"body":{"kind":["photo"]}})"}};
  ASSERT_TRUE(call<shapes::CreateEventSourceMapping>(in));
  calls.put({R"({"kind":"photo"})", R"({"kind":"text"})", "no json"});
  ASSERT_TRUE(calls.wait_deleted(3));
  ASSERT_EQ(runner.count(), 1u);
  EXPECT_EQ(json::parse(*runner.runs[0].invocation.payload).at("Records").as_array().size(), 1u);
}

TEST_F(LambdaService, MappingsAreChecked) {
  create();
  auto in = queue_mapping();
  in.batch_size = 100;
  EXPECT_EQ(call<shapes::CreateEventSourceMapping>(in).error().message,
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10");
  in = queue_mapping();
  in.filter_criteria.emplace().filters = {shapes::Filter{"{\"body\":1}"}};
  EXPECT_EQ(code_of(call<shapes::CreateEventSourceMapping>(in)), "InvalidParameterValueException");
  in = queue_mapping();
  in.event_source_arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
  EXPECT_EQ(code_of(call<shapes::CreateEventSourceMapping>(in)), "InvalidParameterValueException");
  ASSERT_TRUE(call<shapes::CreateEventSourceMapping>(queue_mapping()));
  EXPECT_EQ(code_of(call<shapes::CreateEventSourceMapping>(queue_mapping())), "ResourceConflictException");
}

TEST_F(LambdaService, AServiceMayInvokeWhatTheFunctionsPolicyAllows) {
  create();
  const auto from = [&](const std::string& bucket) {
    shapes::InvocationRequest in;
    in.function_name = "photos";
    in.invocation_type = shapes::InvocationType::DryRun;
    return code_of(gateway->local_calls().call<shapes::Invoke>(
        aws::service_caller("s3.amazonaws.com", "arn:aws:s3:::" + bucket, kAccount), in));
  };
  EXPECT_EQ(from("photos"), "AccessDeniedException");
}

}  // namespace
}  // namespace likeness::lambda
