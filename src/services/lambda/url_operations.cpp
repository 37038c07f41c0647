#include <fmt/format.h>

#include <utility>

#include "domain/lambda/errors.hpp"
#include "domain/lambda/rules.hpp"
#include "domain/lambda/urls.hpp"
#include "services/lambda/convert.hpp"
#include "services/lambda/function_urls.hpp"
#include "services/lambda/operations.hpp"
#include "services/lambda/pages.hpp"

namespace likeness::lambda {
namespace {

using aws::RequestContext;

std::string address_of(const Lambda& parts, const RequestContext& context, const UrlConfig& url) {
  const auto server = server_of(parts, context);
  if (parts.options.url_domain.empty()) return fmt::format("{}{}{}/", server, kFunctionUrlPath, url.id);
  const auto& domain = parts.options.url_domain;
  const auto mark = server.find("://");
  const auto scheme = server.substr(0, mark);
  const auto authority = mark == std::string::npos ? std::string() : server.substr(mark + 3);
  const auto port = authority.rfind(':');
  const bool add_port = domain.find(':') == std::string::npos && port != std::string::npos &&
                        authority.find(']', port) == std::string::npos;
  return fmt::format("{}://{}.lambda-url.{}.{}{}/", scheme, url.id, context.region, domain,
                     add_port ? authority.substr(port) : "");
}

Cors from_shape(const shapes::Cors& in) {
  using List = std::vector<std::string>;
  return {.credentials = in.allow_credentials.value_or(false),
          .allow_headers = in.allow_headers.value_or(List()),
          .allow_methods = in.allow_methods.value_or(List()),
          .allow_origins = in.allow_origins.value_or(List()),
          .expose_headers = in.expose_headers.value_or(List()),
          .max_age = in.max_age.value_or(0)};
}

shapes::Cors to_shape(const Cors& cors) {
  const auto list = [](const std::vector<std::string>& from) {
    return from.empty() ? std::nullopt : std::optional(from);
  };
  shapes::Cors out;
  if (cors.credentials) out.allow_credentials = true;
  out.allow_headers = list(cors.allow_headers);
  out.allow_methods = list(cors.allow_methods);
  out.allow_origins = list(cors.allow_origins);
  out.expose_headers = list(cors.expose_headers);
  if (cors.max_age > 0) out.max_age = cors.max_age;
  return out;
}

template <class Shape>
Shape shape_of(const Lambda& parts, const RequestContext& context, const Function& function,
               const std::string& qualifier, const UrlConfig& url) {
  Shape out;
  out.function_url = address_of(parts, context, url);
  out.function_arn = function.arn(qualifier);
  out.auth_type = enum_of<shapes::FunctionUrlAuthType>("FunctionUrlAuthType", url.auth);
  out.invoke_mode = enum_of<shapes::InvokeMode>("InvokeMode", url.mode);
  if (url.cors) out.cors = to_shape(*url.cors);
  out.creation_time = lambda_time(url.created);
  if constexpr (requires { out.last_modified_time; }) out.last_modified_time = lambda_time(url.modified);
  return out;
}

template <class Input>
UrlChange change_of(const Input& in) {
  UrlChange out;
  if (in.auth_type) out.auth = std::string(shapes::to_text(*in.auth_type));
  if (in.invoke_mode) out.mode = std::string(shapes::to_text(*in.invoke_mode));
  if (in.cors) out.cors = from_shape(*in.cors);
  return out;
}

Result<void> check_alias(const Function& function, const std::string& qualifier) {
  if (qualifier.empty()) return {};
  if (is_version(qualifier))
    return validation(qualifier, "qualifier",
                      "Member must satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)");
  return check_qualifier(function, qualifier);
}

template <class Output, class Input, class Change>
Result<Output> change_url(const Lambda& parts, const RequestContext& context, const Input& in, Change change) {
  auto name = name_of(context, in.function_name, in.qualifier);
  if (!name) return fail(name);
  UrlConfig url;
  auto changed = parts.registry.change(*name, [&](Function& function) -> Result<void> {
    if (auto fine = check_alias(function, name->qualifier); !fine) return fine;
    auto made = change(function, name->qualifier, change_of(in), context.time);
    if (!made) return fail(made);
    url = std::move(*made);
    return {};
  });
  if (!changed) return fail(changed);
  return shape_of<Output>(parts, context, **changed, name->qualifier, url);
}

Result<shapes::CreateFunctionUrlConfigResponse> create(const Lambda& parts, const RequestContext& context,
                                                       const shapes::CreateFunctionUrlConfigRequest& in) {
  return change_url<shapes::CreateFunctionUrlConfigResponse>(parts, context, in, create_url);
}

Result<shapes::UpdateFunctionUrlConfigResponse> update(const Lambda& parts, const RequestContext& context,
                                                       const shapes::UpdateFunctionUrlConfigRequest& in) {
  return change_url<shapes::UpdateFunctionUrlConfigResponse>(parts, context, in, update_url);
}

Result<shapes::GetFunctionUrlConfigResponse> get(const Lambda& parts, const RequestContext& context,
                                                 const shapes::GetFunctionUrlConfigRequest& in) {
  auto name = name_of(context, in.function_name, in.qualifier);
  if (!name) return fail(name);
  auto function = parts.registry.find(*name);
  if (!function) return fail(function);
  if (auto fine = check_alias(**function, name->qualifier); !fine) return fail(fine);
  auto url = find_url(**function, name->qualifier);
  if (!url) return fail(url);
  return shape_of<shapes::GetFunctionUrlConfigResponse>(parts, context, **function, name->qualifier, *url);
}

Result<aws::Empty> remove(const Lambda& parts, const RequestContext& context,
                          const shapes::DeleteFunctionUrlConfigRequest& in) {
  auto name = name_of(context, in.function_name, in.qualifier);
  if (!name) return fail(name);
  auto changed = parts.registry.change(*name, [&](Function& function) -> Result<void> {
    if (auto fine = check_alias(function, name->qualifier); !fine) return fine;
    return delete_url(function, name->qualifier);
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

Result<shapes::ListFunctionUrlConfigsResponse> list(const Lambda& parts, const RequestContext& context,
                                                    const shapes::ListFunctionUrlConfigsRequest& in) {
  auto name = name_of(context, in.function_name);
  if (!name) return fail(name);
  auto function = parts.registry.find(*name);
  if (!function) return fail(function);
  std::vector<shapes::FunctionUrlConfig> all;
  for (const auto& [qualifier, url] : (*function)->urls)
    all.push_back(shape_of<shapes::FunctionUrlConfig>(parts, context, **function, qualifier, url));
  auto page = page_of(std::move(all), in.marker, in.max_items);
  if (!page) return fail(page);
  return shapes::ListFunctionUrlConfigsResponse{std::move(page->items), std::move(page->next)};
}

/// Who may make a URL of a kind is for conditions to say.
template <class Op>
void needs_url(aws::Service& service, const Lambda& parts, const char* action) {
  service.permissions<Op>([parts, action](const RequestContext& context, const typename Op::Input& in) {
    std::optional<std::string> qualifier;
    if constexpr (requires { in.qualifier; }) qualifier = in.qualifier;
    auto permission = function_permission(parts, context, action, in.function_name, qualifier);
    if constexpr (requires { in.auth_type; })
      if (in.auth_type) permission.context["lambda:FunctionUrlAuthType"] = {std::string(to_text(*in.auth_type))};
    return std::vector{std::move(permission)};
  });
}

}  // namespace

void register_urls(aws::Service& service, const Lambda& parts) {
  constexpr const char* kWhere =
      "FunctionUrl is a path of this server (/_likeness/functions/ID/) unless function_url_domain is set; the host "
      "form "
      "ID.lambda-url.REGION.DOMAIN is answered in any case. The right lambda:InvokeFunctionUrl suffices to invoke; "
      "lambda:InvokeFunction is not asked for besides.";
  on<shapes::CreateFunctionUrlConfig>(service, parts, create, kWhere);
  on<shapes::UpdateFunctionUrlConfig>(service, parts, update);
  on<shapes::GetFunctionUrlConfig>(service, parts, get);
  on<shapes::DeleteFunctionUrlConfig>(service, parts, remove);
  on<shapes::ListFunctionUrlConfigs>(service, parts, list);
  needs_url<shapes::CreateFunctionUrlConfig>(service, parts, "lambda:CreateFunctionUrlConfig");
  needs_url<shapes::UpdateFunctionUrlConfig>(service, parts, "lambda:UpdateFunctionUrlConfig");
  needs_url<shapes::GetFunctionUrlConfig>(service, parts, "lambda:GetFunctionUrlConfig");
  needs_url<shapes::DeleteFunctionUrlConfig>(service, parts, "lambda:DeleteFunctionUrlConfig");
  needs_url<shapes::ListFunctionUrlConfigs>(service, parts, "lambda:ListFunctionUrlConfigs");
}

}  // namespace likeness::lambda
