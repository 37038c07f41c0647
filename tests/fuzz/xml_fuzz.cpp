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
  aws::Object (*make)();
  const aws::Member* payload;  // null: the whole struct
  const aws::Shape* shape;
  std::string_view root;

  void* in(const aws::Object& object) const {
    return payload == nullptr ? object.get() : payload->ops->emplace(payload->slot(object.get()));
  }
};

std::vector<Document> documents() {
  std::vector<Document> out;
  const auto add = [&](const aws::Shape* shape, aws::Object (*make)()) {
    if (shape == nullptr) return;
    const aws::Member* payload = aws::payload_member(*shape);
    if (payload == nullptr && aws::has_body_members(*shape)) out.push_back({make, nullptr, shape, "Document"});
    if (payload != nullptr && payload->shape->kind == aws::Kind::Structure)
      out.push_back({make, payload, payload->shape, payload->wire_name});
  };
  for (const auto& operation : aws::s3::model().operations) {
    add(operation.input, operation.make_input);
    add(operation.output, operation.make_output);
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

  const aws::Object first = document.make();
  void* read = document.in(first);
  auto violations = aws::read_xml(text, shape, read);
  if (!violations) return 0;
  aws::check_constraints(shape, read, *violations);
  if (!violations->empty() && aws::validation_message(*violations).size() > 200'000) std::abort();

  std::string written(aws::kXmlDeclaration);
  aws::write_xml(shape, read, document.root, "http://s3.amazonaws.com/doc/2006-03-01/", written);
  const aws::Object second = document.make();
  void* reread = document.in(second);
  const auto fine = aws::read_xml(written, shape, reread, {.root = document.root});
  if (!fine) std::abort();
  std::string again(aws::kXmlDeclaration);
  aws::write_xml(shape, reread, document.root, "http://s3.amazonaws.com/doc/2006-03-01/", again);
  if (again != written) std::abort();
  return 0;
}
