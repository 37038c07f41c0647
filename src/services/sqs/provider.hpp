#pragma once

#include <functional>
#include <memory>
#include <string>

#include "aws/service.hpp"
#include "domain/queues/queues.hpp"

namespace likeness::sqs {

struct Options {
  /// What the URLs of queues begin with where a call names no host: those from inside. "http://127.0.0.1:4600".
  std::function<std::string()> endpoint = {};
};

/// The SQS service with every operation. Borrows `queues`, which must outlive the result; that is read-only from then
/// on and safe from any thread.
std::unique_ptr<aws::Service> make_sqs(queues::Queues& queues, const Options& options);

}  // namespace likeness::sqs
