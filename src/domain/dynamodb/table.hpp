#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/caller.hpp"
#include "domain/dynamodb/value.hpp"

/// What a table is. A definition is a value: whoever holds one keeps it as it was, and changes are new definitions.
namespace likeness::dynamodb {

/// An attribute that keys are made of.
struct KeyAttribute {
  std::string name;
  Type type = Type::S;  // S, N or B
  bool operator==(const KeyAttribute&) const = default;
};

/// A key has a HASH attribute and may have a RANGE attribute; that of a global index up to four of each.
struct KeySchema {
  KeyAttribute partition;
  std::optional<KeyAttribute> sort;
  std::vector<KeyAttribute> more_partition = {};  // the further HASH attributes
  std::vector<KeyAttribute> more_sort = {};       // the further RANGE attributes; none without `sort`

  /// Whether `holds(attribute, is HASH)` of all attributes, in the order of the key.
  template <class Function>
  bool all_of(Function holds) const {
    if (!holds(partition, true)) return false;
    for (const auto& part : more_partition)
      if (!holds(part, true)) return false;
    if (sort && !holds(*sort, false)) return false;
    for (const auto& part : more_sort)
      if (!holds(part, false)) return false;
    return true;
  }
  bool has(std::string_view name) const {
    return !all_of([&](const KeyAttribute& part, bool) { return part.name != name; });
  }
  bool is_partition(std::string_view name) const {
    return !all_of([&](const KeyAttribute& part, bool hash) { return !hash || part.name != name; });
  }
  bool has_several() const { return !more_partition.empty() || !more_sort.empty(); }
  std::vector<const KeyAttribute*> partitions() const;
  std::vector<const KeyAttribute*> sorts() const;
  bool operator==(const KeySchema&) const = default;
};

struct Throughput {
  std::int64_t read = 0;
  std::int64_t write = 0;
  TimePoint last_increase{};
  TimePoint last_decrease{};
  std::int64_t decreases_today = 0;
};

struct OnDemandLimits {
  std::optional<std::int64_t> max_read;
  std::optional<std::int64_t> max_write;
};

enum class Projection : std::uint8_t { All, KeysOnly, Include };
enum class Status : std::uint8_t { Creating, Active, Deleting, Updating };

struct Index {
  std::string name;
  std::uint32_t id = 0;  // of its entries in the store; never used again within the table
  bool global = true;
  KeySchema keys;
  Projection projection = Projection::All;
  std::vector<std::string> included;  // with Include
  Status status = Status::Active;     // Creating: written with every change, but not filled from what was there before
  Throughput throughput;
  OnDemandLimits on_demand;
};

enum class StreamView : std::uint8_t { KeysOnly, NewImage, OldImage, NewAndOldImages };

struct StreamSettings {
  bool enabled = false;
  StreamView view = StreamView::NewAndOldImages;
  /// Of the newest stream; stays when it is turned off. "" where there never was one.
  std::string label;  // "2026-11-21T10:15:30.123"
};

struct TimeToLive {
  bool enabled = false;
  std::string attribute;
};

struct ResourcePolicy;  // resource_policy.hpp
using ResourcePolicyPtr = std::shared_ptr<const ResourcePolicy>;

enum class Billing : std::uint8_t { Provisioned, OnDemand };

struct Table {
  std::string account;
  std::string region;
  std::string name;
  std::string id;  // UUID; a later table of the same name has another
  TimePoint created{};
  Status status = Status::Active;
  KeySchema keys;
  /// As the caller gave them (order included); all are keys of the table or of an index.
  std::vector<KeyAttribute> attributes;
  std::vector<Index> indexes;  // local ones first
  std::uint32_t next_index_id = 1;
  Billing billing = Billing::Provisioned;
  std::optional<TimePoint> on_demand_since;
  Throughput throughput;
  OnDemandLimits on_demand;
  StreamSettings stream;
  TimeToLive ttl;
  bool deletion_protection = false;
  bool point_in_time_recovery = false;
  bool infrequent_access = false;      // table class
  std::optional<std::string> kms_key;  // of a server-side encryption that was asked for; stored and answered only
  std::map<std::string, std::string> tags;
  ResourcePolicyPtr policy;                                               // of the table and its indexes
  std::map<std::string, ResourcePolicyPtr, std::less<>> stream_policies;  // by the stream's label
  std::int64_t policy_revision = 0;                                       // the last that was given to a policy

  std::string arn() const;
  std::string index_arn(std::string_view index) const;
  /// Of the newest stream; "" if there never was one.
  std::string stream_arn() const;
  const Index* find_index(std::string_view index) const;
  bool provisioned() const { return billing == Billing::Provisioned; }

  /// Where its items and those of an index are in the store.
  std::string partition() const { return id; }
  std::string partition(const Index& index) const { return id + '/' + std::to_string(index.id); }
};

using TablePtr = std::shared_ptr<const Table>;

/// The store's tables.
inline constexpr std::string_view kItemsTable = "ddb.items";      // partition: Table::partition()
inline constexpr std::string_view kIndexTable = "ddb.index";      // partition: Table::partition(index)
inline constexpr std::string_view kTablesTable = "ddb.tables";    // partition: account/region, sort: name
inline constexpr std::string_view kTokensTable = "ddb.tokens";    // of TransactWriteItems
inline constexpr std::string_view kGarbageTable = "ddb.garbage";  // partition "all", sort: partition to be emptied

std::string encode_table(const Table& table);
/// `scope` is the store's partition: account/region.
Result<Table> decode_table(std::string_view record);

/// The key attributes of the item: of the table, and of the index if there is one.
Attributes key_of(const Table& table, const Index* index, const Attributes& item);

/// Key in the store of an item with these keys, which were checked.
std::string store_key(const Table& table, const Attributes& item);
/// Of the item's entry in the index; nullopt if it has none because it lacks one of the index's keys.
std::optional<std::string> index_key(const Table& table, const Index& index, const Attributes& item);
/// The attributes that the index holds of it.
Attributes projected(const Table& table, const Index& index, const Attributes& item);
bool projects_all_of(const Table& table, const Index& index, std::string_view attribute);

/// A key of GetItem, DeleteItem ...: exactly the key attributes, of the right kinds, not empty, not too long.
Result<void> check_key(const Table& table, const Attributes& key);
/// An item to be stored: its keys, those of indexes, its size.
Result<void> check_item(const Table& table, const Attributes& item);
/// What the attributes of one key may take together, where an index's has several.
Result<void> check_index_key_size(const Index& index, const Attributes& item);

inline constexpr std::size_t kMaxItemBytes = 400 * 1024;
inline constexpr std::size_t kMaxPartitionKeyBytes = 2048;
inline constexpr std::size_t kMaxSortKeyBytes = 1024;
inline constexpr std::size_t kMaxKeyAttributes = 4;  // of HASH and of RANGE each, in a global index

}  // namespace likeness::dynamodb
