#include "services/s3/cors.hpp"

#include <algorithm>

#include "services/s3/pages.hpp"

namespace likeness::s3 {

namespace {

bool same(char a, char b, bool ignore_case) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return ignore_case ? lower(a) == lower(b) : a == b;
}

bool equal(std::string_view a, std::string_view b, bool ignore_case) {
  return std::ranges::equal(a, b, [&](char x, char y) { return same(x, y, ignore_case); });
}

/// `pattern` may have one asterisk.
bool matches(std::string_view pattern, std::string_view text, bool ignore_case) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return equal(pattern, text, ignore_case);
  const auto before = pattern.substr(0, star);
  const auto after = pattern.substr(star + 1);
  return text.size() >= before.size() + after.size() && equal(text.substr(0, before.size()), before, ignore_case) &&
         equal(text.substr(text.size() - after.size()), after, ignore_case);
}

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const auto comma = list.find(',');
    std::string_view one = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (!one.empty()) out.emplace_back(one);
  }
  return out;
}

std::string join(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& part : parts) {
    if (!out.empty()) out += ", ";
    out += part;
  }
  return out;
}

std::optional<shapes::CORSConfiguration> cors_of(State& state, const std::string& bucket_name) {
  const auto bucket = state.store.buckets.get(bucket_name);
  if (!bucket) return std::nullopt;
  return configured<shapes::PutBucketCors, shapes::CORSConfiguration>(*bucket, configuration::kCors,
                                                                      "CORSConfiguration");
}

void add_headers(const shapes::CORSRule& rule, std::string_view origin, net::Response& response) {
  const bool any = std::ranges::find(*rule.allowed_origins, "*") != rule.allowed_origins->end();
  response.headers.set("Access-Control-Allow-Origin", any ? "*" : std::string(origin));
  response.headers.set("Access-Control-Allow-Methods", join(*rule.allowed_methods));
  if (rule.expose_headers && !rule.expose_headers->empty())
    response.headers.set("Access-Control-Expose-Headers", join(*rule.expose_headers));
  if (rule.max_age_seconds) response.headers.set("Access-Control-Max-Age", std::to_string(*rule.max_age_seconds));
  if (!any) response.headers.set("Access-Control-Allow-Credentials", "true");
  response.headers.set("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
}

}  // namespace

const shapes::CORSRule* find_rule(const shapes::CORSConfiguration& cors, std::string_view origin,
                                  std::string_view method, const std::vector<std::string>& headers) {
  if (!cors.cors_rules) return nullptr;
  for (const auto& rule : *cors.cors_rules) {
    if (!rule.allowed_origins || !rule.allowed_methods) continue;
    if (std::ranges::none_of(*rule.allowed_origins,
                             [&](const auto& pattern) { return matches(pattern, origin, false); }))
      continue;
    if (std::ranges::find(*rule.allowed_methods, method) == rule.allowed_methods->end()) continue;
    const auto allowed = rule.allowed_headers.value_or(std::vector<std::string>());
    if (std::ranges::all_of(headers, [&](const auto& header) {
          return std::ranges::any_of(allowed, [&](const auto& pattern) { return matches(pattern, header, true); });
        }))
      return &rule;
  }
  return nullptr;
}

net::Response answer_preflight(State& state, const aws::RequestContext& context, const net::Request& request,
                               const std::string& bucket) {
  const auto origin = request.headers.get("origin");
  const auto method = request.headers.get("access-control-request-method");
  if (origin.empty())
    return error_page(400, "BadRequest", "Insufficient information. Origin request header needed.", context.request_id);
  if (method.empty())
    return error_page(400, "BadRequest", "Invalid Access-Control-Request-Method: null", context.request_id);
  const auto cors = cors_of(state, bucket);
  if (!cors)
    return error_page(403, "AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.", context.request_id);
  const auto headers = split(request.headers.get("access-control-request-headers"));
  const auto* rule = find_rule(*cors, origin, method, headers);
  if (rule == nullptr)
    return error_page(
        403, "AccessForbidden",
        "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, "
        "request method / Access-Control-Request-Method or Access-Control-Request-Headers are not "
        "whitelisted by the resource's CORS spec.",
        context.request_id);
  net::Response response;
  add_headers(*rule, origin, response);
  if (!headers.empty()) response.headers.set("Access-Control-Allow-Headers", join(headers));
  return response;
}

void add_cors_headers(State& state, const net::Request& request, const std::string& bucket, net::Response& response) {
  const auto origin = request.headers.get("origin");
  if (origin.empty() || request.method == "OPTIONS" || bucket.empty()) return;
  const auto cors = cors_of(state, bucket);
  if (!cors) return;
  if (const auto* rule = find_rule(*cors, origin, request.method, {})) add_headers(*rule, origin, response);
}

}  // namespace likeness::s3
