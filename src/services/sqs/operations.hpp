#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aws/gen/sqs.hpp"
#include "aws/service.hpp"
#include "domain/queues/queues.hpp"
#include "services/sqs/provider.hpp"

namespace likeness::sqs {

namespace shapes = aws::sqs;

struct Parts {
  queues::Queues& queues;
  const Options options;
};

void register_queues(aws::Service& service, const std::shared_ptr<const Parts>& parts);
void register_messages(aws::Service& service, const std::shared_ptr<const Parts>& parts);
void register_moves(aws::Service& service, const std::shared_ptr<const Parts>& parts);
void register_permissions(aws::Service& service, const std::shared_ptr<const Parts>& parts);

/// "http://HOST/000000000000/jobs" for a client of that host.
std::string url_of(const Parts& parts, const aws::RequestContext& context, std::string_view name);
/// The queue's name in a URL, or in the path of a form that has none; nullopt if it names none of this account.
std::optional<std::string> name_in(const aws::RequestContext& context, const std::optional<std::string>& url);
Result<std::shared_ptr<queues::Queue>> queue_at(const Parts& parts, const aws::RequestContext& context,
                                                const std::optional<std::string>& url);

/// A page of names: those after the token, up to `limit`; sets the next token if there are more.
struct NamePage {
  std::vector<std::string> names;
  std::optional<std::string> next;
};
Result<NamePage> page_of(std::vector<std::string> names, const std::optional<std::string>& token,
                         const std::optional<std::int32_t>& limit);

/// The task's source in a task handle.
struct TaskHandle {
  std::string id;
  std::string source_arn;
};
std::string make_task_handle(const TaskHandle& handle);
std::optional<TaskHandle> read_task_handle(std::string_view text);

}  // namespace likeness::sqs
