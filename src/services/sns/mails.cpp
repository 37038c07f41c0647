#include "services/sns/mails.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.hpp"

namespace likeness::sns {
namespace {

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
}

/// RFC 2047, where a header has more than ASCII in it; nothing can end the line.
std::string header_text(const std::string& text) {
  return is_plain(text) ? text : "=?UTF-8?B?" + to_base64(as_bytes(text)) + "?=";
}

std::string lines_of_76(const std::string& base64) {
  std::string out;
  for (std::size_t at = 0; at < base64.size(); at += 76) out += base64.substr(at, 76) + "\r\n";
  return out;
}

}  // namespace

MailText confirmation_mail(const topics::Topic& topic, const topics::Subscription& subscription,
                           const Envelopes& envelopes) {
  const auto link = envelopes.confirm_page(subscription);
  return {
      .subject = "AWS Notification - Subscription Confirmation",
      .body = fmt::format(
          "You have chosen to subscribe to the topic:\n{}\n\nTo confirm this subscription, click or visit the link "
          "below (If this was in error no action is necessary):\n{}\n\nPlease do not reply directly to this email.\n",
          topic.arn, link),
      .links = {{"Confirm subscription", link}}};
}

MailText notification_mail(const topics::Notification& notification, const topics::Topic& topic,
                           const topics::Subscription& subscription, const Envelopes& envelopes) {
  const auto subject = notification.publication.subject.value_or("AWS Notification Message");
  if (subscription.protocol == "email-json")
    return {.subject = subject, .body = envelopes.notification(notification, topic, subscription), .links = {}};
  const auto link = envelopes.unsubscribe_page(subscription);
  return {.subject = subject,
          .body = fmt::format(
              "{}\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the link "
              "below to unsubscribe:\n{}\n\nPlease do not reply directly to this email.\n",
              notification.text_for(subscription.protocol), link),
          .links = {{"Unsubscribe", link}}};
}

std::string as_message(const MailText& mail, const std::string& from_name, const std::string& from,
                       const std::string& to, const std::string& id, TimePoint time) {
  const auto domain = from.substr(from.find('@') == std::string::npos ? 0 : from.find('@') + 1);
  std::string name = header_text(from_name);
  std::erase(name, '"');
  return fmt::format(
             "From: \"{}\" <{}>\r\nTo: {}\r\nSubject: {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} +0000\r\nMessage-ID: "
             "<{}@{}>\r\n"
             "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: "
             "base64\r\n\r\n",
             name, from, to, header_text(mail.subject), fmt::gmtime(std::chrono::system_clock::to_time_t(time)), id,
             domain) +
         lines_of_76(to_base64(as_bytes(mail.body)));
}

}  // namespace likeness::sns
