#ifdef LIKENESS_HAS_PROTOCOL_VECTORS

#include <gtest/gtest.h>

#include <cstdio>

#include "aws/codec.hpp"
#include "aws/exceptions.hpp"
#include "aws/gen/vectors_input_query.hpp"
#include "aws/gen/vectors_output_query.hpp"
#include "aws/protocol_vectors_test.hpp"

/// Botocore's cases for the query protocol: forms are read and compared with what the client meant; what we write is
/// compared with what the client is given, element by element.
namespace likeness::aws {
namespace {

using namespace vectors;

TEST(QueryVectors, InputsMeanWhatTheClientMeant) {
  Tally tally;
  const auto& models = vectors_input_query::suites();
  const auto suites = load("input/query");
  ASSERT_EQ(suites.as_array().size(), models.size());
  for (std::size_t i = 0; i < models.size(); ++i) {
    for (const auto& one : suites.as_array()[i].at("cases").as_array()) {
      const auto& given = one.as_object();
      SCOPED_TRACE(text_of(given.at("id")));
      const auto* body = given.at("serialized").as_object().if_contains("body");
      if (body == nullptr) {
        ++tally.without_body;
        continue;
      }
      const int before = failures();
      const Operation* operation = models[i]->find_operation(text_of(given.at("given").at("name")));
      ASSERT_NE(operation, nullptr);
      net::Request request;
      const auto text = text_of(*body);
      request.body.assign(text.begin(), text.end());
      const auto input = operation->make_input();
      const auto read =
          codec_for(*models[i], request)->read({.request = request, .body = request.body}, *operation, input.get());
      EXPECT_TRUE(read) << read.error().message;
      auto wanted = given.contains("params") ? given.at("params") : json::object();
      // The case is about the token that the client makes up where the caller gives none.
      if (text_of(given.at("id")) == "QueryProtocolIdempotencyTokenAutoFill")
        wanted = {{"token", "00000000-0000-4000-8000-000000000000"}};
      // An empty map leaves nothing in a form.
      if (text_of(given.at("id")) == "QueryEmptyQueryMaps") wanted = json::object();
      if (operation->input != nullptr) expect_equal(*operation->input, input.get(), wanted);
      count(tally, before);
    }
  }
  std::printf("protocol vectors, input, query: %d of %d (%d more are about client-side compression)\n", tally.passed,
              tally.cases, tally.without_body);
  EXPECT_GT(tally.cases, 30);
}

void write_error(const ServiceModel& model, const json::object& given) {
  const std::string code = text_of(given.at("errorCode"));
  const Shape* shape = exception_of(model, code);
  ASSERT_NE(shape, nullptr);
  const Object error = shape->make();
  if (given.contains("error")) fill(*shape, error.get(), given.at("error"));
  net::Response response;
  query_codec().write_error({.code = std::string(shape->name),
                             .message = message_of(*shape, error.get()),
                             .status = 400,
                             .request_id = "id",
                             .model = &model,
                             .shape = shape,
                             .structure = error.get()},
                            response);
  auto theirs = text_of(given.at("response").at("body"));
  if (theirs.find("<Message>") == std::string::npos) theirs.replace(theirs.find("<Code>"), 0, "<Message></Message>");
  EXPECT_EQ(difference_of_xml(response.body, theirs, true), "");
}

TEST(QueryVectors, OutputsAreWhatTheClientExpects) {
  Tally tally;
  const auto& models = vectors_output_query::suites();
  const auto suites = load("output/query");
  ASSERT_EQ(suites.as_array().size(), models.size());
  for (std::size_t i = 0; i < models.size(); ++i) {
    for (const auto& one : suites.as_array()[i].at("cases").as_array()) {
      const auto& given = one.as_object();
      const std::string id = text_of(given.at("id"));
      SCOPED_TRACE(id);
      const int before = failures();
      if (given.contains("errorCode")) {
        write_error(*models[i], given);
        count(tally, before);
        continue;
      }
      const Operation* operation = models[i]->find_operation(text_of(given.at("given").at("name")));
      ASSERT_NE(operation, nullptr);
      const auto output = operation->make_output();
      if (operation->output != nullptr) fill(*operation->output, output.get(), given.at("result"));
      net::Response response;
      query_codec().write(*models[i], *operation, output.get(), "id", response);
      EXPECT_EQ(response.status, 200);
      const std::string metadata = "<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata>";
      const std::string end = "</" + std::string(operation->name) + "Response>";
      const auto* body = given.at("response").as_object().if_contains("body");
      std::string theirs = body == nullptr ? "" : text_of(*body);
      if (const auto at = theirs.rfind(end); at != std::string::npos) {
        theirs.replace(at, 0, metadata);
        // Times with an offset are the same times in ours.
        if (id.find("Offset") == std::string::npos) EXPECT_EQ(difference_of_xml(response.body, theirs, true), "");
      } else {
        EXPECT_TRUE(theirs.empty()) << theirs;
        EXPECT_NE(response.body.find(metadata + end), std::string::npos) << response.body;
      }
      count(tally, before);
    }
  }
  std::printf("protocol vectors, output, query: %d of %d\n", tally.passed, tally.cases);
  EXPECT_GT(tally.cases, 30);
}

}  // namespace
}  // namespace likeness::aws

#endif
