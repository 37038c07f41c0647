#include <fmt/format.h>

#include <utility>

#include "domain/lambda/errors.hpp"
#include "domain/lambda/rules.hpp"
#include "services/lambda/convert.hpp"
#include "services/lambda/operations.hpp"
#include "services/lambda/pages.hpp"

namespace likeness::lambda {
namespace {

using aws::RequestContext;

/// What a function has reserved, all together.
std::int32_t reserved_by_all(const Registry& registry) {
  std::int32_t total = 0;
  for (const auto& function : registry.all()) total += function->reserved.value_or(0);
  return total;
}

/// Finds the function, and that the qualifier is one of its versions or aliases.
Result<std::pair<FunctionPtr, FunctionName>> found(const Lambda& parts, const RequestContext& context,
                                                   const std::optional<std::string>& name,
                                                   const std::optional<std::string>& qualifier) {
  auto parsed = name_of(context, name, qualifier);
  if (!parsed) return fail(parsed);
  auto function = parts.registry.find(*parsed);
  if (!function) return fail(function);
  if (!parsed->qualifier.empty())
    if (auto fine = check_qualifier(**function, parsed->qualifier); !fine) return fail(fine);
  return std::pair(std::move(*function), std::move(*parsed));
}

// -- concurrency

Result<shapes::Concurrency> put_concurrency(const Lambda& parts, const RequestContext& context,
                                            const shapes::PutFunctionConcurrencyRequest& in) {
  auto name = name_of(context, in.function_name);
  if (!name) return fail(name);
  if (!name->qualifier.empty())
    return invalid(
        "This operation is permitted on Lambda functions only. Aliases and versions do not support this "
        "operation. Please specify either a function name or an unqualified function ARN.");
  auto changed = parts.registry.change(*name, [&](Function& function) -> Result<void> {
    const auto others = reserved_by_all(parts.registry) - function.reserved.value_or(0);
    if (auto fine = parts.concurrency.check_reserved(others + *in.reserved_concurrent_executions); !fine) return fine;
    function.reserved = in.reserved_concurrent_executions;
    return {};
  });
  if (!changed) return fail(changed);
  parts.concurrency.set_reserved(reserved_by_all(parts.registry));
  return shapes::Concurrency{(*changed)->reserved};
}

Result<aws::Empty> delete_concurrency(const Lambda& parts, const RequestContext& context,
                                      const shapes::DeleteFunctionConcurrencyRequest& in) {
  auto name = name_of(context, in.function_name);
  if (!name) return fail(name);
  auto changed = parts.registry.change(*name, [](Function& function) -> Result<void> {
    function.reserved.reset();
    return {};
  });
  if (!changed) return fail(changed);
  parts.concurrency.set_reserved(reserved_by_all(parts.registry));
  return aws::Empty{};
}

Result<shapes::GetFunctionConcurrencyResponse> get_concurrency(const Lambda& parts, const RequestContext& context,
                                                               const shapes::GetFunctionConcurrencyRequest& in) {
  auto function = found(parts, context, in.function_name, std::nullopt);
  if (!function) return fail(function);
  return shapes::GetFunctionConcurrencyResponse{function->first->reserved};
}

Result<shapes::GetAccountSettingsResponse> account_settings(const Lambda& parts, const RequestContext& context,
                                                            const shapes::GetAccountSettingsRequest&) {
  shapes::GetAccountSettingsResponse out;
  shapes::AccountLimit limit;
  limit.total_code_size = std::int64_t{80} << 30;
  limit.code_size_unzipped = 262'144'000;
  limit.code_size_zipped = 52'428'800;
  limit.concurrent_executions = parts.concurrency.limit();
  limit.unreserved_concurrent_executions = parts.concurrency.unreserved();
  out.account_limit = limit;
  shapes::AccountUsage usage;
  std::int64_t functions = 0;
  for (const auto& function : parts.registry.all()) functions += function->scope() == place_of(context).scope() ? 1 : 0;
  usage.function_count = functions;
  usage.total_code_size = static_cast<std::int64_t>(parts.code.total_bytes());
  out.account_usage = usage;
  return out;
}

// -- provisioned concurrency: workers are kept warm by themselves, so what is asked for is there at once

template <class Shape>
Shape provisioned_shape(const ProvisionedConcurrency& provisioned) {
  Shape out;
  out.requested_provisioned_concurrent_executions = provisioned.requested;
  out.available_provisioned_concurrent_executions = provisioned.requested;
  out.allocated_provisioned_concurrent_executions = provisioned.requested;
  out.status = shapes::ProvisionedConcurrencyStatusEnum::Ready;
  out.last_modified = lambda_time(provisioned.modified);
  return out;
}

Result<shapes::PutProvisionedConcurrencyConfigResponse> put_provisioned(
    const Lambda& parts, const RequestContext& context, const shapes::PutProvisionedConcurrencyConfigRequest& in) {
  auto function = found(parts, context, in.function_name, in.qualifier);
  if (!function) return fail(function);
  const auto& qualifier = function->second.qualifier;
  if (qualifier == kLatest)
    return invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.");
  const ProvisionedConcurrency wanted{*in.provisioned_concurrent_executions, context.time};
  auto changed = parts.registry.change(function->second, [&](Function& changing) -> Result<void> {
    changing.provisioned[qualifier] = wanted;
    return {};
  });
  if (!changed) return fail(changed);
  return provisioned_shape<shapes::PutProvisionedConcurrencyConfigResponse>(wanted);
}

Result<shapes::GetProvisionedConcurrencyConfigResponse> get_provisioned(
    const Lambda& parts, const RequestContext& context, const shapes::GetProvisionedConcurrencyConfigRequest& in) {
  auto function = found(parts, context, in.function_name, in.qualifier);
  if (!function) return fail(function);
  const auto at = function->first->provisioned.find(function->second.qualifier);
  if (at == function->first->provisioned.end())
    return client_error("ProvisionedConcurrencyConfigNotFoundException",
                        "No Provisioned Concurrency Config found for this function");
  return provisioned_shape<shapes::GetProvisionedConcurrencyConfigResponse>(at->second);
}

Result<aws::Empty> delete_provisioned(const Lambda& parts, const RequestContext& context,
                                      const shapes::DeleteProvisionedConcurrencyConfigRequest& in) {
  auto function = found(parts, context, in.function_name, in.qualifier);
  if (!function) return fail(function);
  auto changed = parts.registry.change(function->second, [&](Function& changing) -> Result<void> {
    changing.provisioned.erase(function->second.qualifier);
    return {};
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

Result<shapes::ListProvisionedConcurrencyConfigsResponse> list_provisioned(
    const Lambda& parts, const RequestContext& context, const shapes::ListProvisionedConcurrencyConfigsRequest& in) {
  auto function = found(parts, context, in.function_name, std::nullopt);
  if (!function) return fail(function);
  shapes::ListProvisionedConcurrencyConfigsResponse out;
  out.provisioned_concurrency_configs.emplace();
  for (const auto& [qualifier, provisioned] : function->first->provisioned) {
    auto item = provisioned_shape<shapes::ProvisionedConcurrencyConfigListItem>(provisioned);
    item.function_arn = function->first->arn(qualifier);
    out.provisioned_concurrency_configs->push_back(std::move(item));
  }
  return out;
}

// -- asynchronous invokes

shapes::FunctionEventInvokeConfig to_shape(const Function& function, const std::string& key,
                                           const EventInvokeConfig& config) {
  shapes::FunctionEventInvokeConfig out;
  out.function_arn = function.arn(key);
  out.last_modified = config.modified;
  out.maximum_retry_attempts = config.retries;
  out.maximum_event_age_in_seconds = config.max_age;
  shapes::DestinationConfig destinations;
  destinations.on_success.emplace();
  destinations.on_failure.emplace();
  if (!config.on_success.empty()) destinations.on_success->destination = config.on_success;
  if (!config.on_failure.empty()) destinations.on_failure->destination = config.on_failure;
  out.destination_config = std::move(destinations);
  return out;
}

Result<void> check_destination(const std::string& arn, const std::string& own) {
  if (arn.empty()) return {};
  if (arn == own) return invalid("You can't specify the function as a destination for itself.");
  for (const char* service : {":sqs:", ":sns:", ":lambda:", ":events:"})
    if (arn.find(service) != std::string::npos) return {};
  return invalid(
      fmt::format("The provided destination config DestinationConfig(onSuccess=OnSuccess(destination={}) is "
                  "invalid: it names neither queue, topic, function nor event bus.",
                  arn));
}

template <class Input>
Result<shapes::FunctionEventInvokeConfig> change_event_invoke(const Lambda& parts, const RequestContext& context,
                                                              const Input& in, bool replace) {
  auto function = found(parts, context, in.function_name, in.qualifier);
  if (!function) return fail(function);
  const std::string key = function->second.qualifier.empty() ? std::string(kLatest) : function->second.qualifier;
  if (replace && !in.maximum_retry_attempts && !in.maximum_event_age_in_seconds && !in.destination_config)
    return invalid("You must specify at least one of error handling or destination setting.");
  EventInvokeConfig config;
  auto changed = parts.registry.change(function->second, [&](Function& changing) -> Result<void> {
    const auto at = changing.event_invokes.find(key);
    if (!replace) {
      if (at == changing.event_invokes.end())
        return not_found(fmt::format("The function {} doesn't have an EventInvokeConfig", changing.arn(key)));
      config = at->second;
    }
    if (in.maximum_retry_attempts) config.retries = in.maximum_retry_attempts;
    if (in.maximum_event_age_in_seconds) config.max_age = in.maximum_event_age_in_seconds;
    if (in.destination_config) {
      const auto& wire = *in.destination_config;
      if (wire.on_success) config.on_success = wire.on_success->destination.value_or("");
      if (wire.on_failure) config.on_failure = wire.on_failure->destination.value_or("");
    }
    for (const auto& arn : {config.on_success, config.on_failure})
      if (auto fine = check_destination(arn, changing.arn()); !fine) return fine;
    config.modified = context.time;
    changing.event_invokes[key] = config;
    return {};
  });
  if (!changed) return fail(changed);
  return to_shape(**changed, key, config);
}

Result<shapes::FunctionEventInvokeConfig> get_event_invoke(const Lambda& parts, const RequestContext& context,
                                                           const shapes::GetFunctionEventInvokeConfigRequest& in) {
  auto function = found(parts, context, in.function_name, in.qualifier);
  if (!function) return fail(function);
  const std::string key = function->second.qualifier.empty() ? std::string(kLatest) : function->second.qualifier;
  const auto at = function->first->event_invokes.find(key);
  if (at == function->first->event_invokes.end())
    return not_found(fmt::format("The function {} doesn't have an EventInvokeConfig", function->first->arn(key)));
  return to_shape(*function->first, key, at->second);
}

Result<aws::Empty> delete_event_invoke(const Lambda& parts, const RequestContext& context,
                                       const shapes::DeleteFunctionEventInvokeConfigRequest& in) {
  auto function = found(parts, context, in.function_name, in.qualifier);
  if (!function) return fail(function);
  const std::string key = function->second.qualifier.empty() ? std::string(kLatest) : function->second.qualifier;
  auto changed = parts.registry.change(function->second, [&](Function& changing) -> Result<void> {
    if (changing.event_invokes.erase(key) == 0)
      return not_found(fmt::format("The function {} doesn't have an EventInvokeConfig", changing.arn(key)));
    return {};
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

Result<shapes::ListFunctionEventInvokeConfigsResponse> list_event_invokes(
    const Lambda& parts, const RequestContext& context, const shapes::ListFunctionEventInvokeConfigsRequest& in) {
  auto function = found(parts, context, in.function_name, std::nullopt);
  if (!function) return fail(function);
  shapes::ListFunctionEventInvokeConfigsResponse out;
  out.function_event_invoke_configs.emplace();
  for (const auto& [key, config] : function->first->event_invokes)
    out.function_event_invoke_configs->push_back(to_shape(*function->first, key, config));
  return out;
}

// -- what tools read back

Result<shapes::GetFunctionCodeSigningConfigResponse> get_code_signing(
    const Lambda& parts, const RequestContext& context, const shapes::GetFunctionCodeSigningConfigRequest& in) {
  auto function = found(parts, context, in.function_name, std::nullopt);
  if (!function) return fail(function);
  shapes::GetFunctionCodeSigningConfigResponse out;
  out.function_name = function->first->name;
  return out;
}

Result<shapes::GetRuntimeManagementConfigResponse> get_runtime_management(
    const Lambda& parts, const RequestContext& context, const shapes::GetRuntimeManagementConfigRequest& in) {
  auto function = found(parts, context, in.function_name, in.qualifier);
  if (!function) return fail(function);
  const std::string key = function->second.qualifier.empty() ? std::string(kLatest) : function->second.qualifier;
  shapes::GetRuntimeManagementConfigResponse out;
  out.function_arn = function->first->arn(function->second.qualifier);
  const auto at = function->first->runtime_updates.find(key);
  out.update_runtime_on = enum_of<shapes::UpdateRuntimeOn>(
      "UpdateRuntimeOn", at == function->first->runtime_updates.end() ? "Auto" : std::string_view(at->second));
  return out;
}

Result<shapes::PutRuntimeManagementConfigResponse> put_runtime_management(
    const Lambda& parts, const RequestContext& context, const shapes::PutRuntimeManagementConfigRequest& in) {
  auto function = found(parts, context, in.function_name, in.qualifier);
  if (!function) return fail(function);
  if (*in.update_runtime_on == shapes::UpdateRuntimeOn::Manual || in.runtime_version_arn)
    return invalid("Runtimes have no versions here: UpdateRuntimeOn Manual is not available.");
  const std::string key = function->second.qualifier.empty() ? std::string(kLatest) : function->second.qualifier;
  auto changed = parts.registry.change(function->second, [&](Function& changing) -> Result<void> {
    changing.runtime_updates[key] = shapes::to_text(*in.update_runtime_on);
    return {};
  });
  if (!changed) return fail(changed);
  shapes::PutRuntimeManagementConfigResponse out;
  out.function_arn = (*changed)->arn(function->second.qualifier);
  out.update_runtime_on = in.update_runtime_on;
  return out;
}

Result<shapes::GetFunctionRecursionConfigResponse> get_recursion(const Lambda& parts, const RequestContext& context,
                                                                 const shapes::GetFunctionRecursionConfigRequest& in) {
  auto function = found(parts, context, in.function_name, std::nullopt);
  if (!function) return fail(function);
  return shapes::GetFunctionRecursionConfigResponse{
      enum_of<shapes::RecursiveLoop>("RecursiveLoop", function->first->recursive_loop)};
}

Result<shapes::PutFunctionRecursionConfigResponse> put_recursion(const Lambda& parts, const RequestContext& context,
                                                                 const shapes::PutFunctionRecursionConfigRequest& in) {
  auto name = name_of(context, in.function_name);
  if (!name) return fail(name);
  auto changed = parts.registry.change(*name, [&](Function& function) -> Result<void> {
    function.recursive_loop = shapes::to_text(*in.recursive_loop);
    return {};
  });
  if (!changed) return fail(changed);
  return shapes::PutFunctionRecursionConfigResponse{in.recursive_loop};
}

}  // namespace

void register_settings(aws::Service& service, const Lambda& parts) {
  on<shapes::PutFunctionConcurrency>(service, parts, put_concurrency);
  on<shapes::DeleteFunctionConcurrency>(service, parts, delete_concurrency);
  on<shapes::GetFunctionConcurrency>(service, parts, get_concurrency);
  on<shapes::GetAccountSettings>(service, parts, account_settings);
  constexpr const char* kWarm = "Kept and shown; workers stay warm by themselves, none is started ahead.";
  on<shapes::PutProvisionedConcurrencyConfig>(service, parts, put_provisioned, kWarm);
  on<shapes::GetProvisionedConcurrencyConfig>(service, parts, get_provisioned, kWarm);
  on<shapes::DeleteProvisionedConcurrencyConfig>(service, parts, delete_provisioned);
  on<shapes::ListProvisionedConcurrencyConfigs>(service, parts, list_provisioned, kWarm);
  on<shapes::PutFunctionEventInvokeConfig>(
      service, parts,
      [](const Lambda& p, const RequestContext& c, const shapes::PutFunctionEventInvokeConfigRequest& i) {
        return change_event_invoke(p, c, i, true);
      });
  on<shapes::UpdateFunctionEventInvokeConfig>(
      service, parts,
      [](const Lambda& p, const RequestContext& c, const shapes::UpdateFunctionEventInvokeConfigRequest& i) {
        return change_event_invoke(p, c, i, false);
      });
  on<shapes::GetFunctionEventInvokeConfig>(service, parts, get_event_invoke);
  on<shapes::DeleteFunctionEventInvokeConfig>(service, parts, delete_event_invoke);
  on<shapes::ListFunctionEventInvokeConfigs>(service, parts, list_event_invokes);
  on<shapes::GetFunctionCodeSigningConfig>(service, parts, get_code_signing, "There never is one.");
  on<shapes::GetRuntimeManagementConfig>(service, parts, get_runtime_management);
  on<shapes::PutRuntimeManagementConfig>(service, parts, put_runtime_management,
                                         "Kept and shown; runtimes are those of this machine.");
  on<shapes::GetFunctionRecursionConfig>(service, parts, get_recursion);
  on<shapes::PutFunctionRecursionConfig>(service, parts, put_recursion, "Kept and shown; loops are not looked for.");

  needs_function<shapes::PutFunctionConcurrency>(service, parts, "lambda:PutFunctionConcurrency");
  needs_function<shapes::DeleteFunctionConcurrency>(service, parts, "lambda:DeleteFunctionConcurrency");
  needs_function<shapes::GetFunctionConcurrency>(service, parts, "lambda:GetFunctionConcurrency");
  needs_function<shapes::PutProvisionedConcurrencyConfig>(service, parts, "lambda:PutProvisionedConcurrencyConfig");
  needs_function<shapes::GetProvisionedConcurrencyConfig>(service, parts, "lambda:GetProvisionedConcurrencyConfig");
  needs_function<shapes::DeleteProvisionedConcurrencyConfig>(service, parts,
                                                             "lambda:DeleteProvisionedConcurrencyConfig");
  needs_function<shapes::ListProvisionedConcurrencyConfigs>(service, parts, "lambda:ListProvisionedConcurrencyConfigs");
  needs_function<shapes::PutFunctionEventInvokeConfig>(service, parts, "lambda:PutFunctionEventInvokeConfig");
  needs_function<shapes::UpdateFunctionEventInvokeConfig>(service, parts, "lambda:UpdateFunctionEventInvokeConfig");
  needs_function<shapes::GetFunctionEventInvokeConfig>(service, parts, "lambda:GetFunctionEventInvokeConfig");
  needs_function<shapes::DeleteFunctionEventInvokeConfig>(service, parts, "lambda:DeleteFunctionEventInvokeConfig");
  needs_function<shapes::ListFunctionEventInvokeConfigs>(service, parts, "lambda:ListFunctionEventInvokeConfigs");
  needs_function<shapes::GetFunctionCodeSigningConfig>(service, parts, "lambda:GetFunctionCodeSigningConfig");
  needs_function<shapes::GetRuntimeManagementConfig>(service, parts, "lambda:GetRuntimeManagementConfig");
  needs_function<shapes::PutRuntimeManagementConfig>(service, parts, "lambda:PutRuntimeManagementConfig");
  needs_function<shapes::GetFunctionRecursionConfig>(service, parts, "lambda:GetFunctionRecursionConfig");
  needs_function<shapes::PutFunctionRecursionConfig>(service, parts, "lambda:PutFunctionRecursionConfig");
}

}  // namespace likeness::lambda
