#ifdef LIKENESS_HAS_PROTOCOL_VECTORS

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>

#include "aws/cbor.hpp"
#include "aws/codec.hpp"
#include "aws/exceptions.hpp"
#include "aws/gen/vectors_input_smithy_rpc_v2_cbor.hpp"
#include "aws/gen/vectors_input_smithy_rpc_v2_cbor_query_compatible.hpp"
#include "aws/gen/vectors_output_smithy_rpc_v2_cbor.hpp"
#include "aws/gen/vectors_output_smithy_rpc_v2_cbor_query_compatible.hpp"
#include "aws/protocol_vectors_test.hpp"
#include "aws/router.hpp"

/// Botocore's cases for Smithy RPC v2 CBOR: requests are routed and read and compared with what the client meant; the
/// answers that the client is given are read by a reader of the test's own, and so is what we write.
namespace likeness::aws {
namespace {

using namespace vectors;

Bytes body_of(const json::object& message) {
  const auto* body = message.if_contains("body");
  return body == nullptr ? Bytes() : from_base64(text_of(*body)).value();
}

void read_inputs(const std::string& name, std::span<const ServiceModel* const> models) {
  Tally tally;
  const auto suites = load("input/" + name);
  ASSERT_EQ(suites.as_array().size(), models.size());
  for (std::size_t i = 0; i < models.size(); ++i) {
    for (const auto& one : suites.as_array()[i].at("cases").as_array()) {
      const auto& given = one.as_object();
      const auto id = text_of(given.at("id"));
      SCOPED_TRACE(id);
      const int before = failures();
      const auto& serialized = given.at("serialized").as_object();
      net::Request request;
      request.method = text_of(serialized.at("method"));
      request.target = text_of(serialized.at("uri"));
      for (const auto& [key, value] : serialized.at("headers").as_object())
        request.headers.add(std::string(key), text_of(value));
      request.body = body_of(serialized);

      const Service service(*models[i]);
      Router router({"localhost"});
      router.add(service);
      const auto route = router.find(request);
      ASSERT_NE(route.operation, nullptr);
      EXPECT_EQ(route.operation->name, text_of(given.at("given").at("name")));
      const Codec* codec = codec_for(*models[i], request);
      ASSERT_EQ(codec, &cbor_codec());
      const auto input = route.operation->make_input();
      const auto read = codec->read({.request = request, .body = request.body}, *route.operation, input.get());
      EXPECT_TRUE(read) << read.error().message;
      if (read) EXPECT_TRUE(read->empty());
      if (route.operation->input != nullptr) expect_equal(*route.operation->input, input.get(), given.at("params"));
      count(tally, before);
    }
  }
  std::printf("protocol vectors, input, %s: %d of %d\n", name.c_str(), tally.passed, tally.cases);
  EXPECT_EQ(tally.passed, tally.cases);
  EXPECT_GT(tally.cases, 0);
}

/// CBOR as JSON; numbers of any width are numbers, byte strings are objects, so that they are no texts.
class Plain {
 public:
  explicit Plain(BytesView bytes) : rest_(bytes) {}

  json::value value() {
    const auto first = byte();
    const int major = first >> 5;
    const int info = first & 31;
    if (major == 7) return simple(info);
    const bool open = info == 31;
    const std::uint64_t length = open ? 0 : number(info);
    switch (major) {
      case 0: return static_cast<double>(length);
      case 1: return -1 - static_cast<double>(length);
      case 2: return json::object{{"bytes", to_base64(as_bytes(text(open, length)))}};
      case 3: return json::string(text(open, length));
      case 4: {
        json::array out;
        for (std::uint64_t i = 0; open ? !at_break() : i < length; ++i) out.push_back(value());
        return out;
      }
      case 5: {
        json::object out;
        for (std::uint64_t i = 0; open ? !at_break() : i < length; ++i) {
          const auto key = value();
          out[key.as_string()] = value();
        }
        return out;
      }
      default: return json::object{{"tag", length}, {"of", value()}};
    }
  }

 private:
  unsigned byte() {
    if (rest_.empty()) throw std::runtime_error("it ends early");
    const auto out = rest_[0];
    rest_ = rest_.subspan(1);
    return out;
  }
  bool at_break() {
    if (!rest_.empty() && rest_[0] != 0xff) return false;
    byte();
    return true;
  }
  std::uint64_t number(int info) {
    if (info < 24) return static_cast<std::uint64_t>(info);
    std::uint64_t out = 0;
    for (int i = 0; i < 1 << (info - 24); ++i) out = out << 8 | byte();
    return out;
  }
  std::string text(bool open, std::uint64_t length) {
    std::string out;
    if (open) {
      while (!at_break()) out += text(false, number(static_cast<int>(byte() & 31)));
      return out;
    }
    for (std::uint64_t i = 0; i < length; ++i) out += static_cast<char>(byte());
    return out;
  }
  json::value simple(int info) {
    switch (info) {
      case 20: return false;
      case 21: return true;
      case 22:
      case 23: return nullptr;
      case 25: {
        const auto bits = number(info);
        const double fraction = static_cast<double>(bits & 1023) / 1024;
        const int exponent = static_cast<int>(bits >> 10 & 31);
        double out = exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15);
        if (exponent == 31) out = fraction == 0 ? INFINITY : NAN;
        return word((bits & 0x8000) != 0 ? -out : out);
      }
      case 26: return word(std::bit_cast<float>(static_cast<std::uint32_t>(number(info))));
      case 27: return word(std::bit_cast<double>(number(info)));
      default: throw std::runtime_error("an unknown simple value");
    }
  }
  static json::value word(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
    return value;
  }

