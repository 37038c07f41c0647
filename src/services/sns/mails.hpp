#pragma once

#include <string>
#include <utility>
#include <vector>

#include "domain/topics/model.hpp"
#include "services/sns/envelope.hpp"

namespace likeness::sns {

struct MailText {
  std::string subject;
  std::string body;
  std::vector<std::pair<std::string, std::string>> links;  // what it says, where it leads
};

MailText confirmation_mail(const topics::Topic& topic, const topics::Subscription& subscription,
                           const Envelopes& envelopes);
MailText notification_mail(const topics::Notification& notification, const topics::Topic& topic,
                           const topics::Subscription& subscription, const Envelopes& envelopes);

/// With its headers, as a mail server takes it.
std::string as_message(const MailText& mail, const std::string& from_name, const std::string& from,
                       const std::string& to, const std::string& id, TimePoint time);

}  // namespace likeness::sns
