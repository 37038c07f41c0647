// Bodies of XML requests: any bytes are read into the documents of S3's operations, checked and written again. What was
// written must be read, and written the same.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "aws/constraints.hpp"
#include "aws/gen/s3.hpp"
#include "aws/http_binding.hpp"
#include "aws/xml_reader.hpp"
#include "aws/xml_writer.hpp"

namespace aws = likeness::aws;

namespace {

/// A document: the payload of an operation's input or output, or what of it stands in the body.
struct Document {
  const aws::Shape* shape;
  std::string_view root;
};

std::vector<Document> documents() {
  std::vector<Document> out;
  const auto add = [&](const aws::Shape* shape) {
    if (shape == nullptr) return;
    const aws::Member* payload = aws::payload_member(*shape);
    if (payload == nullptr && aws::has_body_members(*shape)) out.push_back({shape, "Document"});
    if (payload != nullptr && payload->shape->kind == aws::Kind::Structure)
      out.push_back({payload->shape, payload->wire_name});
  };
  for (const auto& operation : aws::s3::model().operations) {
    add(operation.input);
    add(operation.output);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<Document> kDocuments = documents();
  if (size < 1) return 0;
  const Document& document = kDocuments[data[0] % kDocuments.size()];
  const aws::Shape& shape = *document.shape;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);

  const aws::Object first = shape.make();
  auto violations = aws::read_xml(text, shape, first.get());
  if (!violations) return 0;
  aws::check_constraints(shape, first.get(), *violations);
  if (!violations->empty() && aws::validation_message(*violations).size() > 200'000) std::abort();

  std::string written(aws::kXmlDeclaration);
  aws::write_xml(shape, first.get(), document.root, "http://s3.amazonaws.com/doc/2006-03-01/", written);
  const aws::Object second = shape.make();
  const auto reread = aws::read_xml(written, shape, second.get(), {.root = document.root});
  if (!reread) std::abort();
  std::string again(aws::kXmlDeclaration);
  aws::write_xml(shape, second.get(), document.root, "http://s3.amazonaws.com/doc/2006-03-01/", again);
  if (again != written) std::abort();
  return 0;
}
