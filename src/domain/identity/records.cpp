#include "domain/identity/records.hpp"

#include <chrono>
#include <utility>

#include "domain/record.hpp"

namespace likeness::identity {
namespace {

using domain::RecordReader;
using domain::RecordWriter;
using std::chrono::milliseconds;

// Field numbers are for ever: a retired one is not given out again.
constexpr std::uint8_t kName = 1, kPath = 2, kId = 3, kCreated = 4, kTagKey = 5, kTagValue = 6, kInlineName = 7,
                       kInlineText = 8, kAttached = 9, kBoundary = 10;
// Of users.
constexpr std::uint8_t kGroup = 20, kKeyId = 21, kKeySecret = 22, kKeyActive = 23, kKeyCreated = 24,
                       kCertificateId = 25, kCertificateBody = 26, kCertificateActive = 27, kCertificateUploaded = 28;
// Of roles.
constexpr std::uint8_t kTrust = 30, kDescription = 31, kMaxSession = 32;
// Of managed policies.
constexpr std::uint8_t kArn = 40, kUpdated = 41, kVersionId = 42, kVersionText = 43, kVersionCreated = 44,
                       kDefault = 45, kNextVersion = 46;
// Of instance profiles and providers.
constexpr std::uint8_t kRole = 50, kUrl = 51, kClient = 52, kThumbprint = 53;

Failure damaged(std::string_view what) {
  return server_error("ServiceFailure", "The request processing has failed because of an internal error.",
                      "a stored " + std::string(what) + " is damaged");
}

void write_time(RecordWriter& out, std::uint8_t field, TimePoint time) {
  out.number(field,
             static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count()));
}
TimePoint read_time(RecordReader& in) { return TimePoint(milliseconds(static_cast<std::int64_t>(in.number()))); }

void write_tags(RecordWriter& out, const Tags& tags) {
  for (const auto& [key, value] : tags) {
    out.text(kTagKey, key);
    out.text(kTagValue, value);
  }
}

void write_common(RecordWriter& out, const Identity& identity) {
  out.text(kName, identity.name);
  out.text(kPath, identity.path);
  out.text(kId, identity.id);
  write_time(out, kCreated, identity.created);
  write_tags(out, identity.tags);
  for (const auto& [name, policy] : identity.inline_policies) {
    out.text(kInlineName, name);
    out.text(kInlineText, policy.text);
  }
  for (const auto& arn : identity.attached) out.text(kAttached, arn);
  if (!identity.boundary.empty()) out.text(kBoundary, identity.boundary);
}

/// What was accepted when it was put is not refused when it is read: a document that no longer parses allows nothing,
/// and denies nothing either, so it counts as damage.
bool parse(std::string_view text, policy::DocumentKind kind, PolicyText& out) {
  auto document = policy::Document::parse(text, kind);
  if (!document) return false;
  out = {std::string(text), std::move(*document)};
  return true;
}

/// The fields of an Identity; the last key or name that was read goes with the next value.
class CommonReader {
 public:
  explicit CommonReader(Identity& out) : out_(out) {}
  void read(RecordReader& in) {
    switch (in.field()) {
      case kName: out_.name = in.text(); break;
      case kPath: out_.path = in.text(); break;
      case kId: out_.id = in.text(); break;
      case kCreated: out_.created = read_time(in); break;
      case kTagKey:
      case kInlineName: pending_ = in.text(); break;
      case kTagValue: out_.tags[pending_] = in.text(); break;
      case kInlineText:
        ok_ = parse(in.text(), policy::DocumentKind::Identity, out_.inline_policies[pending_]) && ok_;
        break;
      case kAttached: out_.attached.emplace(in.text()); break;
      case kBoundary: out_.boundary = in.text(); break;
      default: break;
    }
  }
  bool ok() const { return ok_ && !out_.name.empty() && !out_.id.empty(); }

 private:
  Identity& out_;
  std::string pending_;
  bool ok_ = true;
};

}  // namespace

std::string encode(const User& user) {
  RecordWriter out;
  write_common(out, user);
  for (const auto& group : user.groups) out.text(kGroup, group);
  for (const auto& key : user.keys) {
    out.text(kKeyId, key.id);
    out.text(kKeySecret, key.secret);
    out.number(kKeyActive, key.active ? 1 : 0);
    write_time(out, kKeyCreated, key.created);
  }
  for (const auto& certificate : user.certificates) {
    out.text(kCertificateId, certificate.id);
    out.text(kCertificateBody, certificate.body);
    out.number(kCertificateActive, certificate.active ? 1 : 0);
    write_time(out, kCertificateUploaded, certificate.uploaded);
  }
  return out.take();
}

Result<void> decode(std::string_view bytes, User& user) {
  RecordReader in(bytes);
  CommonReader common(user);
  while (in.next()) {
    const bool in_key = in.field() > kKeyId && in.field() <= kKeyCreated;
    const bool in_certificate = in.field() > kCertificateId && in.field() <= kCertificateUploaded;
    if ((in_key && user.keys.empty()) || (in_certificate && user.certificates.empty())) return damaged("user");
    switch (in.field()) {
      case kGroup: user.groups.emplace(in.text()); break;
      case kKeyId: user.keys.emplace_back().id = in.text(); break;
      case kKeySecret: user.keys.back().secret = in.text(); break;
      case kKeyActive: user.keys.back().active = in.number() != 0; break;
      case kKeyCreated: user.keys.back().created = read_time(in); break;
      case kCertificateId: user.certificates.emplace_back().id = in.text(); break;
      case kCertificateBody: user.certificates.back().body = in.text(); break;
      case kCertificateActive: user.certificates.back().active = in.number() != 0; break;
      case kCertificateUploaded: user.certificates.back().uploaded = read_time(in); break;
      default: common.read(in); break;
    }
  }
  if (!in.ok() || !common.ok()) return damaged("user");
  return {};
}

