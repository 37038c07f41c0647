#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "domain/lambda/errors.hpp"
#include "domain/lambda/rules.hpp"
#include "services/lambda/convert.hpp"
#include "services/lambda/operations.hpp"
#include "services/lambda/pages.hpp"

namespace likeness::lambda {
namespace {

using aws::RequestContext;

Result<shapes::FunctionConfiguration> publish_version(const Lambda& parts, const RequestContext& context,
                                                      const shapes::PublishVersionRequest& in) {
  auto name = name_of(context, in.function_name);
  if (!name) return fail(name);
  ConfigurationPtr made;
  auto changed = parts.registry.change(*name, [&](Function& function) -> Result<void> {
    if (in.revision_id && *in.revision_id != function.latest->revision) return revision_mismatch("Function/GetAlias");
    if (in.code_sha256 && !in.code_sha256->empty() && *in.code_sha256 != function.latest->code.sha256)
      return invalid("CodeSHA256 (" + *in.code_sha256 + ") is different from current CodeSHA256 in $LATEST (" +
                     function.latest->code.sha256 + "). Please try again with the CodeSHA256 in $LATEST.");
    made = publish(function, in.description, context.time);
    return {};
  });
  if (!changed) return fail(changed);
  return to_shape(**changed, *made, (*changed)->arn(made->version));
}

Result<shapes::ListVersionsByFunctionResponse> list_versions(const Lambda& parts, const RequestContext& context,
                                                             const shapes::ListVersionsByFunctionRequest& in) {
  auto name = name_of(context, in.function_name);
  if (!name) return fail(name);
  auto function = parts.registry.find(*name);
  if (!function) return fail(function);
  std::vector<ConfigurationPtr> all{(*function)->latest};
  for (const auto& [number, version] : (*function)->versions) all.push_back(version);
  auto page = page_of(std::move(all), in.marker, in.max_items);
  if (!page) return fail(page);
  shapes::ListVersionsByFunctionResponse out;
  out.next_marker = page->next;
  out.versions.emplace();
  for (const auto& version : page->items)
    out.versions->push_back(to_shape(**function, *version, (*function)->arn(version->version)));
  return out;
}

template <class Input>
AliasChange wanted_of(const Input& in) {
  AliasChange out;
  out.version = in.function_version;
  out.description = in.description;
  if (in.routing_config)
    out.weights = in.routing_config->additional_version_weights.value_or(std::map<std::string, double>());
  if constexpr (requires { in.revision_id; }) out.revision = in.revision_id;
  return out;
}

Result<shapes::AliasConfiguration> change_alias(const Lambda& parts, const RequestContext& context,
                                                const std::optional<std::string>& function_name,
                                                const std::function<Result<Alias>(Function&)>& change) {
  auto name = name_of(context, function_name);
  if (!name) return fail(name);
  Alias alias;
  auto changed = parts.registry.change(*name, [&](Function& function) -> Result<void> {
    auto made = change(function);
    if (!made) return fail(made);
    alias = std::move(*made);
    return {};
  });
  if (!changed) return fail(changed);
  return to_shape(**changed, alias);
}

Result<shapes::AliasConfiguration> create_alias_operation(const Lambda& parts, const RequestContext& context,
                                                          const shapes::CreateAliasRequest& in) {
  return change_alias(parts, context, in.function_name,
                      [&](Function& function) { return create_alias(function, *in.name, wanted_of(in)); });
}

Result<shapes::AliasConfiguration> update_alias_operation(const Lambda& parts, const RequestContext& context,
                                                          const shapes::UpdateAliasRequest& in) {
  return change_alias(parts, context, in.function_name,
                      [&](Function& function) { return update_alias(function, *in.name, wanted_of(in)); });
}

Result<aws::Empty> delete_alias_operation(const Lambda& parts, const RequestContext& context,
                                          const shapes::DeleteAliasRequest& in) {
  auto name = name_of(context, in.function_name);
  if (!name) return fail(name);
  auto changed = parts.registry.change(*name, [&](Function& function) { return delete_alias(function, *in.name); });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

Result<shapes::AliasConfiguration> get_alias(const Lambda& parts, const RequestContext& context,
                                             const shapes::GetAliasRequest& in) {
  auto name = name_of(context, in.function_name);
  if (!name) return fail(name);
  auto function = parts.registry.find(*name);
  if (!function) return fail(function);
  const auto at = (*function)->aliases.find(*in.name);
  if (at == (*function)->aliases.end()) return not_found("Cannot find alias arn: " + (*function)->arn(*in.name));
  return to_shape(**function, at->second);
}

Result<shapes::ListAliasesResponse> list_aliases(const Lambda& parts, const RequestContext& context,
                                                 const shapes::ListAliasesRequest& in) {
  auto name = name_of(context, in.function_name);
  if (!name) return fail(name);
  auto function = parts.registry.find(*name);
  if (!function) return fail(function);
  std::vector<Alias> all;
  for (const auto& [alias_name, alias] : (*function)->aliases)
    if (!in.function_version || alias.version == *in.function_version) all.push_back(alias);
  auto page = page_of(std::move(all), in.marker, in.max_items);
  if (!page) return fail(page);
  shapes::ListAliasesResponse out;
  out.next_marker = page->next;
  out.aliases.emplace();
  for (const auto& alias : page->items) out.aliases->push_back(to_shape(**function, alias));
  return out;
}

}  // namespace

void register_versions(aws::Service& service, const Lambda& parts) {
  on<shapes::PublishVersion>(service, parts, publish_version);
  on<shapes::ListVersionsByFunction>(service, parts, list_versions);
  on<shapes::CreateAlias>(service, parts, create_alias_operation);
  on<shapes::UpdateAlias>(service, parts, update_alias_operation);
  on<shapes::DeleteAlias>(service, parts, delete_alias_operation);
  on<shapes::GetAlias>(service, parts, get_alias);
  on<shapes::ListAliases>(service, parts, list_aliases);
  needs_function<shapes::PublishVersion>(service, parts, "lambda:PublishVersion");
  needs_function<shapes::ListVersionsByFunction>(service, parts, "lambda:ListVersionsByFunction");
  needs_function<shapes::CreateAlias>(service, parts, "lambda:CreateAlias");
  needs_function<shapes::UpdateAlias>(service, parts, "lambda:UpdateAlias");
  needs_function<shapes::DeleteAlias>(service, parts, "lambda:DeleteAlias");
  needs_function<shapes::GetAlias>(service, parts, "lambda:GetAlias");
  needs_function<shapes::ListAliases>(service, parts, "lambda:ListAliases");
}

}  // namespace likeness::lambda
