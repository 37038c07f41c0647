#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/lambda/model.hpp"

/// Function URLs: which there are, and what they answer to browsers of other origins.
namespace likeness::lambda {

struct UrlChange {
  std::optional<std::string> auth{}, mode{};
  std::optional<Cors> cors{};
};

/// `qualifier` is empty or an alias of the function. Errors: ResourceConflictException, InvalidParameterValueException.
Result<UrlConfig> create_url(Function& function, const std::string& qualifier, const UrlChange& wanted, TimePoint now);
/// Error: ResourceNotFoundException.
Result<UrlConfig> update_url(Function& function, const std::string& qualifier, const UrlChange& wanted, TimePoint now);
Result<void> delete_url(Function& function, const std::string& qualifier);
Result<UrlConfig> find_url(const Function& function, const std::string& qualifier);

/// The id at the front of "ID.lambda-url.REGION.DOMAIN:PORT"; empty if the host is no such.
std::string_view url_id_of_host(std::string_view host);

/// What a request of a page tells of it.
struct CorsRequest {
  std::string_view origin;             // empty: none
  std::string_view requested_method;   // of a preflight
  std::string_view requested_headers;  // of a preflight
};
struct CorsHeader {
  std::string name, value;
};
/// For an answer; none if the origin is not allowed.
std::vector<CorsHeader> cors_headers(const Cors& cors, const CorsRequest& request);
/// For a preflight; none if what it asks for is not allowed.
std::vector<CorsHeader> preflight_headers(const Cors& cors, const CorsRequest& request);

}  // namespace likeness::lambda
