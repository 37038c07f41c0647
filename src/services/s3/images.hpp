#pragma once

#include "domain/image_source.hpp"
#include "services/s3/common.hpp"

namespace likeness::s3 {

/// Reads images for other services, with the rights of their caller. Thread-safe.
class Images final : public domain::ObjectReader {
 public:
  explicit Images(State& state) : state_(state) {}
  Result<Bytes> read(const domain::Caller& caller, const domain::ObjectReference& object,
                     std::size_t max_bytes) override;

 private:
  State& state_;
};

}  // namespace likeness::s3
