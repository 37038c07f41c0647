#include "aws/router.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "aws/form.hpp"
#include "aws/s3_host.hpp"
#include "aws/sigv4.hpp"
#include "base/bytes.hpp"

namespace likeness::aws {
namespace {

using Parameter = std::pair<std::string, std::string>;

std::vector<Parameter> query_of(std::string_view text) {
  std::vector<Parameter> out;
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    const auto value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    out.emplace_back(net::percent_decode(pair.substr(0, equals), true).value_or(""),
                     net::percent_decode(value, true).value_or(""));
  }
  return out;
}

const std::string* find(const std::vector<Parameter>& query, std::string_view name) {
  for (const auto& [key, value] : query)
    if (key == name) return &value;
  return nullptr;
}

/// One operation at the place of the tree where its path ends.
struct Candidate {
  const Operation* operation = nullptr;
  std::vector<std::string_view> labels;                                // in the order of the path
  std::vector<std::pair<std::string_view, std::string_view>> literal;  // "?uploads", "?list-type=2"
  std::vector<std::string_view> required_query;
  std::vector<std::string_view> required_headers;

  bool literals_are_in(const std::vector<Parameter>& query) const {
    return std::ranges::all_of(literal, [&](const auto& part) {
      const auto* value = find(query, part.first);
      return value != nullptr && (part.second.empty() || *value == part.second);
    });
  }
  std::size_t requirements() const { return required_query.size() + required_headers.size(); }
  bool requirements_are_in(const net::Request& request, const std::vector<Parameter>& query) const {
    return std::ranges::all_of(required_query, [&](auto name) { return find(query, name) != nullptr; }) &&
           std::ranges::all_of(required_headers, [&](auto name) { return request.headers.contains(name); });
  }
};

/// The paths of one service, as a tree of their segments.
struct Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> label;
  std::vector<Candidate> ends;    // at this node
  std::vector<Candidate> greedy;  // whose last label takes all that follows
};

struct Found {
  const Node* node = nullptr;
  const std::vector<Candidate>* candidates = nullptr;
  std::vector<std::string_view> values;  // of the labels, as sent
};

bool has_method(const std::vector<Candidate>& candidates, std::string_view method) {
  return std::ranges::any_of(candidates, [&](const Candidate& c) { return c.operation->http_method == method; });
}

/// `rest` is empty or begins with a slash. As deep as the longest path of the model.
bool walk(const Node& node, std::string_view rest, std::string_view method, Found& found) {
  if (rest.empty() || rest == "/") {
    if (!has_method(node.ends, method)) return false;
    found.node = &node;
    found.candidates = &node.ends;
    return true;
  }
  const auto end = rest.find('/', 1);
  const auto segment = rest.substr(1, end == std::string_view::npos ? end : end - 1);
  const auto after = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  if (const auto at = node.literals.find(segment); at != node.literals.end() && walk(*at->second, after, method, found))
    return true;
  if (node.label && !segment.empty()) {
    found.values.push_back(segment);
    if (walk(*node.label, after, method, found)) return true;
    found.values.pop_back();
  }
  if (!has_method(node.greedy, method)) return false;
  found.values.push_back(rest.substr(1));
  found.node = &node;
  found.candidates = &node.greedy;
  return true;
}

void insert(Node& root, const Operation& operation) {
  Candidate candidate;
  candidate.operation = &operation;
  std::string_view uri = operation.http_uri;
  const auto mark = uri.find('?');
  auto query = mark == std::string_view::npos ? std::string_view() : uri.substr(mark + 1);
  uri = uri.substr(0, mark);
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto part = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    const auto equals = part.find('=');
    candidate.literal.emplace_back(part.substr(0, equals),
                                   equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1));
  }
  if (operation.input != nullptr) {
    for (const auto& member : operation.input->members) {
      if (!member.required) continue;
      if (member.location == Location::Query) candidate.required_query.push_back(member.wire_name);
      if (member.location == Location::Header) candidate.required_headers.push_back(member.wire_name);
    }
  }
  Node* node = &root;
  bool greedy = false;
  while (!uri.empty()) {
    uri.remove_prefix(1);
    const auto end = uri.find('/');
    const auto segment = uri.substr(0, end);
    uri = end == std::string_view::npos ? std::string_view() : uri.substr(end);
    if (segment.empty()) continue;
    if (segment.starts_with('{')) {
      greedy = segment.ends_with("+}");
      candidate.labels.push_back(segment.substr(1, segment.size() - (greedy ? 3 : 2)));
      if (greedy) break;
      if (!node->label) node->label = std::make_unique<Node>();
      node = node->label.get();
    } else {
      auto& next = node->literals[std::string(segment)];
      if (!next) next = std::make_unique<Node>();
      node = next.get();
    }
  }
  (greedy ? node->greedy : node->ends).push_back(std::move(candidate));
}

