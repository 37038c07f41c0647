#include "domain/lambda/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <mutex>
#include <random>
#include <utility>

#include "base/bytes.hpp"
#include "domain/lambda/errors.hpp"
#include "domain/lambda/records.hpp"

namespace likeness::lambda {
namespace {

// The store's partitions in the table "lambda": functions by scope/name, versions by id of the function and number,
// layers by scope/name and number, numbers of layers, mappings by UUID.
constexpr std::string_view kTable = "lambda", kFunctions = "functions", kVersions = "versions", kLayers = "layers",
                           kLayerNumbers = "layer-numbers", kMappings = "mappings";
/// A function with more of them is deleted in several commits.
constexpr std::size_t kWritesAtOnce = storage::kMaxWritesInCommit - 1;

storage::Write put(std::string_view partition, std::string sort, std::string value) {
  return {.table = std::string(kTable),
          .key = {std::string(partition), std::move(sort)},
          .value = std::move(value),
          .expected_value = {}};
}
storage::Write erase(std::string_view partition, std::string sort) {
  return {.table = std::string(kTable),
          .key = {std::string(partition), std::move(sort)},
          .value = std::nullopt,
          .expected_value = {}};
}

std::string key_of(const Function& function) { return function.scope() + "/" + function.name; }
std::string key_of(const FunctionName& name) { return name.scope() + "/" + name.name; }
std::string version_key(const Function& function, std::uint64_t number) {
  return fmt::format("{}/{:020}", function.id, number);
}
std::string layer_key(const LayerName& name) { return name.account + "/" + name.region + "/" + name.name; }
std::string layer_key(const LayerVersion& layer) { return layer.account + "/" + layer.region + "/" + layer.layer; }
std::string layer_sort(const LayerVersion& layer) { return fmt::format("{}/{:020}", layer_key(layer), layer.version); }

std::uint64_t number_of(std::string_view text) {
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

double chance() {
  static thread_local std::mt19937_64 generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

/// Which version an alias means this time.
const std::string& pick(const Alias& alias) {
  if (alias.weights.empty()) return alias.version;
  double left = chance();
  for (const auto& [version, weight] : alias.weights) {
    if (left < weight) return version;
    left -= weight;
  }
  return alias.version;
}

template <class Map>
typename Map::mapped_type find_in(const Map& map, std::string_view key) {
  const auto at = map.find(key);
  return at == map.end() ? typename Map::mapped_type() : at->second;
}

}  // namespace

ConfigurationPtr Function::version(std::string_view text) const {
  if (text == kLatest) return latest;
  const auto at = versions.find(number_of(text));
  return at == versions.end() ? nullptr : at->second;
}

Result<std::unique_ptr<Registry>> Registry::open(storage::Store& store, const Clock& clock) {
  std::unique_ptr<Registry> out(new Registry(store, clock));
  if (auto loaded = out->load(); !loaded) return fail(loaded);
  return out;
}

Result<void> Registry::load() {
  std::optional<Error> damaged;
  std::map<std::string, std::shared_ptr<Function>> by_id;
  const auto each = [&](std::string_view partition, auto visit) -> Result<void> {
    auto scanned = store_.scan(kTable, partition, [&](std::string_view sort, std::string_view value) {
      auto done = visit(sort, value);
      if (!done) damaged = done.error();
      return !damaged;
    });
    if (!scanned) return scanned;
    if (damaged) return tl::unexpected(*damaged);
    return {};
  };
  auto read = each(kFunctions, [&](std::string_view, std::string_view value) -> Result<void> {
    auto function = decode_function(value);
    if (!function) return fail(function);
    auto made = std::make_shared<Function>(std::move(*function));
    by_id[made->id] = made;
    return {};
  });
  if (!read) return read;
  std::vector<std::string> orphans;
  read = each(kVersions, [&](std::string_view sort, std::string_view value) -> Result<void> {
    const auto slash = sort.find('/');
    const auto at = by_id.find(std::string(sort.substr(0, slash)));
    if (at == by_id.end()) {
      orphans.emplace_back(sort);  // of a function that was being deleted when the server stopped
      return {};
    }
    auto version = decode_configuration(value);
    if (!version) return fail(version);
    at->second->versions[number_of(sort.substr(slash + 1))] =
        std::make_shared<const Configuration>(std::move(*version));
    return {};
  });
  if (!read) return read;
  for (const auto& orphan : orphans)
    if (auto removed = store_.commit({erase(kVersions, orphan)}); !removed) return removed;
  for (auto& [id, function] : by_id) {
    functions_[key_of(*function)] = function;
    for (const auto& [qualifier, url] : function->urls) urls_[url.id] = {function, qualifier};
  }
  read = each(kLayers, [&](std::string_view, std::string_view value) -> Result<void> {
    auto layer = decode_layer(value);
    if (!layer) return fail(layer);
    const auto number = layer->version;
    layers_[layer_key(*layer)][number] = std::make_shared<const LayerVersion>(std::move(*layer));
    return {};
  });
  if (!read) return read;
  read = each(kLayerNumbers, [&](std::string_view sort, std::string_view value) -> Result<void> {
    last_layer_[std::string(sort)] = number_of(value);
    return {};
  });
  if (!read) return read;
  return each(kMappings, [&](std::string_view sort, std::string_view value) -> Result<void> {
    auto mapping = decode_mapping(value);
    if (!mapping) return fail(mapping);
    mappings_[std::string(sort)] = std::make_shared<const Mapping>(std::move(*mapping));
    return {};
  });
}

// -- functions

Result<FunctionPtr> Registry::find(const FunctionName& name) const {
  const std::shared_lock lock(mutex_);
  if (auto found = find_in(functions_, key_of(name))) return found;
  return function_not_found(name.qualified_arn());
}

Result<Target> Registry::resolve(const FunctionName& name) const {
  auto function = find(name);
  if (!function) return fail(function);
  Target out{*function, nullptr, name.qualifier};
  if (name.qualifier.empty()) {
    out.version = (*function)->latest;
  } else if (is_version(name.qualifier)) {
    out.version = (*function)->version(name.qualifier);
  } else if (const auto alias = (*function)->aliases.find(name.qualifier); alias != (*function)->aliases.end()) {
    out.version = (*function)->version(pick(alias->second));
  }
  if (!out.version) return function_not_found(name.qualified_arn());
  return out;
}

std::vector<FunctionPtr> Registry::list(const std::string& scope, std::string_view after, std::size_t limit) const {
  const std::string prefix = scope + "/";
  const std::shared_lock lock(mutex_);
  std::vector<FunctionPtr> out;
  for (auto at = functions_.upper_bound(prefix + std::string(after));
       at != functions_.end() && at->first.starts_with(prefix) && out.size() < limit; ++at)
    out.push_back(at->second);
  return out;
}

std::vector<FunctionPtr> Registry::all() const {
  const std::shared_lock lock(mutex_);
  std::vector<FunctionPtr> out;
  out.reserve(functions_.size());
  for (const auto& [key, function] : functions_) out.push_back(function);
  return out;
}

std::pair<FunctionPtr, std::string> Registry::find_url(std::string_view id) const {
  const std::shared_lock lock(mutex_);
  return find_in(urls_, id);
}

Result<void> Registry::commit(const Function* before, const Function& after) {
  std::vector<storage::Write> writes;
  writes.push_back(put(kFunctions, key_of(after), encode(after)));
  if (writes.back().value->size() > storage::kMaxValueBytes)
    return client_error("ServiceQuotaExceededException", "The function has more settings than can be stored.");
  for (const auto& [number, version] : after.versions) {
    if (before != nullptr && before->versions.contains(number)) continue;
    writes.push_back(put(kVersions, version_key(after, number), encode(*version)));
  }
  if (before != nullptr)
    for (const auto& [number, version] : before->versions)
      if (!after.versions.contains(number)) writes.push_back(erase(kVersions, version_key(after, number)));
  if (auto done = store_.commit(std::move(writes)); !done) return internal(done.error());
  return {};
}

Result<FunctionPtr> Registry::create(Function function) {
  const std::lock_guard changing(changing_);
  const auto key = key_of(function);
  {
    const std::shared_lock lock(mutex_);
    if (functions_.contains(key)) return conflict("Function already exist: " + function.name);
  }
  if (auto done = commit(nullptr, function); !done) return fail(done);
  auto made = std::make_shared<const Function>(std::move(function));
  const std::unique_lock lock(mutex_);
  functions_[key] = made;
  return made;
}

Result<FunctionPtr> Registry::change(const FunctionName& name, const std::function<Result<void>(Function&)>& function) {
  const std::lock_guard changing(changing_);
  auto before = find(name);
  if (!before) return before;
  auto after = std::make_shared<Function>(**before);
  if (auto changed = function(*after); !changed) return fail(changed);
  if (auto done = commit(before->get(), *after); !done) return fail(done);
  const std::unique_lock lock(mutex_);
  functions_[key_of(name)] = after;
  for (const auto& [qualifier, url] : (*before)->urls) urls_.erase(url.id);
  for (const auto& [qualifier, url] : after->urls) urls_[url.id] = {after, qualifier};
  return FunctionPtr(after);
}

Result<FunctionPtr> Registry::remove(const FunctionName& name) {
  const std::lock_guard changing(changing_);
  auto found = find(name);
  if (!found) return found;
  std::vector<storage::Write> writes;
  writes.push_back(erase(kFunctions, key_of(name)));
  const auto flush = [&]() -> Result<void> {
    auto done = store_.commit(std::exchange(writes, {}));
    if (!done) return internal(done.error());
    return {};
  };
  {
    // Out of sight first, and never again in the store: a crash before the versions are gone leaves orphans that the
    // next start removes.
    if (auto done = flush(); !done) return fail(done);
    const std::unique_lock lock(mutex_);
    functions_.erase(key_of(name));
    for (const auto& [qualifier, url] : (*found)->urls) urls_.erase(url.id);
  }
  for (const auto& [number, version] : (*found)->versions) {
    writes.push_back(erase(kVersions, version_key(**found, number)));
    if (writes.size() < kWritesAtOnce) continue;
    if (auto done = flush(); !done) return fail(done);
  }
  if (!writes.empty())
    if (auto done = flush(); !done) return fail(done);
  return found;
}

// -- layers

Result<LayerVersionPtr> Registry::find_layer(const LayerName& name) const {
  const std::shared_lock lock(mutex_);
  if (const auto at = layers_.find(layer_key(name)); at != layers_.end())
    if (const auto version = at->second.find(number_of(name.version)); version != at->second.end())
      return version->second;
  return not_found("The resource you requested does not exist.");
}

std::vector<LayerVersionPtr> Registry::layer_versions(const LayerName& name) const {
  const std::shared_lock lock(mutex_);
  std::vector<LayerVersionPtr> out;
  if (const auto at = layers_.find(layer_key(name)); at != layers_.end())
    for (const auto& [number, layer] : at->second) out.push_back(layer);
  std::ranges::reverse(out);
  return out;
}

std::vector<LayerVersionPtr> Registry::layers(const std::string& scope) const {
  const std::string prefix = scope + "/";
  const std::shared_lock lock(mutex_);
  std::vector<LayerVersionPtr> out;
  for (auto at = layers_.lower_bound(prefix); at != layers_.end() && at->first.starts_with(prefix); ++at)
    if (!at->second.empty()) out.push_back(at->second.rbegin()->second);
  return out;
}

Result<LayerVersionPtr> Registry::publish_layer(LayerVersion layer) {
  const std::lock_guard changing(changing_);
  const auto key = layer_key(layer);
  layer.version = last_layer_[key] + 1;
  std::vector<storage::Write> writes;
  writes.push_back(put(kLayers, layer_sort(layer), encode(layer)));
  writes.push_back(put(kLayerNumbers, key, std::to_string(layer.version)));
  if (auto done = store_.commit(std::move(writes)); !done) return internal(done.error());
  auto made = std::make_shared<const LayerVersion>(std::move(layer));
  last_layer_[key] = made->version;
  const std::unique_lock lock(mutex_);
  layers_[key][made->version] = made;
  return made;
}

Result<LayerVersionPtr> Registry::change_layer(const LayerName& name,
                                               const std::function<Result<void>(LayerVersion&)>& function) {
  const std::lock_guard changing(changing_);
  auto before = find_layer(name);
  if (!before) return before;
  auto after = std::make_shared<LayerVersion>(**before);
  if (auto changed = function(*after); !changed) return fail(changed);
  if (auto done = store_.commit({put(kLayers, layer_sort(*after), encode(*after))}); !done)
    return internal(done.error());
  const std::unique_lock lock(mutex_);
  layers_[layer_key(name)][after->version] = after;
  return LayerVersionPtr(after);
}

Result<void> Registry::remove_layer(const LayerName& name) {
  const std::lock_guard changing(changing_);
  auto found = find_layer(name);
  if (!found) return {};
  if (auto done = store_.commit({erase(kLayers, layer_sort(**found))}); !done) return internal(done.error());
  const std::unique_lock lock(mutex_);
  auto& versions = layers_[layer_key(name)];
  versions.erase((*found)->version);
  if (versions.empty()) layers_.erase(layer_key(name));
  return {};
}

// -- event source mappings

Result<MappingPtr> Registry::find_mapping(std::string_view uuid) const {
  const std::shared_lock lock(mutex_);
  if (auto found = find_in(mappings_, uuid)) return found;
  return not_found("The resource you requested does not exist.");
}

std::vector<MappingPtr> Registry::mappings() const {
  const std::shared_lock lock(mutex_);
  std::vector<MappingPtr> out;
  out.reserve(mappings_.size());
  for (const auto& [uuid, mapping] : mappings_) out.push_back(mapping);
  return out;
}

Result<MappingPtr> Registry::create_mapping(Mapping mapping) {
  const std::lock_guard changing(changing_);
  for (const auto& other : this->mappings())
    if (other->source == mapping.source && other->function == mapping.function)
      return conflict(
          fmt::format("The event source arn (\" {} \") and function (\" {} \") provided mapping already "
                      "exists. Please update or delete the existing mapping with UUID {}",
                      mapping.source, mapping.function.substr(mapping.function.rfind("function:") + 9), other->uuid));
  if (auto done = store_.commit({put(kMappings, mapping.uuid, encode(mapping))}); !done) return internal(done.error());
  auto made = std::make_shared<const Mapping>(std::move(mapping));
  const std::unique_lock lock(mutex_);
  mappings_[made->uuid] = made;
  return made;
}

Result<MappingPtr> Registry::change_mapping(std::string_view uuid,
                                            const std::function<Result<void>(Mapping&)>& function) {
  const std::lock_guard changing(changing_);
  auto before = find_mapping(uuid);
  if (!before) return before;
  auto after = std::make_shared<Mapping>(**before);
  if (auto changed = function(*after); !changed) return fail(changed);
  if (auto done = store_.commit({put(kMappings, after->uuid, encode(*after))}); !done) return internal(done.error());
  const std::unique_lock lock(mutex_);
  mappings_[after->uuid] = after;
  return MappingPtr(after);
}

Result<MappingPtr> Registry::remove_mapping(std::string_view uuid) {
  const std::lock_guard changing(changing_);
  auto found = find_mapping(uuid);
  if (!found) return found;
  if (auto done = store_.commit({erase(kMappings, (*found)->uuid)}); !done) return internal(done.error());
  const std::unique_lock lock(mutex_);
  mappings_.erase((*found)->uuid);
  return found;
}

std::set<std::string> Registry::packages() const {
  const std::shared_lock lock(mutex_);
  std::set<std::string> out;
  const auto add = [&](const Configuration& version) {
    if (!version.code.sha256.empty()) out.insert(version.code.sha256);
    for (const auto& layer : version.layers) out.insert(layer.code.sha256);
  };
  for (const auto& [key, function] : functions_) {
    add(*function->latest);
    for (const auto& [number, version] : function->versions) add(*version);
  }
  for (const auto& [key, versions] : layers_)
    for (const auto& [number, layer] : versions) out.insert(layer->code.sha256);
  return out;
}

}  // namespace likeness::lambda
