#include "domain/lambda/urls.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.hpp"
#include "domain/lambda/errors.hpp"

namespace likeness::lambda {
namespace {

constexpr std::size_t kIdLength = 32;
constexpr std::string_view kIdLetters = "abcdefghijklmnopqrstuvwxyz234567";

std::string new_id() {
  std::string out;
  for (const auto byte : random_bytes(kIdLength)) out += kIdLetters[byte % kIdLetters.size()];
  return out;
}

bool same(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool holds(const std::vector<std::string>& list, std::string_view wanted) {
  return std::ranges::any_of(list, [&](const auto& entry) { return entry == "*" || same(entry, wanted); });
}

std::string joined(const std::vector<std::string>& list) { return fmt::format("{}", fmt::join(list, ",")); }

/// Origin and credentials, as both kinds of answers begin.
std::vector<CorsHeader> origin_headers(const Cors& cors, std::string_view origin) {
  if (origin.empty() || !holds(cors.allow_origins, origin)) return {};
  std::vector<CorsHeader> out;
  // Browsers refuse "*" together with credentials.
  const bool any = !cors.credentials && std::ranges::find(cors.allow_origins, "*") != cors.allow_origins.end();
  out.push_back({"Access-Control-Allow-Origin", any ? "*" : std::string(origin)});
  if (cors.credentials) out.push_back({"Access-Control-Allow-Credentials", "true"});
  out.push_back({"Vary", "Origin"});
  return out;
}

Result<void> check(const UrlConfig& url) {
  if (!url.cors) return {};
  for (const auto& origin : url.cors->allow_origins)
    if (origin != "*" && origin.find("://") == std::string::npos)
      return validation(origin, "cors.allowOrigins", "Member must be '*' or an origin as https://www.example.com");
  return {};
}

}  // namespace

Result<UrlConfig> create_url(Function& function, const std::string& qualifier, const UrlChange& wanted, TimePoint now) {
  if (function.urls.contains(qualifier))
    return conflict(
        fmt::format("Failed to create function url config for [functionArn = {}]. Error message:  FunctionUrlConfig "
                    "exists for this Lambda function",
                    function.arn(qualifier)));
  UrlConfig url{.id = new_id(), .created = now, .modified = now};
  if (wanted.auth) url.auth = *wanted.auth;
  if (wanted.mode) url.mode = *wanted.mode;
  url.cors = wanted.cors;
  if (auto fine = check(url); !fine) return fail(fine);
  function.urls[qualifier] = url;
  return url;
}

Result<UrlConfig> update_url(Function& function, const std::string& qualifier, const UrlChange& wanted, TimePoint now) {
  auto url = find_url(function, qualifier);
  if (!url) return url;
  if (wanted.auth) url->auth = *wanted.auth;
  if (wanted.mode) url->mode = *wanted.mode;
  if (wanted.cors) url->cors = wanted.cors;
  if (auto fine = check(*url); !fine) return fail(fine);
  url->modified = now;
  function.urls[qualifier] = *url;
  return url;
}

Result<void> delete_url(Function& function, const std::string& qualifier) {
  if (function.urls.erase(qualifier) == 0) return not_found("The resource you requested does not exist.");
  return {};
}

Result<UrlConfig> find_url(const Function& function, const std::string& qualifier) {
  const auto at = function.urls.find(qualifier);
  if (at == function.urls.end()) return not_found("The resource you requested does not exist.");
  return at->second;
}

std::string_view url_id_of_host(std::string_view host) {
  constexpr std::string_view kLabel = ".lambda-url.";
  if (host.size() <= kIdLength + kLabel.size()) return {};
  const auto id = host.substr(0, kIdLength);
  if (!same(host.substr(kIdLength, kLabel.size()), kLabel)) return {};
  const bool fine = std::ranges::all_of(id, [](char c) { return kIdLetters.find(c) != std::string_view::npos; });
  return fine ? id : std::string_view();
}

std::vector<CorsHeader> cors_headers(const Cors& cors, const CorsRequest& request) {
  auto out = origin_headers(cors, request.origin);
  if (!out.empty() && !cors.expose_headers.empty())
    out.push_back({"Access-Control-Expose-Headers", joined(cors.expose_headers)});
  return out;
}

std::vector<CorsHeader> preflight_headers(const Cors& cors, const CorsRequest& request) {
  auto out = origin_headers(cors, request.origin);
  if (out.empty()) return out;
  // Methods that need no preflight need no permission either.
  const bool simple = request.requested_method == "GET" || request.requested_method == "HEAD";
  if (!simple && !holds(cors.allow_methods, request.requested_method)) return {};
  for (auto rest = request.requested_headers; !rest.empty();) {
    const auto end = rest.find(',');
    auto name = rest.substr(0, end);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (!name.empty() && !holds(cors.allow_headers, name)) return {};
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  if (!cors.allow_methods.empty()) out.push_back({"Access-Control-Allow-Methods", joined(cors.allow_methods)});
  if (!cors.allow_headers.empty()) out.push_back({"Access-Control-Allow-Headers", joined(cors.allow_headers)});
  if (cors.max_age > 0) out.push_back({"Access-Control-Max-Age", std::to_string(cors.max_age)});
  return out;
}

}  // namespace likeness::lambda
