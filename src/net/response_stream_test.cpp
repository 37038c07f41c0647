#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "net/server.hpp"
#include "net/test_socket.hpp"

namespace likeness::net {
namespace {

using namespace std::chrono_literals;
using testing::RawSocket;

/// `size` bytes that tell where they are, a different number at a time. Notices two readers at once.
class Pattern final : public BodyReader {
 public:
  Pattern(std::size_t size, std::size_t fails_at = SIZE_MAX) : size_(size), fails_at_(fails_at) {}

  static char at(std::size_t place) { return static_cast<char>('a' + place % 23); }

  Result<std::size_t> read(std::span<std::uint8_t> into) override {
    const std::unique_lock alone(busy_, std::try_to_lock);
    EXPECT_TRUE(alone) << "a stream is read by one job at a time";
    if (at_ >= fails_at_) return server_error("StorageFailure", "The disk is gone.", "");
    const std::size_t count = std::min({into.size(), size_ - at_, 1 + at_ % 70'001});
    for (std::size_t i = 0; i < count; ++i) into[i] = static_cast<std::uint8_t>(at(at_ + i));
    at_ += count;
    return count;
  }
  std::size_t taken() const { return at_; }

 private:
  const std::size_t size_, fails_at_;
  std::atomic<std::size_t> at_ = 0;
  std::mutex busy_;
};

class ResponseStreamTest : public ::testing::Test {
 protected:
  /// Answers each request with what `make` makes, of `length` bytes.
  void start(std::function<std::shared_ptr<BodyReader>()> make, std::size_t length, std::size_t queue = 100) {
    Handlers handlers;
    handlers.handle = [this, make = std::move(make), length](const Request&) {
      Response response;
      response.stream = make();
      response.stream_length = length;
      response.on_sent = [this](const Sent& sent) { sent_ = sent.complete ? 1 : 2; };
      return response;
    };
    pool_.emplace("test", 2, queue);
    auto server = Server::start({}, std::move(handlers), *pool_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  void TearDown() override {
    server_.reset();
    pool_.reset();
  }
  /// The body; it may be cut short.
  static std::string body_of(RawSocket& socket) {
    socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string response = socket.read_response();
    return response.substr(std::min(response.size(), response.find("\r\n\r\n") + 4));
  }
  static bool is_pattern(std::string_view body) {
    for (std::size_t i = 0; i < body.size(); ++i)
      if (body[i] != Pattern::at(i)) return false;
    return true;
  }

  std::atomic<int> sent_ = 0;  // 1: whole, 2: not
  std::optional<WorkPool> pool_;
  std::unique_ptr<Server> server_;
};

TEST_F(ResponseStreamTest, ArrivesWholeWhateverItsLength) {
  for (const std::size_t length : {std::size_t{1}, std::size_t{65'535}, std::size_t{65'536}, std::size_t{65'537},
                                   std::size_t{262'144}, std::size_t{262'145}, std::size_t{3'000'001}}) {
    start([length] { return std::make_shared<Pattern>(length); }, length);
    RawSocket socket(server_->port());
    for (int turn = 0; turn < 3; ++turn) {
      const std::string body = body_of(socket);
      EXPECT_EQ(body.size(), length);
      EXPECT_TRUE(is_pattern(body)) << length;
    }
    TearDown();
  }
}

TEST_F(ResponseStreamTest, ManyAtOnceArriveWhole) {
  static constexpr std::size_t kLength = 2'000'000;
  start([] { return std::make_shared<Pattern>(kLength); }, kLength);
  std::vector<std::jthread> clients;
  for (int i = 0; i < 16; ++i)
    clients.emplace_back([this] {
      RawSocket socket(server_->port());
      for (int turn = 0; turn < 3; ++turn) {
        const std::string body = body_of(socket);
        EXPECT_EQ(body.size(), kLength);
        EXPECT_TRUE(is_pattern(body));
      }
    });
}

TEST_F(ResponseStreamTest, OneThatEndsEarlyOrFailsEndsTheConnection) {
  static constexpr std::size_t kLength = 1'000'000;
  for (const bool fails : {false, true}) {
    sent_ = 0;
    start([fails] { return fails ? std::make_shared<Pattern>(kLength, 600'000) : std::make_shared<Pattern>(600'000); },
          kLength);
    RawSocket socket(server_->port());
    const std::string body = body_of(socket);
    EXPECT_LT(body.size(), kLength);
    EXPECT_TRUE(is_pattern(body));
    while (sent_ == 0) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(sent_, 2);
    TearDown();
  }
}

TEST_F(ResponseStreamTest, IsReadNoFurtherAheadThanAPiece) {
  static constexpr std::size_t kLength = 200'000'000;
  const auto stream = std::make_shared<Pattern>(kLength);
  start([stream] { return stream; }, kLength);
  RawSocket socket(server_->port());
  socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  std::size_t before = 1;
  while (stream->taken() != before) {  // until it stands still: the client reads nothing
    before = stream->taken();
    std::this_thread::sleep_for(100ms);
  }
  EXPECT_LT(stream->taken(), 20'000'000u);  // what the kernel's buffers take, and two pieces
  socket.close();
  while (sent_ == 0) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(sent_, 2);
}

}  // namespace
}  // namespace likeness::net
