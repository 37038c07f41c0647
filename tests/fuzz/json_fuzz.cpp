// Bodies of JSON requests: any bytes are read into the input of any operation, checked, shown in a message and written
// again. What was written must be read, and written the same.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "aws/constraints.hpp"
#include "aws/gen/rekognition.hpp"
#include "aws/json_reader.hpp"
#include "aws/json_writer.hpp"

namespace aws = likeness::aws;

namespace {

void check(const aws::Shape& shape, aws::Object object, aws::Object again, std::string_view text, bool lenient) {
  auto violations = aws::read_json(text, shape, object.get(), {.lenient = lenient});
  if (!violations) return;
  const bool had_unknown_values = !violations->empty();
  aws::check_constraints(shape, object.get(), *violations);
  if (!violations->empty() && aws::validation_message(*violations).size() > 200'000) std::abort();
  std::string written;
  aws::write_json(shape, object.get(), written);
  const auto reread = aws::read_json(written, shape, again.get());
  if (!reread || (!reread->empty() && !had_unknown_values)) std::abort();
  std::string second;
  aws::write_json(shape, again.get(), second);
  if (second != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const auto operations = aws::rekognition::model().operations;
  const auto& operation = operations[data[0] % operations.size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool lenient = (data[0] & 128) != 0;
  check(*operation.input, operation.make_input(), operation.make_input(), text, lenient);
  check(*operation.output, operation.make_output(), operation.make_output(), text, lenient);
  return 0;
}
