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

/// "s3://bucket/a/key".
std::optional<std::pair<std::string, std::string>> read_uri(std::string_view text) {
  constexpr std::string_view kScheme = "s3://";
  if (!text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == text.size()) return std::nullopt;
  return std::pair(std::string(text.substr(0, slash)), std::string(text.substr(slash + 1)));
}

Value place(const std::string& bucket, const std::string& key) {
  return Value(Object{{"Bucket", Value(bucket)}, {"Key", Value(key)}});
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
Outcome<std::vector<Value>> MapRuns::read_all(Run& run, const ItemReader& reader, const std::vector<Value>& places) {
  std::vector<Value> out;
  std::size_t held = 0;
  for (const auto& where : places) {
    if (out.size() >= run.max_items) break;
    auto text = read_object(run, where, held);
    if (!text) return states::fail(text);
    auto items = parse_items(reader, *text, run.max_items - out.size());
    if (!items) return items;
    std::move(items->begin(), items->end(), std::back_inserter(out));
  }
  return out;
}

/// An inventory of S3: its manifest names the columns, and the files that have the rows.
Outcome<std::vector<Value>> MapRuns::read_inventory(Run& run, const ItemReader& reader, std::string_view text) {
  const auto manifest = parse_json(text);
  const Value* const files = manifest ? manifest->find("files") : nullptr;
  if (files == nullptr || !files->is_array())
    return reader_problem("The object is not the manifest of an S3 inventory.");
  if (manifest->text_of("fileFormat") != "CSV")
    return reader_problem(fmt::format("S3 inventories in the format {} are not supported by this server, only CSV.",
                                      manifest->text_of("fileFormat")));
  auto bucket = std::string(manifest->text_of("destinationBucket"));
  bucket = bucket.substr(bucket.rfind(':') + 1);
  ItemReader rows = reader;
  rows.input_type = "CSV";
  rows.csv_header_location = "GIVEN";
  rows.csv_delimiter = ',';
  rows.csv_headers.clear();
  std::string_view schema = manifest->text_of("fileSchema");
  while (!schema.empty()) {
    const auto end = std::min(schema.find(','), schema.size());
    auto name = schema.substr(0, end);
    schema.remove_prefix(std::min(end + 1, schema.size()));
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    rows.csv_headers.emplace_back(name);
  }
  std::vector<Value> places;
  for (const auto& file : files->as_array()) places.push_back(place(bucket, std::string(file.text_of("key"))));
  return read_all(run, rows, places);
}

/// What UNLOAD of Athena leaves: a line for each object.
Outcome<std::vector<Value>> MapRuns::read_unloaded(Run& run, const ItemReader& reader, std::string_view text) {
  std::vector<Value> places;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with('"') && line.ends_with('"') && line.size() > 1) line = line.substr(1, line.size() - 2);
    if (line.empty()) continue;
    const auto uri = read_uri(line);
    if (!uri) return reader_problem(fmt::format("The manifest has a line that is no S3 URI: {}", line.substr(0, 200)));
    places.push_back(place(uri->first, uri->second));
  }
  return read_all(run, reader, places);
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
    std::vector<Value> places;
    for (const auto& object : *listed) {
      const std::string key(object.text_of("Key"));
      // What stands for a folder holds no data.
      if (!key.ends_with('/')) places.push_back(place(bucket, key));
    }
    return read_all(run, reader, places);
  }
  std::size_t held = 0;
  auto text = read_object(run, *parameters, held);
  if (!text) return states::fail(text);
  if (reader.manifest_type == "ATHENA_DATA") return read_unloaded(run, reader, *text);
  if (reader.manifest_type == "S3_INVENTORY" || reader.input_type == "MANIFEST")
    return read_inventory(run, reader, *text);
  return parse_items(reader, *text, run.max_items);
}

}  // namespace likeness::states
