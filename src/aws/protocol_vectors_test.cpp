#include <gtest/gtest.h>

#ifndef LIKENESS_HAS_PROTOCOL_VECTORS

TEST(ProtocolVectors, AreNotHere) {
  GTEST_SKIP() << LIKENESS_VECTORS << "/protocols is not there; json_test and gateway_test test the protocol alone";
}

#else

#include <boost/json.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "aws/codec.hpp"
#include "aws/gen/vectors_input_json.hpp"
#include "aws/gen/vectors_input_json_1_0.hpp"
#include "aws/gen/vectors_input_json_1_0_query_compatible.hpp"
#include "aws/gen/vectors_output_json.hpp"
#include "aws/gen/vectors_output_json_1_0.hpp"
#include "aws/gen/vectors_output_json_1_0_query_compatible.hpp"
#include "aws/json_reader.hpp"
#include "aws/timestamps.hpp"

/// Botocore's protocol cases through the generated tables and the real codec: inputs are read and compared with what
/// the client meant; results are put into structs, written, and read back by a client that knows nothing of our
/// structs.
namespace likeness::aws {
namespace {

namespace json = boost::json;

json::value load(const std::string& name) {
  std::ifstream in(std::string(LIKENESS_VECTORS) + "/protocols/" + name + ".json");
  std::stringstream text;
  text << in.rdbuf();
  return json::parse(text.str());
}

std::string text_of(const json::value& value) { return std::string(value.as_string()); }

double number_of(const json::value& value) {
  if (value.is_string()) {
    const auto& word = value.as_string();
    return word == "NaN" ? NAN : word == "Infinity" ? INFINITY : -INFINITY;
  }
  return value.to_number<double>();
}

/// The tests' own parser may be off in the last place.
bool same_number(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) < 1e-15 * std::abs(a);
}

std::size_t index_of(const Shape& shape, const std::string& name) {
  for (std::size_t i = 0; i < shape.enum_values.size(); ++i)
    if (shape.enum_values[i] == name) return i;
  ADD_FAILURE() << "no value " << name << " in " << shape.name;
  return 0;
}

/// Whether `object` holds what `wanted` says, in the model's words (not in those of any protocol).
void expect_equal(const Shape& shape, const void* object, const json::value& wanted) {
  switch (shape.kind) {
    case Kind::Structure: {
      std::size_t present = 0;
      for (const auto& member : shape.members) present += member.find(object) != nullptr ? 1 : 0;
      std::size_t expected = 0;
      for (const auto& field : wanted.as_object()) expected += field.value().is_null() ? 0 : 1;
      EXPECT_EQ(present, expected);
      for (const auto& [name, value] : wanted.as_object()) {
        if (value.is_null()) continue;
        const Member* found = nullptr;
        for (const auto& member : shape.members)
          if (member.name == std::string_view(name)) found = &member;
        ASSERT_NE(found, nullptr) << std::string(name);
        ASSERT_NE(found->find(object), nullptr) << std::string(name);
        expect_equal(*found->shape, found->find(object), value);
      }
      return;
    }
    case Kind::List: {
      const auto& items = wanted.as_array();
      ASSERT_EQ(shape.list->size(object), items.size());
      for (std::size_t i = 0; i < items.size(); ++i) expect_equal(*shape.element, shape.list->at(object, i), items[i]);
      return;
    }
    case Kind::Map: {
      struct State {
        const Shape& shape;
        const json::object& wanted;
      } state{shape, wanted.as_object()};
      EXPECT_EQ(shape.map->size(object), state.wanted.size());
      shape.map->each(object, &state, [](void* opaque, const std::string& key, const void* value) {
        auto& s = *static_cast<State*>(opaque);
        ASSERT_TRUE(s.wanted.contains(key)) << key;
        expect_equal(*s.shape.element, value, s.wanted.at(key));
      });
      return;
    }
    case Kind::String: EXPECT_EQ(*static_cast<const std::string*>(object), text_of(wanted)); return;
    case Kind::Enum: {
      std::uint16_t index = 0;
      std::memcpy(&index, object, sizeof index);
      EXPECT_EQ(shape.enum_values[index], text_of(wanted));
      return;
    }
    case Kind::Boolean: EXPECT_EQ(*static_cast<const bool*>(object), wanted.as_bool()); return;
    case Kind::Integer: EXPECT_EQ(*static_cast<const std::int32_t*>(object), wanted.as_int64()); return;
    case Kind::Long: EXPECT_EQ(*static_cast<const std::int64_t*>(object), wanted.as_int64()); return;
    case Kind::Float:
      EXPECT_TRUE(same_number(*static_cast<const float*>(object), static_cast<float>(number_of(wanted))));
      return;
    case Kind::Double: EXPECT_TRUE(same_number(*static_cast<const double*>(object), number_of(wanted))); return;
    case Kind::Blob: EXPECT_EQ(as_text(*static_cast<const Bytes*>(object)), text_of(wanted)); return;
    case Kind::Timestamp:
      EXPECT_EQ(*static_cast<const TimePoint*>(object), from_epoch_seconds(number_of(wanted)));
      return;
    case Kind::Document: EXPECT_EQ(json::parse(static_cast<const Document*>(object)->json), wanted); return;
    case Kind::Stream: return;
  }
}

template <class T>
void put(void* at, T value) {
  *static_cast<T*>(at) = std::move(value);
}

void fill(const Shape& shape, void* object, const json::value& from) {
  switch (shape.kind) {
    case Kind::Structure:
      for (const auto& [name, value] : from.as_object())
        for (const auto& member : shape.members)
          if (member.name == std::string_view(name))
            fill(*member.shape, member.ops->emplace(member.slot(object)), value);
      return;
    case Kind::List:
      for (const auto& item : from.as_array()) fill(*shape.element, shape.list->append(object), item);
      return;
    case Kind::Map:
      for (const auto& [key, value] : from.as_object())
        fill(*shape.element, shape.map->insert(object, std::string(key)), value);
      return;
    case Kind::String: return put(object, text_of(from));
    case Kind::Enum: {
      const auto index = static_cast<std::uint16_t>(index_of(shape, text_of(from)));
      std::memcpy(object, &index, sizeof index);
      return;
    }
    case Kind::Boolean: return put(object, from.as_bool());
    case Kind::Integer: return put(object, static_cast<std::int32_t>(from.as_int64()));
    case Kind::Long: return put(object, from.as_int64());
    case Kind::Float: return put(object, static_cast<float>(number_of(from)));
    case Kind::Double: return put(object, number_of(from));
    case Kind::Blob: {
      const auto text = text_of(from);
      return put(object, Bytes(text.begin(), text.end()));
    }
    case Kind::Timestamp: return put(object, *from_epoch_seconds(number_of(from)));
    case Kind::Document: return put(object, Document{json::serialize(from)});
    case Kind::Stream: return;
  }
}

/// Equal as JSON values, 1234 and 1234.0 being the same.
bool same_json(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) return number_of(a) == number_of(b);
  if (a.kind() != b.kind()) return false;
  if (const auto* object = a.if_object()) {
    if (object->size() != b.as_object().size()) return false;
    for (const auto& [key, value] : *object)
      if (!b.as_object().contains(key) || !same_json(value, b.as_object().at(key))) return false;
    return true;
  }
  if (const auto* array = a.if_array()) {
    if (array->size() != b.as_array().size()) return false;
    for (std::size_t i = 0; i < array->size(); ++i)
      if (!same_json((*array)[i], b.as_array()[i])) return false;
    return true;
  }
  return a == b;
}

struct Tally {
  int passed = 0;
  int cases = 0;
  int without_body = 0;
};

void count(Tally& tally, int failures_before) {
  ++tally.cases;
  const auto* result = testing::UnitTest::GetInstance()->current_test_info()->result();
  tally.passed += result->total_part_count() == failures_before ? 1 : 0;
}
int failures() { return testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count(); }

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
      const auto violations = codec->read(request, *operation, input.get());
      EXPECT_TRUE(violations) << violations.error().message;
      if (operation->input != nullptr)
        expect_equal(*operation->input, input.get(), params != nullptr ? *params : json::object());
      count(tally, before);
    }
  }
}

void write_error(const Codec& codec, const ServiceModel& model, const json::object& given) {
  const std::string code = text_of(given.at("errorCode"));
  for (const Shape* shape : model.shapes) {
    if (!shape->is_exception || (shape->name != code && shape->error_code != code)) continue;
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
      codec.write(*operation, output.get(), "id", response);
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
