#include "net/tls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <thread>

#include "net/server.hpp"
#include "net/test_socket.hpp"

namespace likeness::net {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::RawSocket;
using ::testing::StartsWith;

TlsIdentity identity_for(const std::vector<std::string>& names) {
  auto made = make_self_signed(names, std::chrono::system_clock::now(), 24h);
  EXPECT_TRUE(made) << made.error().message << made.error().detail;
  return *made;
}

TEST(SelfSigned, SaysWhatItIsForAndForHowLong) {
  const TimePoint now = std::chrono::system_clock::now();
  const auto made = make_self_signed({"localhost", "*.s3.localhost", "127.0.0.1", "::1"}, now, 48h);
  ASSERT_TRUE(made) << made.error().message;
  const auto facts = read_certificate(made->certificate);
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_THAT(facts->names, ElementsAre("localhost", "*.s3.localhost", "127.0.0.1", "::1"));
  EXPECT_EQ(facts->subject, "CN=Likeness");
  EXPECT_LT(facts->not_before, now);
  EXPECT_NEAR(std::chrono::duration<double>(facts->not_after - now).count(), 48 * 3600.0, 2);
}

TEST(SelfSigned, EachHasAKeyOfItsOwn) {
  const auto one = identity_for({"localhost"}), other = identity_for({"localhost"});
  EXPECT_NE(one.private_key, other.private_key);
  const auto mixed = TlsContext::open({one.certificate, other.private_key});
  ASSERT_FALSE(mixed);
  EXPECT_EQ(mixed.error().code, "InvalidPrivateKey");
  EXPECT_EQ(mixed.error().message, "The private key is not that of the certificate.");
}

TEST(TlsContextTest, SaysWhichPartIsNotInOrder) {
  const auto good = identity_for({"localhost"});
  EXPECT_TRUE(TlsContext::open(good));
  EXPECT_EQ(TlsContext::open({"no certificate", good.private_key}).error().code, "InvalidCertificate");
  EXPECT_EQ(TlsContext::open({good.certificate, ""}).error().code, "InvalidPrivateKey");
  EXPECT_EQ(TlsContext::open({good.private_key, good.certificate}).error().code, "InvalidCertificate");
  EXPECT_EQ(read_certificate("").error().code, "InvalidCertificate");
}

TEST(TlsContextTest, AKeyWithAPassphraseIsRefusedAndNobodyIsAskedForIt) {
  const auto good = identity_for({"localhost"});
  BIO* in = BIO_new_mem_buf(good.private_key.data(), -1);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  BIO* out = BIO_new(BIO_s_mem());
  const std::string word = "secret";
  ASSERT_EQ(PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_256_cbc(), word.data(), static_cast<int>(word.size()),
                                          nullptr, nullptr),
            1);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out, &data);
  const std::string locked(data, static_cast<std::size_t>(size));
  BIO_free(in);
  BIO_free(out);
  EVP_PKEY_free(key);
  ASSERT_THAT(locked, HasSubstr("ENCRYPTED"));
  EXPECT_EQ(TlsContext::open({good.certificate, locked}).error().code, "InvalidPrivateKey");
}

