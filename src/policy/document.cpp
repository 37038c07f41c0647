#include "policy/document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <set>
#include <utility>

#include "policy/text.hpp"

namespace likeness::policy {
namespace json = boost::json;
namespace {

constexpr std::string_view kOld = "2008-10-17", kCurrent = "2012-10-17";
/// Deeper than any policy: principals and conditions are four levels down.
constexpr std::size_t kMaxDepth = 16;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }
std::string_view view(json::string_view text) { return {text.data(), text.size()}; }

using Refusal = std::optional<std::string>;  // the message

/// A string, or a list of strings.
bool read_texts(const json::value& value, std::vector<std::string_view>& out) {
  if (value.is_string()) {
    out.push_back(view(value.get_string()));
    return true;
  }
  if (!value.is_array()) return false;
  out.reserve(value.get_array().size());
  for (const auto& item : value.get_array()) {
    if (!item.is_string()) return false;
    out.push_back(view(item.get_string()));
  }
  return true;
}

bool is_vendor(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.';
  });
}

Refusal check_action(std::string_view action) {
  if (action == "*") return std::nullopt;
  const auto colons = std::ranges::count(action, ':');
  if (colons == 0) return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
  if (colons > 1) return "Actions/Condition can contain only one colon.";
  const auto vendor = action.substr(0, action.find(':'));
  if (!is_vendor(vendor)) return fmt::format("Vendor {} is not valid", vendor);
  return std::nullopt;
}

constexpr std::string_view kIamPaths[] = {"user/",
                                          "federated-user/",
                                          "role/",
                                          "group/",
                                          "instance-profile/",
                                          "mfa/",
                                          "server-certificate/",
                                          "policy/",
                                          "sms-mfa/",
                                          "saml-provider/",
                                          "oidc-provider/",
                                          "report/",
                                          "access-report/"};

constexpr std::string_view kLegacy = "The policy failed legacy parsing";

/// An ARN that lacks its service, or parts in the middle: IAM refuses it before it looks at what the policy says.
bool fails_legacy_parsing(std::string_view resource) {
  if (!resource.starts_with("arn:")) return false;
  const auto parts = split(resource, ':', 6);
  return (parts.size() >= 3 && parts[2].empty()) || (parts.size() < 6 && resource.find("::") != std::string_view::npos);
}

Refusal check_resource(std::string_view resource) {
  if (resource == "*") return std::nullopt;
  const auto no_arn = [&] {
    return fmt::format("Resource {} must be in ARN format or \"*\".", resource.substr(0, 512));
  };
  const auto parts = split(resource, ':', 6);
  if (parts.size() < 2) return no_arn();
  const auto part = [&](std::size_t at) { return at < parts.size() ? parts[at] : std::string_view("*"); };
  if (parts[1] != "aws" && parts[1] != "aws-cn" && parts[1] != "aws-us-gov" && parts[1] != "*")
    return fmt::format("Partition \"{}\" is not valid for resource \"arn:{}:{}:{}:{}:{}\".", parts[1], parts[1],
                       part(2), part(3), part(4), part(5));
  if (parts[0] != "arn") return no_arn();
  if (parts.size() < 3) return "Resource vendor must be fully qualified and cannot contain regexes.";
  if (part(2) == "iam") {
    if (!part(3).empty() && part(3) != "*")
      return fmt::format("IAM resource {} cannot contain region information.", resource);
    const auto path = part(5);
    if (path != "*" && path != "root" &&
        std::ranges::none_of(kIamPaths, [&](auto start) { return path.starts_with(start); })) {
      return "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, group/, "
             "instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, "
             "report/, "
             "access-report/.";
    }
  }
  if (part(2) == "s3" && !part(3).empty() && part(3) != "*" && !part(5).starts_with("accesspoint/") &&
      !part(5).starts_with("job/"))
    return fmt::format("Resource {} can not contain region information.", resource);
  return std::nullopt;
}

}  // namespace

/// Takes a document apart in two rounds, as IAM does: first its form, then what it says.
class DocumentReader {
 public:
  DocumentReader(Document& out, DocumentKind kind) : out_(out), kind_(kind) {}

  Refusal read(std::string_view text) {
    if (auto refusal = read_form(text)) return refusal;
    return check();
  }

 private:
  bool of_resource() const { return kind_ == DocumentKind::Resource; }
  /// IAM has one text for every fault of form; S3 says which it is.
  std::string form_error(std::string s3_text) const {
    return of_resource() ? std::move(s3_text) : "Syntax errors in policy.";
  }

