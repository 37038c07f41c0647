#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/s3/common.hpp"

namespace likeness::s3 {

/// The first rule that allows `origin` to use `method` with `headers`; null if none does.
const shapes::CORSRule* find_rule(const shapes::CORSConfiguration& cors, std::string_view origin,
                                  std::string_view method, const std::vector<std::string>& headers);

/// Answers a preflight (OPTIONS) for a bucket.
net::Response answer_preflight(State& state, const aws::RequestContext& context, const net::Request& request,
                               const std::string& bucket);
/// Adds the headers that let a page of another origin read an answer.
void add_cors_headers(State& state, const net::Request& request, const std::string& bucket, net::Response& response);

}  // namespace likeness::s3
