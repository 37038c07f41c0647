#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "aws/credentials.hpp"
#include "aws/gateway.hpp"
#include "aws/gen/events.hpp"
#include "aws/gen/sqs.hpp"
#include "domain/lambda/testing.hpp"
#include "functions/native.hpp"
#include "services/lambda/async_queue.hpp"
#include "services/lambda/pollers.hpp"
#include "services/lambda/provider.hpp"
#include "storage/testing.hpp"

/// A Lambda service with everything around it played by the test.
namespace likeness::lambda {

using namespace std::chrono_literals;

inline const std::string kAccount = "000000000000", kRole = "arn:aws:iam::000000000000:role/runner";

/// Stands for workers: what a function answers is said by the test.
class FakeRunner final : public functions::Runner {
 public:
  Result<functions::Outcome> invoke(const functions::FunctionSpec& function,
                                    const functions::Invocation& invocation) override {
    std::function<Result<functions::Outcome>(const functions::Invocation&)> answer;
    {
      const std::lock_guard lock(mutex_);
      runs.push_back({function, invocation});
      answer = answer_;
    }
    changed_.notify_all();
    if (answer) return answer(invocation);
    functions::Outcome out;
    out.payload = invocation.payload ? *invocation.payload : "null";
    out.log_tail = "END\n";
    return out;
  }
  bool retire(const std::string& key) override {
    const std::lock_guard lock(mutex_);
    retired.push_back(key);
    return true;
  }
  Result<void> check_runtime(const std::string& runtime) const override {
    if (runtime.starts_with("java")) return client_error("RuntimeUnavailable", "there is no Java.");
    return {};
  }
  functions::RunnerStats stats() const override { return {}; }
  std::string isolation() const override { return "none"; }
  void stop() override {}

  void answers(std::function<Result<functions::Outcome>(const functions::Invocation&)> answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  void fails() {
    answers([](const auto&) {
      functions::Outcome out;
      out.payload = R"({"errorMessage":"no face","errorType":"ValueError"})";
      out.function_error = "Unhandled";
      return out;
    });
  }
  bool wait_for(std::size_t count, std::chrono::milliseconds limit = 5s) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return runs.size() >= count; });
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return runs.size();
  }

  struct Run {
    functions::FunctionSpec function;
    functions::Invocation invocation;
  };
  std::vector<Run> runs;
  std::vector<std::string> retired;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<Result<functions::Outcome>(const functions::Invocation&)> answer_;
};

class FakeRoles final : public RoleSource {
 public:
  Result<Session> assume(const std::string& role, const std::string& name, const std::string&) const override {
    if (role != kRole) return client_error("AccessDenied", "no such role");
    Session session;
    session.principal.kind = policy::Principal::Kind::AssumedRole;
    session.principal.account = kAccount;
    session.principal.arn = "arn:aws:sts::000000000000:assumed-role/runner/" + name;
    return session;
  }
};

/// What functions' results are sent to.
class FakeCalls final : public aws::LocalCalls {
 public:
  Result<aws::Object> invoke(const aws::LocalCaller&, const aws::Operation& operation,
                             const void* input) const override {
    std::unique_lock lock(mutex_);
    if (failure) return tl::unexpected(*failure);
    if (operation.name == "SendMessage") {
      const auto& in = *static_cast<const aws::sqs::SendMessageRequest*>(input);
      sent.emplace_back(*in.queue_url, *in.message_body);
      if (in.message_attributes)
        for (const auto& [name, attribute] : *in.message_attributes) attributes[name] = *attribute.string_value;
      changed_.notify_all();
      return make<aws::sqs::SendMessageResult>();
    }
    if (operation.name == "GetQueueAttributes") {
      auto out = make<aws::sqs::GetQueueAttributesResult>();
      static_cast<aws::sqs::GetQueueAttributesResult*>(out.get())->attributes.emplace()["VisibilityTimeout"] = "30";
      return out;
    }
    if (operation.name == "ReceiveMessage") {
      const auto wanted = *static_cast<const aws::sqs::ReceiveMessageRequest*>(input)->max_number_of_messages;
      auto out = make<aws::sqs::ReceiveMessageResult>();
      auto& messages = static_cast<aws::sqs::ReceiveMessageResult*>(out.get())->messages.emplace();
      while (!queue.empty() && messages.size() < static_cast<std::size_t>(wanted)) {
        aws::sqs::Message message;
        message.message_id = message.receipt_handle = "id-" + queue.front();
        message.body = queue.front();
        messages.push_back(std::move(message));
        queue.pop_front();
      }
      if (messages.empty()) changed_.wait_for(lock, 20ms);
      return out;
    }
    if (operation.name == "DeleteMessageBatch") {
      for (const auto& entry : *static_cast<const aws::sqs::DeleteMessageBatchRequest*>(input)->entries)
        deleted.insert(*entry.receipt_handle);
      changed_.notify_all();
      return make<aws::sqs::DeleteMessageBatchResult>();
    }
    if (operation.name == "PutEvents") {
      const auto& entry = in_first(input);
      sent.emplace_back(*entry.event_bus_name + " " + *entry.detail_type, *entry.detail);
      changed_.notify_all();
      return make<aws::events::PutEventsResponse>();
    }
    return client_error("UnknownOperationException", std::string(operation.name));
  }
  const aws::Operation* find(std::string_view, std::string_view) const override { return nullptr; }

