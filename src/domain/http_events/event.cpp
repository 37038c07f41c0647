#include "domain/http_events/event.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <ctime>
#include <string_view>

#include "domain/http_events/text.hpp"

namespace likeness::http_events {
namespace {

namespace json = boost::json;

/// "12/Mar/2020:19:03:58 +0000".
std::string request_time(TimePoint time) {
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:02}/{}/{}:{:02}:{:02}:{:02} +0000", parts.tm_mday,
                     kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
                     parts.tm_sec);
}

/// Several values of one name stand after each other, as in a header.
void add(json::object& to, const std::string& name, const std::string& value) {
  if (auto* found = to.if_contains(name)) {
    auto& text = found->as_string();
    text.push_back(',');
    text.append(value);
  } else {
    to[name] = value;
  }
}

json::object headers_of(const Request& request) {
  json::object out;
  for (const auto& field : request.headers) {
    const auto name = lower_case(field.name);
    if (name != "cookie") add(out, as_utf8(name), as_utf8(field.value));
  }
  return out;
}

json::array cookies_of(const Request& request) {
  json::array out;
  for (const auto& field : request.headers) {
    if (lower_case(field.name) != "cookie") continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const auto end = rest.find(';');
      auto cookie = rest.substr(0, end);
      while (cookie.starts_with(' ')) cookie.remove_prefix(1);
      while (cookie.ends_with(' ')) cookie.remove_suffix(1);
      if (!cookie.empty()) out.emplace_back(json::string(as_utf8(cookie)));
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
  }
  return out;
}

json::object parameters_of(std::string_view query) {
  json::object out;
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    const auto value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    add(out, as_utf8(decode_query(pair.substr(0, equals))), as_utf8(decode_query(value)));
  }
  return out;
}

/// Only what says that it is a text, and is one in ASCII, goes as it is.
bool is_text(const Request& request) {
  std::string type;
  for (const auto& field : request.headers)
    if (lower_case(field.name) == "content-type") type = lower_case(field.value);
  const bool says = std::ranges::any_of(std::array<std::string_view, 4>{"text", "json", "xml", "javascript"},
                                        [&](auto word) { return type.find(word) != std::string::npos; });
  return says && std::ranges::all_of(request.body, [](auto byte) { return byte < 0x80; });
}

json::object texts(const std::map<std::string, std::string>& from) {
  json::object out;
  for (const auto& [name, value] : from) out[as_utf8(name)] = as_utf8(value);
  return out;
}

json::object context_of(const Request& request) {
  json::object out;
  out["accountId"] = request.account;
  out["apiId"] = request.api_id;
  if (request.iam) {
    const auto& iam = *request.iam;
    out["authentication"] = nullptr;
    out["authorizer"] = {{"iam",
                          {{"accessKey", iam.access_key},
                           {"accountId", iam.account},
                           {"callerId", iam.caller_id},
                           {"cognitoIdentity", nullptr},
                           {"principalOrgId", nullptr},
                           {"userArn", iam.arn},
                           {"userId", iam.user_id}}}};
  }
  out["domainName"] = as_utf8(request.domain_name);
  out["domainPrefix"] = as_utf8(request.domain_prefix);
  std::string user_agent;
  for (const auto& field : request.headers)
    if (lower_case(field.name) == "user-agent") user_agent = as_utf8(field.value);
  out["http"] = {{"method", as_utf8(request.method)},
                 {"path", as_utf8(request.path)},
                 {"protocol", request.protocol},
                 {"sourceIp", request.source_ip},
                 {"userAgent", user_agent}};
  out["requestId"] = request.request_id;
  out["routeKey"] = request.route_key;
  out["stage"] = request.stage;
  out["time"] = request_time(request.time);
  out["timeEpoch"] = std::chrono::duration_cast<std::chrono::milliseconds>(request.time.time_since_epoch()).count();
  return out;
}

}  // namespace

std::string event_v2(const Request& request) {
  json::object out;
  out["version"] = "2.0";
  out["routeKey"] = request.route_key;
  out["rawPath"] = as_utf8(request.path);
  out["rawQueryString"] = as_utf8(request.query);
  if (auto cookies = cookies_of(request); !cookies.empty()) out["cookies"] = std::move(cookies);
  out["headers"] = headers_of(request);
  if (auto parameters = parameters_of(request.query); !parameters.empty())
    out["queryStringParameters"] = std::move(parameters);
  out["requestContext"] = context_of(request);
  const bool as_it_is = request.body.empty() || is_text(request);
  if (!request.body.empty())
    out["body"] = as_it_is ? json::string(as_text(request.body)) : json::string(to_base64(request.body));
  if (!request.path_parameters.empty()) out["pathParameters"] = texts(request.path_parameters);
  out["isBase64Encoded"] = !as_it_is;
  if (!request.stage_variables.empty()) out["stageVariables"] = texts(request.stage_variables);
  return json::serialize(out);
}

}  // namespace likeness::http_events
