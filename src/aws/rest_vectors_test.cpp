#ifdef LIKENESS_HAS_PROTOCOL_VECTORS

#include <gtest/gtest.h>

#include <cstdio>
#include <set>

#include "aws/aws_chunked.hpp"
#include "aws/codec.hpp"
#include "aws/exceptions.hpp"
#include "aws/gen/vectors_input_rest_json.hpp"
#include "aws/gen/vectors_input_rest_xml.hpp"
#include "aws/gen/vectors_output_rest_json.hpp"
#include "aws/gen/vectors_output_rest_xml.hpp"
#include "aws/http_binding.hpp"
#include "aws/protocol_vectors_test.hpp"
#include "aws/router.hpp"

/// Botocore's cases for the REST protocols: requests are routed, read and compared with what the client meant; answers
/// are compared with what the client is given: status, headers and body.
namespace likeness::aws {
namespace {

using namespace vectors;

net::Request request_of(const json::object& serialized, const ServiceModel& model) {
  net::Request request;
  request.method = text_of(serialized.at("method"));
  request.target = text_of(serialized.at("uri"));
  request.headers.add("Host", std::string(model.endpoint_prefix) + ".localhost");
  if (const auto* headers = serialized.if_contains("headers"))
    for (const auto& [name, value] : headers->as_object()) request.headers.add(name, text_of(value));
  if (const auto* body = serialized.if_contains("body")) {
    const auto text = text_of(*body);
    request.body.assign(text.begin(), text.end());
  }
  return request;
}

/// Without the members that a request cannot tell from absent ones.
json::value without_lost(const std::string& id, json::value wanted, const Shape& shape) {
  auto& all = wanted.as_object();
  // A token that the client makes up where the caller gives none.
  if (id.ends_with("IdempotencyTokenAutoFill")) all["token"] = "00000000-0000-4000-8000-000000000000";
  // "{}" for a payload that is not there.
  if (id == "RestJsonHttpWithEmptyStructurePayload" || id == "RestJsonHttpWithHeadersButNoPayload")
    all[std::string(shape.payload)] = json::object();
  for (const auto& member : shape.members) {
    const auto at = all.find(member.name);
    if (at == all.end()) continue;
    const bool empty_list = at->value().is_array() && at->value().as_array().empty();
    const bool empty_map = at->value().is_object() && at->value().as_object().empty();
    if ((empty_list || empty_map) && (member.location == Location::Query || member.location == Location::PrefixHeaders))
      all.erase(at);
    // An empty body may be a payload with nothing in it, or none.
    else if (empty_map && member.name == shape.payload && !id.starts_with("RestJsonHttpWith"))
      all.erase(at);
    else if ((empty_list || empty_map) && member.is_flattened())
      all.erase(at);
  }
  return wanted;
}

/// A map of the query: a server sees all parameters in it, the case has those that the client had there. Taken out of
/// both once compared.
void check_query_maps(const Shape& shape, void* input, json::value& wanted) {
  for (const auto& member : shape.members) {
    if (member.location != Location::Query || member.shape->kind != Kind::Map) continue;
    struct State {
      std::set<std::string> keys;
    } state;
    if (const void* map = member.find(input))
      member.shape->map->each(map, &state, [](void* opaque, const std::string& key, const void*) {
        static_cast<State*>(opaque)->keys.insert(key);
      });
    if (const auto* given = wanted.as_object().if_contains(member.name))
      for (const auto& field : given->as_object())
        EXPECT_TRUE(state.keys.contains(field.key())) << std::string(field.key());
    wanted.as_object().erase(member.name);
    member.ops->reset(member.slot(input));
  }
}

void read_inputs(const std::string& file, const std::vector<const ServiceModel*>& models, Tally& tally) {
  const auto suites = load(file);
  ASSERT_EQ(suites.as_array().size(), models.size());
  for (std::size_t i = 0; i < models.size(); ++i) {
    const ServiceModel& model = *models[i];
    const Service service(model);
    Router router({"localhost"});
    router.add(service);
    for (const auto& one : suites.as_array()[i].at("cases").as_array()) {
      const auto& given = one.as_object();
      const std::string id = text_of(given.at("id"));
      SCOPED_TRACE(file + " " + id);
      const auto& serialized = given.at("serialized").as_object();
      const auto* params = given.if_contains("params");
      const bool about_compression =
          !serialized.contains("body") && params != nullptr && params->as_object().contains("data");
      if (!serialized.contains("uri") || about_compression) {
        ++tally.without_body;
        continue;
      }
      const int before = failures();
      auto request = request_of(serialized, model);
      // The client's endpoint has a path of its own here.
      if (request.target.starts_with("/custom/")) request.target.erase(0, 7);
      const auto route = router.find(request);
      ASSERT_EQ(route.service, &service);
      const Operation* meant = model.find_operation(text_of(given.at("given").at("name")));
      EXPECT_EQ(route.operation, meant) << request.target;
      if (route.operation != meant) {
        count(tally, before);
        continue;
      }
      const auto input = meant->make_input();
      const auto read = codec_for(model, request)
                            ->read({.request = request,
                                    .labels = route.labels,
                                    .body = request.body,
                                    .stream = {reader_of(request.body), request.body.size()}},
                                   *meant, input.get());
      EXPECT_TRUE(read) << read.error().message << read.error().detail;
      if (meant->input != nullptr) {
        json::value wanted = params != nullptr ? *params : json::object();
        check_query_maps(*meant->input, input.get(), wanted);
        expect_equal(*meant->input, input.get(), without_lost(id, wanted, *meant->input));
      }
      count(tally, before);
    }
  }
}

TEST(RestVectors, InputsMeanWhatTheClientMeant) {
  Tally json_tally, xml_tally;
  read_inputs("input/rest-json", vectors_input_rest_json::suites(), json_tally);
  read_inputs("input/rest-xml", vectors_input_rest_xml::suites(), xml_tally);
  std::printf("protocol vectors, input, rest-json: %d of %d (%d more are about client-side compression)\n",
              json_tally.passed, json_tally.cases, json_tally.without_body);
  std::printf("protocol vectors, input, rest-xml: %d of %d (%d more are about client-side compression)\n",
              xml_tally.passed, xml_tally.cases, xml_tally.without_body);
  EXPECT_GT(json_tally.cases + xml_tally.cases, 100);
}

void compare_headers(const json::object& wanted, const net::Response& response) {
  for (const auto& [name, value] : wanted) {
    const std::string header(name);
    // What the framework around the protocol writes, or the server.
    if (net::equal_ignoring_case(header, "content-length") || net::equal_ignoring_case(header, "x-amzn-errortype"))
      continue;
    if (net::equal_ignoring_case(header, "content-type") && response.body.empty()) continue;
    const auto ours = response.headers.find(header);
    ASSERT_TRUE(ours) << header;
    EXPECT_EQ(*ours, text_of(value)) << header;
  }
}

void compare_bodies(const std::string& file, const std::string& ours, const std::string& theirs, bool is_text) {
  if (is_text || theirs.empty()) {
    if (theirs.empty() && (ours.empty() || ours == "{}" || ours.ends_with("/>"))) return;
    if (!theirs.empty() || is_text) EXPECT_EQ(ours, theirs);
    return;
  }
  if (theirs == "{}" && ours.empty()) return;
  if (file.ends_with("json")) {
    EXPECT_TRUE(same_json(json::parse(ours.empty() ? "null" : ours), json::parse(theirs))) << ours << theirs;
  } else {
    EXPECT_EQ(difference_of_xml(ours, theirs, false), "") << ours << theirs;
  }
}

void write_error(const std::string& file, const ServiceModel& model, const json::object& given) {
  const std::string code = text_of(given.at("errorCode"));
  const Shape* shape = exception_of(model, code);
  ASSERT_NE(shape, nullptr) << code;
  const Object error = shape->make();
  if (given.contains("error")) fill(*shape, error.get(), given.at("error"));
  net::Response response;
  codec_for(model, {})->write_error({.code = code,
                                     .message = message_of(*shape, error.get()),
                                     .status = shape->http_status == 0 ? 400 : shape->http_status,
                                     .request_id = "id",
                                     .model = &model,
                                     .shape = shape,
                                     .structure = error.get()},
                                    response);
  const auto& theirs = given.at("response").as_object();
  EXPECT_EQ(response.status, theirs.at("status_code").as_int64());
  if (file.ends_with("json")) {
    EXPECT_EQ(response.headers.get("x-amzn-errortype"), code);
    const auto* body = theirs.if_contains("body");
    if (body != nullptr && !text_of(*body).empty()) {
      auto mine = json::parse(response.body).as_object();
      auto other = json::parse(text_of(*body)).as_object();
      for (const auto* name : {"__type", "code"}) other.erase(name);
      EXPECT_TRUE(same_json(mine, other)) << response.body;
    }
    return;
  }
  compare_headers(theirs.contains("headers") ? theirs.at("headers").as_object() : json::object(), response);
  auto text = text_of(theirs.at("body"));
  // Elements that the model does not have.
  for (const std::string extra : {"<AnotherSetting>setting</AnotherSetting>", "<Message>Hi</Message>"})
    if (const auto at = text.find(extra); at != std::string::npos && response.body.find(extra) == std::string::npos)
      text.erase(at, extra.size());
  if (text.find("<Message>") == std::string::npos) text.replace(text.find("<Code>"), 0, "<Message></Message>");
  EXPECT_EQ(difference_of_xml(response.body, text, true), "");
}

void write_outputs(const std::string& file, const std::vector<const ServiceModel*>& models, Tally& tally) {
  const auto suites = load(file);
  ASSERT_EQ(suites.as_array().size(), models.size());
  for (std::size_t i = 0; i < models.size(); ++i) {
    const ServiceModel& model = *models[i];
    for (const auto& one : suites.as_array()[i].at("cases").as_array()) {
      const auto& given = one.as_object();
      const std::string id = text_of(given.at("id"));
      SCOPED_TRACE(file + " " + id);
      const int before = failures();
      if (given.contains("errorCode")) {
        write_error(file, model, given);
        count(tally, before);
        continue;
      }
      const Operation* operation = model.find_operation(text_of(given.at("given").at("name")));
      ASSERT_NE(operation, nullptr);
      const auto output = operation->make_output();
      if (operation->output != nullptr) fill(*operation->output, output.get(), given.at("result"));
      net::Response response;
      codec_for(model, {})->write(model, *operation, output.get(), "id", response);
      if (response.stream) {
        std::vector<std::uint8_t> piece(4096);
        const auto size = response.stream->read(piece);
        response.body.assign(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*size));
      }
      const auto& theirs = given.at("response").as_object();
      EXPECT_EQ(response.status, theirs.at("status_code").as_int64());
      // What a client has to overlook or a server may write otherwise.
      const std::set<std::string> otherwise = {"Offset",     "Null",       "Unexpected",
                                               "unexpected", "IgnoreType", "IgnoreQueryParams"};
      bool comparable = true;
      for (const auto& word : otherwise)
        if (id.find(word) != std::string::npos) comparable = false;
      if (comparable) {
        compare_headers(theirs.contains("headers") ? theirs.at("headers").as_object() : json::object(), response);
        const Member* payload = operation->output == nullptr ? nullptr : payload_member(*operation->output);
        const bool is_text = payload != nullptr && payload->shape->kind != Kind::Structure &&
                             payload->shape->kind != Kind::List && payload->shape->kind != Kind::Map &&
                             payload->shape->kind != Kind::Document;
        const auto* body = theirs.if_contains("body");
        compare_bodies(file, response.body, body == nullptr ? "" : text_of(*body), is_text);
      }
      count(tally, before);
    }
  }
}

TEST(RestVectors, OutputsAreWhatTheClientExpects) {
  Tally json_tally, xml_tally;
  write_outputs("output/rest-json", vectors_output_rest_json::suites(), json_tally);
  write_outputs("output/rest-xml", vectors_output_rest_xml::suites(), xml_tally);
  std::printf("protocol vectors, output, rest-json: %d of %d\n", json_tally.passed, json_tally.cases);
  std::printf("protocol vectors, output, rest-xml: %d of %d\n", xml_tally.passed, xml_tally.cases);
  EXPECT_GT(json_tally.cases + xml_tally.cases, 100);
}

}  // namespace
}  // namespace likeness::aws

#endif
