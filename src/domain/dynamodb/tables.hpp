#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/caller.hpp"
#include "domain/dynamodb/table.hpp"
#include "storage/store.hpp"

namespace likeness::dynamodb {

/// All table definitions of all accounts and regions: in the store, and in memory for quick reading. Thread-safe;
/// methods that change something block.
class Tables {
  struct Version;

 public:
  /// A definition that stays the newest one while this lives: held over a write, so that a change of the table (a new
  /// index, deletion) waits for writes that do not know of it yet.
  class Use {
   public:
    Use(Use&&) noexcept = default;
    Use& operator=(Use&&) = delete;
    ~Use();
    const Table& operator*() const;
    const Table* operator->() const { return &**this; }

   private:
    friend class Tables;
    explicit Use(std::shared_ptr<Version> version) : version_(std::move(version)) {}
    std::shared_ptr<Version> version_;
  };

  /// Reads every definition.
  static Result<std::unique_ptr<Tables>> open(storage::Store& store);
  ~Tables();

  /// By name or by ARN of the caller's account. Error: ResourceNotFoundException ("Requested resource not found").
  Result<TablePtr> find(const domain::Caller& caller, std::string_view name_or_arn) const;
  /// By ARN ("...:table/NAME", what follows is ignored).
  TablePtr find_by_arn(std::string_view arn) const;
  /// Names after `after`, in order.
  std::vector<std::string> names(const domain::Caller& caller, std::string_view after, std::size_t limit) const;
  std::size_t count(const domain::Caller& caller) const;
  /// Every table of every account: for background work.
  std::vector<TablePtr> all() const;

  /// Error: ResourceNotFoundException if `table` is gone (or another one has its name).
  Result<Use> begin_write(const Table& table) const;

  /// Error: ResourceInUseException.
  Result<TablePtr> create(Table table);
  /// Stores what `change` makes of the newest definition, with `more` in the same commit; returns when no write uses
  /// the old one any more. Changes of one table come one after the other. Errors: of `change`,
  /// ResourceNotFoundException.
  Result<TablePtr> change(const Table& table, const std::function<Result<void>(Table&)>& change,
                          std::vector<storage::Write> more = {});
  /// Forgets the definition; `garbage` names what is to be emptied in the store.
  Result<void> remove(const Table& table);

  /// What removed tables and indexes left in the store: (store's table, partition).
  Result<std::vector<std::pair<std::string, std::string>>> garbage() const;
  /// Empties one of them, in small commits; `go_on` is asked between them.
  Result<void> sweep(const std::string& table, const std::string& partition, const std::function<bool()>& go_on);
  static storage::Write garbage_write(std::string_view table, const std::string& partition);

 private:
  explicit Tables(storage::Store& store) : store_(store) {}
  static std::string name_key(std::string_view account, std::string_view region, std::string_view name);
  std::shared_ptr<Version> current(const std::string& key) const;
  static void drain(const Version& version);

  storage::Store& store_;
  std::mutex change_mutex_;  // changes are rare: one at a time
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<Version>, std::less<>> tables_;  // by account/region/name
};

}  // namespace likeness::dynamodb
