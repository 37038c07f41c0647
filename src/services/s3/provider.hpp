#pragma once

#include <memory>
#include <string>

#include "aws/service.hpp"
#include "domain/image_source.hpp"
#include "domain/objects/object_store.hpp"

namespace likeness::s3 {

struct Options {
  std::string account = "000000000000";
  std::string region = "us-east-1";
};

/// What the operations share; lives as long as the service.
struct State;

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

  /// For `Image.S3Object`: reads with the caller's permissions.
  domain::ObjectReader& images();

 private:
  std::unique_ptr<State> state_;
  std::unique_ptr<aws::Service> service_;
  std::unique_ptr<domain::ObjectReader> images_;
};

}  // namespace likeness::s3