  Refusal read_form(std::string_view text) {
    json::error_code error;
    json::parse_options options;
    options.max_depth = kMaxDepth;
    const json::value parsed = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
    if (error || !parsed.is_object()) return form_error("Policies must be valid JSON and the first byte must be '{'");
    const json::value* statements = nullptr;
    for (const auto& [name, value] : parsed.get_object()) {
      if (name == "Version") {
        if (!value.is_string() || (view(value.get_string()) != kOld && view(value.get_string()) != kCurrent))
          return form_error("The policy must contain a valid version string");
        out_.version_ = std::string(view(value.get_string()));
      } else if (name == "Id") {
        if (!value.is_string()) return form_error("Invalid policy syntax.");
      } else if (name == "Statement") {
        statements = &value;
      } else {
        return form_error(fmt::format("Unknown field {}", view(name)));
      }
    }
    if (statements == nullptr) return form_error("Missing required field Statement");
    if (statements->is_object()) return read_statement(*statements);
    if (!statements->is_array() || statements->get_array().empty())
      return form_error("Could not parse the policy: Statement is empty!");
    out_.statements_.reserve(statements->get_array().size());
    for (const auto& statement : statements->get_array())
      if (auto refusal = read_statement(statement)) return refusal;
    return std::nullopt;
  }

  Refusal read_statement(const json::value& value) {
    if (!value.is_object()) return form_error("Invalid policy syntax.");
    const auto& members = value.get_object();
    const auto has = [&](json::string_view name) { return members.contains(name); };
    if (has("Action") && has("NotAction")) return form_error("Statement has both Action and NotAction");
    if (has("Resource") && has("NotResource")) return form_error("Statement has both Resource and NotResource");
    if (has("Principal") && has("NotPrincipal")) return form_error("Statement has both Principal and NotPrincipal");
    const auto* effect = members.if_contains("Effect");
    if (effect == nullptr) return form_error("Missing required field Effect");

    Statement& out = out_.statements_.emplace_back();
    for (const auto& [key, member] : members)
      if (auto refusal = read_element(view(key), member, out)) return refusal;
    return std::nullopt;
  }

  Refusal read_element(std::string_view name, const json::value& value, Statement& out) {
    if (name == "Sid") {
      if (!value.is_string()) return form_error("Invalid policy syntax.");
      out.sid = std::string(view(value.get_string()));
    } else if (name == "Effect") {
      const auto effect = value.is_string() ? view(value.get_string()) : std::string_view();
      if (!same_ignoring_case(effect, "Allow") && !same_ignoring_case(effect, "Deny"))
        return form_error(fmt::format("Invalid effect : {}", effect));
      effect_in_wrong_case_ = effect_in_wrong_case_ || (effect != "Allow" && effect != "Deny");
      out.effect = same_ignoring_case(effect, "Deny") ? Effect::Deny : Effect::Allow;
    } else if (name == "Action" || name == "NotAction") {
      std::vector<std::string_view> texts;
      if (!read_texts(value, texts)) return form_error("Invalid policy syntax.");
      out.not_actions = name == "NotAction";
      for (const auto text : texts) out.actions.emplace_back(text, Pattern::Form{.ignore_case = true});
    } else if (name == "Resource" || name == "NotResource") {
      std::vector<std::string_view> texts;
      if (!read_texts(value, texts)) return form_error("Invalid policy syntax.");
      out.not_resources = name == "NotResource";
      for (const auto text : texts) {
        if (kind_ == DocumentKind::Identity) note_resource(text);
        out.resources.emplace_back(text, Pattern::Form{.variables = has_variables()});
      }
    } else if (name == "Principal" || name == "NotPrincipal") {
      out.not_principals = name == "NotPrincipal";
      return read_principals(value, out.principals.emplace());
    } else if (name == "Condition") {
      return read_conditions(value, out);
    } else {
      return form_error(fmt::format("Unknown field {}", name));
    }
    return std::nullopt;
  }

  /// The first resource that is wrong decides what IAM says of the document.
  void note_resource(std::string_view text) {
    if (resource_noted_) return;
    bad_resource_ = fails_legacy_parsing(text);
    resource_noted_ = bad_resource_ || check_resource(text).has_value();
  }

  /// In documents of 2008 "${aws:username}" is just text. The version is read before the statements, wherever it
  /// stands.
  bool has_variables() const { return out_.version_ == kCurrent; }

  Refusal read_principals(const json::value& value, PrincipalList& out) {
    if (value.is_string() && view(value.get_string()) == "*") {
      out.everyone = true;
      return std::nullopt;
    }
    if (!value.is_object() || value.get_object().empty()) return form_error("Invalid policy syntax.");
    for (const auto& [key, member] : value.get_object()) {
      std::vector<std::string_view> texts;
      if (!read_texts(member, texts)) return form_error("Invalid policy syntax.");
      std::vector<std::string>* list = nullptr;
      if (key == "AWS") list = &out.aws;
      if (key == "Service") list = &out.services;
      if (key == "Federated") list = &out.federated;
      if (key == "CanonicalUser") list = &out.canonical;
      if (list == nullptr) return form_error("Invalid principal in policy");
      for (const auto text : texts) {
        if (text == "*" && list == &out.aws)
          out.everyone = true;
        else
          list->emplace_back(text);
      }
    }
    return std::nullopt;
  }

