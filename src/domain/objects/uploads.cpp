#include "domain/objects/uploads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/digest.hpp"
#include "domain/objects/errors.hpp"
#include "domain/objects/layout.hpp"
#include "domain/objects/listing.hpp"
#include "domain/objects/names.hpp"
#include "domain/objects/records.hpp"

namespace likeness::objects {

namespace {

std::string lower_name(Checksum::Algorithm algorithm) {
  std::string name(name_of(algorithm));
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name;
}

Checksum::Type usual_type(std::optional<Checksum::Algorithm> algorithm) {
  return !algorithm || *algorithm == Checksum::Algorithm::Crc64Nvme ? Checksum::Type::FullObject
                                                                    : Checksum::Type::Composite;
}

/// Reads all parts of an upload in order.
Result<void> each_part(const storage::Store& store, const std::string& upload_id, int after,
                       const std::function<bool(Part)>& visit) {
  std::string first = sort_of(static_cast<std::uint32_t>(after + 1));
  while (true) {
    auto page = store.range(kParts, upload_id, {.first = first, .last = {}, .limit = 1000, .reverse = false});
    if (!page) return internal(page.error());
    for (const auto& item : page->items) {
      auto part = decode_part(static_cast<int>(number_of(item.key.sort)), item.value);
      if (!part) return internal(part.error());
      if (!visit(std::move(*part))) return {};
    }
    if (!page->next) return {};
    first = *page->next;
  }
}

}  // namespace

Result<Upload> Uploads::create(const Bucket& bucket, const NewUpload& wanted) {
  if (auto named = check_key(wanted.key); !named) return fail(named);
  Upload upload{.id = new_upload_id(),
                .key = wanted.key,
                .initiated = std::chrono::floor<std::chrono::seconds>(clock_.now()),
                .metadata = wanted.metadata,
                .algorithm = wanted.algorithm,
                .checksum_type = wanted.checksum_type.value_or(usual_type(wanted.algorithm))};
  if (wanted.checksum_type && !wanted.algorithm)
    return bad_request("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.");
  if (wanted.algorithm) {
    const bool is_digest =
        *wanted.algorithm == Checksum::Algorithm::Sha1 || *wanted.algorithm == Checksum::Algorithm::Sha256;
    const bool full = upload.checksum_type == Checksum::Type::FullObject;
    if ((is_digest && full) || (*wanted.algorithm == Checksum::Algorithm::Crc64Nvme && !full))
      return bad_request(fmt::format("The {} checksum type cannot be used with the {} checksum algorithm.",
                                     full ? "FULL_OBJECT" : "COMPOSITE", lower_name(*wanted.algorithm)));
  }
  auto made = store_.commit({bucket_is_alive(bucket.id), put_new(kUploads, {bucket.id, upload.id}, encode(upload))});
  if (!made) return made.error().code == "ConditionFailed" ? no_such_bucket() : from_storage(made.error());
  return upload;
}

Result<Upload> Uploads::get(const Bucket& bucket, const std::string& key, const std::string& upload_id) const {
  if (upload_id.empty() || upload_id.size() > 256) return no_such_upload();
  auto found = store_.get(kUploads, {bucket.id, upload_id});
  if (!found) return internal(found.error());
  if (!*found) return no_such_upload();
  auto upload = decode_upload(upload_id, **found);
  if (!upload) return internal(upload.error());
  if (upload->key != key) return no_such_upload();
  return upload;
}

Result<Part> Uploads::put_part(const Bucket& bucket, const PartUpload& upload_of_part) {
  const auto& wanted = upload_of_part;
  if (wanted.number < 1 || wanted.number > kMaxPartNumber)
    return bad_argument("Part number must be an integer between 1 and 10000, inclusive");
  auto upload = get(bucket, wanted.key, wanted.upload_id);
  if (!upload) return fail(upload);
  Expected expected = wanted.expected;
  expected.max_size = std::min(expected.max_size, kMaxSinglePut);
  if (!wanted.checksum_given) {
    expected.algorithm = upload->algorithm.value_or(Checksum::Algorithm::Crc64Nvme);
  } else if (upload->algorithm && *upload->algorithm != expected.algorithm) {
    return bad_request(
        fmt::format("Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                    lower_name(*upload->algorithm), lower_name(expected.algorithm)));
  }
  // Of an upload without an algorithm the checksum that we keep is CRC64NVME: its object gets that of the whole.
  std::optional<ChecksumStream> own;
  Source source = wanted.source;
  if (!upload->algorithm && expected.algorithm != Checksum::Algorithm::Crc64Nvme) {
    own.emplace(Checksum::Algorithm::Crc64Nvme);
    source = [&](std::span<std::uint8_t> into) {
      auto got = wanted.source(into);
      if (got) own->update(into.first(*got));
      return got;
    };
  }
  auto written = objects_.contents().write(source, expected);
  if (!written) return fail(written);
  Part part{.number = wanted.number,
            .size = written->piece.size,
            .etag = written->md5,
            .checksum = own ? own->finish() : written->checksum,
            .modified = std::chrono::floor<std::chrono::seconds>(clock_.now()),
            .piece = written->piece};
  part.piece.part_number = wanted.number;
  part.piece.checksum = part.checksum;

  const auto held = latches_.acquire({wanted.upload_id});
  const storage::Key upload_key{bucket.id, wanted.upload_id};
  const storage::Key key{wanted.upload_id, sort_of(static_cast<std::uint32_t>(wanted.number))};
  auto upload_record = store_.get(kUploads, upload_key);
  if (!upload_record) return internal(upload_record.error());
  auto before = store_.get(kParts, key);
  if (!before) return internal(before.error());
  if (!*upload_record) return no_such_upload();
  Contents::Garbage garbage;
  if (*before) {
    auto replaced = decode_part(wanted.number, **before);
    if (!replaced) return internal(replaced.error());
    objects_.contents().discard(std::vector<Piece>{replaced->piece}, garbage);
  }
  std::vector<storage::Write> writes = written->writes;
  writes.insert(writes.end(), garbage.writes.begin(), garbage.writes.end());
  writes.push_back(provided(put(kUploads, upload_key, **upload_record), *upload_record));
  writes.push_back(provided(put(kParts, key, encode(part)), *before));
  auto done = store_.commit(std::move(writes));
  if (!done) return done.error().code == "ConditionFailed" ? no_such_upload() : from_storage(done.error());
  written->keep();
  objects_.contents().finish(garbage);
  if (wanted.checksum_given) part.checksum = written->checksum;
  return part;
}

namespace {

/// The parts that make the object, in order, and those that do not.
struct Assembly {
  std::vector<Piece> pieces;
  std::vector<Piece> left_over;
  std::vector<PartChecksum> checksums;
  std::uint64_t size = 0;
  std::string etag;
};

Result<Assembly> assemble(const Upload& upload, const Completion& completion, std::map<int, Part> there) {
  Assembly assembly;
  Digest md5(Digest::Kind::Md5);
  const Checksum::Algorithm algorithm = upload.algorithm.value_or(Checksum::Algorithm::Crc64Nvme);
  for (std::size_t i = 1; i < completion.parts.size(); ++i)
    if (completion.parts[i].number <= completion.parts[i - 1].number) return bad_part_order();
  for (std::size_t i = 0; i < completion.parts.size(); ++i) {
    const auto& named = completion.parts[i];
    const auto found = there.find(named.number);
    if (found == there.end() || found->second.etag != named.etag) return bad_part();
    Part& part = found->second;
    if (named.algorithm) {
      if (*named.algorithm == algorithm && named.checksum != part.checksum) return bad_part();
    } else if (upload.algorithm && upload.checksum_type == Checksum::Type::Composite) {
      return bad_request(
          fmt::format("The upload was created using a {} checksum. The complete request must include the checksum for "
                      "each part. It "
                      "was missing for part {} in the request.",
                      lower_name(algorithm), named.number));
    }
    if (i + 1 < completion.parts.size() && part.size < kMinPartBytes) return part_too_small();
    md5.update(from_hex(part.etag).value_or(Bytes{}));
    assembly.size += part.size;
    assembly.checksums.push_back({.value = part.checksum, .size = part.size});
    assembly.pieces.push_back(std::move(part.piece));
    there.erase(found);
  }
  for (auto& [number, part] : there) assembly.left_over.push_back(std::move(part.piece));
  assembly.etag = fmt::format("{}-{}", to_hex(md5.finish()), completion.parts.size());
  return assembly;
}

}  // namespace

Result<Version> Uploads::complete(const Bucket& bucket, const Completion& completion) {
  const auto held = latches_.acquire({completion.upload_id});
  auto upload = get(bucket, completion.key, completion.upload_id);
  if (!upload) {
    // A client that did not get the answer asks again.
    if (upload.error().code == "NoSuchUpload" && !completion.upload_id.empty())
      if (auto made = objects_.find(bucket, completion.key); made && made->upload == completion.upload_id) return made;
    return fail(upload);
  }
  if (completion.parts.empty())
    return client_error("MalformedXML",
                        "The XML you provided was not well-formed or did not validate against our published schema");
  if (completion.checksum_type && *completion.checksum_type != upload->checksum_type)
    return bad_request(
        "The upload was created using another checksum type: the x-amz-checksum-type of the complete request must be "
        "that of the upload.");
  std::map<int, Part> there;
  auto read = each_part(store_, completion.upload_id, 0, [&](Part part) {
    const int number = part.number;
    there.emplace(number, std::move(part));
    return true;
  });
  if (!read) return fail(read);
  auto assembly = assemble(*upload, completion, std::move(there));
  if (!assembly) return fail(assembly);
  if (assembly->size > kMaxObjectBytes) return too_large();
  if (completion.size && *completion.size != assembly->size)
    return bad_request("The provided 'x-amz-mp-object-size' header does not match what was computed.");

  Version version;
  version.key = upload->key;
  version.size = assembly->size;
  version.etag = assembly->etag;
  version.metadata = upload->metadata;
  version.part_count = static_cast<int>(assembly->pieces.size());
  version.upload = completion.upload_id;
  const Checksum::Algorithm algorithm = upload->algorithm.value_or(Checksum::Algorithm::Crc64Nvme);
  version.checksum = Checksum{.algorithm = algorithm,
                              .type = upload->checksum_type,
                              .value = checksum_of_parts(algorithm, upload->checksum_type, assembly->checksums)};
  if (completion.checksum && completion.checksum->algorithm == algorithm) {
    std::string_view wanted = completion.checksum->value;
    std::string_view computed = version.checksum->value;
    if (upload->checksum_type == Checksum::Type::Composite && wanted.find('-') == std::string_view::npos)
      computed = computed.substr(0, computed.find('-'));
    if (wanted != computed) return bad_checksum(algorithm);
  }

  std::vector<storage::Write> writes;
  Contents::place_pieces(version, std::move(assembly->pieces), writes);
  Contents::Garbage garbage;
  if (!assembly->left_over.empty()) objects_.contents().discard(std::move(assembly->left_over), garbage);
  objects_.contents().discard_parts(completion.upload_id, false, garbage);
  writes.insert(writes.end(), garbage.writes.begin(), garbage.writes.end());
  storage::Write gone = erase(kUploads, {bucket.id, completion.upload_id});
  gone.expect = storage::Write::Expect::Present;
  writes.push_back(std::move(gone));
  auto added = objects_.add(bucket, std::move(version), writes, completion.conditions,
                            "ObjectCreated:CompleteMultipartUpload", completion.origin);
  if (!added) return added;
  objects_.contents().finish(garbage);
  return added;
}

Result<void> Uploads::abort(const Bucket& bucket, const std::string& key, const std::string& upload_id) {
  const auto held = latches_.acquire({upload_id});
  if (auto upload = get(bucket, key, upload_id); !upload) return fail(upload);
  Contents::Garbage garbage;
  objects_.contents().discard_parts(upload_id, true, garbage);
  std::vector<storage::Write> writes = garbage.writes;
  writes.push_back(erase(kUploads, {bucket.id, upload_id}));
  if (auto done = store_.commit(std::move(writes)); !done) return from_storage(done.error());
  objects_.contents().finish(garbage);
  return {};
}

Result<PartList> Uploads::list_parts(const Bucket& bucket, const std::string& key, const std::string& upload_id,
                                     int after, std::size_t limit) const {
  auto upload = get(bucket, key, upload_id);
  if (!upload) return fail(upload);
  PartList list{.upload = std::move(*upload), .parts = {}, .truncated = false};
  auto read = each_part(store_, upload_id, after, [&](Part part) {
    list.truncated = list.parts.size() == limit;
    if (!list.truncated) list.parts.push_back(std::move(part));
    return !list.truncated;
  });
  if (!read) return fail(read);
  return list;
}

Result<UploadList> Uploads::list(const Bucket& bucket, const UploadQuery& query) const {
  std::vector<Upload> all;
  bool damaged = false;
  auto scanned = store_.scan(kUploads, bucket.id, [&](std::string_view id, std::string_view value) {
    auto upload = decode_upload(id, value);
    damaged |= !upload;
    if (upload && upload->key.starts_with(query.prefix)) all.push_back(std::move(*upload));
    return !damaged;
  });
  if (!scanned) return internal(scanned.error());
  if (damaged)
    return internal(Error{.code = "StorageFailure", .message = "an upload's record is damaged", .detail = {}});
  std::ranges::sort(all, [](const Upload& a, const Upload& b) {
    return std::tie(a.key, a.initiated, a.id) < std::tie(b.key, b.initiated, b.id);
  });
  // With an upload marker the rest of the marker's key comes first.
  const auto marker = std::ranges::find_if(
      all, [&](const Upload& upload) { return upload.key == query.key_marker && upload.id == query.upload_marker; });
  auto at = all.begin();
  if (!query.upload_marker.empty() && marker != all.end())
    at = marker + 1;
  else if (!query.key_marker.empty())
    at = std::ranges::find_if(all, [&](const Upload& upload) { return upload.key > query.key_marker; });
  UploadList list;
  for (; at != all.end(); ++at) {
    std::string common = common_prefix_of(at->key, query.prefix, query.delimiter);
    if (!common.empty()) {
      if (common <= query.key_marker) continue;
      if (!list.common_prefixes.empty() && list.common_prefixes.back() == common) continue;
    }
    if (list.uploads.size() + list.common_prefixes.size() >= query.limit) {
      list.truncated = true;
      return list;
    }
    list.next_key = common.empty() ? at->key : common;
    list.next_upload = common.empty() ? at->id : std::string();
    if (common.empty())
      list.uploads.push_back(std::move(*at));
    else
      list.common_prefixes.push_back(std::move(common));
  }
  return list;
}

Result<void> Uploads::forget(const Bucket& bucket) {
  while (true) {
    auto page = store_.range(kUploads, bucket.id, {.first = {}, .last = {}, .limit = 40, .reverse = false});
    if (!page) return internal(page.error());
    if (page->items.empty()) return {};
    Contents::Garbage garbage;
    for (const auto& item : page->items) objects_.contents().discard_parts(item.key.sort, true, garbage);
    std::vector<storage::Write> writes = garbage.writes;
    for (auto& item : page->items) writes.push_back(erase(kUploads, std::move(item.key)));
    if (auto done = store_.commit(std::move(writes)); !done) return from_storage(done.error());
    objects_.contents().finish(garbage);
  }
}

}  // namespace likeness::objects
