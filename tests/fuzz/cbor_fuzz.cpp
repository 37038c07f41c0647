// Bodies of CBOR requests: any bytes are read into the input and output of any operation, checked and written again.
// What was written must be read, and written the same.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "aws/cbor.hpp"
#include "aws/constraints.hpp"
#include "aws/gen/cloudwatch.hpp"

namespace aws = likeness::aws;

namespace {

void check(const aws::Shape* shape, const aws::Object& object, const aws::Object& again, likeness::BytesView bytes,
           bool lenient) {
  if (shape == nullptr) return;
  auto violations = aws::read_cbor(bytes, *shape, object.get(), {.lenient = lenient});
  if (!violations) return;
  aws::check_constraints(*shape, object.get(), *violations);
  if (!violations->empty() && aws::validation_message(*violations).size() > 200'000) std::abort();
  std::string written;
  aws::write_cbor(*shape, object.get(), written);
  const auto reread = aws::read_cbor(likeness::as_bytes(written), *shape, again.get());
  if (!reread || !reread->empty()) std::abort();
  std::string second;
  aws::write_cbor(*shape, again.get(), second);
  if (second != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const auto operations = aws::cloudwatch::model().operations;
  const auto& operation = operations[(data[0] & 127) % operations.size()];
  const likeness::BytesView bytes(data + 1, size - 1);
  const bool lenient = (data[0] & 128) != 0;
  check(operation.input, operation.make_input(), operation.make_input(), bytes, lenient);
  check(operation.output, operation.make_output(), operation.make_output(), bytes, lenient);
  return 0;
}