/// Of the operations that share path and method: those with the most of their "?words" in the query; among them the one
/// with the most required parameters and headers of which all are there, so that a PUT with uploadId is an UploadPart.
const Candidate* choose(const net::Request& request, const std::vector<Candidate>& candidates,
                        const std::vector<Parameter>& query, bool strict) {
  std::size_t most = 0;
  bool any = false;
  for (const auto& candidate : candidates) {
    if (candidate.operation->http_method != request.method || !candidate.literals_are_in(query)) continue;
    most = std::max(most, candidate.literal.size());
    any = true;
  }
  if (!any) return nullptr;
  if (strict && most == 0) {
    // "DELETE /photos?acl" is no DeleteBucket.
    for (const auto& candidate : candidates)
      for (const auto& [name, value] : candidate.literal)
        if (find(query, name) != nullptr) return nullptr;
  }
  const Candidate* best = nullptr;
  const Candidate* least = nullptr;  // where none has all that it requires
  const auto better = [](const Candidate* a, const Candidate* b) {
    if (b == nullptr) return true;
    if (a->requirements() != b->requirements()) return a->requirements() > b->requirements();
    return b->operation->is_deprecated && !a->operation->is_deprecated;
  };
  for (const auto& candidate : candidates) {
    if (candidate.operation->http_method != request.method || candidate.literal.size() != most ||
        !candidate.literals_are_in(query))
      continue;
    if (candidate.requirements_are_in(request, query) && better(&candidate, best)) best = &candidate;
    if (least == nullptr || candidate.requirements() < least->requirements()) least = &candidate;
  }
  if (best != nullptr) return best;
  // The constraints tell what it lacks; but a POST to an object without any parameter is nothing at all.
  return strict && most == 0 && !least->required_query.empty() ? nullptr : least;
}

bool speaks(const ServiceModel& model, Protocol protocol) {
  return std::ranges::find(model.protocols, protocol) != model.protocols.end();
}
bool is_rest(const ServiceModel& model) {
  return speaks(model, Protocol::RestXml) || speaks(model, Protocol::RestJson);
}

/// "Rekognition_20160627" of "Rekognition_20160627.DetectFaces" and what follows the dot.
std::pair<std::string_view, std::string_view> split_target(std::string_view target) {
  const auto dot = target.rfind('.');
  if (dot == std::string_view::npos) return {target, {}};
  return {target.substr(0, dot), target.substr(dot + 1)};
}

bool may_be_query_call(const net::Request& request) {
  return request.headers.get("content-type").starts_with("application/x-www-form-urlencoded") ||
         request.query().find("Action=") != std::string_view::npos;
}

/// Service and operation of "/service/GraniteServiceVersion20100801/operation/PutMetricData", the path of RPC v2.
std::pair<std::string_view, std::string_view> split_rpc_path(std::string_view path) {
  constexpr std::string_view kService = "/service/";
  constexpr std::string_view kOperation = "/operation/";
  const auto service = path.rfind(kService);
  if (service == std::string_view::npos) return {};
  path.remove_prefix(service + kService.size());
  const auto operation = path.find(kOperation);
  if (operation == std::string_view::npos) return {};
  return {path.substr(0, operation), path.substr(operation + kOperation.size())};
}

bool is_rpc(const net::Request& request) { return request.headers.get("smithy-protocol") == "rpc-v2-cbor"; }

/// A parameter of the form in the body or of the query.
std::string parameter(const net::Request& request, std::string_view name) {
  if (auto value = form_value(as_text(request.body), name)) return *value;
  return form_value(request.query(), name).value_or("");
}

}  // namespace

struct Router::State {
  struct Entry {
    const Service* service;
    Node paths;  // of a REST service
  };
  std::vector<std::unique_ptr<Entry>> entries;
  std::vector<std::string> domains;

  template <class Matches>
  const Entry* first(Matches matches) const {
    for (const auto& entry : entries)
      if (matches(entry->service->model())) return entry.get();
    return nullptr;
  }

