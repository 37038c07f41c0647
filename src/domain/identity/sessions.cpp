#include "domain/identity/sessions.hpp"

#include <fmt/format.h>

#include <chrono>

#include "domain/identity/directory.hpp"
#include "domain/record.hpp"
#include "domain/secret.hpp"

namespace likeness::identity {
namespace {

using domain::RecordReader;
using domain::RecordWriter;
using Kind = policy::Principal::Kind;

constexpr std::size_t kMacBytes = 32;
constexpr std::size_t kDocumentsKept = 256;
constexpr std::uint8_t kKind = 1, kKey = 2, kOwner = 3, kOwnerId = 4, kName = 5, kIssued = 6, kExpires = 7, kTagKey = 8,
                       kTagValue = 9, kTransitive = 10, kPolicy = 11, kPolicyArn = 12, kSourceIdentity = 13;

std::uint64_t milliseconds(TimePoint time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}
TimePoint time_of(std::uint64_t count) {
  return TimePoint(std::chrono::milliseconds(static_cast<std::int64_t>(count)));
}

std::string encode(const Session& session) {
  RecordWriter out;
  out.number(kKind, static_cast<std::uint64_t>(session.kind));
  out.text(kKey, session.access_key_id);
  out.text(kOwner, session.owner);
  out.text(kOwnerId, session.owner_id);
  out.text(kName, session.name);
  out.number(kIssued, milliseconds(session.issued));
  out.number(kExpires, milliseconds(session.expires));
  for (const auto& [key, value] : session.tags) {
    out.text(kTagKey, key);
    out.text(kTagValue, value);
  }
  for (const auto& key : session.transitive) out.text(kTransitive, key);
  for (const auto& text : session.policies) out.text(kPolicy, text);
  for (const auto& arn : session.policy_arns) out.text(kPolicyArn, arn);
  if (!session.source_identity.empty()) out.text(kSourceIdentity, session.source_identity);
  return out.take();
}

std::optional<Session> decode(std::string_view bytes) {
  Session session;
  RecordReader in(bytes);
  std::string pending;
  while (in.next()) {
    switch (in.field()) {
      case kKind: session.kind = static_cast<Session::Kind>(in.number()); break;
      case kKey: session.access_key_id = in.text(); break;
      case kOwner: session.owner = in.text(); break;
      case kOwnerId: session.owner_id = in.text(); break;
      case kName: session.name = in.text(); break;
      case kIssued: session.issued = time_of(in.number()); break;
      case kExpires: session.expires = time_of(in.number()); break;
      case kTagKey: pending = in.text(); break;
      case kTagValue: session.tags[pending] = in.text(); break;
      case kTransitive: session.transitive.emplace(in.text()); break;
      case kPolicy: session.policies.emplace_back(in.text()); break;
      case kPolicyArn: session.policy_arns.emplace_back(in.text()); break;
      case kSourceIdentity: session.source_identity = in.text(); break;
      default: break;
    }
  }
  if (!in.ok()) return std::nullopt;
  return session;
}

}  // namespace

Result<std::unique_ptr<Sessions>> Sessions::open(storage::Store& store) {
  auto secret = domain::kept_secret(store, "session-tokens");
  if (!secret) return fail(secret);
  return std::make_unique<Sessions>(std::move(*secret));
}

std::string Sessions::secret_of(std::string_view access_key_id) const {
  const auto mac = hmac_sha256(secret_, as_bytes("secret access key " + std::string(access_key_id)));
  return to_base64(BytesView(mac).first(30));
}

SessionCredentials Sessions::issue(Session session) const {
  session.access_key_id = new_id("ASIA", 20);
  const auto payload = encode(session);
  const auto mac = hmac_sha256(secret_, as_bytes("session token " + payload));
  auto token = to_base64(as_bytes(std::string(as_text(mac)) + payload));
  auto secret = secret_of(session.access_key_id);
  return {std::move(session.access_key_id), std::move(secret), std::move(token)};
}

std::optional<Session> Sessions::read(std::string_view access_key_id, std::string_view token) const {
  const auto bytes = from_base64(token);
  if (!bytes || bytes->size() <= kMacBytes) return std::nullopt;
  const auto all = as_text(*bytes);
  const auto payload = all.substr(kMacBytes);
  const auto mac = hmac_sha256(secret_, as_bytes("session token " + std::string(payload)));
  if (!equal_in_constant_time(all.substr(0, kMacBytes), as_text(mac))) return std::nullopt;
  auto session = decode(payload);
  if (!session || session->access_key_id != access_key_id) return std::nullopt;
  return session;
}

std::shared_ptr<const policy::Document> Sessions::parsed(const std::string& text) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = documents_.find(text); at != documents_.end()) return at->second;
  }
  auto document = policy::Document::parse(text, policy::DocumentKind::Identity);
  // It was checked when the session began; one that cannot be read allows nothing.
  auto shared = document ? std::move(*document) : std::make_shared<const policy::Document>();
  const std::lock_guard lock(mutex_);
  if (documents_.size() >= kDocumentsKept) documents_.clear();
  documents_[text] = shared;
  return shared;
}

std::optional<policy::Principal> Sessions::principal_of(const State& state, const Session& session) const {
  policy::Principal out;
  const auto key = key_of(session.owner);
  switch (session.kind) {
    case Session::Kind::Root: out = policy::Principal::root(state.account); break;
    case Session::Kind::User: {
      const auto at = state.users.find(key);
      if (at == state.users.end() || at->second->id != session.owner_id) return std::nullopt;
      out = identity::principal_of(state, *at->second);
      break;
    }
    case Session::Kind::Role: {
      const auto at = state.roles.find(key);
      if (at == state.roles.end() || at->second->id != session.owner_id) return std::nullopt;
      const Role& role = *at->second;
      out.kind = Kind::AssumedRole;
      out.name = role.name;
      out.arn = fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", state.account, role.name, session.name);
      out.issuer_arn = role_arn(state, role);
      out.user_id = role.id + ":" + session.name;
      out.tags = role.tags;
      break;
    }
    case Session::Kind::Federated: {
      if (!session.owner.empty()) {
        const auto at = state.users.find(key);
        if (at == state.users.end() || at->second->id != session.owner_id) return std::nullopt;
      }
      out.kind = Kind::FederatedUser;
      out.name = session.name;
      out.federated_by = session.owner;
      out.arn = fmt::format("arn:aws:sts::{}:federated-user/{}", state.account, session.name);
      out.user_id = state.account + ":" + session.name;
      // Without a policy of its own it may nothing.
      if (session.policies.empty() && session.policy_arns.empty())
        out.session_policies.push_back(std::make_shared<const policy::Document>());
      break;
    }
  }
  out.account = state.account;
  out.session_name = session.kind == Session::Kind::Role ? session.name : std::string();
  out.temporary = true;
  out.issued = session.issued;
  out.source_identity = session.source_identity;
  for (const auto& [name, value] : session.tags) {
    out.tags[name] = value;
    if (session.transitive.contains(name)) out.transitive_tags[name] = value;
  }
  if (session.policies.empty() && session.policy_arns.empty()) return out;
  // They allow together what any of them allows, so they become one list, cut by the identity's own policies.
  for (const auto& text : session.policies) out.session_policies.push_back(parsed(text));
  for (const auto& arn : session.policy_arns) {
    const auto at = state.policies.find(arn);
    out.session_policies.push_back(at == state.policies.end() ? std::make_shared<const policy::Document>()
                                                              : at->second->in_force().policy.document);
  }
  return out;
}

}  // namespace likeness::identity