  BytesView rest_;
};

void drop_nulls(json::value& value) {
  if (auto* object = value.if_object()) {
    for (auto at = object->begin(); at != object->end();) {
      if (at->value().is_null()) {
        at = object->erase(at);
      } else {
        drop_nulls(at->value());
        ++at;
      }
    }
  }
}

void expect_same_document(BytesView ours, BytesView theirs) {
  const auto left = Plain(ours).value();
  auto right = Plain(theirs).value();
  drop_nulls(right);  // what is absent we leave out
  EXPECT_TRUE(same_json(left, right)) << json::serialize(left) << "\n" << json::serialize(right);
}

/// The test's struct holds what the client is to see: __type may have another namespace in ours.
void write_error(const ServiceModel& model, const json::object& given) {
  const std::string code = text_of(given.at("errorCode"));
  const Shape* shape = exception_of(model, code);
  ASSERT_NE(shape, nullptr) << code;
  const Object error = shape->make();
  if (given.contains("error")) fill(*shape, error.get(), given.at("error"));
  net::Response response;
  const auto& theirs = given.at("response").as_object();
  cbor_codec().write_error({.code = std::string(shape->name),
                            .message = message_of(*shape, error.get()),
                            .status = static_cast<int>(theirs.at("status_code").as_int64()),
                            .request_id = "id",
                            .model = &model,
                            .shape = shape,
                            .structure = error.get()},
                           response);
  auto left = Plain(as_bytes(response.body)).value();
  auto right = Plain(body_of(theirs)).value();
  for (auto* one : {&left, &right}) {
    auto& type = one->as_object().at("__type").as_string();
    type.erase(0, type.find('#'));
  }
  EXPECT_TRUE(same_json(left, right)) << json::serialize(left) << "\n" << json::serialize(right);
  for (const auto& [key, value] : theirs.at("headers").as_object())
    EXPECT_EQ(response.headers.get(std::string_view(key)), text_of(value)) << std::string(key);
}

void write_outputs(const std::string& name, std::span<const ServiceModel* const> models) {
  Tally tally;
  const auto suites = load("output/" + name);
  ASSERT_EQ(suites.as_array().size(), models.size());
  for (std::size_t i = 0; i < models.size(); ++i) {
    for (const auto& one : suites.as_array()[i].at("cases").as_array()) {
      const auto& given = one.as_object();
      const auto id = text_of(given.at("id"));
      SCOPED_TRACE(id);
      const int before = failures();
      if (given.contains("errorCode")) {
        write_error(*models[i], given);
        count(tally, before);
        continue;
      }
      const Operation* operation = models[i]->find_operation(text_of(given.at("given").at("name")));
      ASSERT_NE(operation, nullptr);
      const auto& theirs = given.at("response").as_object();
      const auto their_body = body_of(theirs);
      // What the client reads out of their bytes we read, too.
      if (operation->output != nullptr && !their_body.empty()) {
        const auto output = operation->make_output();
        const auto read = read_cbor(their_body, *operation->output, output.get(), {.lenient = true});
        EXPECT_TRUE(read) << read.error().message;
        expect_equal(*operation->output, output.get(), given.at("result"));
        net::Response response;
        cbor_codec().write(*models[i], *operation, output.get(), "id", response);
        EXPECT_EQ(response.headers.get("Content-Type"), "application/cbor");
        EXPECT_EQ(response.headers.get("smithy-protocol"), "rpc-v2-cbor");
        const auto again = operation->make_output();
        EXPECT_TRUE(read_cbor(as_bytes(response.body), *operation->output, again.get()));
        expect_equal(*operation->output, again.get(), given.at("result"));
      }
      const auto output = operation->make_output();
      if (operation->output != nullptr) fill(*operation->output, output.get(), given.at("result"));
      net::Response response;
      cbor_codec().write(*models[i], *operation, output.get(), "id", response);
      EXPECT_EQ(response.status, theirs.at("status_code").as_int64());
      // A case of members that the client does not know, and of values that it has to skip, is about reading only.
      if (!their_body.empty() && id.find("Extra") == std::string::npos && id.find("SkipsNull") == std::string::npos &&
          id.find("UnsetUnion") == std::string::npos)
        expect_same_document(as_bytes(response.body), their_body);
      count(tally, before);
    }
  }
  std::printf("protocol vectors, output, %s: %d of %d\n", name.c_str(), tally.passed, tally.cases);
  EXPECT_EQ(tally.passed, tally.cases);
  EXPECT_GT(tally.cases, 0);
}

TEST(CborVectors, InputsMeanWhatTheClientMeant) {
  read_inputs("smithy-rpc-v2-cbor", vectors_input_smithy_rpc_v2_cbor::suites());
  read_inputs("smithy-rpc-v2-cbor-query-compatible", vectors_input_smithy_rpc_v2_cbor_query_compatible::suites());
}

TEST(CborVectors, OutputsAreWhatTheClientExpects) {
  write_outputs("smithy-rpc-v2-cbor", vectors_output_smithy_rpc_v2_cbor::suites());
  write_outputs("smithy-rpc-v2-cbor-query-compatible", vectors_output_smithy_rpc_v2_cbor_query_compatible::suites());
}

}  // namespace
}  // namespace likeness::aws

#endif
