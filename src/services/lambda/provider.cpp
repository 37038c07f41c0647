#include "services/lambda/provider.hpp"

#include <utility>

#include "net/http.hpp"
#include "services/lambda/operations.hpp"

namespace likeness::lambda {
namespace {

/// What no model says of Lambda's responses.
void finish_response(const aws::RequestContext&, const net::Request& request, net::Response& response) {
  const auto path = request.path();
  if (path.ends_with("/invocations") && response.headers.get("content-type") == "application/octet-stream")
    response.headers.set("Content-Type", "application/json");
}

}  // namespace

Error with_type(Error error) {
  if (error.exception != nullptr) return error;
  const aws::Shape* shape = nullptr;
  for (const aws::Shape* candidate : shapes::model().shapes)
    if (candidate->is_exception && candidate->name == error.code) shape = candidate;
  if (shape == nullptr || shape->make == nullptr) return error;
  auto object = shape->make();
  for (const auto& member : shape->members) {
    if (member.shape->kind != aws::Kind::String) continue;
    auto* text = static_cast<std::string*>(member.ops->emplace(member.slot(object.get())));
    if (member.name == "Type")
      *text = error.fault == Error::Fault::Server ? "Server" : "User";
    else if (net::equal_ignoring_case(member.name, "message"))
      *text = error.message;
    else
      member.ops->reset(member.slot(object.get()));
  }
  auto raised = std::make_shared<aws::Raised>();
  raised->shape = shape;
  raised->structure = std::shared_ptr<const void>(object.release(), object.get_deleter());
  error.exception = std::shared_ptr<const aws::Raised>(std::move(raised));
  return error;
}

std::string server_of(const Lambda& parts, const aws::RequestContext& context) {
  if (context.request != nullptr)
    if (const auto host = context.request->headers.get("host"); !host.empty())
      return (context.request->secure ? "https://" : "http://") + std::string(host);
  return parts.options.endpoint();
}

std::unique_ptr<aws::Service> make_lambda(const Lambda& parts) {
  auto service = std::make_unique<aws::Service>(shapes::model());
  register_functions(*service, parts);
  register_invokes(*service, parts);
  register_versions(*service, parts);
  register_policies(*service, parts);
  register_layers(*service, parts);
  register_settings(*service, parts);
  register_mappings(*service, parts);
  register_urls(*service, parts);
  service->on_response(finish_response);
  return service;
}

}  // namespace likeness::lambda
