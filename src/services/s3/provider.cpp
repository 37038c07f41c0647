#include "services/s3/provider.hpp"

#include <utility>

#include "services/s3/common.hpp"
#include "services/s3/images.hpp"
#include "services/s3/lifecycle.hpp"

namespace likeness::s3 {

S3::S3(objects::ObjectStore& store, const Options& options)
    : state_(std::make_unique<State>(store, options)),
      service_(std::make_unique<aws::Service>(shapes::model())),
      images_(std::make_unique<Images>(*state_)),
      lifecycle_(std::make_unique<Lifecycle>(store)) {
  aws::Service& service = *service_;
  State& state = *state_;
  service.allow_anonymous();
  register_buckets(service, state);
  register_reads(service, state);
  register_writes(service, state);
  register_copies(service, state);
  register_listings(service, state);
  register_uploads(service, state);
  register_tagging(service, state);
  register_locks(service, state);
  register_access(service, state);
  register_configurations(service, state);
  register_notifications(service, state);
  register_pages(service, state);
  register_request_metrics(service, state);
  if (options.lifecycle_interval.count() > 0) lifecycle_->start(options.lifecycle_interval);
}

S3::~S3() = default;

void S3::accept_forms(const aws::CredentialSource& credentials) { state_->credentials = &credentials; }

Result<void> S3::measure(metrics::Recorder& recorder) {
  auto buckets = state_->store.buckets.list();
  if (!buckets) return fail(buckets);
  for (const auto& bucket : *buckets) state_->requests.follow(bucket);
  state_->requests.record_to(recorder);
  return {};
}

void S3::check_notifications(NotificationCheck check) { state_->notification_check = std::move(check); }

domain::ObjectReader& S3::images() { return *images_; }

}  // namespace likeness::s3
