#include "services/stepfunctions/common.hpp"

#include <algorithm>
#include <cctype>

#include "aws/json_reader.hpp"
#include "base/bytes.hpp"

namespace likeness::stepfunctions {

std::string scope_of(const aws::RequestContext& context) {
  return fmt::format("arn:aws:states:{}:{}", context.region, context.account);
}

Failure invalid_arn(std::string_view arn) {
  return client_error("InvalidArn", fmt::format("Invalid Arn: 'Invalid ARN prefix: {}'", arn));
}
Failure machine_missing(std::string_view arn) {
  return client_error("StateMachineDoesNotExist", fmt::format("State Machine Does Not Exist: '{}'", arn));
}
Failure execution_missing(std::string_view arn) {
  return client_error("ExecutionDoesNotExist", fmt::format("Execution Does Not Exist: '{}'", arn));
}
Failure activity_missing(std::string_view arn) {
  return client_error("ActivityDoesNotExist", fmt::format("Activity Does Not Exist: '{}'", arn));
}

Failure api_error(Error error) {
  if (error.code == "NotFound") error.code = "ResourceNotFound";
  if (error.code == "Conflict") error.code = "ConflictException";
  if (error.code == "NotRedrivable") error.code = "ExecutionNotRedrivable";
  if (error.code == "TaskDoesNotExist") error.code = "TaskTimedOut";
  if (error.code == "InvalidInput") {
    error.code = "InvalidExecutionInput";
    error.message = fmt::format("Invalid State Machine Execution Input: '{}'", error.message);
  }
  return Failure(std::move(error));
}

Result<void> check_name(const std::string& name) {
  constexpr std::string_view kForbidden = " <>{}[]?*\"#%\\^|~`$&,;:/";
  // U+0080 to U+009F, U+FFFE and U+FFFF in UTF-8.
  const auto control = [](std::string_view two, char third) {
    const auto second = static_cast<unsigned char>(two[1]);
    return (two[0] == '\xC2' && second < 0xA0) || (two == "\xEF\xBF" && (third == '\xBE' || third == '\xBF'));
  };
  bool bad = false;
  for (std::size_t i = 0; i < name.size() && !bad; ++i) {
    const auto byte = static_cast<unsigned char>(name[i]);
    bad = byte < 0x20 || byte == 0x7F || kForbidden.find(name[i]) != std::string_view::npos ||
          (i + 1 < name.size() && control(std::string_view(name).substr(i, 2), name.c_str()[i + 2]));
  }
  if (bad) return client_error("InvalidName", fmt::format("Invalid Name: '{}'", name));
  return {};
}

Result<void> check_encryption(const std::optional<shapes::EncryptionConfiguration>& wanted) {
  if (!wanted || wanted->type != shapes::EncryptionType::CustomerManagedKmsKey || wanted->kms_key_id) return {};
  return client_error("InvalidEncryptionConfiguration",
                      "Invalid Encryption Configuration: kmsKeyId is required for CUSTOMER_MANAGED_KMS_KEY");
}

Result<states::StatesArn> read_arn(const std::string& arn, std::string_view kind) {
  auto parsed = states::parse_states_arn(arn);
  if (!parsed) return invalid_arn(arn);
  if (parsed->kind != kind)
    return client_error("InvalidArn",
                        fmt::format("Invalid Arn: 'Resource type not valid in this context: {}'", parsed->kind));
  return std::move(*parsed);
}

Result<Target> find_target(const Parts& parts, const std::string& arn) {
  auto parsed = read_arn(arn, "stateMachine");
  if (!parsed) return fail(parsed);
  Target out;
  const auto colon = parsed->rest.find(':');
  const auto machine_arn = fmt::format("{}:stateMachine:{}", parsed->scope, parsed->rest.substr(0, colon));
  auto machine = parts.machines.find(machine_arn);
  if (!machine) return machine.error().code == "NotFound" ? machine_missing(arn) : api_error(machine);
  out.machine = std::move(*machine);
  if (colon == std::string::npos) return out;
  const auto qualifier = parsed->rest.substr(colon + 1);
  const bool number = !qualifier.empty() && std::all_of(qualifier.begin(), qualifier.end(),
                                                        [](unsigned char c) { return std::isdigit(c) != 0; });
  out.version_arn = arn;
  if (!number) {
    auto alias = parts.machines.find_alias(arn);
    if (!alias) return alias.error().code == "NotFound" ? machine_missing(arn) : api_error(alias);
    out.alias_arn = arn;
    // By weight.
    int draw = random_bytes(1)[0] * 256 + random_bytes(1)[0];
    draw = draw % 100;
    for (const auto& [version, weight] : alias->routes) {
      out.version_arn = version;
      if (draw < weight) break;
      draw -= weight;
    }
  }
  auto version = parts.machines.find_version(out.version_arn);
  if (!version) return version.error().code == "NotFound" ? machine_missing(arn) : api_error(version);
  auto revision = parts.machines.find_revision(machine_arn, version->revision);
  if (!revision) return api_error(revision);
  out.machine = std::move(*revision);
  return out;
}

Result<states::ExecutionRecord> record_of(const Parts& parts, const std::string& arn) {
  auto parsed = read_arn(arn, "execution");
  if (!parsed) return fail(parsed);
  auto record = parts.engine.find(arn);
  if (!record) return api_error(record);
  if (!*record) return execution_missing(arn);
  return std::move(**record);
}

RedriveStatus redrive_status(const Parts& parts, const states::ExecutionRecord& record) {
  using Redrive = shapes::ExecutionRedriveStatus;
  const bool child = !record.info.map_run_arn.empty();
  auto why = parts.engine.why_not_redrivable(record);
  if (!why)
    if (const auto machine = parts.machines.find(record.info.machine_arn);
        !machine && machine.error().code == "NotFound")
      why = "State machine is in DELETING status";
  if (why) return {Redrive::NotRedrivable, std::move(why)};
  return {child ? Redrive::RedrivableByMapRun : Redrive::Redrivable, std::nullopt};
}

Result<shapes::HistoryEvent> history_event(const states::Event& event, bool data) {
  static const aws::Shape* const shape =
      shapes::GetExecutionHistory::operation().output->find_member("events")->shape->element;
  std::string details = event.details;
  if (!data && !details.empty()) {
    if (auto parsed = states::parse_json(details); parsed && parsed->is_object()) {
      states::Object kept;
      for (const auto& [name, value] : parsed->as_object())
        if (name != "input" && name != "output" && name != "parameters" && name != "assignedVariables")
          kept.add(name, value);
      details = states::write_json(states::Value(std::move(kept)));
    }
  }
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(event.time.time_since_epoch()).count();
  auto json = fmt::format(R"({{"timestamp":{}.{:03},"type":"{}","id":{},"previousEventId":{})", millis / 1000,
                          millis % 1000, event.type, event.id, event.previous);
  if (!details.empty()) {
    std::string member = event.type;
    if (member.ends_with("StateEntered")) member = "StateEntered";
    if (member.ends_with("StateExited")) member = "StateExited";
    member.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(member.front())));
    json += ",\"" + member + "EventDetails\":" + details;
  }
  json += '}';
  shapes::HistoryEvent out;
  if (auto read = aws::read_json(json, *shape, &out); !read) return fail(read);
  return out;
}

