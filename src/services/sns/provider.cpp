#include "services/sns/provider.hpp"

#include "base/bytes.hpp"
#include "domain/topics/errors.hpp"
#include "policy/text.hpp"
#include "services/sns/operations.hpp"

namespace likeness::sns {

Result<topics::Topics::TopicPointer> topic_at(const Parts& parts, const std::optional<std::string>& arn,
                                              std::string_view parameter) {
  if (!arn || arn->empty())
    return topics::invalid_parameter(std::string(parameter) + " Reason: no value for required parameter");
  const auto pieces = policy::split(*arn, ':', 6);
  if (pieces.size() != 6)
    return topics::invalid_parameter(std::string(parameter) + " Reason: An ARN must have at least 6 elements, not " +
                                     std::to_string(pieces.size()));
  if (pieces[0] != "arn" || pieces[2] != "sns" || pieces[5].empty() || pieces[5].find(':') != std::string_view::npos)
    return topics::invalid_parameter(parameter);
  return parts.topics.find(*arn);
}

Result<std::string> after_token(const std::optional<std::string>& token) {
  if (!token) return std::string();
  const auto bytes = from_base64(*token);
  if (!bytes) return topics::invalid_parameter("NextToken");
  return std::string(as_text(*bytes));
}

std::string token_after(std::string_view key) { return to_base64(as_bytes(key)); }

std::unique_ptr<aws::Service> make_sns(topics::Topics& topics, Publisher& publisher) {
  auto service = std::make_unique<aws::Service>(shapes::model());
  const Parts parts{topics, publisher};
  register_topics(*service, parts);
  register_subscriptions(*service, parts);
  register_publishing(*service, parts);
  register_permissions(*service, parts);
  return service;
}

}  // namespace likeness::sns