std::string encode(const Group& group) {
  RecordWriter out;
  write_common(out, group);
  return out.take();
}

Result<void> decode(std::string_view bytes, Group& group) {
  RecordReader in(bytes);
  CommonReader common(group);
  while (in.next()) common.read(in);
  if (!in.ok() || !common.ok()) return damaged("group");
  return {};
}

std::string encode(const Role& role) {
  RecordWriter out;
  write_common(out, role);
  out.text(kTrust, role.trust.text);
  out.text(kDescription, role.description);
  out.number(kMaxSession, static_cast<std::uint64_t>(role.max_session_seconds));
  return out.take();
}

Result<void> decode(std::string_view bytes, Role& role) {
  RecordReader in(bytes);
  CommonReader common(role);
  bool trusted = false;
  while (in.next()) {
    switch (in.field()) {
      case kTrust: trusted = parse(in.text(), policy::DocumentKind::Trust, role.trust); break;
      case kDescription: role.description = in.text(); break;
      case kMaxSession: role.max_session_seconds = static_cast<std::int64_t>(in.number()); break;
      default: common.read(in); break;
    }
  }
  if (!in.ok() || !common.ok() || !trusted) return damaged("role");
  return {};
}

std::string encode(const ManagedPolicy& policy) {
  RecordWriter out;
  out.text(kName, policy.name);
  out.text(kPath, policy.path);
  out.text(kId, policy.id);
  out.text(kArn, policy.arn);
  out.text(kDescription, policy.description);
  write_time(out, kCreated, policy.created);
  write_time(out, kUpdated, policy.updated);
  write_tags(out, policy.tags);
  for (const auto& version : policy.versions) {
    out.text(kVersionId, version.id);
    out.text(kVersionText, version.policy.text);
    write_time(out, kVersionCreated, version.created);
  }
  out.text(kDefault, policy.default_version);
  out.number(kNextVersion, policy.next_version);
  return out.take();
}

Result<void> decode(std::string_view bytes, ManagedPolicy& policy) {
  RecordReader in(bytes);
  std::string pending;
  bool sound = true;
  while (in.next()) {
    const bool in_version = in.field() == kVersionText || in.field() == kVersionCreated;
    if (in_version && policy.versions.empty()) return damaged("policy");
    switch (in.field()) {
      case kName: policy.name = in.text(); break;
      case kPath: policy.path = in.text(); break;
      case kId: policy.id = in.text(); break;
      case kArn: policy.arn = in.text(); break;
      case kDescription: policy.description = in.text(); break;
      case kCreated: policy.created = read_time(in); break;
      case kUpdated: policy.updated = read_time(in); break;
      case kTagKey: pending = in.text(); break;
      case kTagValue: policy.tags[pending] = in.text(); break;
      case kVersionId: policy.versions.emplace_back().id = in.text(); break;
      case kVersionText:
        sound = parse(in.text(), policy::DocumentKind::Identity, policy.versions.back().policy) && sound;
        break;
      case kVersionCreated: policy.versions.back().created = read_time(in); break;
      case kDefault: policy.default_version = in.text(); break;
      case kNextVersion: policy.next_version = in.number(); break;
      default: break;
    }
  }
  if (!in.ok() || !sound || policy.arn.empty() || policy.version(policy.default_version) == nullptr)
    return damaged("policy");
  return {};
}

std::string encode(const InstanceProfile& profile) {
  RecordWriter out;
  out.text(kName, profile.name);
  out.text(kPath, profile.path);
  out.text(kId, profile.id);
  write_time(out, kCreated, profile.created);
  write_tags(out, profile.tags);
  if (!profile.role.empty()) out.text(kRole, profile.role);
  return out.take();
}

Result<void> decode(std::string_view bytes, InstanceProfile& profile) {
  RecordReader in(bytes);
  std::string pending;
  while (in.next()) {
    switch (in.field()) {
      case kName: profile.name = in.text(); break;
      case kPath: profile.path = in.text(); break;
      case kId: profile.id = in.text(); break;
      case kCreated: profile.created = read_time(in); break;
      case kTagKey: pending = in.text(); break;
      case kTagValue: profile.tags[pending] = in.text(); break;
      case kRole: profile.role = in.text(); break;
      default: break;
    }
  }
  if (!in.ok() || profile.name.empty()) return damaged("instance profile");
  return {};
}

std::string encode(const OidcProvider& provider) {
  RecordWriter out;
  out.text(kArn, provider.arn);
  out.text(kUrl, provider.url);
  write_time(out, kCreated, provider.created);
  write_tags(out, provider.tags);
  for (const auto& client : provider.clients) out.text(kClient, client);
  for (const auto& thumbprint : provider.thumbprints) out.text(kThumbprint, thumbprint);
  return out.take();
}

Result<void> decode(std::string_view bytes, OidcProvider& provider) {
  RecordReader in(bytes);
  std::string pending;
  while (in.next()) {
    switch (in.field()) {
      case kArn: provider.arn = in.text(); break;
      case kUrl: provider.url = in.text(); break;
      case kCreated: provider.created = read_time(in); break;
      case kTagKey: pending = in.text(); break;
      case kTagValue: provider.tags[pending] = in.text(); break;
      case kClient: provider.clients.emplace(in.text()); break;
      case kThumbprint: provider.thumbprints.emplace_back(in.text()); break;
      default: break;
    }
  }
  if (!in.ok() || provider.arn.empty()) return damaged("identity provider");
  return {};
}

}  // namespace likeness::identity
