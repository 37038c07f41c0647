#include "services/s3/transfer.hpp"

namespace likeness::s3 {

namespace {

Failure no_lock_configuration() {
  return client_error("ObjectLockConfigurationNotFoundError",
                      "Object Lock configuration does not exist for this bucket");
}

Result<shapes::PutObjectLockConfigurationOutput> put_configuration(
    State& state, const aws::RequestContext&, const shapes::PutObjectLockConfigurationRequest& in) {
  if (auto bucket = bucket_of(state, in); !bucket) return fail(bucket);
  if (!in.object_lock_configuration) return client_error("MissingRequestBodyError", "Request Body is empty");
  if (!in.object_lock_configuration->object_lock_enabled) return malformed_xml();
  if (const auto& rule = in.object_lock_configuration->rule) {
    if (!rule->default_retention || !rule->default_retention->mode) return malformed_xml();
    const auto& usual = *rule->default_retention;
    if (usual.days.has_value() == usual.years.has_value()) return malformed_xml();
    if (usual.days.value_or(usual.years.value_or(0)) <= 0)
      return objects::bad_argument("Default retention period must be a positive integer value.");
    if (usual.days.value_or(0) > 36500 || usual.years.value_or(0) > 100)
      return objects::bad_argument("Default retention period too large: at most 36500 days or 100 years");
  }
  auto done = state.store.buckets.update(*in.bucket, [&](objects::Bucket& bucket) -> Result<void> {
    if (bucket.versioning != objects::Versioning::Enabled)
      return client_error("InvalidBucketState",
                          "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration");
    bucket.object_lock = true;
    bucket.configurations[configuration::kObjectLock] = write_configuration(
        shape_of_member(*shapes::PutObjectLockConfiguration::operation().input, "ObjectLockConfiguration"),
        &*in.object_lock_configuration);
    return {};
  });
  if (!done) return fail(done);
  return shapes::PutObjectLockConfigurationOutput{};
}

Result<shapes::GetObjectLockConfigurationOutput> get_configuration(
    State& state, const aws::RequestContext&, const shapes::GetObjectLockConfigurationRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  if (!bucket->object_lock) return no_lock_configuration();
  shapes::GetObjectLockConfigurationOutput out;
  out.object_lock_configuration = configured<shapes::PutObjectLockConfiguration, shapes::ObjectLockConfiguration>(
                                      *bucket, configuration::kObjectLock, "ObjectLockConfiguration")
                                      .value_or(shapes::ObjectLockConfiguration{
                                          .object_lock_enabled = shapes::ObjectLockEnabled::Enabled, .rule = {}});
  return out;
}

Result<shapes::PutObjectRetentionOutput> put_retention(State& state, const aws::RequestContext& context,
                                                       const shapes::PutObjectRetentionRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  if (!bucket->object_lock) return objects::no_object_lock();
  std::optional<objects::Retention> wanted;
  if (in.retention && (in.retention->mode || in.retention->retain_until_date)) {
    if (!in.retention->mode || !in.retention->retain_until_date) return malformed_xml();
    if (*in.retention->retain_until_date <= context.time)
      return objects::bad_argument("The retain until date must be in the future!");
    wanted = objects::Retention{.mode = *in.retention->mode == shapes::ObjectLockRetentionMode::Compliance
                                            ? objects::Retention::Mode::Compliance
                                            : objects::Retention::Mode::Governance,
                                .until = std::chrono::floor<std::chrono::seconds>(*in.retention->retain_until_date)};
  }
  bool bypass = false;
  if (in.bypass_governance_retention.value_or(false)) {
    auto may = context.allowed(permission(state, context, "s3:BypassGovernanceRetention", *in.bucket, *in.key));
    if (!may) return fail(may);
    bypass = true;
  }
  auto done = state.store.objects.modify(
      *bucket, *in.key, non_empty(in.version_id),
      [&](objects::Metadata& metadata) -> Result<void> {
        // A lock may be made longer by anybody who may set one; shorter or weaker only past governance.
        if (const auto& held = metadata.retention; held && held->until > context.time) {
          const bool stricter = wanted && wanted->until >= held->until &&
                                (wanted->mode == held->mode || wanted->mode == objects::Retention::Mode::Compliance);
          const bool may_loosen = held->mode == objects::Retention::Mode::Governance && bypass;
          if (!stricter && !may_loosen) return objects::protected_by_lock();
        }
        metadata.retention = wanted;
        return {};
      },
      "", origin_of(context));
  if (!done) return fail(done);
  return shapes::PutObjectRetentionOutput{};
}

template <class In>
Result<objects::Version> locked_version(State& state, const aws::RequestContext& context, const In& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  if (!bucket->object_lock) return objects::no_object_lock();
  auto version = state.store.objects.find(*bucket, *in.key, non_empty(in.version_id));
  if (!version) return absent(state, context, bucket->name, std::move(version.error()));
  if (version->is_delete_marker) return objects::method_not_allowed();
  return version;
}

Failure nothing_locked() {
  return client_error("NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration");
}

Result<shapes::GetObjectRetentionOutput> get_retention(State& state, const aws::RequestContext& context,
                                                       const shapes::GetObjectRetentionRequest& in) {
  auto version = locked_version(state, context, in);
  if (!version) return fail(version);
  const auto& held = version->metadata.retention;
  if (!held) return nothing_locked();
  shapes::GetObjectRetentionOutput out;
  auto& shape = out.retention.emplace();
  shape.mode = held->mode == objects::Retention::Mode::Compliance ? shapes::ObjectLockRetentionMode::Compliance
                                                                  : shapes::ObjectLockRetentionMode::Governance;
  shape.retain_until_date = held->until;
  return out;
}

Result<shapes::PutObjectLegalHoldOutput> put_legal_hold(State& state, const aws::RequestContext& context,
                                                        const shapes::PutObjectLegalHoldRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  if (!bucket->object_lock) return objects::no_object_lock();
  if (!in.legal_hold || !in.legal_hold->status) return malformed_xml();
  const bool hold = *in.legal_hold->status == shapes::ObjectLockLegalHoldStatus::On;
  auto done = state.store.objects.modify(
      *bucket, *in.key, non_empty(in.version_id),
      [&](objects::Metadata& metadata) -> Result<void> {
        metadata.legal_hold = hold;
        return {};
      },
      "", origin_of(context));
  if (!done) return fail(done);
  return shapes::PutObjectLegalHoldOutput{};
}

Result<shapes::GetObjectLegalHoldOutput> get_legal_hold(State& state, const aws::RequestContext& context,
                                                        const shapes::GetObjectLegalHoldRequest& in) {
  auto version = locked_version(state, context, in);
  if (!version) return fail(version);
  shapes::GetObjectLegalHoldOutput out;
  out.legal_hold.emplace().status =
      version->metadata.legal_hold ? shapes::ObjectLockLegalHoldStatus::On : shapes::ObjectLockLegalHoldStatus::Off;
  return out;
}

}  // namespace

void register_locks(aws::Service& service, State& state) {
  on<shapes::PutObjectLockConfiguration>(service, state, put_configuration);
  on<shapes::GetObjectLockConfiguration>(service, state, get_configuration);
  on<shapes::PutObjectRetention>(service, state, put_retention);
  on<shapes::GetObjectRetention>(service, state, get_retention);
  on<shapes::PutObjectLegalHold>(service, state, put_legal_hold);
  on<shapes::GetObjectLegalHold>(service, state, get_legal_hold);
  needs<shapes::PutObjectLockConfiguration>(service, state, "s3:PutBucketObjectLockConfiguration");
  needs<shapes::GetObjectLockConfiguration>(service, state, "s3:GetBucketObjectLockConfiguration");
  needs<shapes::PutObjectRetention>(service, state, "s3:PutObjectRetention");
  needs<shapes::GetObjectRetention>(service, state, "s3:GetObjectRetention");
  needs<shapes::PutObjectLegalHold>(service, state, "s3:PutObjectLegalHold");
  needs<shapes::GetObjectLegalHold>(service, state, "s3:GetObjectLegalHold");
}

}  // namespace likeness::s3
