#include "services/s3/pages.hpp"

#include <fmt/format.h>

#include <span>

#include "aws/s3_host.hpp"
#include "base/log.hpp"
#include "net/held_body.hpp"
#include "services/s3/cors.hpp"

namespace likeness::s3 {

namespace {

bool has_parameter(const net::Request& request, std::string_view name) {
  for (std::string_view rest = request.query(); !rest.empty();) {
    const auto end = rest.find('&');
    const auto one = rest.substr(0, end);
    if (one.substr(0, one.find('=')) == name) return true;
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return false;
}

/// Small objects are read here and now, on the thread that has the request anyway: streaming would go to and fro
/// between threads for each of them.
void hold_small_body(const aws::RequestContext& context, net::Response& response) {
  constexpr std::uint64_t kHeld = 128 * 1024;
  if (!response.stream || !response.stream_length || *response.stream_length > kHeld) return;
  if (dynamic_cast<const net::HeldBody*>(response.stream.get()) != nullptr) return;
  const auto stream = std::move(response.stream);
  response.stream = nullptr;
  response.body.resize(static_cast<std::size_t>(*response.stream_length));
  response.stream_length.reset();
  const std::span<std::uint8_t> whole(reinterpret_cast<std::uint8_t*>(response.body.data()), response.body.size());
  for (std::size_t filled = 0; filled < whole.size();) {
    const auto got = stream->read(whole.subspan(filled));
    if (!got || *got == 0) {
      log::error("an object could not be read: {}", got ? "it is shorter than its record says" : got.error().detail);
      response =
          error_page(500, "InternalError", "We encountered an internal error. Please try again.", context.request_id);
      return;
    }
    filled += *got;
  }
}

std::optional<net::Response> answer(State& state, const aws::RequestContext& context, const net::Request& request) {
  const Address address = address_of(state, request);
  if (address.bucket.empty()) return std::nullopt;
  if (request.method == "OPTIONS") return answer_preflight(state, context, request, address.bucket);
  if (address.website) return show_website(state, context, request, address);
  if (request.method == "POST" && address.key.empty() && request.query().empty())
    return take_form(state, context, request, address.bucket);
  return std::nullopt;
}

}  // namespace

Address address_of(const State& state, const net::Request& request) {
  const aws::S3Host host = aws::parse_s3_host(request.headers.get("host"), state.options.domains);
  Address address{.bucket = host.bucket, .key = {}, .website = host.website};
  std::string path = net::percent_decode(request.path()).value_or("");
  if (path.starts_with('/')) path.erase(0, 1);
  if (address.bucket.empty()) {
    const auto slash = path.find('/');
    address.bucket = path.substr(0, slash);
    path = slash == std::string::npos ? std::string() : path.substr(slash + 1);
  }
  address.key = std::move(path);
  return address;
}

std::string xml_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n')
          out += "\xEF\xBF\xBD";  // what XML cannot say
        else
          out.push_back(c);
    }
  }
  return out;
}

net::Response error_page(int status, std::string_view code, std::string_view message, std::string_view request_id,
                         const std::vector<std::pair<std::string, std::string>>& elements) {
  std::string more;
  for (const auto& [name, value] : elements) more += fmt::format("<{0}>{1}</{0}>", name, xml_escaped(value));
  auto response = net::text_response(
      status, "application/xml",
      fmt::format(
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>{}<RequestId>{}"
          "</RequestId></Error>",
          xml_escaped(code), xml_escaped(message), more, xml_escaped(request_id)));
  response.headers.set("x-amz-request-id", std::string(request_id));
  return response;
}

net::Response error_page(Error error, const std::string& bucket, const std::string& key, std::string_view request_id) {
  const Error finished = finish(std::move(error), bucket, key);
  const auto& http = aws::raised(finished)->http;
  return error_page(http.status != 0 ? http.status : 400, finished.code, finished.message, request_id, http.elements);
}

void register_pages(aws::Service& service, State& state) {
  service.on_unmatched([&state](const aws::RequestContext& context, const net::Request& request) {
    return answer(state, context, request);
  });
  service.on_response(
      [&state](const aws::RequestContext& context, const net::Request& request, net::Response& response) {
        hold_small_body(context, response);
        // Answers with a range are 206; the model has one status an operation.
        if (response.status == 200 && (request.method == "GET" || request.method == "HEAD") &&
            response.headers.contains("content-range"))
          response.status = 206;
        // As AWS does it, whatever the model says.
        if (response.status == 200 && address_of(state, request).key.empty()) {
          if (request.method == "PUT" && (has_parameter(request, "tagging") || has_parameter(request, "policy")))
            response.status = 204;
          if (request.method == "HEAD") response.headers.set("Content-Type", "application/xml");
        }
        if (request.headers.contains("origin"))
          add_cors_headers(state, request, address_of(state, request).bucket, response);
      });
}

}  // namespace likeness::s3
