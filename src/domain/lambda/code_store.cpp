#include "domain/lambda/code_store.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <system_error>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "domain/kept_blobs.hpp"
#include "domain/lambda/errors.hpp"
#include "domain/lambda/records.hpp"
#include "domain/lambda/zip.hpp"

namespace likeness::lambda {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTable = "lambda", kPackages = "packages";
constexpr std::size_t kMaxZipped = 50u << 20;

Error disk(const std::error_code& code, const fs::path& path) {
  return {"StorageFailure", "The package could not be unpacked.", Error::Fault::Server,
          path.string() + ": " + code.message()};
}

/// Digests in base 64 hold slashes.
std::string name_of(const std::string& sha256) {
  const auto bytes = from_base64(sha256);
  return bytes ? to_hex(*bytes) : std::string("invalid");
}

}  // namespace

CodeStore::Pin::~Pin() {
  if (owner_ != nullptr) owner_->release(code.sha256);
}

void CodeStore::release(const std::string& sha256) {
  const std::lock_guard lock(mutex_);
  if (const auto at = packages_.find(sha256); at != packages_.end() && at->second.pins > 0) --at->second.pins;
}

Result<std::unique_ptr<CodeStore>> CodeStore::open(storage::Store& store, storage::Blobs& blobs,
                                                   const fs::path& folder) {
  std::unique_ptr<CodeStore> out(new CodeStore(store, blobs, folder));
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return tl::unexpected(disk(failed, folder));
  // What a crash left half unpacked.
  for (const auto& entry : fs::directory_iterator(folder, failed))
    if (entry.path().extension() == ".new") fs::remove_all(entry.path(), failed);
  std::optional<Error> damaged;
  auto scanned = store.scan(kTable, kPackages, [&](std::string_view, std::string_view value) {
    auto stored = decode_code(value);
    if (!stored) {
      damaged = stored.error();
      return false;
    }
    out->packages_[stored->code.sha256] = {stored->code, stored->blob, 0};
    return true;
  });
  if (!scanned) return fail(scanned);
  if (damaged) return tl::unexpected(*damaged);
  return out;
}

Result<CodeStore::Pin> CodeStore::put(BytesView zip) {
  if (zip.size() > kMaxZipped)
    return client_error("RequestEntityTooLargeException",
                        fmt::format("Zipped size must be smaller than {} bytes", kMaxZipped));
  CodeRef ref;
  ref.sha256 = to_base64(sha256(zip));
  ref.size = zip.size();
  const auto latch = latches_.acquire({ref.sha256});
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = packages_.find(ref.sha256); at != packages_.end()) {
      ++at->second.pins;
      return Pin(this, at->second.code);
    }
  }
  auto unpacked = check_zip(zip);
  if (!unpacked) return fail(unpacked);
  ref.unpacked = *unpacked;
  auto writer = blobs_.create(zip.size());
  if (!writer) return internal(writer.error());
  if (auto written = (*writer)->write(zip); !written) return internal(written.error());
  auto info = (*writer)->commit();
  if (!info) return internal(info.error());
  std::vector<storage::Write> writes;
  writes.push_back({.table = std::string(kTable),
                    .key = {std::string(kPackages), ref.sha256},
                    .value = encode(ref, info->id),
                    .expected_value = {}});
  writes.push_back(domain::keep_blob(info->id, "lambda"));
  if (auto done = store_.commit(std::move(writes)); !done) return internal(done.error());
  const std::lock_guard lock(mutex_);
  packages_[ref.sha256] = {ref, info->id, 1};
  return Pin(this, ref);
}

CodeStore::Pin CodeStore::pin(const CodeRef& code) {
  const std::lock_guard lock(mutex_);
  const auto at = packages_.find(code.sha256);
  if (at == packages_.end()) return Pin(nullptr, code);
  ++at->second.pins;
  return Pin(this, code);
}

fs::path CodeStore::folder_of(const std::string& sha256) const { return folder_ / name_of(sha256); }

Result<std::unique_ptr<storage::BlobReader>> CodeStore::open(const CodeRef& code) const {
  std::string blob;
  {
    const std::lock_guard lock(mutex_);
    const auto at = packages_.find(code.sha256);
    if (at == packages_.end()) return not_found("The code of this function is not there any more.");
    blob = at->second.blob;
  }
  auto reader = blobs_.open(blob);
  if (!reader) return internal(reader.error());
  return std::move(*reader);
}

Result<Bytes> CodeStore::zip(const CodeRef& code) const {
  auto reader = open(code);
  if (!reader) return fail(reader);
  Bytes out(code.size);
  std::size_t filled = 0;
  while (filled < out.size()) {
    auto got = (*reader)->read(std::span(out).subspan(filled));
    if (!got) return internal(got.error());
    if (*got == 0) break;
    filled += *got;
  }
  if (filled != out.size())
    return internal(Error{"StorageFailure", "a package is shorter than it was", Error::Fault::Server, code.sha256});
  return out;
}

Result<fs::path> CodeStore::unpacked(const CodeRef& code) {
  auto folder = folder_of(code.sha256);
  {
    const std::lock_guard lock(mutex_);
    if (ready_.contains(code.sha256)) return folder;
  }
  const auto latch = latches_.acquire({code.sha256});
  std::error_code failed;
  if (!fs::exists(folder, failed)) {
    auto bytes = zip(code);
    if (!bytes) return fail(bytes);
    const fs::path half = folder.string() + ".new";
    fs::remove_all(half, failed);
    if (!fs::create_directory(half, failed)) return internal(disk(failed, half));
    ::chmod(half.c_str(), 0755);  // whatever the umask says: workers are other users
    if (auto done = unpack_zip(*bytes, half); !done) {
      fs::remove_all(half, failed);
      return internal(done.error());
    }
    fs::rename(half, folder, failed);
    if (failed) return internal(disk(failed, folder));
  }
  const std::lock_guard lock(mutex_);
  ready_.insert(code.sha256);
  return folder;
}

Result<void> CodeStore::collect(const std::function<std::set<std::string>()>& in_use) {
  std::vector<Package> gone;
  {
    const std::lock_guard lock(mutex_);
    const auto used = in_use();
    for (auto at = packages_.begin(); at != packages_.end();) {
      if (at->second.pins > 0 || used.contains(at->first)) {
        ++at;
        continue;
      }
      ready_.erase(at->first);
      gone.push_back(std::move(at->second));
      at = packages_.erase(at);
    }
  }
  for (const auto& package : gone) {
    // Whoever puts the same content meanwhile waits, and then writes it anew.
    const auto latch = latches_.acquire({package.code.sha256});
    {
      const std::lock_guard lock(mutex_);
      if (packages_.contains(package.code.sha256)) continue;
    }
    std::vector<storage::Write> writes;
    writes.push_back({.table = std::string(kTable),
                      .key = {std::string(kPackages), package.code.sha256},
                      .value = std::nullopt,
                      .expected_value = {}});
    writes.push_back(domain::release_blob(package.blob));
    if (auto done = store_.commit(std::move(writes)); !done) return done;
    if (auto removed = blobs_.remove(package.blob); !removed) return removed;
    std::error_code failed;
    fs::remove_all(folder_of(package.code.sha256), failed);
    if (failed) log::warn("the unpacked code of a function could not be removed: {}", failed.message());
  }
  return {};
}

std::uint64_t CodeStore::total_bytes() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t total = 0;
  for (const auto& [sha256, package] : packages_) total += package.code.size;
  return total;
}

}  // namespace likeness::lambda
