#include "app/deployment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

namespace likeness::app {
namespace {

namespace json = boost::json;
using Parameters = std::map<std::string, std::string>;

Failure invalid(std::string message) { return client_error("InvalidDeployment", std::move(message)); }

Result<std::string> filled_text(std::string_view text, const Parameters& parameters) {
  std::string out;
  while (true) {
    const auto begin = text.find("${");
    out += text.substr(0, begin);
    if (begin == std::string_view::npos) return out;
    const auto end = text.find('}', begin);
    if (end == std::string_view::npos) return invalid(fmt::format("\"{}\" lacks a closing brace.", text));
    const std::string name(text.substr(begin + 2, end - begin - 2));
    const auto value = parameters.find(name);
    if (value == parameters.end()) return invalid(fmt::format("There is no parameter {}.", name));
    out += value->second;
    text.remove_prefix(end + 1);
  }
}

/// Parameters filled in, {"$json": X} made text.
Result<json::value> filled(const json::value& value, const Parameters& parameters) {
  if (value.is_string()) {
    auto text = filled_text(value.get_string(), parameters);
    if (!text) return fail(text);
    return json::value(*text);
  }
  if (value.is_array()) {
    json::array out;
    for (const auto& item : value.get_array()) {
      auto one = filled(item, parameters);
      if (!one) return one;
      out.push_back(std::move(*one));
    }
    return json::value(std::move(out));
  }
  if (!value.is_object()) return value;
  json::object out;
  for (const auto& [name, item] : value.get_object()) {
    auto one = filled(item, parameters);
    if (!one) return one;
    if (name == "$json" && value.get_object().size() == 1) return json::value(json::serialize(*one));
    out[name] = std::move(*one);
  }
  return json::value(std::move(out));
}

Result<Deployment::Call> parse_call(const json::value& from, const Parameters& parameters, const std::string& where) {
  const json::object* object = from.if_object();
  if (object == nullptr) return invalid(where + " is not an object.");
  Deployment::Call call;
  for (const auto& [name, value] : *object) {
    if ((name == "service" || name == "operation") && value.is_string()) {
      (name == "service" ? call.service : call.operation) = std::string(value.get_string());
    } else if (name == "input" && value.is_object()) {
      auto input = filled(value, parameters);
      if (!input) return invalid(where + ": " + input.error().message);
      call.input = json::serialize(*input);
    } else if (name == "unless" && value.is_array()) {
      for (const auto& code : value.get_array())
        if (code.is_string()) call.unless.emplace_back(code.get_string());
    } else if (name == "otherwise") {
      auto other = parse_call(value, parameters, where + ", otherwise");
      if (!other) return other;
      call.otherwise.push_back(std::move(*other));
    } else {
      return invalid(
          fmt::format("{}: \"{}\" is not of any form that is known here; there are service, operation, "
                      "input, unless and otherwise.",
                      where, std::string_view(name)));
    }
  }
  if (call.service.empty() || call.operation.empty()) return invalid(where + " has no service or no operation.");
  return call;
}

}  // namespace

Result<Deployment> parse_deployment(std::string_view text, const Parameters& parameters) {
  json::error_code error;
  const json::value parsed = json::parse(text, error);
  const json::object* object = error ? nullptr : parsed.if_object();
  if (object == nullptr) return invalid("The description is not a JSON object.");
  Parameters all;
  if (const json::value* own = object->if_contains("parameters")) {
    if (!own->is_object()) return invalid("\"parameters\" is not an object.");
    for (const auto& [name, value] : own->get_object()) {
      if (!value.is_string()) return invalid(fmt::format("The parameter {} is not a text.", std::string_view(name)));
      all[name] = std::string(value.get_string());
    }
  }
  for (const auto& [name, value] : parameters) all[name] = value;

  Deployment out;
  if (const json::value* description = object->if_contains("description"); description && description->is_string())
    out.description = std::string(description->get_string());
  const json::value* calls = object->if_contains("calls");
  if (calls == nullptr || !calls->is_array() || calls->get_array().empty()) return invalid("There are no \"calls\".");
  for (const auto& from : calls->get_array()) {
    auto call = parse_call(from, all, fmt::format("Call {}", out.calls.size() + 1));
    if (!call) return fail(call);
    out.calls.push_back(std::move(*call));
  }
  return out;
}

Result<void> deploy(const Deployment& deployment, const MakeCall& call, const Told& told) {
  for (const auto& wanted : deployment.calls) {
    auto made = call(wanted.service, wanted.operation, wanted.input);
    if (made) {
      told(wanted, "made");
      continue;
    }
    if (std::ranges::find(wanted.unless, made.error().code) == wanted.unless.end()) {
      made.error().message = fmt::format("{} {}: {}", wanted.service, wanted.operation, made.error().message);
      return fail(made);
    }
    const Deployment rest{.description = {}, .calls = wanted.otherwise};
    if (auto updated = deploy(rest, call, [](const auto&, auto) {}); !updated) return updated;
    told(wanted, wanted.otherwise.empty() ? "is there" : "updated");
  }
  return {};
}

}  // namespace likeness::app
