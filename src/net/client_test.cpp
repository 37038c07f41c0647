#include "net/client.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "net/server_testing.hpp"

namespace likeness::net {
namespace {

using namespace std::chrono_literals;
using testing::ServerTest;
using testing::TextReader;

TEST_F(ServerTest, TheClientKeepsItsConnectionAndOpensANewOneWhenNeeded) {
  options_.idle_timeout = 300ms;
  start();
  auto client = Client::for_endpoint("http://127.0.0.1:" + std::to_string(server_->port()) + "/");
  ASSERT_TRUE(client);
  Request request;
  request.method = "POST";
  request.target = "/x";
  request.body = Bytes(300'000, 'z');
  for (int i = 0; i < 5; ++i) {
    const auto response = client->send(request);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body.size(), 300'008u);
  }
  EXPECT_EQ(server_->stats().accepted, 1u);
  std::this_thread::sleep_for(800ms);
  EXPECT_TRUE(client->send(request));
  EXPECT_EQ(server_->stats().accepted, 2u);
}

TEST_F(ServerTest, TheClientReadsChunksAndBodilessAnswers) {
  start([](Request request) {
    Response response;
    if (request.method != "DELETE") response.stream = std::make_shared<TextReader>(std::string(1000, 'c'));
    if (request.method == "DELETE") response.status = 204;
    return response;
  });
  auto client = Client::for_endpoint(server_->address());
  ASSERT_TRUE(client);
  for (const char* method : {"GET", "HEAD", "DELETE", "GET"}) {
    Request request;
    request.method = method;
    request.target = "/";
    const auto response = client->send(request);
    ASSERT_TRUE(response) << method << response.error().message;
    EXPECT_EQ(response->body, std::string(method) == "GET" ? std::string(1000, 'c') : "");
  }
  EXPECT_EQ(server_->stats().accepted, 1u);
}

TEST(ClientTest, SaysWhatIsWrong) {
  EXPECT_EQ(Client::for_endpoint("https://x").error().code, "InvalidAddress");
  EXPECT_EQ(Client::for_endpoint("http://").error().code, "InvalidAddress");
  EXPECT_EQ(Client::for_endpoint("http://a/b").error().code, "InvalidAddress");
  auto nobody = Client::for_endpoint("http://127.0.0.1:1");
  ASSERT_TRUE(nobody);
  EXPECT_EQ(nobody->send({.method = "GET", .target = "/"}).error().code, "ConnectionFailed");
}

TEST(HostPort, IsReadInEveryForm) {
  EXPECT_EQ(parse_host_port("[::1]:80")->host, "::1");
  EXPECT_EQ(parse_host_port(":80")->host, "0.0.0.0");
  EXPECT_EQ(parse_host_port("localhost:4600")->port, 4600);
  for (const char* bad : {"", "localhost", "a:b", "a:-1", "a:65536", "::1:80", "a:", "a:80x", "http://a:80"})
    EXPECT_FALSE(parse_host_port(bad)) << bad;
}

}  // namespace
}  // namespace likeness::net
