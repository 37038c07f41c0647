// Our own runtime for Node against our Runtime API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "functions/testing.hpp"

namespace likeness::functions {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class Node : public ::testing::Test {
 protected:
  std::string answer(const FunctionSpec& function, const std::string& payload = "{}") {
    const auto outcome = setting_.invoke(function, payload);
    if (!outcome) return outcome.error().code + ": " + outcome.error().message;
    log_ = outcome->log_tail;
    return outcome->function_error + outcome->payload;
  }
  FunctionSpec function(const std::string& name, const std::string& file, const std::string& code,
                        const std::string& runtime = "nodejs20.x") {
    return setting_.spec(name, runtime, "index.handler", {{file, code}});
  }

  testing::Setting setting_;
  std::string log_;
};

TEST_F(Node, RunsAsyncHandlersOfCommonJs) {
  const auto hello = function("hello", "index.js",
                              "exports.handler = async (event, context) => {\n"
                              "  console.log('got', event.name);\n"
                              "  return { hello: event.name, left: context.getRemainingTimeInMillis() > 15000 };\n};");
  EXPECT_EQ(answer(hello, R"({"name":"Ada"})"), R"({"hello":"Ada","left":true})");
  EXPECT_THAT(log_, HasSubstr("\tINFO\tgot Ada\nEND RequestId: "));
  EXPECT_EQ(answer(hello, R"({"name":"Bob"})"), R"({"hello":"Bob","left":true})");
  EXPECT_EQ(setting_.runner->stats().started, 1U);
}

TEST_F(Node, RunsModulesAndFindsTheSdk) {
  EXPECT_EQ(answer(function("esm", "index.mjs",
                            "import { S3Client } from '@aws-sdk/client-s3';\nimport fs from 'node:fs';\n"
                            "export const handler = async () => {\n"
                            ""
                            "  return [typeof S3Client, fs.existsSync('/var/task/index.mjs')];\n};")),
            R"(["function",true])");
  EXPECT_EQ(answer(function("cjs", "index.js",
                            "const { DynamoDBDocumentClient } = require('@aws-sdk/lib-dynamodb');\n"
                            "exports.handler = async () => typeof DynamoDBDocumentClient;")),
            R"("function")");
}

TEST_F(Node, CallsBack) {
  EXPECT_EQ(answer(function("callback", "index.js",
                            "exports.handler = (event, context, callback) => {\n"
                            "  setTimeout(() => callback(null, { waited: true }), 20);\n};")),
            R"({"waited":true})");
  EXPECT_THAT(
      answer(function("failing", "index.js",
                      "exports.handler = (event, context, callback) => callback(new TypeError('no such thing'));")),
      HasSubstr(
          R"(Unhandled{"errorType":"TypeError","errorMessage":"no such thing","trace":["TypeError: no such thing")"));
  EXPECT_EQ(answer(function("nothing", "index.js", "exports.handler = (event, context, callback) => { };")), "null");
}

TEST_F(Node, GivesTheOldSdkItsEndpoint) {
  EXPECT_EQ(answer(function("old", "index.js",
                            "const AWS = require('aws-sdk');\nconst S3 = require('aws-sdk/clients/s3');\n"
                            "exports.handler = async () => [new AWS.DynamoDB().endpoint.href, new S3().endpoint.href,\n"
                            "  new S3().config.s3ForcePathStyle];",
                            "nodejs14.x")),
            R"(["http://127.0.0.1:4600/","http://127.0.0.1:4600/",true])");
}

TEST_F(Node, ReportsErrors) {
  EXPECT_THAT(
      answer(function("throws", "index.js", "exports.handler = async () => { throw new RangeError('too far'); };")),
      HasSubstr(R"(Unhandled{"errorType":"RangeError","errorMessage":"too far","trace":["RangeError: too far")"));
  EXPECT_THAT(log_, HasSubstr("\tERROR\tInvoke Error \t{\"errorType\":\"RangeError\""));
  EXPECT_THAT(answer(function("syntax", "index.js", "exports.handler = async () => {")),
              HasSubstr(R"("errorType":"Runtime.UserCodeSyntaxError")"));
  EXPECT_THAT(answer(function("missing", "other.js", "")), HasSubstr(R"("errorType":"Runtime.ImportModuleError")"));
  EXPECT_THAT(answer(function("unnamed", "index.js", "exports.other = 1;")),
              HasSubstr(R"("errorType":"Runtime.HandlerNotFound")"));
  EXPECT_THAT(answer(function("rejected", "index.js",
                              "exports.handler = async () => { Promise.reject(new Error('lost')); await new Promise(r "
                              "=> setTimeout(r, 1000)); };")),
              HasSubstr(R"("errorType":"Runtime.UnhandledPromiseRejection")"));
}

TEST_F(Node, StreamsAnAnswer) {
  const auto streaming =
      function("stream", "index.mjs",
               "export const handler = awslambda.streamifyResponse(async (event, stream, context) => {\n"
               "  stream.setContentType('text/plain');\n"
               "  for (let i = 0; i < 5; i++) { stream.write('part ' + i + '\\n'); await new Promise(r => "
               "setTimeout(r, 20)); }\n"
               "  if (event.fail) throw new Error('in the middle');\n"
               "  stream.end();\n});");
  std::string type;
  std::string text;
  int pieces = 0;
  Invocation invocation{.request_id = uuid_v4(),
                        .on_start = [&](std::string_view told) { type = told; },
                        .on_chunk =
                            [&](std::string_view piece) {
                              text += piece;
                              ++pieces;
                              return true;
                            }};
  auto outcome = setting_.runner->invoke(streaming, invocation);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(text, "part 0\npart 1\npart 2\npart 3\npart 4\n");
  EXPECT_EQ(type, "text/plain");
  EXPECT_GE(pieces, 3);
  EXPECT_EQ(outcome->payload, "");
  EXPECT_EQ(outcome->stream_error_type, "");

  // The error of a stream comes after what was sent of it.
  text.clear();
  invocation.request_id = uuid_v4();
  invocation.payload = std::make_shared<const std::string>(R"({"fail":true})");
  outcome = setting_.runner->invoke(streaming, invocation);
  ASSERT_TRUE(outcome);
  EXPECT_THAT(text, HasSubstr("part 4\n"));
  EXPECT_EQ(outcome->stream_error_type, "Error");
  EXPECT_THAT(outcome->stream_error_body, HasSubstr(R"("errorMessage":"in the middle")"));

  // Who does not stream gets it whole.
  EXPECT_EQ(answer(streaming), "part 0\npart 1\npart 2\npart 3\npart 4\n");
}

TEST_F(Node, WritesTheHeadOfAFunctionUrl) {
  const auto url =
      function("url", "index.mjs",
               "export const handler = awslambda.streamifyResponse(async (event, stream) => {\n"
               "  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'x-a': 'b' } });\n"
               "  stream.write('body'); stream.end();\n});");
  EXPECT_EQ(answer(url), R"({"statusCode":201,"headers":{"x-a":"b"}})" + std::string(8, '\0') + "body");
}

TEST_F(Node, SlowReadersHoldAStreamBack) {
  const auto much = function(
      "much", "index.mjs",
      "export const handler = awslambda.streamifyResponse(async (event, stream) => {\n"
      "  const piece = Buffer.alloc(1 << 20, 'x');\n"
      "  for (let i = 0; i < 24; i++) if (!stream.write(piece)) await new Promise(r => stream.once('drain', r));\n"
      "  stream.end();\n});");
  std::size_t bytes = 0;
  const Invocation invocation{.request_id = uuid_v4(), .on_chunk = [&](std::string_view piece) {
                                bytes += piece.size();
                                ::usleep(1000);
                                return true;
                              }};
  const auto outcome = setting_.runner->invoke(much, invocation);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->stream_error_type, "");
  EXPECT_EQ(bytes, 24U << 20);
}

TEST_F(Node, LogsAsJson) {
  auto json = function("json", "index.js",
                       "exports.handler = async () => { console.warn('careful', 1); console.debug('not this'); };");
  json.log_format = LogFormat::Json;
  EXPECT_EQ(answer(json), "null");
  EXPECT_THAT(log_, HasSubstr(R"("level":"WARN",)"));
  EXPECT_THAT(log_, HasSubstr(R"("message":"careful 1")"));
  EXPECT_THAT(log_, ::testing::Not(HasSubstr("not this")));
}

}  // namespace
}  // namespace likeness::functions