namespace {

template <class T>
void read_config(const std::string& json, const char* member, T& into) {
  if (json.empty()) return;
  const auto* const found = shapes::CreateStateMachine::operation().input->find_member(member);
  if (found != nullptr) (void)aws::read_json(json, *found->shape, &into, {.lenient = true});
}

}  // namespace

shapes::LoggingConfiguration logging_of(const states::Machine& machine) {
  shapes::LoggingConfiguration out;
  read_config(machine.logging, "loggingConfiguration", out);
  if (!out.level) out.level = shapes::LogLevel::Off;
  if (!out.include_execution_data) out.include_execution_data = false;
  return out;
}

shapes::TracingConfiguration tracing_of(const states::Machine& machine) {
  shapes::TracingConfiguration out;
  read_config(machine.tracing, "tracingConfiguration", out);
  if (!out.enabled) out.enabled = false;
  return out;
}

std::optional<shapes::EncryptionConfiguration> encryption_of(const states::Machine& machine) {
  if (machine.encryption.empty()) return std::nullopt;
  shapes::EncryptionConfiguration out;
  read_config(machine.encryption, "encryptionConfiguration", out);
  return out;
}

std::string token_for(const Parts& parts, std::string_view listing, const std::string& from) {
  return parts.tokens.make(listing, {.from = from});
}

Result<std::string> from_token(const Parts& parts, std::string_view listing, const std::optional<std::string>& token) {
  if (!token) return std::string();
  auto position = parts.tokens.read(listing, *token);
  if (!position) return client_error("InvalidToken", "Invalid Token: 'Invalid token'");
  return position->from;
}

std::size_t page_size(const std::optional<std::int32_t>& asked) {
  return asked && *asked > 0 ? static_cast<std::size_t>(std::min(*asked, 1000)) : 100;
}

states::ParseOptions parse_options(const Parts& parts, bool express) {
  states::ParseOptions out;
  out.express = express;
  out.jsonata = &parts.jsonata;
  out.check_resource = [&tasks = parts.tasks](std::string_view resource, bool is_express) {
    return tasks.check(resource, is_express);
  };
  return out;
}

}  // namespace likeness::stepfunctions
