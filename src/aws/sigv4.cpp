#include "aws/sigv4.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "aws/timestamps.hpp"

namespace likeness::aws {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// Decoded where the escapes are right, else as it is: what was signed is for the signature to tell.
std::string decoded(std::string_view text) { return net::percent_decode(text).value_or(std::string(text)); }

using Parameter = std::pair<std::string, std::string>;

/// Name and value, decoded.
std::vector<Parameter> query_parameters(std::string_view query) {
  std::vector<Parameter> out;
  for (const auto part : split(query, '&')) {
    if (part.empty()) continue;
    const auto equals = part.find('=');
    const bool has_value = equals != std::string_view::npos;
    out.emplace_back(decoded(part.substr(0, equals)), has_value ? decoded(part.substr(equals + 1)) : std::string());
  }
  return out;
}

const std::string* find_parameter(const std::vector<Parameter>& parameters, std::string_view name) {
  for (const auto& [key, value] : parameters)
    if (key == name) return &value;
  return nullptr;
}

/// RFC 3986 section 5.2.4, and runs of slashes as one.
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> kept;
  for (const auto part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!kept.empty()) kept.pop_back();
      continue;
    }
    kept.push_back(part);
  }
  std::string out;
  for (const auto part : kept) {
    out += '/';
    out += part;
  }
  const bool is_folder = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
  if (out.empty() || is_folder) out += '/';
  return out;
}

std::string canonical_path(std::string_view path, const SignatureRules& rules) {
  if (path.empty()) return "/";
  const std::string normal = rules.normalize_path ? without_dots(path) : std::string(path);
  return uri_encode(rules.double_encode ? normal : decoded(normal), true);
}

std::string canonical_query(std::string_view query, std::string_view left_out) {
  std::vector<Parameter> encoded;
  for (const auto& [name, value] : query_parameters(query)) {
    if (name == "X-Amz-Signature" || (!left_out.empty() && name == left_out)) continue;
    encoded.emplace_back(uri_encode(name), uri_encode(value));
  }
  std::ranges::sort(encoded);
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
  return out;
}

/// Spaces at the ends gone, runs of them inside as one.
void append_collapsed(std::string_view value, std::string& out) {
  bool space = false;
  for (const char c : trim(value)) {
    const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (blank && !space) out += ' ';
    if (!blank) out += c;
    space = blank;
  }
}

/// "AKID/20150830/us-east-1/service/aws4_request".
bool read_credential(std::string_view text, SignatureClaim& claim) {
  // From the end: a key's id may hold a slash, the rest may not.
  std::vector<std::string_view> parts = split(text, '/');
  if (parts.size() < 5 || parts.back() != "aws4_request") return false;
  const std::size_t n = parts.size();
  claim.scope = {std::string(parts[n - 4]), std::string(parts[n - 3]), std::string(parts[n - 2])};
  claim.access_key_id = text.substr(0, static_cast<std::size_t>(parts[n - 4].data() - text.data()) - 1);
  return !claim.access_key_id.empty() && claim.scope.date.size() == 8;
}

void read_signed_headers(std::string_view text, SignatureClaim& claim) {
  for (const auto name : split(text, ';'))
    if (!name.empty()) claim.signed_headers.push_back(lower(name));
}

tl::unexpected<AuthProblem> incomplete(std::string message) {
  return tl::unexpected(AuthProblem{AuthFailure::Incomplete, std::move(message)});
}