  bool wait_for(std::size_t count) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 5s, [&] { return sent.size() >= count; });
  }

  bool wait_deleted(std::size_t count) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 5s, [&] { return deleted.size() >= count; });
  }
  void put(std::initializer_list<std::string> bodies) {
    const std::lock_guard lock(mutex_);
    queue.insert(queue.end(), bodies);
    changed_.notify_all();
  }

  std::optional<Error> failure;
  mutable std::deque<std::string> queue;
  mutable std::set<std::string> deleted;
  mutable std::vector<std::pair<std::string, std::string>> sent;
  mutable std::map<std::string, std::string> attributes;

 private:
  template <class T>
  static aws::Object make() {
    return aws::Object(new T(), [](void* object) { delete static_cast<T*>(object); });
  }
  static const aws::events::PutEventsRequestEntry& in_first(const void* input) {
    return static_cast<const aws::events::PutEventsRequest*>(input)->entries->front();
  }
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
};

class LambdaService : public ::testing::Test {
 protected:
  LambdaService() { open(); }
  ~LambdaService() override { close(); }

  void close() {
    pollers.reset();
    if (async) async->stop();
    gateway.reset();
    service.reset();
    async.reset();
    invoker.reset();
    code.reset();
    registry.reset();
  }
  void open() {
    registry = *Registry::open(storage->store(), Clock::system());
    code = *CodeStore::open(storage->store(), storage->blobs(), storage.folder() / "functions");
    invoker = std::make_unique<Invoker>(*registry, *code, concurrency, runner, nullptr);
    AsyncOptions options;
    options.retry_wait = 20ms;
    options.threads = 8;
    async = *AsyncQueue::open(storage->store(), storage->blobs(), Clock::system(), *registry, *invoker, destinations,
                              options);
    natives.add("echo", [](functions::NativeContext&, std::string_view event) { return std::string(event); });
    pollers = std::make_unique<Pollers>(PollerParts{.store = storage->store(),
                                                    .clock = Clock::system(),
                                                    .registry = *registry,
                                                    .invoker = *invoker,
                                                    .roles = roles,
                                                    .calls = calls,
                                                    .destinations = destinations});
    service = make_lambda({.registry = *registry,
                           .code = *code,
                           .concurrency = concurrency,
                           .invoker = *invoker,
                           .async = async.get(),
                           .roles = roles,
                           .natives = natives,
                           .runner = runner,
                           .calls = calls,
                           .mappings_changed = [this] { pollers->changed(); }});
    gateway = std::make_unique<aws::Gateway>(aws::GatewayOptions{}, credentials);
    gateway->add(*service);
    async->start();
    pollers->start();
  }
  void restart() {
    close();
    storage.reopen();
    open();
  }

  template <class Op>
  Result<typename Op::Output> call(const typename Op::Input& in) {
    return gateway->local_calls().call<Op>({.principal = policy::Principal::root(kAccount)}, in);
  }
  shapes::CreateFunctionRequest create_request(const std::string& name = "photos") {
    shapes::CreateFunctionRequest in;
    in.function_name = name;
    in.runtime = shapes::Runtime::Python312;
    in.role = kRole;
    in.handler = "index.handler";
    in.code.emplace().zip_file = testing::make_zip({{"index.py", "def handler(e, c): return e"}});
    return in;
  }
  void create(const std::string& name = "photos") {
    auto made = call<shapes::CreateFunction>(create_request(name));
    ASSERT_TRUE(made) << made.error().message;
  }
  Result<shapes::InvocationResponse> invoke(const std::string& payload,
                                            shapes::InvocationType type = shapes::InvocationType::RequestResponse,
                                            const std::string& name = "photos") {
    shapes::InvocationRequest in;
    in.function_name = name;
    in.invocation_type = type;
    in.payload = Bytes(payload.begin(), payload.end());
    return call<shapes::Invoke>(in);
  }
  Result<shapes::InvocationResponse> send(const std::string& payload) {
    return invoke(payload, shapes::InvocationType::Event);
  }
  template <class T>
  static std::string code_of(const Result<T>& result) {
    return result ? "" : result.error().code;
  }
  static std::string text_of(const Bytes& bytes) { return std::string(as_text(bytes)); }

  storage::TemporaryStorage storage;
  FakeRunner runner;
  FakeRoles roles;
  FakeCalls calls;
  functions::NativeRegistry natives;
  aws::StaticCredentials credentials;
  Concurrency concurrency{10};
  Destinations destinations{calls, roles};
  std::unique_ptr<Registry> registry;
  std::unique_ptr<CodeStore> code;
  std::unique_ptr<Invoker> invoker;
  std::unique_ptr<AsyncQueue> async;
  std::unique_ptr<Pollers> pollers;
  std::unique_ptr<aws::Service> service;
  std::unique_ptr<aws::Gateway> gateway;
};

}  // namespace likeness::lambda
