#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "domain/lambda/errors.hpp"
#include "domain/lambda/policies.hpp"
#include "services/lambda/convert.hpp"
#include "services/lambda/downloads.hpp"
#include "services/lambda/operations.hpp"
#include "services/lambda/packages.hpp"
#include "services/lambda/pages.hpp"

namespace likeness::lambda {
namespace {

using aws::RequestContext;

Failure no_layer() { return not_found("The resource you requested does not exist."); }

Result<LayerName> layer_named(const RequestContext& context, const std::optional<std::string>& name,
                              const std::optional<std::int64_t>& version = std::nullopt) {
  auto parsed = parse_layer_name(place_of(context), name.value_or(""));
  if (!parsed) return validation(name.value_or(""), "layerName", "Member must be the name or the ARN of a layer");
  if (version) parsed->version = std::to_string(*version);
  return *parsed;
}

template <class Shape>
void fill(Shape& out, const LayerVersion& layer) {
  out.layer_version_arn = layer.arn();
  out.description = layer.description;
  out.created_date = lambda_time(layer.created);
  out.version = static_cast<std::int64_t>(layer.version);
  if (!layer.license.empty()) out.license_info = layer.license;
  if (!layer.runtimes.empty()) {
    out.compatible_runtimes.emplace();
    for (const auto& runtime : layer.runtimes)
      if (auto value = enum_of<shapes::Runtime>("Runtime", runtime)) out.compatible_runtimes->push_back(*value);
  }
  if (!layer.architectures.empty()) {
    out.compatible_architectures.emplace();
    for (const auto& name : layer.architectures)
      if (auto value = enum_of<shapes::Architecture>("Architecture", name))
        out.compatible_architectures->push_back(*value);
  }
}

template <class Shape>
Shape whole(const Lambda& parts, const RequestContext& context, const LayerVersion& layer) {
  Shape out;
  fill(out, layer);
  out.layer_arn = layer.layer_arn();
  shapes::LayerVersionContentOutput content;
  content.code_sha256 = layer.code.sha256;
  content.code_size = static_cast<std::int64_t>(layer.code.size);
  if (parts.downloads != nullptr) content.location = parts.downloads->location(server_of(parts, context), layer.code);
  out.content = std::move(content);
  return out;
}

Result<shapes::PublishLayerVersionResponse> publish_layer(const Lambda& parts, const RequestContext& context,
                                                          const shapes::PublishLayerVersionRequest& in) {
  auto name = layer_named(context, in.layer_name);
  if (!name) return fail(name);
  const auto& content = *in.content;
  auto pin = take_package(
      parts, context,
      {content.zip_file ? &*content.zip_file : nullptr, content.s3_bucket, content.s3_key, content.s3_object_version});
  if (!pin) return fail(pin);
  LayerVersion layer;
  layer.account = name->account;
  layer.region = name->region;
  layer.layer = name->name;
  layer.description = in.description.value_or("");
  layer.license = in.license_info.value_or("");
  layer.code = pin->code;
  if (in.compatible_runtimes) layer.runtimes = texts_of(*in.compatible_runtimes);
  if (in.compatible_architectures) layer.architectures = texts_of(*in.compatible_architectures);
  layer.created = context.time;
  auto made = parts.registry.publish_layer(std::move(layer));
  if (!made) return fail(made);
  return whole<shapes::PublishLayerVersionResponse>(parts, context, **made);
}

Result<shapes::GetLayerVersionResponse> get_layer(const Lambda& parts, const RequestContext& context,
                                                  const shapes::GetLayerVersionRequest& in) {
  auto name = layer_named(context, in.layer_name, in.version_number);
  if (!name) return fail(name);
  auto layer = parts.registry.find_layer(*name);
  if (!layer) return fail(layer);
  return whole<shapes::GetLayerVersionResponse>(parts, context, **layer);
}

Result<shapes::GetLayerVersionResponse> get_layer_by_arn(const Lambda& parts, const RequestContext& context,
                                                         const shapes::GetLayerVersionByArnRequest& in) {
  auto name = layer_named(context, in.arn);
  if (!name) return fail(name);
  auto layer = parts.registry.find_layer(*name);
  if (!layer) return fail(layer);
  return whole<shapes::GetLayerVersionResponse>(parts, context, **layer);
}

/// Layers that say what they are for are shown to those who ask for that.
template <class Input>
bool matches(const LayerVersion& layer, const Input& in) {
  const auto has = [](const std::vector<std::string>& all, std::string_view one) {
    return std::ranges::find(all, one) != all.end();
  };
  if (in.compatible_runtime && !has(layer.runtimes, shapes::to_text(*in.compatible_runtime))) return false;
  return !in.compatible_architecture || has(layer.architectures, shapes::to_text(*in.compatible_architecture));
}

Result<shapes::ListLayersResponse> list_layers(const Lambda& parts, const RequestContext& context,
                                               const shapes::ListLayersRequest& in) {
  std::vector<LayerVersionPtr> all;
  for (const auto& newest : parts.registry.layers(place_of(context).scope()))
    for (const auto& version : parts.registry.layer_versions({newest->account, newest->region, newest->layer, {}}))
      if (matches(*version, in)) {
        all.push_back(version);
        break;
      }
  auto page = page_of(std::move(all), in.marker, in.max_items);
  if (!page) return fail(page);
  shapes::ListLayersResponse out;
  out.next_marker = page->next;
  out.layers.emplace();
  for (const auto& layer : page->items) {
    shapes::LayersListItem item;
    item.layer_name = layer->layer;
    item.layer_arn = layer->layer_arn();
    fill(item.latest_matching_version.emplace(), *layer);
    out.layers->push_back(std::move(item));
  }
  return out;
}

Result<shapes::ListLayerVersionsResponse> list_layer_versions(const Lambda& parts, const RequestContext& context,
                                                              const shapes::ListLayerVersionsRequest& in) {
  auto name = layer_named(context, in.layer_name);
  if (!name) return fail(name);
  auto all = parts.registry.layer_versions(*name);
  std::erase_if(all, [&](const auto& layer) { return !matches(*layer, in); });
  auto page = page_of(std::move(all), in.marker, in.max_items);
  if (!page) return fail(page);
  shapes::ListLayerVersionsResponse out;
  out.next_marker = page->next;
  out.layer_versions.emplace();
  for (const auto& layer : page->items) fill(out.layer_versions->emplace_back(), *layer);
  return out;
}

Result<aws::Empty> delete_layer(const Lambda& parts, const RequestContext& context,
                                const shapes::DeleteLayerVersionRequest& in) {
  auto name = layer_named(context, in.layer_name, in.version_number);
  if (!name) return fail(name);
  if (auto removed = parts.registry.remove_layer(*name); !removed) return fail(removed);
  parts.invoker.collect();
  return aws::Empty{};
}

Result<shapes::AddLayerVersionPermissionResponse> add_layer_permission(
    const Lambda& parts, const RequestContext& context, const shapes::AddLayerVersionPermissionRequest& in) {
  auto name = layer_named(context, in.layer_name, in.version_number);
  if (!name) return fail(name);
  std::string statement;
  auto changed = parts.registry.change_layer(*name, [&](LayerVersion& layer) -> Result<void> {
    if (in.revision_id && *in.revision_id != layer.policy.revision) return revision_mismatch("LayerVersionPolicy");
    Grant grant;
    grant.sid = *in.statement_id;
    grant.action = *in.action;
    grant.principal = *in.principal;
    grant.resource = layer.arn();
    grant.organization = in.organization_id.value_or("");
    auto added = add_statement(layer.policy, grant);
    if (!added) return fail(added);
    statement = std::move(*added);
    return {};
  });
  if (!changed) return fail(changed);
  shapes::AddLayerVersionPermissionResponse out;
  out.statement = std::move(statement);
  out.revision_id = (*changed)->policy.revision;
  return out;
}

Result<aws::Empty> remove_layer_permission(const Lambda& parts, const RequestContext& context,
                                           const shapes::RemoveLayerVersionPermissionRequest& in) {
  auto name = layer_named(context, in.layer_name, in.version_number);
  if (!name) return fail(name);
  auto changed = parts.registry.change_layer(*name, [&](LayerVersion& layer) -> Result<void> {
    if (in.revision_id && *in.revision_id != layer.policy.revision) return revision_mismatch("LayerVersionPolicy");
    return remove_statement(layer.policy, *in.statement_id);
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

Result<shapes::GetLayerVersionPolicyResponse> get_layer_policy(const Lambda& parts, const RequestContext& context,
                                                               const shapes::GetLayerVersionPolicyRequest& in) {
  auto name = layer_named(context, in.layer_name, in.version_number);
  if (!name) return fail(name);
  auto layer = parts.registry.find_layer(*name);
  if (!layer) return fail(layer);
  if ((*layer)->policy.statements.empty()) return no_layer();
  shapes::GetLayerVersionPolicyResponse out;
  out.policy = (*layer)->policy.text();
  out.revision_id = (*layer)->policy.revision;
  return out;
}

/// The right to an action on a layer or a version of it.
template <class Op>
void needs_layer(aws::Service& service, const Lambda& parts, const char* action) {
  service.permissions<Op>([parts, action](const RequestContext& context, const typename Op::Input& in) {
    policy::Permission permission{.action = action};
    std::optional<std::string> text;
    std::optional<std::int64_t> version;
    if constexpr (requires { in.layer_name; }) text = in.layer_name;
    if constexpr (requires { in.arn; }) text = in.arn;
    if constexpr (requires { in.version_number; }) version = in.version_number;
    if (auto name = layer_named(context, text, version)) {
      permission.resource = fmt::format("arn:aws:lambda:{}:{}:layer:{}", name->region, name->account, name->name);
      if (!name->version.empty()) {
        permission.resource += ":" + name->version;
        if (auto layer = parts.registry.find_layer(*name)) permission.resource_policy = (*layer)->policy.document;
      }
    }
    return std::vector{std::move(permission)};
  });
}

}  // namespace

void register_layers(aws::Service& service, const Lambda& parts) {
  constexpr const char* kLocation =
      "Content's Location is an address of this server, good for ten minutes and until its next start.";
  on<shapes::PublishLayerVersion>(service, parts, publish_layer, kLocation);
  on<shapes::GetLayerVersion>(service, parts, get_layer, kLocation);
  on<shapes::GetLayerVersionByArn>(service, parts, get_layer_by_arn, kLocation);
  on<shapes::ListLayers>(service, parts, list_layers);
  on<shapes::ListLayerVersions>(service, parts, list_layer_versions);
  on<shapes::DeleteLayerVersion>(service, parts, delete_layer);
  on<shapes::AddLayerVersionPermission>(service, parts, add_layer_permission);
  on<shapes::RemoveLayerVersionPermission>(service, parts, remove_layer_permission);
  on<shapes::GetLayerVersionPolicy>(service, parts, get_layer_policy);
  needs_layer<shapes::PublishLayerVersion>(service, parts, "lambda:PublishLayerVersion");
  needs_layer<shapes::GetLayerVersion>(service, parts, "lambda:GetLayerVersion");
  needs_layer<shapes::GetLayerVersionByArn>(service, parts, "lambda:GetLayerVersion");
  needs_layer<shapes::ListLayerVersions>(service, parts, "lambda:ListLayerVersions");
  needs_layer<shapes::DeleteLayerVersion>(service, parts, "lambda:DeleteLayerVersion");
  needs_layer<shapes::AddLayerVersionPermission>(service, parts, "lambda:AddLayerVersionPermission");
  needs_layer<shapes::RemoveLayerVersionPermission>(service, parts, "lambda:RemoveLayerVersionPermission");
  needs_layer<shapes::GetLayerVersionPolicy>(service, parts, "lambda:GetLayerVersionPolicy");
}

}  // namespace likeness::lambda
