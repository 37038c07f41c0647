#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "aws/signature_verifier.hpp"
#include "aws/sigv4.hpp"
#include "aws/timestamps.hpp"

/// The SigV4 cases of awslabs/aws-c-auth, where the folder of shared test vectors is there.
namespace likeness::aws {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// "GET /path HTTP/1.1", header lines (a line that begins with a space goes on), an empty line, the body.
net::Request parse_request(const std::string& text) {
  net::Request request;
  std::istringstream in(text);
  std::string line;
  std::getline(in, line);
  request.method = line.substr(0, line.find(' '));
  const auto from = line.find(' ') + 1;
  request.target = line.substr(from, line.rfind(' ') - from);
  std::string name, value;
  const auto flush = [&] {
    if (!name.empty()) request.headers.add(name, value);
    name.clear();
  };
  while (std::getline(in, line) && !line.empty()) {
    if (line.front() == ' ') {
      value += "\n" + line;
      continue;
    }
    flush();
    name = line.substr(0, line.find(':'));
    value = line.substr(line.find(':') + 1);
  }
  flush();
  std::string body((std::istreambuf_iterator<char>(in)), {});
  request.body.assign(body.begin(), body.end());
  return request;
}

struct Case {
  AccessKey key;
  SigningOptions options;
  std::int64_t expires = 0;
  net::Request request;
};

Case load(const fs::path& folder) {
  Case out;
  const auto context = boost::json::parse(slurp(folder / "context.json")).as_object();
  const auto& credentials = context.at("credentials").as_object();
  out.key.id = credentials.at("access_key_id").as_string().c_str();
  out.key.secret = credentials.at("secret_access_key").as_string().c_str();
  if (const auto* token = credentials.if_contains("token")) out.key.session_token = token->as_string().c_str();
  out.options.region = context.at("region").as_string().c_str();
  out.options.service = context.at("service").as_string().c_str();
  out.options.time = *parse_iso8601(context.at("timestamp").as_string().c_str());
  out.options.rules.normalize_path = context.at("normalize").as_bool();
  out.options.sign_payload_header = context.at("sign_body").as_bool();
  if (const auto* omit = context.if_contains("omit_session_token")) out.options.omit_session_token = omit->as_bool();
  out.expires = context.at("expiration_in_seconds").as_int64();
  out.request = parse_request(slurp(folder / "request.txt"));
  return out;
}

/// Names of the headers of an "Authorization" value.
std::vector<std::string> signed_names(const net::Request& request) {
  const auto claim = read_claim(request);
  return claim ? claim->signed_headers : std::vector<std::string>();
}

TEST(SigV4Vectors, AgreeInSigningAndInVerifying) {
  const fs::path root = fs::path(LIKENESS_VECTORS) / "sigv4" / "v4";
  if (!fs::exists(root)) GTEST_SKIP() << root << " is not there; sigv4_test has AWS's published examples";
  int cases = 0;
  for (const auto& entry : fs::directory_iterator(root)) {
    const fs::path& folder = entry.path();
    SCOPED_TRACE(folder.filename().string());
    const Case test = load(folder);
    StaticCredentials credentials;
    credentials.add(test.key);
    const SignatureVerifier verifier(credentials, test.options.region, std::chrono::minutes(15));
    const SignatureDemands demands{.service = test.options.service, .rules = test.options.rules};

    // Signing in the header.
    net::Request request = test.request;
    // Content-Length is signed in these cases.
    SigningOptions options = test.options;
    const net::Request reference = parse_request(slurp(folder / "header-signed-request.txt"));
    options.signed_headers = signed_names(reference);
    EXPECT_EQ(sign_headers(request, test.key, options), slurp(folder / "header-signature.txt"));
    const std::string timestamp = iso8601_basic(test.options.time);
    const Scope scope{timestamp.substr(0, 8), options.region, options.service};
    const auto canonical =
        canonical_request(request, options.signed_headers, to_hex(sha256(request.body)), options.rules);
    EXPECT_EQ(canonical, slurp(folder / "header-canonical-request.txt"));
    EXPECT_EQ(string_to_sign(timestamp, scope, canonical), slurp(folder / "header-string-to-sign.txt"));

    // Verifying what they signed, and not a bit else.
    const auto verified = verifier.verify(reference, demands, test.options.time);
    if (!test.options.omit_session_token || test.key.session_token.empty() ||
        reference.headers.contains("x-amz-security-token"))
      EXPECT_TRUE(verified) << verified.error().message;
    net::Request forged = reference;
    forged.method = forged.method == "GET" ? "POST" : "GET";
    EXPECT_FALSE(verifier.verify(forged, demands, test.options.time));

    // The same in the query.
    request = test.request;
    options = test.options;
    const net::Request presigned = parse_request(slurp(folder / "query-signed-request.txt"));
    options.signed_headers = signed_names(presigned);
    EXPECT_EQ(sign_query(request, test.key, options, test.expires), slurp(folder / "query-signature.txt"));
    const auto opened = verifier.verify(presigned, demands, test.options.time + std::chrono::seconds(test.expires));
    EXPECT_TRUE(opened) << opened.error().message;
    const auto late = verifier.verify(presigned, demands, test.options.time + std::chrono::seconds(test.expires + 1));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().failure, AuthFailure::Expired);
    ++cases;
  }
  RecordProperty("cases", cases);
  std::printf("sigv4 vectors: %d cases, each signed and verified as header and as query\n", cases);
  EXPECT_GT(cases, 0);
}

}  // namespace
}  // namespace likeness::aws
