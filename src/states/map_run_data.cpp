#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.hpp"
#include "states/engine_live.hpp"
#include "states/map_run.hpp"
#include "states/record.hpp"

namespace likeness::states {

/// The state's input after InputPath.
Value MapRuns::Run::map_input(Engine&) const {
  const State& at = state();
  if (at.language == QueryLanguage::Jsonata || (!at.input_path.null && !at.input_path.expression))
    return fiber.input.value;
  if (at.input_path.null) return Value(Object());
  auto value = read_path(at.input_path.expression->path(), {fiber.input.value, context, fiber.variables});
  return value ? std::move(*value) : Value();
}

TaskRequest MapRuns::Run::request(const std::string& service, const std::string& action, const Value& input) const {
  TaskRequest request;
  request.resource.arn = fmt::format("arn:aws:states:::{}:{}", service, action);
  request.resource.service = service;
  request.resource.action = action;
  request.input = write_json(input);
  request.role_arn = info.role_arn;
  request.execution_arn = info.arn;
  request.execution_name = info.name;
  request.machine_arn = info.machine_arn;
  return request;
}

Outcome<Value> MapRuns::call(const Run& run, const std::string& service, const std::string& action,
                             const Value& input) {
  auto output = engine_.tasks().run(run.request(service, action, input));
  if (!output) return states::fail(output);
  auto value = parse_json(*output);
  if (!value) return problem("States.Runtime", value.error().message);
  return std::move(*value);
}

Outcome<std::vector<Value>> MapRuns::batches(Run& run, std::vector<Value> items) {
  const State& state = run.state();
  const auto* const jsonata = engine_.interpreter().options().jsonata;
  const Value input = run.map_input(engine_);
  if (state.parameters) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      Object context = run.context.as_object();
      context.set(
          "Map",
          Value(Object{{"Item", Value(Object{{"Index", Value(static_cast<std::int64_t>(i))}, {"Value", items[i]}})}}));
      const Value seen(std::move(context));
      auto selected = state.parameters->evaluate({input, seen, run.fiber.variables}, jsonata, "ItemSelector");
      if (!selected) return states::fail(selected);
      items[i] = std::move(*selected);
    }
  }
  if (!state.batcher) return items;
  const Scope scope{input, run.context, run.fiber.variables};
  Object shared;
  if (state.batcher->batch_input) {
    auto value = state.batcher->batch_input->evaluate(scope, jsonata, "ItemBatcher/BatchInput");
    if (!value) return states::fail(value);
    shared.add("BatchInput", std::move(*value));
  }
  std::vector<Value> out;
  Value::Array batch;
  std::size_t bytes = 0;
  const std::size_t overhead = write_json(Value(shared)).size() + 16;
  const auto flush = [&] {
    if (batch.empty()) return;
    Object whole = shared;
    whole.add("Items", Value(std::move(batch)));
    out.emplace_back(std::move(whole));
    batch = {};
    bytes = 0;
  };
  const auto most_bytes = run.batch_bytes == 0 ? std::size_t{262'144} : run.batch_bytes;
  for (auto& item : items) {
    const auto size = write_json(item).size() + 1;
    if (!batch.empty() &&
        ((run.batch_items != 0 && batch.size() >= run.batch_items) || overhead + bytes + size > most_bytes))
      flush();
    bytes += size;
    batch.push_back(std::move(item));
  }
  flush();
  return out;
}

