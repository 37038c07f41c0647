#pragma once

#include <memory>
#include <string>

#include "aws/service.hpp"
#include "domain/topics/outbox.hpp"
#include "domain/topics/topics.hpp"
#include "net/http.hpp"
#include "services/sns/envelope.hpp"
#include "services/sns/publisher.hpp"

namespace likeness::sns {

/// The SNS service. Borrows: both must outlive the result, which is read-only from then on and safe from any thread.
std::unique_ptr<aws::Service> make_sns(topics::Topics& topics, Publisher& publisher);

/// The pages that go with it: what mails link to, the certificate of signed messages, the outbox. Blocking,
/// thread-safe.
class Pages {
 public:
  Pages(topics::Topics& topics, const topics::Outbox& outbox, const Signer& signer)
      : topics_(topics), outbox_(outbox), signer_(signer) {}

  /// Whether a request is for `answer_link`: below "/_likeness/sns/".
  static bool is_link(const net::Request& request) { return request.path().starts_with("/_likeness/sns/"); }
  net::Response answer_link(const net::Request& request);

  /// "/_likeness/outbox": JSON; "/_likeness/outbox/": a page.
  static bool is_outbox(const net::Request& request) {
    return request.path() == "/_likeness/outbox" || request.path() == "/_likeness/outbox/";
  }
  net::Response answer_outbox(const net::Request& request) const;

 private:
  topics::Topics& topics_;
  const topics::Outbox& outbox_;
  const Signer& signer_;
};

}  // namespace likeness::sns