/// A client that trusts one certificate only, as the strictest clients check it, and speaks TLS over a blocking socket.
class TlsClient {
 public:
  TlsClient(std::uint16_t port, const std::string& trusted, const char* host = "localhost") : socket_(port) {
    context_ = SSL_CTX_new(TLS_client_method());
    BIO* bio = BIO_new_mem_buf(trusted.data(), static_cast<int>(trusted.size()));
    X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), certificate);
    X509_STORE_set_flags(SSL_CTX_get_cert_store(context_), X509_V_FLAG_X509_STRICT);
    X509_free(certificate);
    BIO_free(bio);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, socket_.descriptor());
    SSL_set1_host(ssl_, host);
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ERR_clear_error();
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  SSL* ssl() { return ssl_; }
  bool connect() { return SSL_connect(ssl_) == 1; }
  bool send(std::string_view data) {
    while (!data.empty()) {
      const int count = SSL_write(ssl_, data.data(), static_cast<int>(data.size()));
      if (count <= 0) return false;
      data.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  std::string read_response() {
    std::string text;
    std::size_t wanted = std::string::npos;
    while (text.size() < wanted) {
      char piece[16384];
      const int count = SSL_read(ssl_, piece, sizeof(piece));
      if (count <= 0) break;
      text.append(piece, static_cast<std::size_t>(count));
      const auto head = text.find("\r\n\r\n");
      const auto at = text.find("Content-Length: ");
      if (wanted == std::string::npos && head != std::string::npos)
        wanted = head + 4 + (at < head ? std::stoul(text.substr(at + 16)) : 0);
    }
    return text;
  }
  /// True if the server said that there is nothing more, rather than just closing.
  bool ends_cleanly() {
    char piece[16384];
    int count = 1;
    while (count > 0) count = SSL_read(ssl_, piece, sizeof(piece));
    return SSL_get_error(ssl_, count) == SSL_ERROR_ZERO_RETURN;
  }
  void cut() { socket_.close(); }

 private:
  RawSocket socket_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
};

class TlsServerTest : public ::testing::Test {
 protected:
  TlsServerTest() : identity_(identity_for({"localhost", "127.0.0.1"})) {
    options_.secure = SecureOptions{.host = "127.0.0.1", .port = 0, .identity = identity_};
    handlers_.handle = [](const Request& request) {
      const std::string way = request.secure ? "secure" : "plain";
      return text_response(200, "text/plain", way + " " + request.target + " " + std::string(as_text(request.body)));
    };
  }
  void start() {
    pool_.emplace("test", 2, 100);
    auto server = Server::start(options_, handlers_, *pool_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  void TearDown() override {
    server_.reset();
    pool_.reset();
  }

  TlsIdentity identity_;
  ServerOptions options_;
  Handlers handlers_;
  std::optional<WorkPool> pool_;
  std::unique_ptr<Server> server_;
};

TEST_F(TlsServerTest, BothPortsAnswerAndARequestKnowsHowItCame) {
  start();
  TlsClient client(server_->secure_port(), identity_.certificate);
  ASSERT_TRUE(client.connect());
  for (int i = 0; i < 5; ++i) {
    client.send("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(client.read_response(), HasSubstr("secure /" + std::to_string(i)));
  }
  RawSocket plain(server_->port());
  plain.send("GET /p HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(plain.read_response(), HasSubstr("plain /p"));
  EXPECT_EQ(server_->stats().accepted, 2u);
}

TEST_F(TlsServerTest, BodiesOfManyRecordsPassWhole) {
  start();
  std::string body;
  for (int i = 0; body.size() < 3'000'000; ++i) body += std::to_string(i) + ",";
  TlsClient client(server_->secure_port(), identity_.certificate);
  ASSERT_TRUE(client.connect());
  client.send("PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  const auto answer = client.read_response();
  EXPECT_TRUE(answer.ends_with("secure /b " + body));
}

TEST_F(TlsServerTest, AStreamedBodyIsReadWhileItArrives) {
  handlers_.plan = [](const Request&) { return BodyPlan{.stream = true}; };
  handlers_.handle = [](const Request& request) {
    Bytes piece(100'000);
    std::size_t total = 0;
    while (true) {
      const auto count = request.stream->read(piece);
      if (!count) return text_response(400, "text/plain", count.error().code);
      if (*count == 0) break;
      total += *count;
    }
    return text_response(200, "text/plain", std::to_string(total) + " bytes");
  };
  start();
  TlsClient client(server_->secure_port(), identity_.certificate);
  ASSERT_TRUE(client.connect());
  client.send("PUT /b HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2000000\r\n\r\n");
  EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 100 Continue\r\n"));
  client.send(std::string(2'000'000, 'x'));
  EXPECT_THAT(client.read_response(), HasSubstr("2000000 bytes"));
}

TEST_F(TlsServerTest, AClosedConnectionIsSaidToEnd) {
  start();
  TlsClient client(server_->secure_port(), identity_.certificate);
  ASSERT_TRUE(client.connect());
  client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.read_response(), HasSubstr("secure /"));
  EXPECT_TRUE(client.ends_cleanly());
}

TEST_F(TlsServerTest, PlainHttpOnTheSecurePortIsToldSo) {
  start();
  RawSocket socket(server_->secure_port());
  socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto answer = socket.read_all();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer, HasSubstr("This port takes HTTPS"));
  EXPECT_TRUE(socket.closed());
  EXPECT_EQ(server_->stats().failed_handshakes, 1u);
}

TEST_F(TlsServerTest, WhoNeverFinishesTheHandshakeIsCutOff) {
  options_.head_timeout = 300ms;
  start();
  RawSocket silent(server_->secure_port());
  RawSocket half(server_->secure_port());
  half.send(std::string("\x16\x03\x01\x02\x00\x01\x00", 7));  // a hello that stops in its head
  silent.read_all();
  half.read_all();
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(half.closed());
  EXPECT_EQ(server_->stats().requests, 0u);
}

TEST_F(TlsServerTest, GarbageForAHandshakeEndsThatConnectionOnly) {
  start();
  RawSocket socket(server_->secure_port());
  socket.send(std::string(2000, '\xff'));
  socket.read_all();
  EXPECT_TRUE(socket.closed());
  TlsClient client(server_->secure_port(), identity_.certificate);
  EXPECT_TRUE(client.connect());
}

TEST_F(TlsServerTest, ABodyThatIsTooSlowIsAnsweredOverTls) {
  options_.body_grace = 300ms;
  start();
  TlsClient client(server_->secure_port(), identity_.certificate);
  ASSERT_TRUE(client.connect());
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 408 "));
}

TEST_F(TlsServerTest, AClientThatGoesAwayInTheMiddleLeavesNothingBehind) {
  start();
  {
    TlsClient client(server_->secure_port(), identity_.certificate);
    ASSERT_TRUE(client.connect());
    client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    client.cut();
  }
  for (int i = 0; i < 200 && server_->stats().connections > 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(server_->stats().connections, 0u);
}

TEST_F(TlsServerTest, OldVersionsOfTlsAreRefused) {
  start();
  TlsClient client(server_->secure_port(), identity_.certificate);
  SSL_set_min_proto_version(client.ssl(), TLS1_1_VERSION);
  SSL_set_max_proto_version(client.ssl(), TLS1_1_VERSION);
  SSL_set_cipher_list(client.ssl(), "DEFAULT:@SECLEVEL=0");
  EXPECT_FALSE(client.connect());
}

TEST_F(TlsServerTest, OfTheProtocolsOfferedHttp11IsChosen) {
  start();
  TlsClient client(server_->secure_port(), identity_.certificate);
  constexpr unsigned char kOffer[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_set_alpn_protos(client.ssl(), kOffer, sizeof(kOffer));
  ASSERT_TRUE(client.connect());
  const unsigned char* chosen = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(client.ssl(), &chosen, &size);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size), "http/1.1");
}

TEST_F(TlsServerTest, ANewCertificateServesNewConnectionsAndABadOneChangesNothing) {
  start();
  TlsClient before(server_->secure_port(), identity_.certificate);
  ASSERT_TRUE(before.connect());
  const auto renewed = identity_for({"localhost"});
  ASSERT_TRUE(server_->use_identity(renewed));
  EXPECT_FALSE(server_->use_identity({"nonsense", "nonsense"}));
  before.send("GET /old HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(before.read_response(), HasSubstr("/old"));
  TlsClient distrustful(server_->secure_port(), identity_.certificate);
  EXPECT_FALSE(distrustful.connect());
  TlsClient after(server_->secure_port(), renewed.certificate);
  EXPECT_TRUE(after.connect());
}

TEST_F(TlsServerTest, ACertificateIsForItsNamesOnly) {
  start();
  TlsClient client(server_->secure_port(), identity_.certificate, "elsewhere.example");
  EXPECT_FALSE(client.connect());
}

TEST_F(TlsServerTest, ABadCertificateOrAPortInUseStopsTheStart) {
  start();
  auto options = options_;
  options.secure->port = server_->secure_port();
  const auto in_use = Server::start(options, handlers_, *pool_);
  ASSERT_FALSE(in_use);
  EXPECT_EQ(in_use.error().code, "AddressInUse");
  EXPECT_THAT(in_use.error().message, HasSubstr("--tls-listen"));
  options.secure->port = 0;
  options.secure->identity.certificate = "none";
  EXPECT_EQ(Server::start(options, handlers_, *pool_).error().code, "InvalidCertificate");
}

}  // namespace
}  // namespace likeness::net
