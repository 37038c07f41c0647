#include "services/lambda/convert.hpp"

#include <fmt/format.h>

#include <chrono>

namespace likeness::lambda {

std::string lambda_time(TimePoint time) {
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1000;
  auto text = iso8601(time);  // ends with Z
  text.pop_back();
  return fmt::format("{}.{:03}+0000", text, millis);
}

std::span<const std::string_view> enum_values(std::string_view name) {
  for (const aws::Shape* shape : shapes::model().shapes)
    if (shape->name == name) return shape->enum_values;
  return {};
}

shapes::FunctionConfiguration to_shape(const Function& function, const Configuration& version, std::string arn) {
  shapes::FunctionConfiguration out;
  out.function_name = function.name;
  out.function_arn = std::move(arn);
  if (!version.runtime.empty()) out.runtime = enum_of<shapes::Runtime>("Runtime", version.runtime);
  out.role = version.role;
  if (!version.handler.empty()) out.handler = version.handler;
  out.code_size = static_cast<std::int64_t>(version.code.size);
  out.description = version.description;
  out.timeout = version.timeout;
  out.memory_size = version.memory;
  out.last_modified = lambda_time(version.modified);
  out.code_sha256 = version.code.sha256;
  out.version = version.version;
  if (!version.dead_letter.empty())
    out.dead_letter_config = shapes::DeadLetterConfig{.target_arn = version.dead_letter};
  if (!version.environment.empty()) {
    shapes::EnvironmentResponse environment;
    environment.variables = version.environment;
    out.environment = std::move(environment);
  }
  if (!version.kms_key.empty()) out.kms_key_arn = version.kms_key;
  out.tracing_config =
      shapes::TracingConfigResponse{.mode = enum_of<shapes::TracingMode>("TracingMode", version.tracing)};
  out.revision_id = version.revision;
  if (!version.layers.empty()) {
    out.layers.emplace();
    for (const auto& layer : version.layers) {
      shapes::Layer shape;
      shape.arn = layer.arn;
      shape.code_size = static_cast<std::int64_t>(layer.code.size);
      out.layers->push_back(std::move(shape));
    }
  }
  out.state = shapes::State::Active;
  out.last_update_status = shapes::LastUpdateStatus::Successful;
  out.package_type = version.native() ? shapes::PackageType::Image : shapes::PackageType::Zip;
  out.architectures.emplace();
  for (const auto& name : version.architectures)
    if (auto value = enum_of<shapes::Architecture>("Architecture", name)) out.architectures->push_back(*value);
  out.ephemeral_storage = shapes::EphemeralStorage{.size = version.ephemeral};
  shapes::SnapStartResponse snap;
  snap.apply_on = enum_of<shapes::SnapStartApplyOn>("SnapStartApplyOn", version.snap_start);
  snap.optimization_status = shapes::SnapStartOptimizationStatus::Off;
  out.snap_start = snap;
  shapes::LoggingConfig logging;
  logging.log_format = enum_of<shapes::LogFormat>("LogFormat", version.logging.format);
  if (!version.logging.application_level.empty())
    logging.application_log_level =
        enum_of<shapes::ApplicationLogLevel>("ApplicationLogLevel", version.logging.application_level);
  if (!version.logging.system_level.empty())
    logging.system_log_level = enum_of<shapes::SystemLogLevel>("SystemLogLevel", version.logging.system_level);
  logging.log_group = version.logging.group.empty() ? "/aws/lambda/" + function.name : version.logging.group;
  out.logging_config = std::move(logging);
  return out;
}

shapes::AliasConfiguration to_shape(const Function& function, const Alias& alias) {
  shapes::AliasConfiguration out;
  out.alias_arn = function.arn(alias.name);
  out.name = alias.name;
  out.function_version = alias.version;
  out.description = alias.description;
  if (!alias.weights.empty()) out.routing_config = shapes::AliasRoutingConfiguration{alias.weights};
  out.revision_id = alias.revision;
  return out;
}

}  // namespace likeness::lambda
