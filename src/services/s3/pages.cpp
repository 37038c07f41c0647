#include "services/s3/common.hpp"

namespace likeness::s3 {

void register_pages(aws::Service& service, State&) {
  // Answers with a range are 206; the model has one status an operation.
  service.on_response([](const aws::RequestContext&, const net::Request& request, net::Response& response) {
    if (response.status == 200 && (request.method == "GET" || request.method == "HEAD") &&
        response.headers.contains("content-range"))
      response.status = 206;
  });
}

}  // namespace likeness::s3