AuthResult<SignatureClaim> read_header_claim(const net::Request& request, std::string_view header) {
  SignatureClaim claim;
  const auto space = header.find(' ');
  const auto algorithm = header.substr(0, space);
  if (algorithm != kAlgorithm) {
    if (algorithm.starts_with("AWS4-"))
      return tl::unexpected(AuthProblem{AuthFailure::WrongAlgorithm,
                                        fmt::format("Unsupported AWS 'algorithm': '{}'.", algorithm.substr(0, 64))});
    return tl::unexpected(AuthProblem{AuthFailure::Missing, "Missing Authentication Token"});
  }
  bool has_credential = false;
  bool readable = true;
  for (const auto part : split(space == std::string_view::npos ? "" : header.substr(space + 1), ',')) {
    const auto field = trim(part);
    const auto equals = field.find('=');
    const auto name = field.substr(0, equals);
    const auto value = equals == std::string_view::npos ? std::string_view() : trim(field.substr(equals + 1));
    if (name == "Credential") {
      has_credential = true;
      readable = read_credential(value, claim);
    } else if (name == "SignedHeaders") {
      read_signed_headers(value, claim);
    } else if (name == "Signature") {
      claim.signature = value;
    }
  }
  std::string missing;
  if (!has_credential) missing += "Authorization header requires 'Credential' parameter. ";
  if (claim.signature.empty()) missing += "Authorization header requires 'Signature' parameter. ";
  if (claim.signed_headers.empty()) missing += "Authorization header requires 'SignedHeaders' parameter. ";
  if (const auto date = request.headers.find("x-amz-date")) {
    claim.timestamp = trim(*date);
  } else if (const auto http = request.headers.find("date")) {
    if (const auto time = parse_http_date(trim(*http))) claim.timestamp = iso8601_basic(*time);
  }
  if (!request.headers.contains("x-amz-date") && !request.headers.contains("date"))
    missing += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  if (!missing.empty()) return incomplete(fmt::format("{}Authorization={}", missing, algorithm));
  if (!readable)
    return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.");
  if (!parse_iso8601_basic(claim.timestamp))
    return incomplete(
        "Date must be in ISO-8601 'basic format'. Got another one. See http://en.wikipedia.org/wiki/ISO_8601");
  claim.session_token = trim(request.headers.get("x-amz-security-token"));
  claim.payload = trim(request.headers.get("x-amz-content-sha256"));
  return claim;
}

