#include "aws/protocol_vectors_test.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include "aws/aws_chunked.hpp"
#include "aws/timestamps.hpp"

namespace likeness::aws::vectors {

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

namespace {

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

template <class T>
void put(void* at, T value) {
  *static_cast<T*>(at) = std::move(value);
}

/// A stream's whole content.
std::string all_of(const Stream& stream) {
  std::string out;
  std::vector<std::uint8_t> piece(7);
  while (stream.reader != nullptr) {
    const auto count = stream->read(piece);
    if (!count || *count == 0) break;
    out.append(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*count));
  }
  return out;
}

}  // namespace

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
    case Kind::Stream: EXPECT_EQ(all_of(*static_cast<const Stream*>(object)), text_of(wanted)); return;
  }
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
    case Kind::Stream: {
      const auto text = text_of(from);
      return put(object, Stream{reader_of(Bytes(text.begin(), text.end())), text.size()});
    }
  }
}

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

void count(Tally& tally, int failures_before) {
  ++tally.cases;
  const auto* result = testing::UnitTest::GetInstance()->current_test_info()->result();
  tally.passed += result->total_part_count() == failures_before ? 1 : 0;
}
int failures() { return testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count(); }

// -- XML, read by another reader than ours

namespace {

using Tree = boost::property_tree::ptree;

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::map<std::string, std::string> attributes_of(const Tree& tree) {
  std::map<std::string, std::string> out;
  if (const auto attributes = tree.get_child_optional("<xmlattr>"))
    for (const auto& [name, value] : *attributes)
      if (!name.starts_with("xmlns")) out[name] = value.data();
  return out;
}

std::map<std::string, std::vector<const Tree*>> children_of(const Tree& tree) {
  std::map<std::string, std::vector<const Tree*>> out;
  for (const auto& [name, child] : tree)
    if (name != "<xmlattr>") out[name].push_back(&child);
  return out;
}

std::string differ(const Tree& a, const Tree& b, const std::string& path) {
  if (attributes_of(a) != attributes_of(b)) return fmt::format("{}: attributes", path);
  const auto left = children_of(a);
  const auto right = children_of(b);
  if (left.empty() && right.empty()) {
    if (a.data() != b.data() && trimmed(a.data()) != trimmed(b.data()) && !path.ends_with("/RequestId"))
      return fmt::format("{}: '{}' is not '{}'", path, a.data(), b.data());
    return {};
  }
  for (const auto& [name, those] : left)
    if (!right.contains(name)) return fmt::format("{}/{} is missing in the second", path, name);
  for (const auto& [name, those] : right) {
    const auto at = left.find(name);
    if (at == left.end()) return fmt::format("{}/{} is missing in the first", path, name);
    if (at->second.size() != those.size()) return fmt::format("{}/{}: number of elements", path, name);
    // The entries of a map have no order.
    if (those.size() > 1 && !those[0]->empty() && at->second.size() == those.size()) {
      const auto in_some_place = [&](const Tree* wanted) {
        return std::ranges::any_of(at->second, [&](const Tree* one) { return differ(*one, *wanted, path).empty(); });
      };
      if (std::ranges::all_of(those, in_some_place)) continue;
    }
    for (std::size_t i = 0; i < those.size(); ++i)
      if (auto found = differ(*at->second[i], *those[i], fmt::format("{}/{}", path, name)); !found.empty())
        return found;
  }
  return {};
}

Tree parse_xml(const std::string& text) {
  Tree tree;
  std::istringstream in(text);
  boost::property_tree::read_xml(in, tree, boost::property_tree::xml_parser::no_comments);
  return tree;
}

}  // namespace

std::string difference_of_xml(const std::string& a, const std::string& b, bool same_root_name) {
  const Tree left = parse_xml(a);
  const Tree right = parse_xml(b);
  if (left.size() != 1 || right.size() != 1) return "not one root";
  if (same_root_name && left.front().first != right.front().first)
    return left.front().first + " is not " + right.front().first;
  return differ(left.front().second, right.front().second, left.front().first);
}

const Shape* exception_of(const ServiceModel& model, const std::string& code) {
  for (const Shape* shape : model.shapes)
    if (shape->is_exception && (shape->name == code || shape->error_code == code)) return shape;
  return nullptr;
}

}  // namespace likeness::aws::vectors
