#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "domain/lambda/errors.hpp"
#include "domain/lambda/rules.hpp"
#include "functions/native.hpp"
#include "services/lambda/convert.hpp"
#include "services/lambda/downloads.hpp"
#include "services/lambda/operations.hpp"
#include "services/lambda/packages.hpp"

namespace likeness::lambda {
namespace {

using aws::RequestContext;

constexpr std::size_t kPage = 50;

/// What CreateFunction and UpdateFunctionConfiguration have in common.
template <class Input>
Result<void> take_settings(const Lambda& parts, const RequestContext& context, const Input& in, Configuration& out) {
  if (in.runtime) out.runtime = shapes::to_text(*in.runtime);
  if (in.role) out.role = *in.role;
  if (in.handler) out.handler = *in.handler;
  if (in.description) out.description = *in.description;
  if (in.timeout) out.timeout = *in.timeout;
  if (in.memory_size) out.memory = *in.memory_size;
  if (in.vpc_config && ((in.vpc_config->subnet_ids && !in.vpc_config->subnet_ids->empty()) ||
                        (in.vpc_config->security_group_ids && !in.vpc_config->security_group_ids->empty())))
    return invalid("There are no VPCs here: VpcConfig must be left out or empty.");
  if (in.file_system_configs && !in.file_system_configs->empty())
    return invalid("File systems cannot be mounted here: FileSystemConfigs must be left out or empty.");
  if (in.dead_letter_config) out.dead_letter = in.dead_letter_config->target_arn.value_or("");
  if (in.environment) out.environment = in.environment->variables.value_or(std::map<std::string, std::string>());
  if (in.kms_key_arn) out.kms_key = *in.kms_key_arn;
  if (in.tracing_config && in.tracing_config->mode) out.tracing = shapes::to_text(*in.tracing_config->mode);
  if (in.ephemeral_storage) out.ephemeral = in.ephemeral_storage->size.value_or(512);
  if (in.snap_start && in.snap_start->apply_on) out.snap_start = shapes::to_text(*in.snap_start->apply_on);
  if (in.layers) {
    auto layers = find_layers(parts.registry, place_of(context), *in.layers);
    if (!layers) return fail(layers);
    out.layers = std::move(*layers);
  }
  if (in.logging_config) {
    const auto& wire = *in.logging_config;
    if (wire.log_format) out.logging.format = shapes::to_text(*wire.log_format);
    if (wire.log_group) out.logging.group = *wire.log_group;
    if (out.logging.format == "Text") {
      if (wire.application_log_level || wire.system_log_level)
        return invalid("The ApplicationLogLevel and SystemLogLevel can only be set if the LogFormat is JSON.");
      out.logging.application_level.clear();
      out.logging.system_level.clear();
    } else {
      out.logging.application_level = wire.application_log_level ? shapes::to_text(*wire.application_log_level)
                                      : out.logging.application_level.empty()
                                          ? "INFO"
                                          : std::string_view(out.logging.application_level);
      out.logging.system_level = wire.system_log_level              ? shapes::to_text(*wire.system_log_level)
                                 : out.logging.system_level.empty() ? "INFO"
                                                                    : std::string_view(out.logging.system_level);
    }
  }
  if constexpr (requires { in.durable_config; })
    if (in.durable_config) return invalid("Durable functions do not run here: DurableConfig must be left out.");
  if constexpr (requires { in.capacity_provider_config; })
    if (in.capacity_provider_config)
      return invalid("There are no capacity providers here: CapacityProviderConfig must be left out.");
  return {};
}

/// That the caller may give the role to Lambda, and Lambda may take it.
Result<void> check_role(const Lambda& parts, const RequestContext& context, const std::string& role,
                        const std::string& function_arn) {
  if (auto allowed = context.allowed(policy::pass_role(role, "lambda.amazonaws.com")); !allowed) return allowed;
  auto session = parts.roles.assume(role, "check", function_arn);
  if (!session) {
    auto failure = invalid("The role defined for the function cannot be assumed by Lambda.");
    failure.value().detail = session.error().message + " " + session.error().detail;
    return failure;
  }
  return {};
}

Result<void> check_runs_here(const Lambda& parts, const Configuration& in) {
  if (in.native()) {
    if (parts.natives.contains(in.native_name())) return {};
    std::string known;
    for (const auto& name : parts.natives.names()) known += (known.empty() ? "" : ", ") + name;
    return invalid(fmt::format("Source image {} does not exist: the server has no native function of that name{}.",
                               in.image_uri, known.empty() ? "" : " (it has " + known + ")"));
  }
  if (auto runs = parts.runner.check_runtime(in.runtime); !runs)
    return invalid(fmt::format("The runtime {} cannot run here: {}", in.runtime, runs.error().message));
  return {};
}

Result<void> check_tags(const Tags& tags) {
  if (tags.size() > kMaxTags) return invalid("The number of tags exceeds the limit of 50 tags for a resource.");
  for (const auto& [key, value] : tags)
    if (key.starts_with("aws:")) return invalid("Tag keys that start with aws: are reserved.");
  return {};
}

Result<shapes::FunctionConfiguration> create_function(const Lambda& parts, const RequestContext& context,
                                                      const shapes::CreateFunctionRequest& in) {
  auto name = name_of(context, in.function_name);
  if (!name) return fail(name);
  if (!name->qualifier.empty() || name->account != context.account)
    return validation(*in.function_name, "functionName", "Member must name a function of this account");
  if (auto fine = check_new_name(name->name); !fine) return fail(fine);
  if (parts.registry.find({name->account, name->region, name->name, {}}))
    return conflict("Function already exist: " + name->name);

  Configuration latest;
  latest.package_type = shapes::to_text(in.package_type.value_or(shapes::PackageType::Zip));
  if (in.architectures) latest.architectures = texts_of(*in.architectures);
  if (in.code_signing_config_arn && !in.code_signing_config_arn->empty())
    return invalid("There is no code signing here: CodeSigningConfigArn must be left out.");
  if (auto taken = take_settings(parts, context, in, latest); !taken) return fail(taken);
  const auto& code = *in.code;
  std::optional<CodeStore::Pin> pin;
  if (latest.native()) {
    if (code.zip_file || code.s3_bucket)
      return invalid("Please provide an ImageUri for a function of PackageType Image.");
    if (!code.image_uri) return invalid("Please provide a source for function code.");
    latest.image_uri = *code.image_uri;
    latest.runtime.clear();
  } else {
    if (code.image_uri) return invalid("Please do not provide ImageUri for a function of PackageType Zip.");
    if (latest.runtime.empty() || latest.handler.empty())
      return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.");
  }
  if (auto fine = check(latest); !fine) return fail(fine);  // cheap mistakes before the package is read
  if (auto fine = check_runs_here(parts, latest); !fine) return fail(fine);
  if (auto fine = check_role(parts, context, latest.role, name->arn()); !fine) return fail(fine);
  if (in.tags)
    if (auto fine = check_tags(*in.tags); !fine) return fail(fine);
  if (!latest.native()) {
    auto taken =
        take_package(parts, context,
                     {code.zip_file ? &*code.zip_file : nullptr, code.s3_bucket, code.s3_key, code.s3_object_version});
    if (!taken) return fail(taken);
    pin.emplace(std::move(*taken));
    latest.code = pin->code;
    if (auto fine = check(latest); !fine) return fail(fine);
  } else {
    // The digest of AWS is that of the image; here it is that of the name.
    latest.code.sha256 = to_base64(sha256(as_bytes(latest.image_uri)));
  }
  latest.modified = context.time;
  latest.revision = uuid_v4();

  Function function;
  function.account = name->account;
  function.region = name->region;
  function.name = name->name;
  function.id = uuid_v4();
  function.tags = in.tags.value_or(Tags());
  function.latest = std::make_shared<const Configuration>(std::move(latest));
  ConfigurationPtr made = function.latest;
  if (in.publish.value_or(false)) made = publish(function, std::nullopt, context.time);
  auto created = parts.registry.create(std::move(function));
  if (!created) return fail(created);
  auto out =
      to_shape(**created, *made, in.publish.value_or(false) ? (*created)->arn(made->version) : (*created)->arn());
  // It takes invokes already; clients expect to be told that it does not yet.
  out.state = shapes::State::Pending;
  out.state_reason = "The function is being created.";
  out.state_reason_code = shapes::StateReasonCode::Creating;
  out.last_update_status.reset();
  return out;
}

/// What every change of a function's latest version has: the revision, and workers that end.
template <class Change>
Result<shapes::FunctionConfiguration> change_latest(const Lambda& parts, const RequestContext& context,
                                                    const FunctionName& name,
                                                    const std::optional<std::string>& revision, bool publish_it,
                                                    bool dry_run, Change change) {
  ConfigurationPtr before, made;
  std::optional<Configuration> dry;
  const auto apply = [&](Function& function) -> Result<void> {
    before = function.latest;
    if (revision && *revision != before->revision) return revision_mismatch("Function/GetAlias");
    Configuration next = *before;
    if (auto changed = change(next); !changed) return changed;
    if (auto fine = check(next); !fine) return fine;
    next.modified = context.time;
    next.revision = uuid_v4();
    if (dry_run) {
      dry = std::move(next);
      return {};
    }
    function.latest = std::make_shared<const Configuration>(std::move(next));
    made = function.latest;
    if (publish_it) made = publish(function, std::nullopt, context.time);
    return {};
  };
  if (dry_run) {
    auto found = parts.registry.find(name);
    if (!found) return fail(found);
    Function copy = **found;
    if (auto applied = apply(copy); !applied) return fail(applied);
    return to_shape(copy, *dry, copy.arn());
  }
  auto changed = parts.registry.change(name, apply);
  if (!changed) return fail(changed);
  parts.invoker.retire(**changed, *before);
  parts.invoker.collect();
  auto out = to_shape(**changed, *made, publish_it ? (*changed)->arn(made->version) : (*changed)->arn());
  out.last_update_status = shapes::LastUpdateStatus::InProgress;
  out.last_update_status_reason = "The function is being created.";
  out.last_update_status_reason_code = shapes::LastUpdateStatusReasonCode::FunctionError;
  out.last_update_status_reason_code.reset();
  return out;
}

Result<shapes::FunctionConfiguration> update_code(const Lambda& parts, const RequestContext& context,
                                                  const shapes::UpdateFunctionCodeRequest& in) {
  auto name = name_of(context, in.function_name);
  if (!name) return fail(name);
  auto found = parts.registry.find(*name);
  if (!found) return fail(found);
  std::optional<CodeStore::Pin> pin;
  if ((*found)->latest->native()) {
    if (!in.image_uri) return invalid("Please provide ImageUri when updating a function with packageType Image.");
  } else {
    if (in.image_uri) return invalid("Please don't provide ImageUri when updating a function with packageType Zip.");
    auto taken = take_package(parts, context,
                              {in.zip_file ? &*in.zip_file : nullptr, in.s3_bucket, in.s3_key, in.s3_object_version});
    if (!taken) return fail(taken);
    pin.emplace(std::move(*taken));
  }
  return change_latest(parts, context, *name, in.revision_id, in.publish.value_or(false), in.dry_run.value_or(false),
                       [&](Configuration& next) -> Result<void> {
                         if (in.architectures) next.architectures = texts_of(*in.architectures);
                         if (pin) {
                           next.code = pin->code;
                           return {};
                         }
                         next.image_uri = *in.image_uri;
                         next.code.sha256 = to_base64(sha256(as_bytes(next.image_uri)));
                         if (auto fine = check(next); !fine) return fine;
                         return check_runs_here(parts, next);
                       });
}

Result<shapes::FunctionConfiguration> update_configuration(const Lambda& parts, const RequestContext& context,
                                                           const shapes::UpdateFunctionConfigurationRequest& in) {
  auto name = name_of(context, in.function_name);
  if (!name) return fail(name);
  if (in.role)
    if (auto fine = check_role(parts, context, *in.role, name->arn()); !fine) return fail(fine);
  return change_latest(parts, context, *name, in.revision_id, false, false, [&](Configuration& next) -> Result<void> {
    if (auto taken = take_settings(parts, context, in, next); !taken) return taken;
    if (next.native()) next.runtime.clear();
    if (!in.runtime) return {};
    return check_runs_here(parts, next);
  });
}

/// The version that a request names, and the ARN to show.
Result<Target> resolve(const Lambda& parts, const RequestContext& context, const std::optional<std::string>& name,
                       const std::optional<std::string>& qualifier) {
  auto parsed = name_of(context, name, qualifier);
  if (!parsed) return fail(parsed);
  auto target = parts.registry.resolve(*parsed);
  if (!target) return target;
  // Of an alias the version that it stands for, not one of its weights.
  if (const auto alias = target->function->aliases.find(parsed->qualifier); alias != target->function->aliases.end())
    target->version = target->function->version(alias->second.version);
  return target;
}

Result<shapes::GetFunctionResponse> get_function(const Lambda& parts, const RequestContext& context,
                                                 const shapes::GetFunctionRequest& in) {
  auto target = resolve(parts, context, in.function_name, in.qualifier);
  if (!target) return fail(target);
  const auto& function = *target->function;
  shapes::GetFunctionResponse out;
  out.configuration = to_shape(function, *target->version, target->arn());
  shapes::FunctionCodeLocation code;
  if (target->version->native()) {
    code.repository_type = "ECR";
    code.image_uri = target->version->image_uri;
    code.resolved_image_uri = target->version->image_uri;
  } else {
    code.repository_type = "S3";
    if (parts.downloads != nullptr)
      code.location = parts.downloads->location(server_of(parts, context), target->version->code);
  }
  out.code = std::move(code);
  if (!function.tags.empty()) out.tags = function.tags;
  if (function.reserved) out.concurrency = shapes::Concurrency{function.reserved};
  return out;
}

Result<shapes::FunctionConfiguration> get_configuration(const Lambda& parts, const RequestContext& context,
                                                        const shapes::GetFunctionConfigurationRequest& in) {
  auto target = resolve(parts, context, in.function_name, in.qualifier);
  if (!target) return fail(target);
  return to_shape(*target->function, *target->version, target->arn());
}

Result<shapes::ListFunctionsResponse> list_functions(const Lambda& parts, const RequestContext& context,
                                                     const shapes::ListFunctionsRequest& in) {
  const auto limit = std::min<std::size_t>(in.max_items ? static_cast<std::size_t>(*in.max_items) : kPage, kPage);
  std::string after;
  if (in.marker && !in.marker->empty()) {
    const auto bytes = from_base64(*in.marker);
    if (!bytes) return invalid("Invalid marker.");
    after = as_text(*bytes);
  }
  auto found = parts.registry.list(place_of(context).scope(), after, limit + 1);
  shapes::ListFunctionsResponse out;
  if (found.size() > limit) {
    found.resize(limit);
    out.next_marker = to_base64(as_bytes(found.back()->name));
  }
  out.functions.emplace();
  for (const auto& function : found) {
    const bool all = in.function_version.has_value();
    auto latest = to_shape(*function, *function->latest, all ? function->arn(kLatest) : function->arn());
    latest.state.reset();
    latest.last_update_status.reset();
    out.functions->push_back(std::move(latest));
    if (!all) continue;
    for (const auto& [number, version] : function->versions) {
      auto shape = to_shape(*function, *version, function->arn(version->version));
      shape.state.reset();
      shape.last_update_status.reset();
      out.functions->push_back(std::move(shape));
    }
  }
  return out;
}

Result<shapes::DeleteFunctionResponse> delete_function(const Lambda& parts, const RequestContext& context,
                                                       const shapes::DeleteFunctionRequest& in) {
  auto name = name_of(context, in.function_name, in.qualifier);
  if (!name) return fail(name);
  if (!name->qualifier.empty()) {
    ConfigurationPtr gone;
    auto changed = parts.registry.change(*name, [&](Function& function) -> Result<void> {
      gone = function.version(name->qualifier);
      return delete_version(function, name->qualifier);
    });
    if (!changed) return fail(changed);
    if (gone) parts.invoker.retire(**changed, *gone);
  } else {
    auto removed = parts.registry.remove(*name);
    if (!removed) return fail(removed);
    parts.invoker.retire(**removed, *(*removed)->latest);
    for (const auto& [number, version] : (*removed)->versions) parts.invoker.retire(**removed, *version);
    std::int32_t reserved = 0;
    for (const auto& function : parts.registry.all()) reserved += function->reserved.value_or(0);
    parts.concurrency.set_reserved(reserved);
  }
  parts.invoker.collect();
  shapes::DeleteFunctionResponse out;
  out.status_code = 204;
  return out;
}

// -- tags

Result<FunctionName> tagged(const RequestContext& context, const std::string& arn) {
  if (arn.find(":function:") == std::string::npos) return invalid("Only functions have tags here.");
  auto name = name_of(context, arn);
  if (!name) return name;
  if (!name->qualifier.empty())
    return invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.");
  return name;
}

Result<shapes::ListTagsResponse> list_tags(const Lambda& parts, const RequestContext& context,
                                           const shapes::ListTagsRequest& in) {
  auto name = tagged(context, *in.resource);
  if (!name) return fail(name);
  auto function = parts.registry.find(*name);
  if (!function) return fail(function);
  return shapes::ListTagsResponse{(*function)->tags};
}

Result<aws::Empty> tag_resource(const Lambda& parts, const RequestContext& context,
                                const shapes::TagResourceRequest& in) {
  auto name = tagged(context, *in.resource);
  if (!name) return fail(name);
  auto changed = parts.registry.change(*name, [&](Function& function) -> Result<void> {
    for (const auto& [key, value] : *in.tags) function.tags[key] = value;
    return check_tags(function.tags);
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

Result<aws::Empty> untag_resource(const Lambda& parts, const RequestContext& context,
                                  const shapes::UntagResourceRequest& in) {
  auto name = tagged(context, *in.resource);
  if (!name) return fail(name);
  auto changed = parts.registry.change(*name, [&](Function& function) -> Result<void> {
    for (const auto& key : *in.tag_keys) function.tags.erase(key);
    return {};
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

}  // namespace

void register_functions(aws::Service& service, const Lambda& parts) {
  on<shapes::CreateFunction>(
      service, parts, create_function,
      "PackageType Image is for native functions, ImageUri \"native:NAME\"; the architecture is x86_64; no VPC, file "
      "systems, code signing, durable functions or capacity providers. Active at once.");
  on<shapes::UpdateFunctionCode>(service, parts, update_code);
  on<shapes::UpdateFunctionConfiguration>(service, parts, update_configuration);
  on<shapes::GetFunction>(
      service, parts, get_function,
      "Code's Location is an address of this server, good for ten minutes and until its next start.");
  on<shapes::GetFunctionConfiguration>(service, parts, get_configuration);
  on<shapes::ListFunctions>(service, parts, list_functions);
  on<shapes::DeleteFunction>(service, parts, delete_function);
  on<shapes::ListTags>(service, parts, list_tags, "Of functions.");
  on<shapes::TagResource>(service, parts, tag_resource, "Of functions.");
  on<shapes::UntagResource>(service, parts, untag_resource, "Of functions.");
  needs_function<shapes::CreateFunction>(service, parts, "lambda:CreateFunction");
  needs_function<shapes::UpdateFunctionCode>(service, parts, "lambda:UpdateFunctionCode");
  needs_function<shapes::UpdateFunctionConfiguration>(service, parts, "lambda:UpdateFunctionConfiguration");
  needs_function<shapes::GetFunction>(service, parts, "lambda:GetFunction");
  needs_function<shapes::GetFunctionConfiguration>(service, parts, "lambda:GetFunctionConfiguration");
  needs_function<shapes::DeleteFunction>(service, parts, "lambda:DeleteFunction");
  const auto on_arn = [](const char* action) {
    return [action](const RequestContext&, const auto& in) {
      return std::vector{policy::Permission{.action = action, .resource = in.resource.value_or("*")}};
    };
  };
  service.permissions<shapes::ListTags>(on_arn("lambda:ListTags"));
  service.permissions<shapes::TagResource>(on_arn("lambda:TagResource"));
  service.permissions<shapes::UntagResource>(on_arn("lambda:UntagResource"));
}

}  // namespace likeness::lambda