AuthResult<SignatureClaim> read_query_claim(const net::Request& request, const std::vector<Parameter>& parameters) {
  SignatureClaim claim;
  claim.presigned = true;
  const auto get = [&](std::string_view name) {
    const auto* value = find_parameter(parameters, name);
    return value == nullptr ? std::string() : *value;
  };
  if (const auto algorithm = get("X-Amz-Algorithm"); algorithm != kAlgorithm)
    return tl::unexpected(AuthProblem{AuthFailure::WrongAlgorithm,
                                      fmt::format("Unsupported AWS 'algorithm': '{}'.", algorithm.substr(0, 64))});
  std::string missing;
  for (const std::string_view name :
       {"X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date", "X-Amz-Expires"})
    if (get(name).empty()) missing += fmt::format("AWS query-string parameters must include '{}'. ", name);
  if (!missing.empty()) return incomplete(missing + "Re-examine the query-string parameters.");
  if (!read_credential(get("X-Amz-Credential"), claim))
    return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.");
  read_signed_headers(get("X-Amz-SignedHeaders"), claim);
  claim.signature = get("X-Amz-Signature");
  claim.timestamp = get("X-Amz-Date");
  if (!parse_iso8601_basic(claim.timestamp))
    return incomplete("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  const std::string expires = get("X-Amz-Expires");
  const auto read = std::from_chars(expires.data(), expires.data() + expires.size(), claim.expires);
  if (read.ec != std::errc() || read.ptr != expires.data() + expires.size())
    return incomplete("X-Amz-Expires should be a number");
  if (claim.expires < 0) return incomplete("X-Amz-Expires must be non-negative");
  if (claim.expires > 604800)
    return incomplete(
        "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less "
        "than 604800 seconds");
  claim.session_token = get("X-Amz-Security-Token");
  claim.payload = get("X-Amz-Content-Sha256");
  if (claim.payload.empty()) claim.payload = trim(request.headers.get("x-amz-content-sha256"));
  return claim;
}

bool proxies_change(std::string_view name) {
  constexpr std::string_view kNames[] = {"authorization",   "connection",        "expect",  "te",
                                         "trailer",         "transfer-encoding", "upgrade", "user-agent",
                                         "x-amzn-trace-id", "content-length"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

std::string payload_of(const net::Request& request, const SigningOptions& options) {
  return options.payload.empty() ? to_hex(sha256(request.body)) : options.payload;
}

}  // namespace

std::string Scope::text() const { return fmt::format("{}/{}/{}/aws4_request", date, region, service); }

std::string uri_encode(std::string_view text, bool keep_slash) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~' || (c == '/' && keep_slash);
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

AuthResult<SignatureClaim> read_claim(const net::Request& request) {
  if (const auto header = request.headers.find("authorization")) return read_header_claim(request, *header);
  const auto parameters = query_parameters(request.query());
  if (find_parameter(parameters, "X-Amz-Algorithm") != nullptr ||
      find_parameter(parameters, "X-Amz-Signature") != nullptr)
    return read_query_claim(request, parameters);
  return tl::unexpected(AuthProblem{AuthFailure::Missing, "Missing Authentication Token"});
}

std::string canonical_request(const net::Request& request, const std::vector<std::string>& signed_headers,
                              std::string_view payload_hash, const SignatureRules& rules,
                              std::string_view without_query) {
  std::vector<std::string> names = signed_headers;
  std::ranges::sort(names);
  std::string out = request.method;
  out += '\n';
  out += canonical_path(request.path(), rules);
  out += '\n';
  out += canonical_query(request.query(), without_query);
  out += '\n';
  for (const auto& name : names) {
    out += name;
    out += ':';
    bool first = true;
    for (const auto value : request.headers.all(name)) {
      if (!first) out += ',';
      first = false;
      append_collapsed(value, out);
    }
    out += '\n';
  }
  out += '\n';
  out += fmt::format("{}", fmt::join(names, ";"));
  out += '\n';
  out += payload_hash;
  return out;
}

std::string string_to_sign(std::string_view timestamp, const Scope& scope, std::string_view canonical) {
  return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, timestamp, scope.text(), to_hex(sha256(as_bytes(canonical))));
}

Sha256 signing_key(std::string_view secret, const Scope& scope) {
  const std::string start = "AWS4" + std::string(secret);
  const Sha256 date = hmac_sha256(as_bytes(start), as_bytes(scope.date));
  const Sha256 region = hmac_sha256(date, as_bytes(scope.region));
  const Sha256 service = hmac_sha256(region, as_bytes(scope.service));
  return hmac_sha256(service, as_bytes("aws4_request"));
}

std::string signature_of(BytesView key, std::string_view text) { return to_hex(hmac_sha256(key, as_bytes(text))); }

std::string sign_headers(net::Request& request, const AccessKey& key, const SigningOptions& options) {
  const std::string timestamp = iso8601_basic(options.time);
  const Scope scope{timestamp.substr(0, 8), options.region, options.service};
  const std::string payload = payload_of(request, options);
  request.headers.set("X-Amz-Date", timestamp);
  if (options.sign_payload_header) request.headers.set("X-Amz-Content-Sha256", payload);
  if (!key.session_token.empty() && !options.omit_session_token)
    request.headers.set("X-Amz-Security-Token", key.session_token);
  std::vector<std::string> names = options.signed_headers;
  if (names.empty()) {
    for (const auto& header : request.headers)
      if (auto name = lower(header.name); !proxies_change(name)) names.push_back(std::move(name));
    std::ranges::sort(names);
    names.erase(std::ranges::unique(names).begin(), names.end());
  }
  const auto text = string_to_sign(timestamp, scope, canonical_request(request, names, payload, options.rules));
  const auto signature = signature_of(signing_key(key.secret, scope), text);
  if (!key.session_token.empty() && options.omit_session_token)
    request.headers.set("X-Amz-Security-Token", key.session_token);
  request.headers.set("Authorization", fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                                                   key.id, scope.text(), fmt::join(names, ";"), signature));
  return signature;
}

std::string sign_query(net::Request& request, const AccessKey& key, const SigningOptions& options,
                       std::int64_t expires) {
  const std::string timestamp = iso8601_basic(options.time);
  const Scope scope{timestamp.substr(0, 8), options.region, options.service};
  std::vector<std::string> names = options.signed_headers;
  if (names.empty()) names.emplace_back("host");
  std::string& target = request.target;
  target += target.find('?') == std::string::npos ? '?' : '&';
  target += fmt::format("X-Amz-Algorithm={}&X-Amz-Credential={}&X-Amz-Date={}&X-Amz-Expires={}&X-Amz-SignedHeaders={}",
                        kAlgorithm, uri_encode(key.id + "/" + scope.text()), timestamp, expires,
                        uri_encode(fmt::format("{}", fmt::join(names, ";"))));
  const std::string token =
      key.session_token.empty() ? std::string() : "&X-Amz-Security-Token=" + uri_encode(key.session_token);
  if (!options.omit_session_token) target += token;
  const auto canonical = canonical_request(request, names, payload_of(request, options), options.rules);
  const auto signature = signature_of(signing_key(key.secret, scope), string_to_sign(timestamp, scope, canonical));
  if (options.omit_session_token) target += token;
  target += "&X-Amz-Signature=" + signature;
  return signature;
}

}  // namespace likeness::aws
