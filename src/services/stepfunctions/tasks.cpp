#include "services/stepfunctions/tasks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "aws/exceptions.hpp"
#include "aws/gen/s3.hpp"
#include "base/bytes.hpp"

namespace likeness::stepfunctions {
namespace {

using states::Object;
using states::Outcome;
using states::TaskRequest;
using states::TaskResource;
using states::Value;
using Pattern = TaskResource::Pattern;

/// A service as the SDK for Java 2, and so aws-sdk:…, names it.
struct SdkService {
  std::string_view name;    // "sfn"
  std::string_view model;   // "stepfunctions"
  std::string_view prefix;  // of its errors: "Sfn"
};
constexpr std::array kSdkServices = {
    SdkService{"cloudwatch", "cloudwatch", "CloudWatch"},
    SdkService{"cloudwatchlogs", "logs", "CloudWatchLogs"},
    SdkService{"dynamodb", "dynamodb", "DynamoDb"},
    SdkService{"dynamodbstreams", "dynamodbstreams", "DynamoDbStreams"},
    SdkService{"eventbridge", "events", "EventBridge"},
    SdkService{"iam", "iam", "Iam"},
    SdkService{"lambda", "lambda", "Lambda"},
    SdkService{"rekognition", "rekognition", "Rekognition"},
    SdkService{"s3", "s3", "S3"},
    SdkService{"scheduler", "scheduler", "Scheduler"},
    SdkService{"sfn", "stepfunctions", "Sfn"},
    SdkService{"sns", "sns", "Sns"},
    SdkService{"sqs", "sqs", "Sqs"},
    SdkService{"sts", "sts", "Sts"},
};

/// An integration of its own kind, as the first SDK for Java names its errors.
struct Optimized {
  std::string_view service;
  std::string_view action;
  std::string_view model;
  std::string_view operation;
  std::string_view prefix;   // "Lambda"
  std::string_view general;  // for what has no exception: "AWSLambdaException"
  std::string_view full;     // in causes: "AWSLambda"
  bool sync = false;
};
constexpr std::array kOptimized = {
    Optimized{"lambda", "invoke", "lambda", "Invoke", "Lambda", "AWSLambdaException", "AWSLambda"},
    Optimized{"sns", "publish", "sns", "Publish", "SNS", "AmazonSNSException", "AmazonSNS"},
    Optimized{"sqs", "sendMessage", "sqs", "SendMessage", "SQS", "AmazonSQSException", "AmazonSQS"},
    Optimized{"dynamodb", "getItem", "dynamodb", "GetItem", "DynamoDB", "AmazonDynamoDBException", "AmazonDynamoDBv2"},
    Optimized{"dynamodb", "putItem", "dynamodb", "PutItem", "DynamoDB", "AmazonDynamoDBException", "AmazonDynamoDBv2"},
    Optimized{"dynamodb", "updateItem", "dynamodb", "UpdateItem", "DynamoDB", "AmazonDynamoDBException",
              "AmazonDynamoDBv2"},
    Optimized{"dynamodb", "deleteItem", "dynamodb", "DeleteItem", "DynamoDB", "AmazonDynamoDBException",
              "AmazonDynamoDBv2"},
    Optimized{"events", "putEvents", "events", "PutEvents", "EventBridge", "AmazonEventBridgeException",
              "AmazonEventBridge"},
    Optimized{"states", "startExecution", "stepfunctions", "StartExecution", "StepFunctions",
              "AWSStepFunctionsException", "AWSStepFunctions", true},
};

const SdkService* sdk_service(std::string_view name) {
  for (const auto& service : kSdkServices)
    if (service.name == name) return &service;
  return nullptr;
}

const Optimized* optimized_integration(const TaskResource& resource) {
  for (const auto& integration : kOptimized)
    if (integration.service == resource.service && integration.action == resource.action) return &integration;
  return nullptr;
}

/// "getObject" -> "GetObject".
std::string operation_name(std::string_view action) {
  std::string out(action);
  if (!out.empty() && out.front() >= 'a' && out.front() <= 'z')
    out.front() = static_cast<char>(out.front() - 'a' + 'A');
  return out;
}

const aws::Shape* modelled(const aws::Operation* operation, const Error& error) {
  if (operation == nullptr) return nullptr;
  for (const auto* shape : operation->errors)
    if (error.code == shape->name || (!shape->error_code.empty() && error.code == shape->error_code)) return shape;
  return nullptr;
}

/// The class of the exception in Java: it always ends in "Exception".
std::string class_name(std::string_view shape) {
  std::string out(shape);
  if (!out.ends_with("Exception")) out += "Exception";
  return out;
}

int status_of(const Error& error, const aws::Shape* shape) {
  if (const auto* const more = aws::raised(error); more != nullptr && more->http.status != 0) return more->http.status;
  if (shape != nullptr && shape->http_status != 0) return shape->http_status;
  return error.fault == Error::Fault::Server ? 500 : 400;
}

/// What the SDK would put beside an answer of the service.
void add_metadata(Object& out) {
  const auto id = uuid_v4();
  out.add("SdkHttpMetadata",
          Value(Object{{"AllHttpHeaders", Value(Object{{"x-amzn-RequestId", Value(Value::Array{Value(id)})}})},
                       {"HttpHeaders", Value(Object{{"x-amzn-RequestId", Value(id)}})},
                       {"HttpStatusCode", Value(200)}}));
  out.add("SdkResponseMetadata", Value(Object{{"RequestId", Value(id)}}));
}

Value with_metadata(const Value& answer) {
  Object out = answer.is_object() ? answer.as_object() : Object();
  add_metadata(out);
  return Value(std::move(out));
}

/// Texts that the API wants as text may be written as JSON in a definition.
void to_text(Object& object, std::string_view name) {
  const Value* const member = object.find(name);
  if (member != nullptr && !member->is_string()) object.set(std::string(name), Value(states::write_json(*member)));
}

tl::unexpected<states::Problem> not_an_object() {
  return states::runtime_problem("The Parameters could not be used to start the Task: they are no JSON object.");
}

}  // namespace

std::optional<std::string> Tasks::check(std::string_view arn, bool express) const {
  const auto unknown = [&] {
    return fmt::format(
        "The resource provided {} is not recognized. The value is not a valid resource ARN, or the resource is not "
        "available in this region.",
        arn);
  };
  const auto resource = states::parse_resource(arn);
  if (!resource) return unknown();
  if (resource->kind == TaskResource::Kind::Activity)
    return express ? std::optional<std::string>("Express state machine does not support Activity ARN") : std::nullopt;
  if (resource->kind == TaskResource::Kind::Function) return std::nullopt;
  if (express && resource->pattern == Pattern::Token)
    return "Express state machine does not support '.waitForTaskToken' service integration ";
  if (express && resource->pattern != Pattern::Request)
    return "Express state machine does not support '.sync' service integration";
  const bool sync = resource->pattern == Pattern::Sync || resource->pattern == Pattern::Sync2;
  if (!resource->is_sdk()) {
    const auto* const integration = optimized_integration(*resource);
    if (integration == nullptr || (sync && !integration->sync)) return unknown();
    return std::nullopt;
  }
  const auto* const service = sdk_service(std::string_view(resource->service).substr(8));
  if (service == nullptr || sync) return unknown();
  if (calls_.find(service->model, operation_name(resource->action)) == nullptr) return unknown();
  return std::nullopt;
}

Outcome<std::string> Tasks::run(const TaskRequest& request) {
  auto input = states::parse_json(request.input);
  if (!input) return states::problem("States.Runtime", input.error().message);
  switch (request.resource.kind) {
    case TaskResource::Kind::Function: return invoke_function(request, *input, false);
    case TaskResource::Kind::Activity: return states::problem("States.Runtime", "An activity is not called.");
    case TaskResource::Kind::Service: break;
  }
  if (request.resource.is_sdk()) return sdk(request, *input);
  return optimized(request, *input);
}

/// The execution's role.
Outcome<aws::LocalCaller> Tasks::caller_of(const TaskRequest& request) const {
  auto session = roles_.assume(request.role_arn, "states.amazonaws.com", request.execution_name.substr(0, 60),
                               request.machine_arn);
  if (!session)
    return states::problem("States.TaskFailed",
                           fmt::format("The role {} can not be assumed by states.amazonaws.com.", request.role_arn));
  aws::LocalCaller caller;
  caller.principal = std::move(session->principal);
  return caller;
}

/// As bytes: a definition would see text.
Outcome<std::string> Tasks::read_object(const TaskRequest& request) {
  constexpr std::size_t kMostBytes = 256u << 20;
  const auto input = states::parse_json(request.input);
  const auto caller = caller_of(request);
  if (!caller) return tl::unexpected(caller.error());
  aws::s3::GetObjectRequest in;
  in.bucket = input ? input->text_of("Bucket") : "";
  in.key = input ? input->text_of("Key") : "";
  if (input && !input->text_of("VersionId").empty()) in.version_id = input->text_of("VersionId");
  const auto object = calls_.call<aws::s3::GetObject>(*caller, in);
  if (!object) return states::problem("S3." + object.error().code, object.error().message);
  std::string out;
  if (!object->body || !object->body->reader) return out;
  std::array<std::uint8_t, 65536> piece;
  for (;;) {
    const auto count = object->body->reader->read(piece);
    if (!count) return states::problem("States.TaskFailed", count.error().message);
    if (*count == 0) return out;
    if (out.size() + *count > kMostBytes)
      return states::problem(
          "States.TaskFailed",
          fmt::format("The object is larger than {} MiB, the most that this server takes.", kMostBytes >> 20));
    out.append(as_text(BytesView(piece.data(), *count)));
  }
}

/// Errors come back as Problems with the names of this integration.
Outcome<Value> Tasks::call(const TaskRequest& request, std::string_view model, std::string_view operation,
                           const Value& input) {
  const auto caller = caller_of(request);
  if (!caller) return tl::unexpected(caller.error());
  auto answer = calls_.call_json(*caller, model, operation, states::write_json(input));
  if (!answer) {
    const auto* const found = calls_.find(model, operation);
    const auto& error = answer.error();
    const auto* const shape = modelled(found, error);
    const int status = status_of(error, shape);
    if (request.resource.is_sdk()) {
      const auto* const service = sdk_service(std::string_view(request.resource.service).substr(8));
      const std::string prefix(service != nullptr ? service->prefix : "Sdk");
      return states::problem(
          shape != nullptr ? prefix + "." + class_name(shape->name) : prefix + "." + prefix + "Exception",
          fmt::format("{} (Service: {}, Status Code: {}, Request ID: {})", error.message, prefix, status, uuid_v4()));
    }
    const Optimized* integration = optimized_integration(request.resource);
    if (integration == nullptr) integration = &kOptimized[0];  // a function's ARN
    std::string code = error.code;
    if (shape != nullptr && !shape->error_code.empty()) code = shape->error_code;
    return states::problem(
        fmt::format("{}.{}", integration->prefix, shape != nullptr ? class_name(shape->name) : integration->general),
        fmt::format("{} (Service: {}; Status Code: {}; Error Code: {}; Request ID: {}; Proxy: null)", error.message,
                    integration->full, status, code, uuid_v4()));
  }
  auto parsed = states::parse_json(*answer);
  if (!parsed) return states::problem("States.Runtime", parsed.error().message);
  return std::move(*parsed);
}

Outcome<std::string> Tasks::invoke_function(const TaskRequest& request, const Value& input, bool whole_answer) {
  Object parameters;
  if (whole_answer) {
    if (!input.is_object()) return not_an_object();
    parameters = input.as_object();
    const Value* const payload = parameters.find("Payload");
    const auto text = payload == nullptr ? std::string("{}") : states::write_json(*payload);
    parameters.set("Payload", Value(to_base64(as_bytes(text))));
  } else {
    parameters.add("FunctionName", Value(request.resource.arn));
    parameters.add("Payload", Value(to_base64(as_bytes(states::write_json(input)))));
  }
  auto answer = call(request, "lambda", "Invoke", Value(std::move(parameters)));
  if (!answer) return states::fail(answer);
  const auto bytes = from_base64(answer->text_of("Payload"));
  const std::string payload(bytes ? as_text(*bytes) : std::string_view());
  if (!answer->text_of("FunctionError").empty()) {
    const auto parsed = states::parse_json(payload);
    const auto type = parsed ? parsed->text_of("errorType") : std::string_view();
    return states::problem(type.empty() ? "Lambda.Unknown" : std::string(type), payload);
  }
  if (!whole_answer) return payload.empty() ? std::string("null") : payload;
  Object out;
  for (const auto& [name, value] : answer->as_object()) {
    if (name != "Payload") {
      out.add(name, value);
      continue;
    }
    auto parsed = states::parse_json(payload);
    out.add(name, parsed ? std::move(*parsed) : Value(payload));
  }
  add_metadata(out);
  return states::write_json(Value(std::move(out)));
}

Outcome<std::string> Tasks::optimized(const TaskRequest& request, const Value& input) {
  const auto* const integration = optimized_integration(request.resource);
  if (integration == nullptr)
    return states::problem("States.Runtime", fmt::format("The resource {} is not available.", request.resource.arn));
  if (integration->operation == "Invoke") return invoke_function(request, input, true);
  if (!input.is_object()) return not_an_object();
  Object parameters = input.as_object();
  if (integration->operation == "Publish") to_text(parameters, "Message");
  if (integration->operation == "SendMessage") to_text(parameters, "MessageBody");
  if (integration->operation == "StartExecution") to_text(parameters, "Input");
  if (integration->operation == "PutEvents") {
    // AWS tells with each event which execution has sent it.
    const Value* const entries = parameters.find("Entries");
    Value::Array out;
    if (entries != nullptr && entries->is_array())
      for (const auto& entry : entries->as_array()) {
        if (!entry.is_object()) continue;
        Object changed = entry.as_object();
        to_text(changed, "Detail");
        Value::Array resources;
        if (const Value* const given = changed.find("Resources"); given != nullptr && given->is_array())
          resources = given->as_array();
        resources.emplace_back(request.machine_arn);
        resources.emplace_back(request.execution_arn);
        changed.set("Resources", Value(std::move(resources)));
        out.emplace_back(std::move(changed));
      }
    parameters.set("Entries", Value(std::move(out)));
  }
  auto answer = call(request, integration->model, integration->operation, Value(std::move(parameters)));
  if (!answer) return states::fail(answer);
  if (integration->operation == "PutEvents")
    if (const Value* const failed = answer->find("FailedEntryCount");
        failed != nullptr && failed->is_number() && failed->as_double() > 0)
      return states::problem("EventBridge.FailedEntry", states::write_json(*answer));
  return states::write_json(with_metadata(*answer));
}

Outcome<std::string> Tasks::sdk(const TaskRequest& request, const Value& input) {
  const auto* const service = sdk_service(std::string_view(request.resource.service).substr(8));
  if (service == nullptr)
    return states::problem("States.Runtime", fmt::format("The resource {} is not available.", request.resource.arn));
  if (!input.is_object()) return not_an_object();
  Object parameters = input.as_object();
  // What is binary in the API is text in a definition.
  const bool invoke = service->model == "lambda" && request.resource.action == "invoke";
  if (const Value* const payload = parameters.find("Payload"); invoke && payload != nullptr) {
    const auto text = payload->is_string() ? payload->as_string() : states::write_json(*payload);
    parameters.set("Payload", Value(to_base64(as_bytes(text))));
  }
  if (service->model == "stepfunctions" || service->model == "sqs" || service->model == "sns")
    for (const auto* name : {"Input", "Output", "MessageBody", "Message"}) to_text(parameters, name);
  if (service->model == "s3") to_text(parameters, "Body");
  auto answer = call(request, service->model, operation_name(request.resource.action), Value(std::move(parameters)));
  if (!answer) return states::fail(answer);
  if (invoke) {
    Object out = answer->as_object();
    if (const auto bytes = from_base64(answer->text_of("Payload"))) out.set("Payload", Value(as_text(*bytes)));
    *answer = Value(std::move(out));
  }
  return states::write_json(*answer);
}

}  // namespace likeness::stepfunctions
