#include "domain/secret.hpp"

#include <utility>

#include "storage/writes.hpp"

namespace likeness::domain {

namespace {
constexpr std::string_view kTable = "settings";
constexpr std::string_view kPartition = "secrets";
constexpr std::size_t kSecretBytes = 32;
}  // namespace

Result<std::string> kept_value(storage::Store& store, std::string_view name,
                               const std::function<Result<std::string>()>& make) {
  const storage::Key key{std::string(kPartition), std::string(name)};
  // The second round reads what another one made in between.
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto found = store.get(kTable, key);
    if (!found) return fail(found);
    if (*found) return std::move(**found);
    auto value = make();
    if (!value) return fail(value);
    auto write = storage::put_of(kTable, key.partition, key.sort, *value);
    write.expect = storage::Write::Expect::Absent;
    auto kept = store.commit({std::move(write)});
    if (kept) return value;
    if (kept.error().code != "ConditionFailed") return fail(kept);
  }
  return server_error("StorageFailure", "A secret of the data folder can be neither read nor made.", std::string(name));
}

Result<Bytes> kept_secret(storage::Store& store, std::string_view name) {
  auto value =
      kept_value(store, name, []() -> Result<std::string> { return std::string(as_text(random_bytes(kSecretBytes))); });
  if (!value) return fail(value);
  return Bytes(value->begin(), value->end());
}

}  // namespace likeness::domain
