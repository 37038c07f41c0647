#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.hpp"
#include "states/engine.hpp"
#include "states/engine_live.hpp"
#include "states/map_runs.hpp"

namespace likeness::states {
namespace {

struct Token {
  std::string execution;
  std::uint64_t fiber = 0;
};

std::optional<Token> read_token(std::string_view text) {
  const auto bytes = from_base64(text);
  if (!bytes) return std::nullopt;
  const auto plain = as_text(*bytes);
  const auto first = plain.find('\n');
  if (first == std::string_view::npos || !plain.starts_with("arn:")) return std::nullopt;
  Token out;
  out.execution = plain.substr(0, first);
  const auto read = std::from_chars(plain.data() + first + 1, plain.data() + plain.size(), out.fiber);
  if (read.ec != std::errc() || out.fiber == 0) return std::nullopt;
  return out;
}

Failure task_gone() {
  return client_error("TaskDoesNotExist", "Task Timed Out: 'Provided task does not exist anymore'");
}

}  // namespace

void Engine::perform(const LivePtr& live, const std::vector<Action>& actions) {
  watch_children(*live);
  for (const auto& action : actions) {
    switch (action.kind) {
      case Action::Kind::Call: call(live, action); break;
      case Action::Kind::Offer: {
        {
          const std::lock_guard lock(mutex_);
          offers_[action.resource.arn].push_back({live->arn, action.fiber, action.attempt});
        }
        offered_.notify_all();
        break;
      }
      case Action::Kind::MapRun: {
        {
          const std::lock_guard lock(mutex_);
          ++live->calls;
        }
        map_runs_->begin(live->execution, action.fiber, action.attempt, [this, live] {
          const std::lock_guard lock(mutex_);
          --live->calls;
        });
        break;
      }
    }
  }
}

void Engine::call(const LivePtr& live, const Action& action) {
  {
    const std::lock_guard lock(mutex_);
    ++live->calls;
  }
  TaskRequest request{action.resource,           action.input,
                      action.role_arn,           live->arn,
                      live->execution.info.name, live->execution.info.machine_arn};
  pool_.submit([this, live, request = std::move(request), fiber = action.fiber, attempt = action.attempt] {
    auto result = std::make_shared<Outcome<std::string>>(tasks_.run(request));
    std::unique_lock lock(mutex_);
    --live->calls;
    if (live->over || stopping_) return;
    live->mailbox.push_back([this, result, fiber, attempt](Execution* execution) -> AfterCommit {
      if (execution != nullptr) interpreter_.answer(*execution, fiber, attempt, std::move(*result));
      return nullptr;
    });
    schedule(live);
  });
}

Result<void> Engine::task_answer(std::string_view token, Outcome<std::string> result) {
  const auto read = read_token(token);
  if (!read) return client_error("InvalidToken", "Invalid Token: 'Invalid token'");
  enum class Answer { Taken, Gone, NotStored };
  auto reply = std::make_shared<Reply<Answer>>();
  auto shared = std::make_shared<Outcome<std::string>>(std::move(result));
  post(read->execution,
       [this, reply, shared, fiber = read->fiber, token = std::string(token)](Execution* execution) -> AfterCommit {
         const bool taken = execution != nullptr && interpreter_.token_answer(*execution, fiber, token, *shared);
         return [reply, taken](bool committed) {
           reply->give(!committed ? Answer::NotStored : taken ? Answer::Taken : Answer::Gone);
         };
       });
  switch (reply->wait()) {
    case Answer::Taken: return {};
    case Answer::Gone: return task_gone();
    case Answer::NotStored: break;
  }
  return server_error("ServiceUnavailable", "The answer could not be stored.");
}

Result<void> Engine::task_heartbeat(std::string_view token) {
  const auto read = read_token(token);
  if (!read) return client_error("InvalidToken", "Invalid Token: 'Invalid token'");
  auto reply = std::make_shared<Reply<bool>>();
  post(read->execution,
       [this, reply, fiber = read->fiber, token = std::string(token)](Execution* execution) -> AfterCommit {
         const bool taken = execution != nullptr && interpreter_.heartbeat(*execution, fiber, token);
         return [reply, taken](bool committed) { reply->give(taken && committed); };
       });
  if (reply->wait()) return {};
  return task_gone();
}

std::size_t Engine::waiting_activity_tasks(const std::string& activity_arn) const {
  const std::lock_guard lock(mutex_);
  const auto at = offers_.find(activity_arn);
  return at == offers_.end() ? 0 : at->second.size();
}

Result<std::optional<ActivityTask>> Engine::next_activity_task(const std::string& activity_arn,
                                                               const std::string& worker,
                                                               std::chrono::milliseconds patience,
                                                               const std::stop_token& gone) {
  const auto until = std::chrono::steady_clock::now() + patience;
  const std::stop_callback wake(gone, [this] {
    const std::lock_guard lock(mutex_);
    offered_.notify_all();
  });
  for (;;) {
    Offer offer;
    {
      std::unique_lock lock(mutex_);
      for (;;) {
        if (stopping_ || gone.stop_requested()) return std::optional<ActivityTask>();
        const auto at = offers_.find(activity_arn);
        if (at != offers_.end() && !at->second.empty()) {
          offer = std::move(at->second.front());
          at->second.pop_front();
          if (at->second.empty()) offers_.erase(at);
          break;
        }
        if (std::chrono::steady_clock::now() >= until) return std::optional<ActivityTask>();
        offered_.wait_until(lock, until);
      }
    }
    auto reply = std::make_shared<Reply<std::optional<ActivityTask>>>();
    post(offer.execution, [this, reply, offer, worker](Execution* execution) -> AfterCommit {
      std::optional<ActivityTask> task;
      if (execution != nullptr && interpreter_.activity_started(*execution, offer.fiber, offer.attempt, worker)) {
        const Fiber& fiber = execution->fibers.at(offer.fiber);
        task = ActivityTask{fiber.token, fiber.call_input};
      }
      return [reply, task](bool committed) { reply->give(committed ? task : std::nullopt); };
    });
    if (auto task = reply->wait()) return task;
  }
}

}  // namespace likeness::states
