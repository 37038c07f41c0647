#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "aws/credentials.hpp"
#include "aws/service.hpp"
#include "domain/image_source.hpp"
#include "domain/metrics/recorder.hpp"
#include "domain/objects/object_store.hpp"

namespace likeness::aws::s3 {
struct NotificationConfiguration;
}

namespace likeness::s3 {

struct Options {
  std::string account = "000000000000";
  std::string region = "us-east-1";
  std::vector<std::string> domains{"localhost"};            // see aws::parse_s3_host()
  std::chrono::milliseconds lifecycle_interval{3'600'000};  // 0: never
};

/// Whether the targets of a bucket's notifications exist and take messages.
using NotificationCheck =
    std::function<Result<void>(const objects::Bucket& bucket, const aws::s3::NotificationConfiguration& wanted)>;

/// What the operations share; lives as long as the service.
struct State;
class Lifecycle;

/// The S3 service with every operation that we have.
class S3 {
 public:
  /// Borrows the store.
  S3(objects::ObjectStore& store, const Options& options);
  ~S3();
  S3(const S3&) = delete;
  S3& operator=(const S3&) = delete;

  /// Read-only and safe from any thread.
  const aws::Service& service() const { return *service_; }

  /// Takes HTML forms that are signed with these keys; before that only those without a policy. Borrowed; called before
  /// the service is.
  void accept_forms(const aws::CredentialSource& credentials);

  /// Asked before a bucket's notifications change, unless the caller does not want that. Set before the service is
  /// called.
  void check_notifications(NotificationCheck check);

  /// Leaves the requests to buckets that ask for it in the metrics of AWS/S3. Called before the service is.
  Result<void> measure(metrics::Recorder& recorder);

  /// For `Image.S3Object`: reads with the caller's permissions.
  domain::ObjectReader& images();

 private:
  std::unique_ptr<State> state_;
  std::unique_ptr<aws::Service> service_;
  std::unique_ptr<domain::ObjectReader> images_;
  std::unique_ptr<Lifecycle> lifecycle_;
};

}  // namespace likeness::s3
