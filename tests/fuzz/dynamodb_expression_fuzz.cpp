// Expressions of DynamoDB: any text is read as a condition, an update and a projection; what is taken is used on an
// item, and the item then is stored and read back.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "domain/dynamodb/expression.hpp"
#include "domain/dynamodb/expression_parser.hpp"
#include "domain/dynamodb/item_record.hpp"
#include "domain/dynamodb/key_condition.hpp"

namespace dynamodb = likeness::dynamodb;

namespace {

dynamodb::Value number(std::int64_t value) { return {dynamodb::Number::of(value)}; }

const dynamodb::Attributes& item() {
  static const dynamodb::Attributes kItem = {
      {"a", number(7)},
      {"l", {dynamodb::List{number(1), {std::string("x")}, {dynamodb::List{number(2)}}}}},
      {"m", {dynamodb::Attributes{{"k", {std::string("v")}}}}},
      {"s", {dynamodb::StringSet{{"p", "q"}}}}};
  return kItem;
}

dynamodb::Placeholders placeholders() {
  dynamodb::Placeholders out;
  out.names = {{"#a", "a"}, {"#n", "name"}};
  out.values = {{":n", number(3)},
                {":s", {std::string("x")}},
                {":l", {dynamodb::List{number(9)}}},
                {":p", {dynamodb::StringSet{{"p"}}}}};
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto names = placeholders();
  if (const auto condition = dynamodb::parse_condition(text, names, "ConditionExpression")) {
    (void)dynamodb::holds(*condition, item());
    (void)dynamodb::key_conditions(*condition);
  }
  if (const auto update = dynamodb::parse_update(text, names)) {
    if (const auto after = dynamodb::apply(*update, item())) {
      const auto again = dynamodb::decode_item(dynamodb::encode_item(*after));
      if (!again || !(*again == *after)) std::abort();
    }
  }
  if (const auto paths = dynamodb::parse_projection(text, names)) (void)dynamodb::project(*paths, item());
  (void)dynamodb::decode_item(text);
  if (const auto parsed = dynamodb::Number::parse(text)) {
    const auto again = dynamodb::Number::parse(parsed->text());
    if (!again || !(*again == *parsed)) std::abort();
  }
  return 0;
}
