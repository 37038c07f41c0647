#include "app/front.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace likeness::app {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class FrontTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove(file_);
    access_log_ = *AccessLog::open(file_, AccessFormat::Logfmt);
    Chain chain;
    chain.call = [](const net::Request& request) {
      aws::Answer answer;
      answer.response = net::text_response(400, "application/x-amz-json-1.1", "{}");
      answer.record.service = "rekognition";
      answer.record.operation = "DetectFaces";
      answer.record.request_id = "id-1";
      answer.record.access_key_id = "AKID";
      answer.record.error_code = "InvalidParameterException";
      answer.record.detail = "seen " + std::to_string(request.body.size());
      std::array<std::uint8_t, 100> piece{};
      while (request.stream && request.stream->read(piece).value_or(0) > 0) continue;
      return answer;
    };
    chain.refuse = [this](const net::Request&, const Error& error) {
      refused_with_ = error.code;
      aws::Answer answer;
      answer.response.status = 400;
      answer.record.service = "rekognition";
      return answer;
    };
    front_.emplace(FrontOptions{"000000000000", "us-east-1", true}, chain, health_, metrics_, *access_log_);
  }
  static net::Request request(std::string method, std::string target) {
    net::Request made;
    made.method = std::move(method);
    made.target = std::move(target);
    made.headers.add("Host", "h:1");
    made.received_at = std::chrono::system_clock::now();
    made.remote_address = "192.0.2.1";
    return made;
  }
  /// What was logged, once it is written.
  std::string logged() {
    access_log_.reset();
    std::stringstream text;
    text << std::ifstream(file_).rdbuf();
    return text.str();
  }

  const std::string file_ = ::testing::TempDir() + "front_test.log";
  Health health_{"1.2.3"};
  Metrics metrics_;
  std::unique_ptr<AccessLog> access_log_;
  std::string refused_with_;
  std::optional<Front> front_;
};

TEST_F(FrontTest, ACallLeavesOneLineAndItsCounts) {
  net::Request asked = request("POST", "/");
  asked.body = Bytes(7);
  EXPECT_FALSE(front_->immediate(asked));
  net::Response response = front_->handle(asked);
  response.on_sent({2, true});
  const std::string metrics = metrics_.expose();
  EXPECT_THAT(
      metrics,
      HasSubstr("likeness_requests_total{operation=\"DetectFaces\",service=\"rekognition\",status=\"400\"} 1\n"));
  EXPECT_THAT(metrics,
              HasSubstr("code=\"InvalidParameterException\",operation=\"DetectFaces\",service=\"rekognition\"} 1\n"));
  EXPECT_THAT(logged(), HasSubstr(" id=id-1 peer=192.0.2.1 caller=AKID service=rekognition op=DetectFaces status=400 "
                                  "error=InvalidParameterException detail=\"seen 7\" in=7 out=2 wait_ms="));
}

TEST_F(FrontTest, WhatWasReadOfABodyThatStreamsIsCounted) {
  class Zeros final : public net::BodyReader {
   public:
    Result<std::size_t> read(std::span<std::uint8_t> into) override {
      const auto count = std::min<std::size_t>(into.size(), left_);
      left_ -= count;
      return count;
    }

   private:
    std::size_t left_ = 1234;
  };
  net::Request asked = request("PUT", "/bucket/key");
  asked.stream = std::make_shared<Zeros>();
  front_->handle(asked).on_sent({0, true});
  EXPECT_THAT(logged(), HasSubstr(" in=1234 out=0 "));
}

TEST_F(FrontTest, OnlyAnUnsignedGetOfTheRootIsThePage) {
  EXPECT_TRUE(front_->immediate(request("GET", "/")));
  EXPECT_TRUE(front_->immediate(request("GET", "/_likeness/health")));
  EXPECT_FALSE(front_->immediate(request("POST", "/")));
  EXPECT_FALSE(front_->immediate(request("GET", "/?list-type=2")));
  EXPECT_FALSE(front_->immediate(request("GET", "/_likeness-bucket")));
  net::Request list_buckets = request("GET", "/");
  list_buckets.headers.add("Authorization", "AWS4-HMAC-SHA256 ...");
  EXPECT_FALSE(front_->immediate(list_buckets));
}

TEST_F(FrontTest, HealthSaysWhatIsMissing) {
  health_.set("models", Health::State::Starting);
  EXPECT_EQ(front_->immediate(request("GET", "/_likeness/health"))->status, 200);
  health_.set("models", Health::State::Failed, "face_detector.onnx is \"missing\"");
  const auto degraded = front_->immediate(request("GET", "/_likeness/health"));
  EXPECT_EQ(degraded->status, 503);
  EXPECT_THAT(degraded->body, AllOf(HasSubstr("\"status\":\"degraded\",\"version\":\"1.2.3\""),
                                    HasSubstr("\"detail\":\"face_detector.onnx is \\\"missing\\\"\"")));
  health_.stopping();
  EXPECT_THAT(health_.as_json(), HasSubstr("\"status\":\"stopping\""));
}

TEST_F(FrontTest, OwnPagesAreReadOnly) {
  EXPECT_EQ(front_->immediate(request("DELETE", "/_likeness/health"))->status, 405);
  EXPECT_EQ(front_->immediate(request("GET", "/_likeness/nothing"))->status, 404);
}

TEST_F(FrontTest, ABusyServerThrottlesInTheWordsOfTheService) {
  const net::Request asked = request("POST", "/");
  EXPECT_EQ(front_->refuse(&asked, 503, "busy").status, 400);
  EXPECT_EQ(refused_with_, "ThrottlingException");
  EXPECT_EQ(front_->refuse(&asked, 413, "too large").status, 413);
  EXPECT_EQ(front_->refuse(nullptr, 431, "head").status, 431);
}

TEST(AccessLine, ForeignTextCannotBreakALine) {
  AccessEntry entry;
  entry.method = "GET";
  entry.path = "/a b\"\n\x7F\xC3\xA9=";
  entry.status = 404;
  EXPECT_THAT(format_access(entry, AccessFormat::Logfmt),
              HasSubstr("method=GET path=\"/a b\\\"\\u000a\\u007f\\u00c3\\u00a9=\" status=404 in=0"));
  const std::string json = format_access(entry, AccessFormat::Json);
  EXPECT_THAT(json,
              AllOf(HasSubstr("\"path\":\"/a b\\\"\\u000a"), HasSubstr(",\"status\":404,"), Not(HasSubstr("\n"))));
  EXPECT_THAT(json, AllOf(::testing::StartsWith("{\"time\":\"1970-01-01T00:00:00.000Z\""), ::testing::EndsWith("}")));
}

TEST(AccessLogTest, AFileThatCannotBeOpenedIsASentence) {
  const auto opened = AccessLog::open("/no/such/folder/x.log", AccessFormat::Json);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("/no/such/folder/x.log cannot be opened"));
}

TEST(AccessLogTest, LinesOfManyThreadsStayWhole) {
  const std::string file = ::testing::TempDir() + "access_threads.log";
  std::filesystem::remove(file);
  {
    auto log = *AccessLog::open(file, AccessFormat::Logfmt);
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) log->add(AccessEntry());
      });
    log->reopen();
  }
  std::ifstream lines(file);
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) {
    ++count;
    EXPECT_THAT(line, AllOf(::testing::StartsWith("time=1970-"), ::testing::EndsWith("total_ms=0.00")));
  }
  EXPECT_EQ(count, 2000);
}

}  // namespace
}  // namespace likeness::app
