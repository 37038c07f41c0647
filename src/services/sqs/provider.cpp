#include "services/sqs/provider.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.hpp"
#include "domain/queues/errors.hpp"
#include "services/sqs/operations.hpp"

namespace likeness::sqs {

std::string url_of(const Parts& parts, const aws::RequestContext& context, std::string_view name) {
  std::string base;
  if (context.request != nullptr)
    if (const auto host = context.request->headers.get("host"); !host.empty())
      base = (context.request->secure ? "https://" : "http://") + std::string(host);
  if (base.empty() && parts.options.endpoint) base = parts.options.endpoint();
  return fmt::format("{}/{}/{}", base, context.account, name);
}

std::optional<std::string> name_in(const aws::RequestContext& context, const std::optional<std::string>& url) {
  // AWS takes a name alone, too.
  if (url && !url->empty() && url->find('/') == std::string::npos) return url;
  // Older clients of the query protocol send to the queue's URL and say no more.
  std::string_view path;
  if (url) {
    path = *url;
    if (const auto scheme = path.find("://"); scheme != std::string_view::npos) {
      path.remove_prefix(scheme + 3);
      const auto slash = path.find('/');
      path = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
    }
  } else if (context.request != nullptr) {
    path = context.request->path();
  }
  while (path.ends_with('/')) path.remove_suffix(1);
  const auto last = path.rfind('/');
  if (last == std::string_view::npos) return std::nullopt;
  const auto name = path.substr(last + 1);
  path = path.substr(0, last);
  const auto account = path.substr(path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1);
  if (account != context.account || name.empty()) return std::nullopt;
  return std::string(name);
}

Result<std::shared_ptr<queues::Queue>> queue_at(const Parts& parts, const aws::RequestContext& context,
                                                const std::optional<std::string>& url) {
  const bool in_path = context.request != nullptr && context.request->path() != "/";
  if (!url && !in_path) return queues::missing_parameter("QueueUrl");
  const auto name = name_in(context, url);
  if (!name) return queues::queue_does_not_exist();
  return parts.queues.find(*name);
}

Result<NamePage> page_of(std::vector<std::string> names, const std::optional<std::string>& token,
                         const std::optional<std::int32_t>& limit) {
  if (limit && (*limit < 1 || *limit > 1000))
    return queues::invalid_value(std::to_string(*limit), "MaxResults", "MaxResults must be between 1 and 1000.");
  NamePage page;
  auto from = names.begin();
  if (token) {
    const auto after = from_base64(*token);
    if (!after) return queues::invalid_parameter("Invalid or expired next token.");
    from = std::upper_bound(names.begin(), names.end(), as_text(*after));
  }
  const auto rest = static_cast<std::size_t>(names.end() - from);
  const auto count = std::min(rest, static_cast<std::size_t>(limit.value_or(1000)));
  page.names.assign(std::make_move_iterator(from), std::make_move_iterator(from + static_cast<std::ptrdiff_t>(count)));
  // Who sets no limit gets a thousand and is not told of more.
  if (limit && count < rest) page.next = to_base64(as_bytes(page.names.back()));
  return page;
}

std::string make_task_handle(const TaskHandle& handle) {
  return to_base64(as_bytes(handle.id + "|" + handle.source_arn));
}

std::optional<TaskHandle> read_task_handle(std::string_view text) {
  const auto bytes = from_base64(text);
  if (!bytes) return std::nullopt;
  const auto plain = as_text(*bytes);
  const auto bar = plain.find('|');
  if (bar == std::string_view::npos) return std::nullopt;
  return TaskHandle{std::string(plain.substr(0, bar)), std::string(plain.substr(bar + 1))};
}

std::unique_ptr<aws::Service> make_sqs(queues::Queues& queues, const Options& options) {
  auto service = std::make_unique<aws::Service>(shapes::model());
  const auto parts = std::make_shared<const Parts>(Parts{queues, options});
  register_queues(*service, parts);
  register_messages(*service, parts);
  register_moves(*service, parts);
  register_permissions(*service, parts);
  return service;
}

}  // namespace likeness::sqs
