// Heads of requests on their way to a service and an operation: hosts, paths, queries and headers of any form. What a
// route names is of one service; what stands in path, query and headers is read into the operation's input.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "aws/codec.hpp"
#include "aws/gen/dynamodb.hpp"
#include "aws/gen/iam.hpp"
#include "aws/gen/rekognition.hpp"
#include "aws/gen/s3.hpp"
#include "aws/router.hpp"
#include "aws/s3_host.hpp"
#include "aws/service.hpp"

namespace aws = likeness::aws;
namespace net = likeness::net;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

struct Services {
  aws::Service s3{aws::s3::model()}, iam{aws::iam::model()}, dynamodb{aws::dynamodb::model()},
      rekognition{aws::rekognition::model()};
  aws::Router router{{"localhost", "photos.example"}};
  Services() {
    for (const auto* service : {&s3, &iam, &dynamodb, &rekognition}) router.add(*service);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Services kServices;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  net::Request request;
  request.method = take_line(text);
  request.target = take_line(text);
  request.headers.add("Host", std::string(take_line(text)));
  while (!text.empty()) {
    const auto line = take_line(text);
    if (line.empty()) break;
    const auto colon = std::min(line.find(':'), line.size());
    request.headers.add(std::string(line.substr(0, colon)), std::string(line.substr(std::min(colon + 1, line.size()))));
  }
  request.body.assign(text.begin(), text.end());

  const auto host = aws::parse_s3_host(request.headers.get("Host"), {"localhost", "photos.example"});
  check(host.bucket.size() < request.headers.get("Host").size() || host.bucket.empty());

  const aws::Route route = kServices.router.find(request);
  check(route.operation == nullptr || route.service != nullptr);
  if (route.operation == nullptr) return 0;
  const auto& operations = route.service->model().operations;
  check(route.operation >= operations.data() && route.operation < operations.data() + operations.size());
  const bool is_rest = route.service == &kServices.s3;
  if (is_rest) check(route.operation->http_method == request.method);
  if (route.bad_path) return 0;
  for (const auto& label : route.labels)
    check(std::string_view(route.operation->http_uri).find(label.name) != std::string_view::npos);

  const auto* codec = aws::codec_for(route.service->model(), request);
  check(codec != nullptr);
  const auto input = route.operation->make_input();
  const auto read =
      codec->read({.request = request, .labels = route.labels, .body = request.body}, *route.operation, input.get());
  if (!read) check(!read.error().code.empty());
  return 0;
}
