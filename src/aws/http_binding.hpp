#pragma once

#include <span>
#include <vector>

#include "aws/model.hpp"
#include "aws/router.hpp"
#include "aws/violation.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

/// The members of REST services that travel outside of the body: in path, query, headers and status.
namespace likeness::aws {

/// Error: "InvalidArgument" for what is no value of its type. Values that an enum lacks are returned.
Result<std::vector<Violation>> read_bindings(const net::Request& request, std::span<const Label> labels,
                                             const Shape& shape, void* structure);

/// Headers and status of an output or an exception. A Content-Length goes into `stream_length`: the server writes it.
void write_bindings(const Shape& shape, const void* structure, net::Response& response);

/// The member that is the whole body; null if there is none.
const Member* payload_member(const Shape& shape);
/// Whether any member is part of a document in the body.
bool has_body_members(const Shape& shape);

}  // namespace likeness::aws