  Refusal read_conditions(const json::value& value, Statement& out) {
    if (!value.is_object()) return form_error("Invalid policy syntax.");
    for (const auto& [name, keys] : value.get_object()) {
      if (!keys.is_object()) return form_error("Invalid policy syntax.");
      const auto known = condition_operator(view(name));
      // IAM lets an unknown operator pass as long as it says nothing.
      if (!known && keys.get_object().empty() && !of_resource()) continue;
      if (!known) return form_error(fmt::format("Invalid Condition type : {}", view(name)));
      for (const auto& [key, wanted] : keys.get_object()) {
        Condition condition = *known;
        condition.key = std::string(view(key));
        if (auto refusal = read_values(wanted, condition)) return refusal;
        out.conditions.push_back(std::move(condition));
      }
    }
    return std::nullopt;
  }

  Refusal read_values(const json::value& value, Condition& out) {
    const auto add = [&](const json::value& item) {
      std::string text;
      if (item.is_string())
        text = std::string(view(item.get_string()));
      else if (item.is_bool() || item.is_number())
        text = json::serialize(item);
      else
        return false;
      bad_date_ = bad_date_ || (is_date_type(out.type) && !is_date(text));
      out.values.emplace_back(text, value_form(out.type, has_variables()));
      return true;
    };
    if (!value.is_array()) return add(value) ? Refusal() : form_error("Invalid policy syntax.");
    out.values.reserve(value.get_array().size());
    for (const auto& item : value.get_array())
      if (!add(item)) return form_error("Invalid policy syntax.");
    return std::nullopt;
  }

  static bool is_date_type(Condition::Type type) {
    return type >= Condition::Type::DateEquals && type <= Condition::Type::DateGreaterOrEqual;
  }

  Refusal check() {
    if (kind_ == DocumentKind::Identity && out_.version_ != kCurrent)
      return "Policy document must be version 2012-10-17 or greater.";
    if (effect_in_wrong_case_ || bad_date_ || bad_resource_)
      return of_resource() ? "Invalid policy syntax." : std::string(kLegacy);
    std::set<std::string_view> sids;
    for (const auto& statement : out_.statements_)
      if (!statement.sid.empty() && !sids.insert(statement.sid).second)
        return "Statement IDs (SID) in a single policy must be unique.";
    for (const auto& statement : out_.statements_) {
      if (statement.actions.empty())
        return of_resource() ? "Missing required field Action" : "Policy statement must contain actions.";
    }
    for (const auto& statement : out_.statements_)
      if (auto refusal = check_statement(statement)) return refusal;
    return std::nullopt;
  }

  Refusal check_statement(const Statement& statement) {
    if (kind_ == DocumentKind::Identity) {
      if (statement.principals) return "Policy document should not specify a principal.";
      for (const auto& resource : statement.resources)
        if (auto refusal = check_resource(resource.text())) return refusal;
    }
    for (const auto& action : statement.actions) {
      if (auto refusal = check_action(action.text())) return of_resource() ? "Policy has invalid action" : *refusal;
      if (kind_ == DocumentKind::Trust && !starts_ignoring_case(action.text(), "sts:"))
        return "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  and "
               "sts:AssumeRoleWithWebIdentity";
    }
    if (kind_ == DocumentKind::Identity && statement.resources.empty())
      return "Policy statement must contain resources.";
    if (kind_ == DocumentKind::Trust && !statement.resources.empty()) return "Has prohibited field Resource.";
    if (kind_ != DocumentKind::Identity && !statement.principals) return "Missing required field Principal";
    if (of_resource() && statement.resources.empty()) return "Missing required field Resource";
    return std::nullopt;
  }

  Document& out_;
  const DocumentKind kind_;
  bool effect_in_wrong_case_ = false;
  bool bad_date_ = false;
  bool bad_resource_ = false;
  bool resource_noted_ = false;  // one that is wrong was seen
};

Result<std::shared_ptr<const Document>> Document::parse(std::string_view text, DocumentKind kind) {
  auto document = std::make_shared<Document>();
  if (auto refusal = DocumentReader(*document, kind).read(text))
    return client_error(kind == DocumentKind::Resource ? "MalformedPolicy" : "MalformedPolicyDocument", *refusal);
  return document;
}

std::size_t policy_size(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return c != ' ' && c != '\t' && c != '\n' && c != '\r'; }));
}

}  // namespace likeness::policy
