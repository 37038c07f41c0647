#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "events/input_transformer.hpp"
#include "events/json_tokens.hpp"

/// A path, a template and an event, with zero bytes between them: what is delivered must be JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace likeness::events;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto part = [&rest] {
    const std::size_t zero = rest.find('\0');
    const std::string_view out = rest.substr(0, zero);
    rest.remove_prefix(zero == std::string_view::npos ? rest.size() : zero + 1);
    return out;
  };
  const std::string path(part());
  const std::string_view input_template = part();
  const auto transformer = InputTransformer::parse({{"a", path}, {"b", "$.detail"}}, input_template, "t");
  if (!transformer || !is_json_object(rest)) return 0;
  const auto made = transformer->apply(rest, {"arn", "rule", "time"});
  if (made && !input_template.starts_with('"') && made->find('"') == std::string::npos && !is_json(*made)) std::abort();
  return 0;
}
