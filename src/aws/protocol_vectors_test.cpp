#include <gtest/gtest.h>

#ifndef LIKENESS_HAS_PROTOCOL_VECTORS

TEST(ProtocolVectors, AreNotHere) {
  GTEST_SKIP() << LIKENESS_VECTORS << "/protocols is not there; json_test and gateway_test test the protocol alone";
}

#else

#include <cstdio>
#include <set>

#include "aws/codec.hpp"
#include "aws/gen/vectors_input_json.hpp"
#include "aws/gen/vectors_input_json_1_0.hpp"
#include "aws/gen/vectors_input_json_1_0_query_compatible.hpp"
#include "aws/gen/vectors_output_json.hpp"
#include "aws/gen/vectors_output_json_1_0.hpp"
#include "aws/gen/vectors_output_json_1_0_query_compatible.hpp"
#include "aws/json_reader.hpp"
#include "aws/protocol_vectors_test.hpp"

/// Botocore's protocol cases through the generated tables and the real codec: inputs are read and compared with what
/// the client meant; results are put into structs, written, and read back by a client that knows nothing of our
/// structs.
namespace likeness::aws {
namespace {

using namespace vectors;

void read_inputs(const std::string& file, const std::vector<const ServiceModel*>& models, Tally& tally) {
  const auto suites = load(file);
  ASSERT_EQ(suites.as_array().size(), models.size());
  for (std::size_t i = 0; i < models.size(); ++i) {
    for (const auto& one : suites.as_array()[i].at("cases").as_array()) {
      const auto& given = one.as_object();
      SCOPED_TRACE(file + " " + text_of(given.at("id")));
      const auto& serialized = given.at("serialized").as_object();
      const auto* params = given.if_contains("params");
      const bool means_something = params != nullptr && !params->as_object().empty();
      if (!serialized.contains("body") && means_something) {
        // Only headers are given: the case is about what a client compresses.
        ++tally.without_body;
        continue;
      }
      const int before = failures();
      const auto& model = *models[i];
      const Operation* operation = model.find_operation(text_of(given.at("given").at("name")));
      ASSERT_NE(operation, nullptr);
      net::Request request;
      if (const auto* body = serialized.if_contains("body")) {
        const auto text = text_of(*body);
        request.body.assign(text.begin(), text.end());
      }
      const Codec* codec = codec_for(model, request);
      ASSERT_NE(codec, nullptr);
      const auto input = operation->make_input();
      const auto violations = codec->read({.request = request, .body = request.body}, *operation, input.get());
      EXPECT_TRUE(violations) << violations.error().message;
      if (operation->input != nullptr)
        expect_equal(*operation->input, input.get(), params != nullptr ? *params : json::object());
      count(tally, before);
    }
  }
}

void write_error(const Codec& codec, const ServiceModel& model, const json::object& given) {
  const std::string code = text_of(given.at("errorCode"));
  if (const Shape* shape = exception_of(model, code)) {
    const json::value wanted = given.contains("error") ? given.at("error") : json::object();
    const Object error = shape->make();
    fill(*shape, error.get(), wanted);
    net::Response response;
    codec.write_error(
        {.code = code, .message = {}, .status = 400, .request_id = "id", .shape = shape, .structure = error.get()},
        response);
    auto body = json::parse(response.body).as_object();
    EXPECT_EQ(text_of(body.at("__type")), code);
    body.erase("__type");
    EXPECT_TRUE(same_json(body, wanted)) << response.body;

    // Of an error that is no more than a message, where the case has one.
    const auto* message = given.if_contains("errorMessage");
    if (message == nullptr) return;
    codec.write_error({.code = code, .message = text_of(*message), .status = 400, .request_id = "id", .shape = shape},
                      response);
    body = json::parse(response.body).as_object();
    const auto name = body.contains("Message") ? "Message" : "message";
    EXPECT_EQ(body.at(name), *message);
    EXPECT_GE(response.status, 400);
    return;
  }
  ADD_FAILURE() << "no exception " << code;
}

void write_outputs(const std::string& file, const std::vector<const ServiceModel*>& models, Tally& tally) {
  const auto suites = load(file);
  ASSERT_EQ(suites.as_array().size(), models.size());
  for (std::size_t i = 0; i < models.size(); ++i) {
    for (const auto& one : suites.as_array()[i].at("cases").as_array()) {
      const auto& given = one.as_object();
      SCOPED_TRACE(file + " " + text_of(given.at("id")));
      const int before = failures();
      const auto& model = *models[i];
      const Codec& codec = *codec_for(model, {});
      if (given.contains("errorCode")) {
        write_error(codec, model, given);
        count(tally, before);
        continue;
      }
      const Operation* operation = model.find_operation(text_of(given.at("given").at("name")));
      ASSERT_NE(operation, nullptr);
      const auto& result = given.at("result");
      const auto output = operation->make_output();
      if (operation->output != nullptr) fill(*operation->output, output.get(), result);
      net::Response response;
      codec.write(model, *operation, output.get(), "id", response);
      EXPECT_EQ(response.status, 200);

      // What a client is given in the case and what we write have to mean the same.
      const auto* body = given.at("response").as_object().if_contains("body");
      const auto theirs = body == nullptr || text_of(*body).empty() ? "{}" : text_of(*body);
      if (operation->output != nullptr) {
        for (const auto& text : {theirs, response.body}) {
          const auto again = operation->make_output();
          const auto read = read_json(text, *operation->output, again.get(), {.lenient = true});
          EXPECT_TRUE(read) << read.error().message;
          expect_equal(*operation->output, again.get(), result);
        }
      }
      // And be the same, where theirs has nothing that a client has to overlook or a server may write otherwise.
      const std::set<std::string> otherwise = {"Offset", "Null", "Unexpected", "unexpected", "IgnoreType"};
      bool comparable = true;
      for (const auto& word : otherwise)
        if (text_of(given.at("id")).find(word) != std::string::npos) comparable = false;
      if (comparable)
        EXPECT_TRUE(same_json(json::parse(response.body), json::parse(theirs))) << response.body << theirs;
      count(tally, before);
    }
  }
}

TEST(ProtocolVectors, InputsMeanWhatTheClientMeant) {
  Tally tally;
  read_inputs("input/json", vectors_input_json::suites(), tally);
  read_inputs("input/json_1_0", vectors_input_json_1_0::suites(), tally);
  read_inputs("input/json_1_0-query-compatible", vectors_input_json_1_0_query_compatible::suites(), tally);
  std::printf("protocol vectors, input, json 1.0 and 1.1: %d of %d (%d more are about client-side compression)\n",
              tally.passed, tally.cases, tally.without_body);
  EXPECT_GT(tally.cases, 0);
}

TEST(ProtocolVectors, OutputsAreWhatTheClientExpects) {
  Tally tally;
  write_outputs("output/json", vectors_output_json::suites(), tally);
  write_outputs("output/json_1_0", vectors_output_json_1_0::suites(), tally);
  write_outputs("output/json_1_0-query-compatible", vectors_output_json_1_0_query_compatible::suites(), tally);
  std::printf("protocol vectors, output, json 1.0 and 1.1: %d of %d\n", tally.passed, tally.cases);
  EXPECT_GT(tally.cases, 0);
}

}  // namespace
}  // namespace likeness::aws

#endif
