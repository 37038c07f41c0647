#include <algorithm>
#include <array>
#include <set>

#include "base/bytes.hpp"

#include "services/s3/access.hpp"
#include "services/s3/common.hpp"

/// The configurations of a bucket that are written, read back and removed as a whole; what acts on them is elsewhere.
namespace likeness::s3 {

namespace {

/// Registers a write: `member` of the input is kept under `name` once `check` has nothing against it.
template <class Op, class Member, class Check>
void on_put(aws::Service& service, State& state, const char* name, std::string_view in_model, Member member,
            Check check, const char* action, std::string difference = {}) {
  on<Op>(
      service, state,
      [=](State& of, const aws::RequestContext&, const typename Op::Input& in) -> Result<typename Op::Output> {
        auto bucket = bucket_of(of, in);
        if (!bucket) return fail(bucket);
        const auto& value = in.*member;
        if (!value) return malformed_xml();
        if (Result<void> checked = check(*bucket, *value); !checked) return fail(checked);
        auto done = of.store.buckets.update(*in.bucket, [&](objects::Bucket& changed) -> Result<void> {
          changed.configurations[name] =
              write_configuration(shape_of_member(*Op::operation().input, in_model), &*value);
          return {};
        });
        if (!done) return fail(done);
        return typename Op::Output{};
      },
      std::move(difference));
  needs<Op>(service, state, action);
}

/// Registers a removal.
template <class Op>
void on_delete(aws::Service& service, State& state, const char* name, const char* action) {
  on<Op>(service, state,
         [=](State& of, const aws::RequestContext&, const typename Op::Input& in) -> Result<typename Op::Output> {
           if (auto bucket = bucket_of(of, in); !bucket) return fail(bucket);
           auto done = of.store.buckets.update(*in.bucket, [&](objects::Bucket& changed) -> Result<void> {
             changed.configurations.erase(name);
             return {};
           });
           if (!done) return fail(done);
           return typename Op::Output{};
         });
  needs<Op>(service, state, action);
}

/// Registers a read whose answer has the members of what was written. `absent` answers where there is nothing.
template <class Op, class Absent>
void on_get(aws::Service& service, State& state, const char* name, Absent absent, const char* action) {
  on<Op>(service, state,
         [=](State& of, const aws::RequestContext&, const typename Op::Input& in) -> Result<typename Op::Output> {
           auto bucket = bucket_of(of, in);
           if (!bucket) return fail(bucket);
           const std::string* text = bucket->configuration(name);
           if (text == nullptr) return absent();
           typename Op::Output out;
           read_configuration(*Op::operation().output, *text, &out);
           return out;
         });
  needs<Op>(service, state, action);
}

/// The same where the answer has it as one member.
template <class Op, class Member, class Absent>
void on_get_member(aws::Service& service, State& state, const char* name, std::string_view in_model, Member member,
                   Absent absent, const char* action) {
  on<Op>(service, state,
         [=](State& of, const aws::RequestContext&, const typename Op::Input& in) -> Result<typename Op::Output> {
           auto bucket = bucket_of(of, in);
           if (!bucket) return fail(bucket);
           const std::string* text = bucket->configuration(name);
           if (text == nullptr) return absent();
           typename Op::Output out;
           read_configuration(shape_of_member(*Op::operation().output, in_model), *text, &(out.*member).emplace());
           return out;
         });
  needs<Op>(service, state, action);
}

template <class Output>
auto empty_answer() {
  return [] { return Result<Output>(Output{}); };
}
template <class Output>
auto not_configured(const char* code, const char* message) {
  return [=] { return Result<Output>(client_error(code, message)); };
}

const auto kAnything = [](const objects::Bucket&, const auto&) { return Result<void>{}; };

// -- checks

Result<void> check_ownership(const objects::Bucket& bucket, const shapes::OwnershipControls& controls) {
  if (!controls.rules || controls.rules->size() != 1 || !controls.rules->front().object_ownership)
    return malformed_xml();
  // ACLs that grant something to others have to go first.
  if (controls.rules->front().object_ownership == shapes::ObjectOwnership::BucketOwnerEnforced) {
    const auto acl = configured<shapes::PutBucketAcl, shapes::AccessControlPolicy>(bucket, configuration::kAcl,
                                                                                   "AccessControlPolicy");
    if (acl && acl->grants && acl->grants->size() > 1)
      return client_error("InvalidBucketAclWithObjectOwnership",
                          "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
  }
  return {};
}

Result<void> check_cors(const objects::Bucket&, const shapes::CORSConfiguration& cors) {
  if (!cors.cors_rules || cors.cors_rules->empty() || cors.cors_rules->size() > 100) return malformed_xml();
  for (const auto& rule : *cors.cors_rules) {
    if (!rule.allowed_methods || rule.allowed_methods->empty() || !rule.allowed_origins ||
        rule.allowed_origins->empty())
      return malformed_xml();
    constexpr std::array<std::string_view, 5> kMethods{"GET", "PUT", "POST", "DELETE", "HEAD"};
    for (const auto& method : *rule.allowed_methods)
      if (std::ranges::find(kMethods, method) == kMethods.end())
        return objects::bad_request("Found unsupported HTTP method in CORS config. Unsupported method is " + method);
    for (const auto& origin : *rule.allowed_origins)
      if (std::ranges::count(origin, '*') > 1)
        return objects::bad_request("AllowedOrigin \"" + origin + "\" can not have more than one wildcard.");
    for (const auto& header : rule.allowed_headers.value_or(std::vector<std::string>()))
      if (std::ranges::count(header, '*') > 1)
        return objects::bad_request("AllowedHeader \"" + header + "\" can not have more than one wildcard.");
    for (const auto& header : rule.expose_headers.value_or(std::vector<std::string>()))
      if (header.find('*') != std::string::npos)
        return objects::bad_request("ExposeHeader \"" + header +
                                    "\" contains wildcard. We currently do not support wildcard for ExposeHeader");
  }
  return {};
}

bool is_status(const std::string& text, std::string_view hundreds) {
  return text.size() == 3 && hundreds.find(text[0]) != std::string_view::npos && text[1] >= '0' && text[1] <= '9' &&
         text[2] >= '0' && text[2] <= '9';
}

Result<void> check_routing_rule(const shapes::RoutingRule& rule) {
  if (!rule.redirect) return malformed_xml();
  if (const auto& code = rule.redirect->http_redirect_code; code && (!is_status(*code, "3") || *code == "300"))
    return objects::bad_request("The provided HTTP redirect code (" + *code +
                                ") is not valid. Valid codes are 3XX except 300.");
  if (rule.redirect->replace_key_with && rule.redirect->replace_key_prefix_with)
    return objects::bad_request("You can only define ReplaceKeyPrefix or ReplaceKey but not both.");
  if (!rule.condition) return {};
  if (const auto& code = rule.condition->http_error_code_returned_equals; code && !is_status(*code, "45"))
    return objects::bad_request("The provided HTTP error code (" + *code +
                                ") is not valid. Valid codes are 4XX or 5XX.");
  return {};
}

Result<void> check_website(const objects::Bucket&, const shapes::WebsiteConfiguration& website) {
  if (website.redirect_all_requests_to) {
    if (website.index_document || website.error_document || website.routing_rules)
      return objects::bad_argument("RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.");
    if (!website.redirect_all_requests_to->host_name || website.redirect_all_requests_to->host_name->empty())
      return malformed_xml();
    return {};
  }
  if (!website.index_document)
    return objects::bad_argument("A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty");
  const std::string suffix = website.index_document->suffix.value_or("");
  if (suffix.empty() || suffix.find('/') != std::string::npos)
    return objects::bad_argument("The IndexDocument Suffix is not well formed");
  if (website.error_document && website.error_document->key.value_or("").empty())
    return objects::bad_argument("The ErrorDocument Key is not well formed");
  for (const auto& rule : website.routing_rules.value_or(std::vector<shapes::RoutingRule>()))
    if (auto fine = check_routing_rule(rule); !fine) return fine;
  return {};
}

Result<void> check_encryption(const objects::Bucket&, const shapes::ServerSideEncryptionConfiguration& configuration) {
  if (!configuration.rules || configuration.rules->size() != 1) return malformed_xml();
  const auto& rule = configuration.rules->front().apply_server_side_encryption_by_default;
  if (!rule) return {};
  if (!rule->sse_algorithm) return malformed_xml();
  if (rule->sse_algorithm == shapes::ServerSideEncryption::Aes256 && rule->kms_master_key_id)
    return objects::bad_argument(
        "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or "
        "aws:kms:dsse");
  return {};
}

Result<void> check_rule(const shapes::LifecycleRule& rule) {
  if (!rule.status) return malformed_xml();
  if (rule.prefix && rule.filter) return malformed_xml();
  if (!rule.prefix && !rule.filter) return malformed_xml();
  if (rule.id && rule.id->size() > 255)
    return objects::bad_argument("ID length should not exceed allowed limit of 255");
  if (!rule.expiration && !rule.transitions && !rule.noncurrent_version_expiration &&
      !rule.noncurrent_version_transitions && !rule.abort_incomplete_multipart_upload)
    return objects::bad_request("At least one action needs to be specified in a rule.");
  if (rule.expiration) {
    const auto& expiration = *rule.expiration;
    const int said =
        (expiration.days ? 1 : 0) + (expiration.date ? 1 : 0) + (expiration.expired_object_delete_marker ? 1 : 0);
    if (said != 1) return malformed_xml();
    if (expiration.days && *expiration.days <= 0)
      return objects::bad_argument("'Days' for Expiration action must be a positive integer");
    if (expiration.date && expiration.date->time_since_epoch() % std::chrono::hours(24) != std::chrono::hours(0))
      return objects::bad_argument("'Date' must be at midnight GMT");
  }
  if (rule.noncurrent_version_expiration && rule.noncurrent_version_expiration->noncurrent_days.value_or(0) <= 0)
    return objects::bad_argument("'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer");
  if (rule.abort_incomplete_multipart_upload) {
    if (rule.abort_incomplete_multipart_upload->days_after_initiation.value_or(0) <= 0)
      return objects::bad_argument(
          "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer");
    if (rule.filter && (rule.filter->tag || (rule.filter->and_ && rule.filter->and_->tags)))
      return objects::bad_request("AbortIncompleteMultipartUpload cannot be specified with Tags.");
  }
  return {};
}

Result<void> check_lifecycle(const objects::Bucket&, const shapes::BucketLifecycleConfiguration& lifecycle) {
  if (!lifecycle.rules || lifecycle.rules->empty() || lifecycle.rules->size() > 1000) return malformed_xml();
  std::set<std::string> ids;
  for (const auto& rule : *lifecycle.rules) {
    if (auto checked = check_rule(rule); !checked) return checked;
    if (rule.id && !ids.insert(*rule.id).second)
      return objects::bad_argument("Rule ID must be unique. Found same ID for more than one rule");
  }
  return {};
}

Result<void> check_replication(const objects::Bucket& bucket, const shapes::ReplicationConfiguration&) {
  if (bucket.versioning != objects::Versioning::Enabled)
    return objects::bad_request("Versioning must be 'Enabled' on the bucket to apply a replication configuration");
  return {};
}

Result<void> check_logging(State& state, const objects::Bucket&, const shapes::BucketLoggingStatus& status) {
  if (!status.logging_enabled) return {};
  if (!state.store.buckets.get(status.logging_enabled->target_bucket.value_or("")))
    return client_error("InvalidTargetBucketForLogging", "The target bucket for logging does not exist");
  return {};
}

/// Configurations of which a bucket may have many, each under an id: inventory, analytics, tiering. None of
/// them acts on anything here, so that there is none to be read.
template <class Op>
void on_get_by_id(aws::Service& service, State& state, const char* action) {
  on<Op>(service, state,
         [](State& of, const aws::RequestContext&, const typename Op::Input& in) -> Result<typename Op::Output> {
           if (auto bucket = bucket_of(of, in); !bucket) return fail(bucket);
           return client_error("NoSuchConfiguration", "The specified configuration does not exist.");
         });
  needs<Op>(service, state, action);
}
template <class Op>
void on_list_by_id(aws::Service& service, State& state, const char* action) {
  on<Op>(service, state,
         [](State& of, const aws::RequestContext&, const typename Op::Input& in) -> Result<typename Op::Output> {
           if (auto bucket = bucket_of(of, in); !bucket) return fail(bucket);
           typename Op::Output out;
           out.is_truncated = false;
           return out;
         });
  needs<Op>(service, state, action);
}

void register_rights(aws::Service& service, State& state) {
  using namespace shapes;
  on_put<PutPublicAccessBlock>(service, state, configuration::kPublicAccess, "PublicAccessBlockConfiguration",
                               &PutPublicAccessBlockRequest::public_access_block_configuration, kAnything,
                               "s3:PutBucketPublicAccessBlock");
  on_get_member<GetPublicAccessBlock>(
      service, state, configuration::kPublicAccess, "PublicAccessBlockConfiguration",
      &GetPublicAccessBlockOutput::public_access_block_configuration,
      not_configured<GetPublicAccessBlockOutput>("NoSuchPublicAccessBlockConfiguration",
                                                 "The public access block configuration was not found"),
      "s3:GetBucketPublicAccessBlock");
  on_delete<DeletePublicAccessBlock>(service, state, configuration::kPublicAccess, "s3:PutBucketPublicAccessBlock");
  on_put<PutBucketOwnershipControls>(service, state, configuration::kOwnership, "OwnershipControls",
                                     &PutBucketOwnershipControlsRequest::ownership_controls, check_ownership,
                                     "s3:PutBucketOwnershipControls");
  on_get_member<GetBucketOwnershipControls>(
      service, state, configuration::kOwnership, "OwnershipControls",
      &GetBucketOwnershipControlsOutput::ownership_controls,
      not_configured<GetBucketOwnershipControlsOutput>("OwnershipControlsNotFoundError",
                                                       "The bucket ownership controls were not found"),
      "s3:GetBucketOwnershipControls");
  on_delete<DeleteBucketOwnershipControls>(service, state, configuration::kOwnership, "s3:PutBucketOwnershipControls");
}

void register_behaviour(aws::Service& service, State& state) {
  using namespace shapes;
  on_put<PutBucketCors>(service, state, configuration::kCors, "CORSConfiguration",
                        &PutBucketCorsRequest::cors_configuration, check_cors, "s3:PutBucketCORS");
  on_get<GetBucketCors>(
      service, state, configuration::kCors,
      not_configured<GetBucketCorsOutput>("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
      "s3:GetBucketCORS");
  on_delete<DeleteBucketCors>(service, state, configuration::kCors, "s3:PutBucketCORS");
  on_put<PutBucketWebsite>(service, state, configuration::kWebsite, "WebsiteConfiguration",
                           &PutBucketWebsiteRequest::website_configuration, check_website, "s3:PutBucketWebsite");
  on_get<GetBucketWebsite>(
      service, state, configuration::kWebsite,
      not_configured<GetBucketWebsiteOutput>("NoSuchWebsiteConfiguration",
                                             "The specified bucket does not have a website configuration"),
      "s3:GetBucketWebsite");
  on_delete<DeleteBucketWebsite>(service, state, configuration::kWebsite, "s3:DeleteBucketWebsite");
  on_put<PutBucketLifecycleConfiguration>(service, state, configuration::kLifecycle, "LifecycleConfiguration",
                                          &PutBucketLifecycleConfigurationRequest::lifecycle_configuration,
                                          check_lifecycle, "s3:PutLifecycleConfiguration",
                                          "Expirations and aborts act; transitions are kept and have no effect.");
  on_get<GetBucketLifecycleConfiguration>(
      service, state, configuration::kLifecycle,
      not_configured<GetBucketLifecycleConfigurationOutput>("NoSuchLifecycleConfiguration",
                                                            "The lifecycle configuration does not exist"),
      "s3:GetLifecycleConfiguration");
  on_delete<DeleteBucketLifecycle>(service, state, configuration::kLifecycle, "s3:PutLifecycleConfiguration");
  on_get<GetBucketNotificationConfiguration>(service, state, configuration::kNotification,
                                             empty_answer<GetBucketNotificationConfiguration::Output>(),
                                             "s3:GetBucketNotification");
}

/// What is kept and read back and has no effect of its own here.
void register_notes(aws::Service& service, State& state) {
  using namespace shapes;
  on_put<PutBucketEncryption>(service, state, configuration::kEncryption, "ServerSideEncryptionConfiguration",
                              &PutBucketEncryptionRequest::server_side_encryption_configuration, check_encryption,
                              "s3:PutEncryptionConfiguration", "Kept and read back; objects are not encrypted by it.");
  on_get_member<GetBucketEncryption>(
      service, state, configuration::kEncryption, "ServerSideEncryptionConfiguration",
      &GetBucketEncryptionOutput::server_side_encryption_configuration,
      [] {
        // Every bucket has encryption with keys of S3 where nothing else was said.
        GetBucketEncryptionOutput out;
        auto& rule = out.server_side_encryption_configuration.emplace().rules.emplace().emplace_back();
        rule.apply_server_side_encryption_by_default.emplace().sse_algorithm = ServerSideEncryption::Aes256;
        rule.bucket_key_enabled = false;
        return Result<GetBucketEncryptionOutput>(std::move(out));
      },
      "s3:GetEncryptionConfiguration");
  on_delete<DeleteBucketEncryption>(service, state, configuration::kEncryption, "s3:PutEncryptionConfiguration");
  on_put<PutBucketLogging>(
      service, state, configuration::kLogging, "BucketLoggingStatus", &PutBucketLoggingRequest::bucket_logging_status,
      [&state](const objects::Bucket& bucket, const BucketLoggingStatus& status) {
        return check_logging(state, bucket, status);
      },
      "s3:PutBucketLogging", "Kept and read back; has no effect.");
  on_get<GetBucketLogging>(service, state, configuration::kLogging, empty_answer<GetBucketLoggingOutput>(),
                           "s3:GetBucketLogging");
  on_put<PutBucketReplication>(service, state, configuration::kReplication, "ReplicationConfiguration",
                               &PutBucketReplicationRequest::replication_configuration, check_replication,
                               "s3:PutReplicationConfiguration", "Kept and read back; has no effect.");
  on_get_member<GetBucketReplication>(
      service, state, configuration::kReplication, "ReplicationConfiguration",
      &GetBucketReplicationOutput::replication_configuration,
      not_configured<GetBucketReplicationOutput>("ReplicationConfigurationNotFoundError",
                                                 "The replication configuration was not found"),
      "s3:GetReplicationConfiguration");
  on_delete<DeleteBucketReplication>(service, state, configuration::kReplication, "s3:PutReplicationConfiguration");
  on_put<PutBucketAccelerateConfiguration>(service, state, configuration::kAccelerate, "AccelerateConfiguration",
                                           &PutBucketAccelerateConfigurationRequest::accelerate_configuration,
                                           kAnything, "s3:PutAccelerateConfiguration",
                                           "Kept and read back; has no effect.");
  on_get<GetBucketAccelerateConfiguration>(service, state, configuration::kAccelerate,
                                           empty_answer<GetBucketAccelerateConfigurationOutput>(),
                                           "s3:GetAccelerateConfiguration");
  on_put<PutBucketRequestPayment>(service, state, configuration::kPayment, "RequestPaymentConfiguration",
                                  &PutBucketRequestPaymentRequest::request_payment_configuration, kAnything,
                                  "s3:PutBucketRequestPayment", "Kept and read back; has no effect.");
  on_get<GetBucketRequestPayment>(
      service, state, configuration::kPayment,
      [] {
        GetBucketRequestPaymentOutput out;
        out.payer = Payer::BucketOwner;
        return Result<GetBucketRequestPaymentOutput>(out);
      },
      "s3:GetBucketRequestPayment");
  on_get_by_id<GetBucketAnalyticsConfiguration>(service, state, "s3:GetAnalyticsConfiguration");
  on_get_by_id<GetBucketInventoryConfiguration>(service, state, "s3:GetInventoryConfiguration");
  on_get_by_id<GetBucketIntelligentTieringConfiguration>(service, state, "s3:GetIntelligentTieringConfiguration");
  on_list_by_id<ListBucketAnalyticsConfigurations>(service, state, "s3:GetAnalyticsConfiguration");
  on_list_by_id<ListBucketInventoryConfigurations>(service, state, "s3:GetInventoryConfiguration");
  on_list_by_id<ListBucketIntelligentTieringConfigurations>(service, state, "s3:GetIntelligentTieringConfiguration");
}

}  // namespace

void register_configurations(aws::Service& service, State& state) {
  register_rights(service, state);
  register_behaviour(service, state);
  register_notes(service, state);
}

}  // namespace likeness::s3
