#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"

namespace likeness::http_events {

struct Field {
  std::string name;
  std::string value;

  bool operator==(const Field&) const = default;
};

/// Who has signed a request.
struct IamCaller {
  std::string access_key, account, caller_id, arn, user_id;
};

/// A request on its way to a function.
struct Request {
  std::string method;
  std::string path;   // as sent
  std::string query;  // as sent, without '?'
  std::string protocol = "HTTP/1.1";
  std::vector<Field> headers;  // as sent, in order; a name may occur more than once
  BytesView body;              // borrowed
  std::string source_ip;
  TimePoint time{};

  std::string request_id;
  std::string account = "anonymous";  // of the caller, or of the API
  std::string api_id;
  std::string domain_name, domain_prefix;
  std::string route_key = "$default", stage = "$default";
  std::optional<IamCaller> iam;
  std::map<std::string, std::string> path_parameters{}, stage_variables{};
};

/// The event in payload format 2.0. Sources: Lambda Developer Guide, "Invoking function URLs"; API Gateway Developer
/// Guide, "Payload format version".
std::string event_v2(const Request& request);

}  // namespace likeness::http_events
