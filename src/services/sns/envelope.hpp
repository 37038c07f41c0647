#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "base/signing_key.hpp"
#include "domain/topics/model.hpp"
#include "storage/store.hpp"

namespace likeness::sns {

/// Where links in messages lead: "http://127.0.0.1:4600".
using BaseUrl = std::function<std::string()>;

/// The key that messages are signed with and the certificate that is served for it. Made on the first start and kept in
/// the store. Immutable.
class Signer {
 public:
  static Result<std::unique_ptr<Signer>> open(storage::Store& store);

  /// Base64; `version` 1 is SHA-1, 2 SHA-256.
  std::string sign(int version, const std::string& text) const;
  const std::string& certificate() const { return certificate_; }
  /// "/_likeness/sns/SimpleNotificationService-HASH.pem"
  const std::string& certificate_path() const { return path_; }

 private:
  Signer(SigningKey key, std::string certificate, std::string path)
      : key_(std::move(key)), certificate_(std::move(certificate)), path_(std::move(path)) {}
  const SigningKey key_;
  const std::string certificate_;
  const std::string path_;
};

/// The forms in which messages reach subscribers. Immutable.
class Envelopes {
 public:
  Envelopes(const Signer& signer, BaseUrl base) : signer_(signer), base_(std::move(base)) {}

  /// What queues and web servers get unless they want messages raw, and email-json.
  std::string notification(const topics::Notification& notification, const topics::Topic& topic,
                           const topics::Subscription& subscription) const;
  /// The event of a function.
  std::string function_event(const topics::Notification& notification, const topics::Topic& topic,
                             const topics::Subscription& subscription) const;
  /// What a web server gets that is to confirm its subscription.
  std::string confirmation(const topics::Topic& topic, const topics::Subscription& subscription,
                           const std::string& message_id, TimePoint time) const;

  /// Links of the API, as programs follow them, and of pages, as people do.
  std::string confirm_link(const topics::Subscription& subscription) const;
  std::string unsubscribe_link(const topics::Subscription& subscription) const;
  std::string confirm_page(const topics::Subscription& subscription) const;
  std::string unsubscribe_page(const topics::Subscription& subscription) const;

 private:
  const Signer& signer_;
  const BaseUrl base_;
};

/// "You have chosen to subscribe to the topic ..."
std::string confirmation_text(const topics::Topic& topic);
/// "2026-11-21T20:15:30.123Z"
std::string timestamp(TimePoint time);

}  // namespace likeness::sns