/// What the children left, in the order of the items.
Outcome<Value> MapRuns::collect(Run& run) {
  const State& state = run.state();
  Value::Array outputs;
  std::vector<std::string> lines;  // for a ResultWriter: one JSON object a child, the status in front
  std::size_t bytes = 0;
  bool too_large = false;
  auto scanned =
      engine_.store().scan(map_tables::kResults, run.record.arn, [&](std::string_view sort, std::string_view value) {
        if (value.empty()) return true;
        const auto status = static_cast<Status>(value.front());
        FieldReader in(value.substr(1));
        std::string arn, output, error, cause;
        while (in.next()) {
          if (in.field() == 1) arn = in.text();
          if (in.field() == 2) output = in.text();
          if (in.field() == 3) error = in.text();
          if (in.field() == 4) cause = in.text();
        }
        if (state.writer) {
          Object line;
          line.add("ExecutionArn", Value(arn));
          auto input = engine_.store().get(map_tables::kItems,
                                           {run.record.arn, sort.data() == nullptr ? "" : std::string(sort)});
          if (input && *input) line.add("Input", Value(**input));
          line.add("InputDetails", Value(Object{{"Included", Value(true)}}));
          line.add("Name", Value(arn.substr(arn.rfind(':') + 1)));
          if (status == Status::Succeeded) {
            line.add("Output", Value(output));
            line.add("OutputDetails", Value(Object{{"Included", Value(true)}}));
          } else {
            line.add("Error", Value(error));
            line.add("Cause", Value(cause));
          }
          line.add("StateMachineArn", Value(run.info.machine_arn + "/" + run.label));
          line.add("Status", Value(name_of(status)));
          lines.push_back(std::string(1, value.front()) + write_json(Value(std::move(line))));
          return true;
        }
        if (status != Status::Succeeded) return true;
        bytes += output.size() + 1;
        if (bytes > engine_.interpreter().options().max_data_bytes) {
          too_large = true;
          return false;
        }
        auto parsed = parse_json(output);
        outputs.push_back(parsed ? std::move(*parsed) : Value());
        return true;
      });
  if (!scanned) return problem("States.Runtime", scanned.error().message);
  if (state.writer && !state.writer->resource.empty()) return write_results(run, *state.writer, lines);
  if (state.writer) {
    // Without a place to write to the results are the state's own, in the form that was asked for.
    for (const auto& line : lines) {
      auto whole = parse_json(std::string_view(line).substr(1));
      if (!whole) continue;
      const bool ok = static_cast<Status>(line.front()) == Status::Succeeded;
      if (state.writer->transformation == "NONE") {
        outputs.push_back(std::move(*whole));
      } else if (ok) {
        auto output = parse_json(whole->text_of("Output"));
        if (output && output->is_array() && state.writer->transformation == "FLATTEN") {
          for (const auto& item : output->as_array()) outputs.push_back(item);
        } else {
          outputs.push_back(output ? std::move(*output) : Value());
        }
      }
      bytes += line.size();
    }
    too_large = write_json(Value(outputs)).size() > engine_.interpreter().options().max_data_bytes;
  }
  if (too_large)
    return problem(
        "States.DataLimitExceeded",
        fmt::format("The state/task '{}' returned a result with a size exceeding the maximum number of bytes "
                    "service limit.",
                    state.name));
  return Value(std::move(outputs));
}

Outcome<Value> MapRuns::write_results(Run& run, const ResultWriter& writer, const std::vector<std::string>& results) {
  const Value input = run.map_input(engine_);
  const Scope scope{input, run.context, run.fiber.variables};
  Outcome<Value> parameters = Value(Object());
  if (writer.parameters)
    parameters = writer.parameters->evaluate(scope, engine_.interpreter().options().jsonata, "ResultWriter/Parameters");
  if (!parameters) return states::fail(parameters);
  const std::string bucket(parameters->text_of("Bucket"));
  std::string prefix(parameters->text_of("Prefix"));
  if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
  const auto folder = prefix + run.record.arn.substr(run.record.arn.rfind(':') + 1) + "/";
  const auto put = [&](const std::string& key, const std::string& body) {
    return call(run, "aws-sdk:s3", "putObject",
                Value(Object{{"Bucket", Value(bucket)},
                             {"Key", Value(key)},
                             {"Body", Value(body)},
                             {"ContentType", Value("application/json")}}));
  };
  Object files;
  const bool lines = writer.output_type == "JSONL";
  for (const auto& [name, wanted] : {std::pair("FAILED", Status::Failed), std::pair("PENDING", Status::Aborted),
                                     std::pair("SUCCEEDED", Status::Succeeded)}) {
    std::string body = lines ? "" : "[";
    std::size_t count = 0;
    const auto add = [&](const std::string& text) {
      if (count++ > 0) body += lines ? "\n" : ",";
      body += text;
    };
    for (const auto& result : results) {
      const auto status = static_cast<Status>(result.front());
      const auto group = status == Status::Succeeded ? Status::Succeeded
                         : status == Status::Aborted ? Status::Aborted
                                                     : Status::Failed;
      if (group != wanted) continue;
      const auto text = result.substr(1);
      if (writer.transformation == "NONE" || wanted != Status::Succeeded) {
        add(text);
        continue;
      }
      auto line = parse_json(text);
      const std::string output(line ? line->text_of("Output") : "null");
      auto value = parse_json(output);
      if (writer.transformation == "FLATTEN" && value && value->is_array()) {
        for (const auto& item : value->as_array()) add(write_json(item));
      } else {
        add(output);
      }
    }
    if (!lines) body += ']';
    Value::Array entries;
    if (count > 0) {
      const auto key = fmt::format("{}{}_0.{}", folder, name, lines ? "jsonl" : "json");
      if (auto done = put(key, body); !done) return problem("States.ResultWriterFailed", done.error().cause);
      entries.emplace_back(Object{{"Key", Value(key)}, {"Size", Value(static_cast<std::int64_t>(body.size()))}});
      run.record.results_written += static_cast<std::int64_t>(count);
    }
    files.add(name, Value(std::move(entries)));
  }
  const auto manifest = folder + "manifest.json";
  const Value text(Object{{"DestinationBucket", Value(bucket)},
                          {"MapRunArn", Value(run.record.arn)},
                          {"ResultFiles", Value(std::move(files))}});
  if (auto done = put(manifest, write_json(text)); !done)
    return problem("States.ResultWriterFailed", done.error().cause);
  return Value(Object{{"MapRunArn", Value(run.record.arn)},
                      {"ResultWriterDetails", Value(Object{{"Bucket", Value(bucket)}, {"Key", Value(manifest)}})}});
}

}  // namespace likeness::states
