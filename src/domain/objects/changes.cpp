#include "domain/objects/changes.hpp"

#include "domain/record.hpp"

namespace likeness::objects {

namespace {
constexpr std::uint8_t kKey = 1, kVersion = 2, kETag = 3, kSize = 4, kAccount = 5, kRegion = 6, kPrincipal = 7,
                       kAddress = 8, kRequest = 9;
}

std::string encode(const ObjectChange& change) {
  domain::RecordWriter writer;
  writer.text(kKey, change.key);
  if (!change.version_id.empty()) writer.text(kVersion, change.version_id);
  if (!change.etag.empty()) writer.text(kETag, change.etag);
  writer.number(kSize, change.size);
  writer.text(kAccount, change.account);
  writer.text(kRegion, change.region);
  writer.text(kPrincipal, change.origin.principal);
  writer.text(kAddress, change.origin.source_ip);
  writer.text(kRequest, change.origin.request_id);
  return writer.take();
}

Result<ObjectChange> decode_object_change(std::string_view body) {
  ObjectChange change;
  domain::RecordReader reader(body);
  while (reader.next()) {
    switch (reader.field()) {
      case kKey: change.key = reader.text(); break;
      case kVersion: change.version_id = reader.text(); break;
      case kETag: change.etag = reader.text(); break;
      case kSize: change.size = reader.number(); break;
      case kAccount: change.account = reader.text(); break;
      case kRegion: change.region = reader.text(); break;
      case kPrincipal: change.origin.principal = reader.text(); break;
      case kAddress: change.origin.source_ip = reader.text(); break;
      case kRequest: change.origin.request_id = reader.text(); break;
      default: break;
    }
  }
  if (!reader.ok()) return server_error("StorageFailure", "a change of an object is damaged");
  return change;
}

}  // namespace likeness::objects
