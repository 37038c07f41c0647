#include "domain/objects/listing.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "domain/objects/errors.hpp"
#include "domain/objects/layout.hpp"
#include "domain/objects/records.hpp"
#include "storage/key_encoding.hpp"

namespace likeness::objects {

namespace {

constexpr std::size_t kSmallestRead = 16;
constexpr std::size_t kLargestRead = 1000;

/// Walks the current versions of a bucket from a place on and can jump ahead. Reads a few at first and more the longer
/// it is not asked to jump.
class Walk {
 public:
  Walk(const storage::Store& store, const Bucket& bucket, const std::string& prefix)
      : store_(store), bucket_(bucket), first_(prefix), last_(storage::end_of_prefix(prefix)) {}

  /// Goes on at the first key at or behind `key`, never back.
  void seek(std::string key) {
    const auto behind =
        std::lower_bound(items_.begin() + static_cast<std::ptrdiff_t>(at_), items_.end(), key,
                         [](const storage::Item& item, const std::string& wanted) { return item.key.sort < wanted; });
    at_ = static_cast<std::size_t>(behind - items_.begin());
    if (at_ < items_.size() || key <= first_) return;
    first_ = std::move(key);
    size_ = kSmallestRead;
  }

  /// Null at the end. Valid until the next call.
  Result<const storage::Item*> next() {
    if (at_ < items_.size()) return &items_[at_++];
    if (!more_ || (last_ && first_ >= *last_)) return nullptr;
    auto page = store_.range(kObjects, bucket_.id, {.first = first_, .last = last_, .limit = size_, .reverse = false});
    if (!page) return internal(page.error());
    items_ = std::move(page->items);
    at_ = 0;
    more_ = page->next.has_value();
    if (more_) first_ = *page->next;
    size_ = std::min(size_ * 4, kLargestRead);
    return items_.empty() ? nullptr : &items_[at_++];
  }

 private:
  const storage::Store& store_;
  const Bucket& bucket_;
  std::string first_;
  const std::optional<std::string> last_;
  std::vector<storage::Item> items_;
  std::size_t at_ = 0;
  std::size_t size_ = kSmallestRead;
  bool more_ = true;
};

/// Where to go on behind everything that starts with `prefix`.
std::string behind_prefix(const std::string& prefix) {
  return storage::end_of_prefix(prefix).value_or(prefix + std::string(1100, '\xff'));
}

/// The first key that may be listed after `after`.
std::string behind(const std::string& after, const std::string& prefix, const std::string& delimiter) {
  const std::string common = common_prefix_of(after, prefix, delimiter);
  return common.empty() ? after + '\0' : behind_prefix(common);
}

}  // namespace

std::string common_prefix_of(const std::string& key, const std::string& prefix, const std::string& delimiter) {
  if (delimiter.empty() || !key.starts_with(prefix)) return {};
  const auto at = key.find(delimiter, prefix.size());
  return at == std::string::npos ? std::string() : key.substr(0, at + delimiter.size());
}

Result<ObjectList> list_objects(const storage::Store& store, const Bucket& bucket, const ListQuery& query) {
  ObjectList list;
  if (query.limit == 0) return list;
  Walk walk(store, bucket, query.prefix);
  if (!query.after.empty()) walk.seek(behind(query.after, query.prefix, query.delimiter));
  while (true) {
    auto item = walk.next();
    if (!item) return fail(item);
    if (*item == nullptr) return list;
    const std::string& key = (*item)->key.sort;
    auto current = decode_current(key, (*item)->value);
    if (!current) return internal(current.error());
    if (current->version.is_delete_marker) continue;
    if (list.objects.size() + list.common_prefixes.size() == query.limit) {
      list.truncated = true;
      return list;
    }
    if (std::string common = common_prefix_of(key, query.prefix, query.delimiter); !common.empty()) {
      walk.seek(behind_prefix(common));
      list.last = common;
      list.common_prefixes.push_back(std::move(common));
      continue;
    }
    list.last = key;
    list.objects.push_back(std::move(current->version));
  }
}

namespace {

/// Gives the noncurrent versions of a key, newest first, from behind `after` on.
Result<void> each_other(const storage::Store& store, const Bucket& bucket, const std::string& key, std::string after,
                        const std::function<bool(Version)>& visit) {
  if (!after.empty()) after.push_back('\0');
  while (true) {
    auto page = store.range(kVersions, versions_of(bucket.id, key),
                            {.first = after, .last = {}, .limit = 100, .reverse = false});
    if (!page) return internal(page.error());
    for (const auto& item : page->items) {
      auto version = decode_version(key, item.value);
      if (!version) return internal(version.error());
      if (!visit(std::move(*version))) return {};
    }
    if (!page->next) return {};
    after = *page->next;
  }
}

}  // namespace

Result<VersionList> list_versions(const storage::Store& store, const Bucket& bucket, const VersionQuery& query) {
  VersionList list;
  if (query.limit == 0) return list;
  Walk walk(store, bucket, query.prefix);
  const bool within_key = !query.version_marker.empty();
  if (within_key)
    walk.seek(query.key_marker);
  else if (!query.key_marker.empty())
    walk.seek(behind(query.key_marker, query.prefix, query.delimiter));
  const auto full = [&] { return list.versions.size() + list.common_prefixes.size() == query.limit; };
  while (true) {
    auto item = walk.next();
    if (!item) return fail(item);
    if (*item == nullptr) return list;
    const std::string key = (*item)->key.sort;
    auto current = decode_current(key, (*item)->value);
    if (!current) return internal(current.error());
    std::string common = common_prefix_of(key, query.prefix, query.delimiter);
    if (!common.empty()) {
      if (full()) {
        list.truncated = true;
        return list;
      }
      walk.seek(behind_prefix(common));
      list.next_key = common;
      list.next_version.clear();
      list.common_prefixes.push_back(std::move(common));
      continue;
    }
    std::string after;  // order of the version to go on behind
    bool with_current = true;
    if (within_key && key == query.key_marker) {
      with_current = false;
      if (query.version_marker == "null")
        after = current->version.is_null ? current->version.order : current->null_order;
      else
        after = query.version_marker;
    }
    const auto add = [&](Version version) {
      if (full()) {
        list.truncated = true;
        return false;
      }
      list.next_key = key;
      list.next_version = version.version_id();
      list.versions.push_back(std::move(version));
      return true;
    };
    const bool has_others = current->has_others;
    if (with_current && !add(std::move(current->version))) return list;
    if (has_others) {
      if (auto done = each_other(store, bucket, key, after, add); !done) return fail(done);
      if (list.truncated) return list;
    }
  }
}

}  // namespace likeness::objects
