#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/gen/sns.hpp"
#include "aws/service.hpp"
#include "domain/topics/topics.hpp"
#include "services/sns/publisher.hpp"

namespace likeness::sns {

namespace shapes = aws::sns;

struct Parts {
  topics::Topics& topics;
  Publisher& publisher;
};

void register_topics(aws::Service& service, const Parts& parts);
void register_subscriptions(aws::Service& service, const Parts& parts);
void register_publishing(aws::Service& service, const Parts& parts);
void register_permissions(aws::Service& service, const Parts& parts);

/// The topic of that ARN; what is no ARN of a topic is told apart from one that is not there.
Result<topics::Topics::TopicPointer> topic_at(const Parts& parts, const std::optional<std::string>& arn,
                                              std::string_view parameter = "TopicArn");

/// A page of a hundred of `all`, which is sorted by `key`.
template <class Item, class Key>
Result<std::pair<std::vector<Item>, std::optional<std::string>>> page_of(const std::vector<Item>& all,
                                                                         const std::optional<std::string>& token,
                                                                         Key key);

template <class Function>
auto with(const Parts& parts, Function function) {
  return [parts, function](const aws::RequestContext& context, const auto& in) { return function(parts, context, in); };
}

/// Where a page begins, and what the token of the next one is.
Result<std::string> after_token(const std::optional<std::string>& token);
std::string token_after(std::string_view key);

inline constexpr std::size_t kPage = 100;

template <class Item, class Key>
Result<std::pair<std::vector<Item>, std::optional<std::string>>> page_of(const std::vector<Item>& all,
                                                                         const std::optional<std::string>& token,
                                                                         Key key) {
  auto after = after_token(token);
  if (!after) return fail(after);
  std::pair<std::vector<Item>, std::optional<std::string>> page;
  for (const auto& item : all) {
    if (token && key(item) <= *after) continue;
    if (page.first.size() == kPage) {
      page.second = token_after(key(page.first.back()));
      break;
    }
    page.first.push_back(item);
  }
  return page;
}

}  // namespace likeness::sns