  const Entry* find_service(const net::Request& request, const S3Host& host) const;
  void find_rest(const net::Request& request, const Entry& entry, const S3Host& host, Route& route) const;
};

const Router::State::Entry* Router::State::find_service(const net::Request& request, const S3Host& host) const {
  if (const auto target = request.headers.find("x-amz-target")) {
    const auto prefix = split_target(*target).first;
    return first(
        [&](const ServiceModel& model) { return !model.target_prefix.empty() && model.target_prefix == prefix; });
  }
  if (is_rpc(request)) {
    const auto name = split_rpc_path(request.path()).first;
    return first([&](const ServiceModel& model) {
      return speaks(model, Protocol::Cbor) && !name.empty() && model.target_prefix == name;
    });
  }
  if (const auto claim = read_claim(request))
    return first([&](const ServiceModel& model) { return model.signing_name == claim->scope.service; });
  const auto is_s3 = [](const ServiceModel& model) { return model.signs_like_s3; };
  if (host.website) return first(is_s3);
  const auto name = request.headers.get("host");
  const auto label = name.substr(0, name.find('.'));
  if (const auto* entry = first([&](const ServiceModel& model) { return model.endpoint_prefix == label; }))
    return entry;
  // Forms that need no signature (AssumeRoleWithWebIdentity) name the version of their service.
  if (may_be_query_call(request)) {
    const auto action = parameter(request, "Action");
    const auto version = parameter(request, "Version");
    if (const auto* entry = first([&](const ServiceModel& model) {
          return speaks(model, Protocol::Query) && model.api_version == version &&
                 (model.find_operation(action) != nullptr || action.empty());
        }))
      return entry;
  }
  // What is left are requests of browsers and of clients without credentials.
  return first(is_s3);
}

void Router::State::find_rest(const net::Request& request, const Entry& entry, const S3Host& host, Route& route) const {
  const bool is_s3 = entry.service->model().signs_like_s3;
  if (is_s3 && host.website) return;
  std::string rewritten;
  std::string_view path = request.path();
  if (is_s3 && !host.bucket.empty()) {
    rewritten = "/" + host.bucket;
    rewritten += path;
    path = rewritten;
  }
  Found found;
  if (!walk(entry.paths, path, request.method, found)) return;
  const auto* chosen = choose(request, *found.candidates, query_of(request.query()), is_s3);
  if (chosen == nullptr) return;
  route.operation = chosen->operation;
  route.called = chosen->operation->name;
  for (std::size_t i = 0; i < chosen->labels.size() && i < found.values.size(); ++i) {
    auto value = net::percent_decode(found.values[i]);
    route.bad_path = route.bad_path || !value;
    route.labels.push_back({chosen->labels[i], value ? std::move(*value) : std::string(found.values[i])});
  }
}

Router::Router(std::vector<std::string> domains) : state_(std::make_unique<State>()) {
  state_->domains = std::move(domains);
}
Router::~Router() = default;

void Router::add(const Service& service) {
  auto entry = std::make_unique<State::Entry>();
  entry->service = &service;
  if (is_rest(service.model()))
    for (const auto& operation : service.model().operations) insert(entry->paths, operation);
  state_->entries.push_back(std::move(entry));
}

Route Router::find(const net::Request& request) const {
  Route route;
  const S3Host host = parse_s3_host(request.headers.get("host"), state_->domains);
  const auto* entry = state_->find_service(request, host);
  if (entry == nullptr) {
    if (const auto claim = read_claim(request)) route.wanted = claim->scope.service;
    if (!request.headers.contains("x-amz-target") && may_be_query_call(request))
      route.called = parameter(request, "Action");
    route.is_query_call = !route.called.empty();
    return route;
  }
  route.service = entry->service;
  const ServiceModel& model = entry->service->model();
  if (is_rest(model)) {
    state_->find_rest(request, *entry, host, route);
    return route;
  }
  if (const auto target = request.headers.find("x-amz-target"))
    route.called = split_target(*target).second;
  else if (is_rpc(request))
    route.called = split_rpc_path(request.path()).second;
  else if (speaks(model, Protocol::Query))
    route.called = parameter(request, "Action");
  if (request.method == "POST" || speaks(model, Protocol::Query)) route.operation = model.find_operation(route.called);
  return route;
}

}  // namespace likeness::aws
