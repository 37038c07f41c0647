#include <fmt/format.h>

#include <algorithm>

#include "states/gunzip.hpp"
#include "states/map_run.hpp"

namespace likeness::states {
namespace {

/// What one run may hold of the objects that it reads: they are in memory until the items are in the store.
constexpr std::size_t kMostBytes = 256u << 20;

tl::unexpected<Problem> reader_problem(std::string cause) {
  return problem("States.ItemReaderFailed", std::move(cause));
}

}  // namespace

/// Through `run`, as a definition would see it: what is not text may have suffered.
Outcome<std::string> TaskRunner::read_object(const TaskRequest& request) {
  auto output = run(request);
  if (!output) return output;
  const auto object = parse_json(*output);
  const Value* const body = object ? object->find("Body") : nullptr;
  if (body == nullptr) return reader_problem("The object has no content.");
  // A body that is JSON may have been read as such.
  return body->is_string() ? body->as_string() : write_json(*body);
}

/// The text of an object, unpacked where it is packed. `held` is what the run has read so far.
Outcome<std::string> MapRuns::read_object(Run& run, const Value& parameters, std::size_t& held) {
  auto bytes = engine_.tasks().read_object(run.request("aws-sdk:s3", "getObject", parameters));
  if (!bytes) return reader_problem(bytes.error().cause);
  if (bytes->starts_with("\x28\xB5\x2F\xFD"))
    return reader_problem("Objects that are packed with ZSTD are not supported by this server.");
  if (is_gzip(*bytes)) {
    auto plain = gunzip(*bytes, kMostBytes - std::min(held, kMostBytes));
    if (!plain) return reader_problem(std::string(plain.error().message));
    *bytes = std::move(*plain);
  }
  held += bytes->size();
  if (held > kMostBytes)
    return reader_problem(
        fmt::format("The data to be read is larger than {} MiB, the most that this server takes.", kMostBytes >> 20));
  return bytes;
}

/// The objects of a listing, as ListObjectsV2 tells of them.
Outcome<std::vector<Value>> MapRuns::list_objects(Run& run, const Value& parameters, std::size_t limit) {
  std::vector<Value> out;
  std::string token;
  while (out.size() < limit) {
    Object input = parameters.is_object() ? parameters.as_object() : Object();
    if (!token.empty()) input.set("ContinuationToken", Value(token));
    auto page = call(run, "aws-sdk:s3", "listObjectsV2", Value(std::move(input)));
    if (!page) return reader_problem(page.error().cause);
    if (const Value* const contents = page->find("Contents"); contents != nullptr && contents->is_array())
      for (const auto& object : contents->as_array()) {
        if (out.size() == limit) break;
        Object item;
        for (const auto& [name, value] : object.as_object()) item.add(name == "ETag" ? "Etag" : name, value);
        out.emplace_back(std::move(item));
      }
    token = page->text_of("NextContinuationToken");
    if (token.empty()) break;
  }
  return out;
}

/// The items of several objects, one after the other.
Outcome<std::vector<Value>> MapRuns::read_all(Run& run, const ItemFiles& files) {
  std::vector<Value> out;
  std::size_t held = 0;
  ItemBudget budget{.items = run.max_items};
  for (const auto& where : files.places) {
    if (budget.items == 0) break;
    auto text = read_object(run, where, held);
    if (!text) return states::fail(text);
    auto items = parse_items(files.reader, *text, budget);
    if (!items) return items;
    std::move(items->begin(), items->end(), std::back_inserter(out));
  }
  return out;
}

Outcome<std::vector<Value>> MapRuns::read_items(Run& run) {
  const State& state = run.state();
  if (!state.reader) return std::vector<Value>(run.fiber.items->as_array());
  const ItemReader& reader = *state.reader;
  const Value input = run.map_input(engine_);
  const Scope scope{input, run.context, run.fiber.variables};
  Outcome<Value> parameters = Value(Object());
  if (reader.parameters)
    parameters = reader.parameters->evaluate(scope, engine_.interpreter().options().jsonata, "ItemReader/Parameters");
  if (!parameters) return states::fail(parameters);
  if (reader.resource.ends_with(":listObjectsV2")) {
    const bool flatten = reader.transformation == "LOAD_AND_FLATTEN";
    auto listed = list_objects(run, *parameters, flatten ? 100'000'000 : run.max_items);
    if (!listed || !flatten) return listed;
    const std::string bucket(parameters->text_of("Bucket"));
    ItemFiles files{.reader = reader, .places = {}};
    for (const auto& object : *listed) {
      const std::string key(object.text_of("Key"));
      // What stands for a folder holds no data.
      if (!key.ends_with('/')) files.places.emplace_back(Object{{"Bucket", Value(bucket)}, {"Key", Value(key)}});
    }
    return read_all(run, files);
  }
  std::size_t held = 0;
  auto text = read_object(run, *parameters, held);
  if (!text) return states::fail(text);
  const bool unloaded = reader.manifest_type == "ATHENA_DATA";
  if (unloaded || reader.manifest_type == "S3_INVENTORY" || reader.input_type == "MANIFEST") {
    auto files = unloaded ? parse_unloaded(reader, *text) : parse_inventory(reader, *text);
    if (!files) return states::fail(files);
    return read_all(run, *files);
  }
  ItemBudget budget{.items = run.max_items};
  return parse_items(reader, *text, budget);
}

}  // namespace likeness::states
