#include <fmt/format.h>

#include <algorithm>

#include "states/choice.hpp"
#include "states/definition_reader.hpp"

namespace likeness::states {

void DefinitionReader::compare(ChoiceTest& test, const Value& value, const std::string& place, bool top) {
  const bool has_variable = require(value, {"Variable"}, place);
  if (has_variable) test.variable = json_path(value, "Variable", place);
  std::size_t found = 0;
  for (const auto& [name, member] : value.as_object()) {
    if (name == "Variable" || name == "Comment") continue;
    if (top && (name == "Next" || name == "Assign")) continue;
    std::string op = name;
    const bool by_path = name.ends_with("Path") && !is_choice_operator(name);
    if (by_path) op.resize(op.size() - 4);
    const auto here = fmt::format("{}/{}", place, name);
    if (!is_choice_operator(op) || (by_path && !choice_operator_takes_path(op))) {
      schema(fmt::format("Field '{}' is not supported", name), place);
      continue;
    }
    ++found;
    test.op = op;
    if (by_path) {
      test.path = json_path(value, name, place);
    } else if (!choice_literal_fits(op, member)) {
      schema(fmt::format("The value of '{}' has the wrong type", name), here);
    } else {
      test.literal = member;
    }
  }
  if (found != 1) schema("A choice rule must have exactly one comparison operator", place);
}

ChoiceTest DefinitionReader::choice_test(const Value& value, const std::string& place, bool top, int depth) {
  ChoiceTest out;
  if (!value.is_object()) {
    schema("Expected value of type Object", place);
    return out;
  }
  if (depth > 50) {
    schema("The choice rule is nested too deeply", place);
    return out;
  }
  const auto parts = [&](std::string_view name, ChoiceTest::Kind kind) {
    const Value* const list = value.find(name);
    if (list == nullptr) return false;
    out.kind = kind;
    if (top) {
      only(value, {name, "Next", "Comment", "Assign"}, place);
    } else {
      only(value, {name, "Comment"}, place);
    }
    const auto here = fmt::format("{}/{}", place, name);
    if (!list->is_array() || list->as_array().empty()) {
      schema(list->is_array() ? "Value cannot be empty" : "Expected value of type Array", here);
      return true;
    }
    std::size_t i = 0;
    for (const auto& item : list->as_array())
      out.parts.push_back(choice_test(item, fmt::format("{}[{}]", here, i++), false, depth + 1));
    return true;
  };
  if (parts("And", ChoiceTest::Kind::And) || parts("Or", ChoiceTest::Kind::Or)) return out;
  if (const Value* const inner = value.find("Not")) {
    out.kind = ChoiceTest::Kind::Not;
    if (top) {
      only(value, {"Not", "Next", "Comment", "Assign"}, place);
    } else {
      only(value, {"Not", "Comment"}, place);
    }
    out.parts.push_back(choice_test(*inner, place + "/Not", false, depth + 1));
    return out;
  }
  compare(out, value, place, top);
  return out;
}

void DefinitionReader::choice(State& state, const Value& value, const std::string& place) {
  state.default_next = text(value, "Default", place);
  if (!require(value, {"Choices"}, place)) return;
  const Value& list = *value.find("Choices");
  const auto choices = place + "/Choices";
  if (!list.is_array()) return schema("Expected value of type Array", choices);
  if (list.as_array().empty()) return schema("Value cannot be empty", choices);
  std::size_t i = 0;
  for (const auto& item : list.as_array()) {
    const auto here = fmt::format("{}[{}]", choices, i++);
    ChoiceRule rule;
    if (!item.is_object()) {
      schema("Expected value of type Object", here);
      continue;
    }
    require(item, {"Next"}, here);
    rule.next = text(item, "Next", here);
    rule.assign = assignment(item, state.language, here);
    if (state.language == QueryLanguage::Jsonata) {
      only(item, {"Condition", "Next", "Comment", "Assign", "Output"}, here);
      rule.output = payload(item, "Output", state.language, here);
      if (require(item, {"Condition"}, here)) {
        const Value& condition = *item.find("Condition");
        rule.condition = jsonata(condition, here + "/Condition");
        if (condition.is_bool()) rule.constant = condition.as_bool();
        if (!rule.condition && !rule.constant)
          schema("The value must be a boolean or a JSONata expression", here + "/Condition");
      }
    } else {
      rule.test = choice_test(item, here, true, 0);
    }
    state.rules.push_back(std::move(rule));
  }
}

void DefinitionReader::task(State& state, const Value& value, const std::string& place, bool express) {
  state.timeout = dynamic(value, "TimeoutSeconds", Wanted::Whole, state.language, place, 1);
  state.heartbeat = dynamic(value, "HeartbeatSeconds", Wanted::Whole, state.language, place, 1);
  if (state.timeout.literal && state.heartbeat.literal &&
      state.heartbeat.literal->as_integer() >= state.timeout.literal->as_integer())
    schema("HeartbeatSeconds must be smaller than TimeoutSeconds", place + "/HeartbeatSeconds");
  if (const Value* const credentials = value.find("Credentials")) {
    const auto here = place + "/Credentials";
    if (credentials->find("RoleArn") == nullptr &&
        (state.language == QueryLanguage::Jsonata || credentials->find("RoleArn.$") == nullptr)) {
      schema("The field 'RoleArn' is required but was missing", here);
    } else {
      only(*credentials, {"RoleArn", "RoleArn.$"}, here);
      state.credentials = payload(value, "Credentials", state.language, place);
    }
  }
  if (!require(value, {"Resource"}, place)) return;
  state.resource = text(value, "Resource", place);
  if (options_.check_resource)
    if (auto wrong = options_.check_resource(state.resource, express)) schema(std::move(*wrong), place + "/Resource");
}

void DefinitionReader::wait(State& state, const Value& value, const std::string& place) {
  std::size_t count = 0;
  for (const auto name : {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"})
    count += value.find(name) != nullptr ? 1 : 0;
  if (count != 1)
    schema("One and only one of these fields should be present: [Seconds, SecondsPath, Timestamp, TimestampPath]",
           place);
  state.seconds = dynamic(value, "Seconds", Wanted::Whole, state.language, place, 0);
  if (state.seconds.literal && state.seconds.literal->as_integer() > 99'999'999)
    schema("The value must be at most 99999999", place + "/Seconds");
  state.timestamp = dynamic(value, "Timestamp", Wanted::Text, state.language, place);
  if (state.timestamp.literal && !parse_timestamp(state.timestamp.literal->as_string()))
    schema("Value is not a valid timestamp", place + "/Timestamp");
}

void DefinitionReader::fail_state(State& state, const Value& value, const std::string& place) {
  state.error = dynamic(value, "Error", Wanted::Text, state.language, place);
  state.cause = dynamic(value, "Cause", Wanted::Text, state.language, place);
}

void DefinitionReader::parallel(State& state, const Value& value, const std::string& place, int depth, bool express) {
  if (!require(value, {"Branches"}, place)) return;
  const Value& list = *value.find("Branches");
  const auto branches = place + "/Branches";
  if (!list.is_array()) return schema("Expected value of type Array", branches);
  if (list.as_array().empty()) return schema("Value cannot be empty", branches);
  std::size_t i = 0;
  for (const auto& item : list.as_array())
    state.branches.push_back(machine(item, fmt::format("{}[{}]", branches, i++), state.language,
                                     state.language == QueryLanguage::Jsonata, depth + 1, express));
}

void DefinitionReader::map(State& state, const Value& value, const std::string& place, int depth, bool express) {
  const char* const field =
      value.find("Iterator") != nullptr && value.find("ItemProcessor") == nullptr ? "Iterator" : "ItemProcessor";
  if (!require(value, {field}, place)) return;
  const Value& processor = *value.find(field);
  const auto here = fmt::format("{}/{}", place, field);
  if (const Value* const config = processor.find("ProcessorConfig")) {
    only(*config, {"Mode", "ExecutionType"}, here + "/ProcessorConfig");
    const auto mode = text(*config, "Mode", here + "/ProcessorConfig");
    if (!mode.empty() && mode != "INLINE" && mode != "DISTRIBUTED")
      schema("The field 'Mode' should have one of these values: [INLINE, DISTRIBUTED]", here + "/ProcessorConfig/Mode");
    state.distributed = mode == "DISTRIBUTED";
    const auto kind = text(*config, "ExecutionType", here + "/ProcessorConfig");
    if (!kind.empty() && kind != "STANDARD" && kind != "EXPRESS")
      schema("The field 'ExecutionType' should have one of these values: [STANDARD, EXPRESS]",
             here + "/ProcessorConfig/ExecutionType");
    if (state.distributed && kind.empty())
      schema("These fields are required: [ExecutionType]", here + "/ProcessorConfig");
    state.express_children = kind == "EXPRESS";
  }
  if (state.distributed && express)
    schema("Express state machine does not support Map states in DISTRIBUTED mode", place);
  state.branches.push_back(machine(processor, here, state.language, state.language == QueryLanguage::Jsonata, depth + 1,
                                   express || state.express_children));
  if (value.find("ItemSelector") != nullptr && value.find("Parameters") != nullptr)
    schema("One and only one of these fields should be present: [ItemSelector, Parameters]", place);
  if (auto selector = payload(value, "ItemSelector", state.language, place)) state.parameters = std::move(selector);
  if (state.language == QueryLanguage::JsonPath) {
    state.items_path = expression(value, "ItemsPath", place);
  } else {
    state.items = payload(value, "Items", state.language, place);
  }
  state.max_concurrency = dynamic(value, "MaxConcurrency", Wanted::Whole, state.language, place, 0);
  state.tolerated_count = dynamic(value, "ToleratedFailureCount", Wanted::Whole, state.language, place, 0);
  state.tolerated_percentage = dynamic(value, "ToleratedFailurePercentage", Wanted::Number, state.language, place, 0);
  if (state.tolerated_percentage.literal && state.tolerated_percentage.literal->as_double() > 100)
    schema("ToleratedFailurePercentage must be between 0 and 100", place + "/ToleratedFailurePercentage");
  if (value.find("Label") != nullptr) {
    state.label = text(value, "Label", place);
    if (state.label.empty()) schema("Label cannot be empty", place + "/Label");
    if (state.label.size() > 40) schema("Label cannot exceed 40 characters", place + "/Label");
    for (const char c : state.label)
      if (static_cast<unsigned char>(c) <= 0x20 ||
          std::string_view("?*<>{}[]:;,\\|^~$#%&`\"").find(c) != std::string_view::npos ||
          static_cast<unsigned char>(c) == 0x7F) {
        schema(fmt::format("Label contains invalid character: '{}'", c), place + "/Label");
        break;
      }
  }
  if (!state.distributed)
    for (const auto name :
         {"ItemReader", "ItemBatcher", "ResultWriter", "Label", "ToleratedFailureCount", "ToleratedFailurePercentage",
          "ToleratedFailureCountPath", "ToleratedFailurePercentagePath"})
      if (value.find(name) != nullptr)
        schema(fmt::format("Field '{}' is only supported with Mode DISTRIBUTED", name), place);
  item_reader(state, value, place);
  item_batcher(state, value, place);
  result_writer(state, value, place);
}

void DefinitionReader::item_reader(State& state, const Value& value, const std::string& place) {
  const Value* const given = value.find("ItemReader");
  if (given == nullptr) return;
  const auto here = place + "/ItemReader";
  if (!given->is_object()) return schema("Expected value of type Object", here);
  only(*given, {"Resource", "Parameters", "Arguments", "ReaderConfig", "ItemsPointer"}, here);
  require(*given, {"Resource"}, here);
  ItemReader reader;
  reader.resource = text(*given, "Resource", here);
  if (!reader.resource.ends_with(":s3:getObject") && !reader.resource.ends_with(":s3:listObjectsV2"))
    schema(
        "The field 'Resource' should have one of these values: [arn:aws:states:::s3:getObject, "
        "arn:aws:states:::s3:listObjectsV2]",
        here + "/Resource");
  reader.parameters =
      payload(*given, state.language == QueryLanguage::Jsonata ? "Arguments" : "Parameters", state.language, here);
  if (const Value* const config = given->find("ReaderConfig")) {
    const auto at = here + "/ReaderConfig";
    only(*config,
         {"InputType", "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter", "MaxItems", "MaxItemsPath", "Transformation",
          "ManifestType", "ItemsPointer"},
         at);
    reader.input_type = text(*config, "InputType", at);
    static constexpr std::string_view kTypes[] = {"CSV", "JSON", "JSONL", "MANIFEST", "PARQUET"};
    if (!reader.input_type.empty() &&
        std::find(std::begin(kTypes), std::end(kTypes), reader.input_type) == std::end(kTypes))
      schema("The field 'InputType' should have one of these values: [CSV, JSON, JSONL, MANIFEST, PARQUET]",
             at + "/InputType");
    reader.csv_header_location = text(*config, "CSVHeaderLocation", at);
    if (reader.input_type == "CSV" && reader.csv_header_location != "FIRST_ROW" &&
        reader.csv_header_location != "GIVEN")
      schema("The field 'CSVHeaderLocation' should have one of these values: [FIRST_ROW, GIVEN]",
             at + "/CSVHeaderLocation");
    if (const Value* const headers = config->find("CSVHeaders"); headers != nullptr && headers->is_array())
      for (const auto& header : headers->as_array())
        if (header.is_string()) reader.csv_headers.push_back(header.as_string());
    const auto one_of = [&](std::string_view name, const std::string& found,
                            std::initializer_list<std::string_view> allowed) {
      if (found.empty() || std::find(allowed.begin(), allowed.end(), found) != allowed.end()) return;
      schema(fmt::format("The field '{}' should have one of these values: [{}]", name, fmt::join(allowed, ", ")),
             fmt::format("{}/{}", at, name));
    };
    const auto delimiter = text(*config, "CSVDelimiter", at);
    one_of("CSVDelimiter", delimiter, {"COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"});
    if (delimiter == "PIPE") reader.csv_delimiter = '|';
    if (delimiter == "SEMICOLON") reader.csv_delimiter = ';';
    if (delimiter == "SPACE") reader.csv_delimiter = ' ';
    if (delimiter == "TAB") reader.csv_delimiter = '\t';
    reader.max_items = dynamic(*config, "MaxItems", Wanted::Whole, state.language, at, 1);
    reader.transformation = text(*config, "Transformation", at);
    one_of("Transformation", reader.transformation, {"NONE", "LOAD_AND_FLATTEN"});
    reader.manifest_type = text(*config, "ManifestType", at);
    one_of("ManifestType", reader.manifest_type, {"ATHENA_DATA", "S3_INVENTORY"});
    if (reader.transformation == "LOAD_AND_FLATTEN" && reader.input_type.empty())
      schema("The field 'InputType' is required with the Transformation LOAD_AND_FLATTEN", at);
    auto pointer = text(*config, "ItemsPointer", at);
    while (pointer.starts_with('/')) {
      const auto end = std::min(pointer.find('/', 1), pointer.size());
      auto name = pointer.substr(1, end - 1);
      // As RFC 6901 has it: ~1 first, so that ~01 stays ~1.
      for (const auto& [escaped, plain] : {std::pair("~1", "/"), std::pair("~0", "~")})
        for (auto found = name.find(escaped); found != std::string::npos; found = name.find(escaped, found + 1))
          name.replace(found, 2, plain);
      reader.items_pointer.push_back(std::move(name));
      pointer = pointer.substr(end);
    }
  }
  state.reader = std::move(reader);
}

void DefinitionReader::item_batcher(State& state, const Value& value, const std::string& place) {
  const Value* const given = value.find("ItemBatcher");
  if (given == nullptr) return;
  const auto here = place + "/ItemBatcher";
  if (!given->is_object()) return schema("Expected value of type Object", here);
  only(*given,
       {"MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath", "BatchInput"},
       here);
  ItemBatcher batcher;
  batcher.max_items = dynamic(*given, "MaxItemsPerBatch", Wanted::Whole, state.language, here, 1);
  batcher.max_bytes = dynamic(*given, "MaxInputBytesPerBatch", Wanted::Whole, state.language, here, 1);
  batcher.batch_input = payload(*given, "BatchInput", state.language, here);
  if (!batcher.max_items.present() && !batcher.max_bytes.present())
    schema("At least one of these fields is required: [MaxItemsPerBatch, MaxInputBytesPerBatch]", here);
  state.batcher = std::move(batcher);
}

void DefinitionReader::result_writer(State& state, const Value& value, const std::string& place) {
  const Value* const given = value.find("ResultWriter");
  if (given == nullptr) return;
  const auto here = place + "/ResultWriter";
  if (!given->is_object()) return schema("Expected value of type Object", here);
  only(*given, {"Resource", "Parameters", "Arguments", "WriterConfig"}, here);
  ResultWriter writer;
  writer.resource = text(*given, "Resource", here);
  if (!writer.resource.empty() && !writer.resource.ends_with(":s3:putObject"))
    schema("The field 'Resource' should have one of these values: [arn:aws:states:::s3:putObject]", here + "/Resource");
  writer.parameters =
      payload(*given, state.language == QueryLanguage::Jsonata ? "Arguments" : "Parameters", state.language, here);
  if (const Value* const config = given->find("WriterConfig")) {
    const auto at = here + "/WriterConfig";
    only(*config, {"Transformation", "OutputType"}, at);
    if (auto kind = text(*config, "Transformation", at); !kind.empty()) writer.transformation = kind;
    if (auto kind = text(*config, "OutputType", at); !kind.empty()) writer.output_type = kind;
    if (writer.transformation != "NONE" && writer.transformation != "COMPACT" && writer.transformation != "FLATTEN")
      schema("The field 'Transformation' should have one of these values: [NONE, COMPACT, FLATTEN]",
             at + "/Transformation");
    if (writer.output_type != "JSON" && writer.output_type != "JSONL")
      schema("The field 'OutputType' should have one of these values: [JSON, JSONL]", at + "/OutputType");
  }
  state.writer = std::move(writer);
}

}  // namespace likeness::states
