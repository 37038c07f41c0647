#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "domain/key_latches.hpp"
#include "domain/lambda/model.hpp"
#include "storage/blobs.hpp"
#include "storage/store.hpp"

namespace likeness::lambda {

/// The packages of functions and layers: as blobs, once for the same content, and unpacked in a folder of the data
/// folder. The blob is the truth: a folder that is not there is made from it. Thread-safe; everything blocks.
class CodeStore {
 public:
  /// Keeps a package from being collected until what needs it is stored. Moves only.
  class Pin {
   public:
    Pin(Pin&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), code(other.code) {}
    Pin& operator=(Pin&&) = delete;
    ~Pin();

   private:
    friend class CodeStore;
    Pin(CodeStore* owner, CodeRef ref) : owner_(owner), code(std::move(ref)) {}
    CodeStore* owner_;

   public:
    const CodeRef code;
  };

  /// `folder` is for what is unpacked; made if it is not there.
  static Result<std::unique_ptr<CodeStore>> open(storage::Store& store, storage::Blobs& blobs,
                                                 const std::filesystem::path& folder);

  /// Errors: InvalidParameterValueException (check_zip), RequestEntityTooLargeException, ServiceException.
  Result<Pin> put(BytesView zip);
  /// A package that is there already, for something further that needs it.
  Pin pin(const CodeRef& code);

  /// Where it lies unpacked.
  Result<std::filesystem::path> unpacked(const CodeRef& code);
  Result<Bytes> zip(const CodeRef& code) const;
  /// To be read piece by piece; stays readable when the package is collected meanwhile.
  Result<std::unique_ptr<storage::BlobReader>> open(const CodeRef& code) const;

  /// Forgets what nobody needs: `in_use` gives the digests of all functions and layers.
  Result<void> collect(const std::function<std::set<std::string>()>& in_use);

  /// Of all packages, zipped.
  std::uint64_t total_bytes() const;

 private:
  struct Package {
    CodeRef code;
    std::string blob;
    std::size_t pins = 0;
  };
  CodeStore(storage::Store& store, storage::Blobs& blobs, std::filesystem::path folder)
      : store_(store), blobs_(blobs), folder_(std::move(folder)) {}
  void release(const std::string& sha256);
  std::filesystem::path folder_of(const std::string& sha256) const;

  storage::Store& store_;
  storage::Blobs& blobs_;
  const std::filesystem::path folder_;
  domain::KeyLatches latches_;  // one at a time for the same content
  mutable std::mutex mutex_;
  std::map<std::string, Package> packages_;  // by digest
  std::set<std::string> ready_;              // digests of what is unpacked, as far as looked
};

}  // namespace likeness::lambda
