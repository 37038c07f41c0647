#include <fmt/format.h>

#include <charconv>

#include "aws/sigv4.hpp"
#include "aws/timestamps.hpp"
#include "services/s3/access.hpp"
#include "services/s3/pages.hpp"
#include "services/s3/transfer.hpp"

/// Static websites: pages for browsers, without signatures. Source: User Guide, "Hosting a static website using Amazon
/// S3" with its pages on index documents, error documents and redirects.
namespace likeness::s3 {

namespace {

net::Response html_error(int status, std::string_view code, std::string_view message, std::string_view request_id) {
  const auto reason = net::reason_phrase(status);
  return net::text_response(
      status, "text/html; charset=utf-8",
      fmt::format(
          "<html>\n<head><title>{0} {1}</title></head>\n<body>\n<h1>{0} {1}</h1>\n<ul>\n<li>Code: {2}</li>\n<li>"
          "Message: {3}</li>\n<li>RequestId: {4}</li>\n</ul>\n<hr/>\n</body>\n</html>\n",
          status, reason, xml_escaped(code), xml_escaped(message), xml_escaped(request_id)));
}

net::Response redirect(int status, const std::string& place) {
  net::Response response;
  response.status = status;
  // What comes from a configuration or a header of an object cannot end the header.
  response.headers.add("Location", place.substr(0, place.find_first_of("\r\n")));
  return response;
}

struct Site {
  State& state;
  const aws::RequestContext& context;
  const net::Request& request;
  objects::Bucket bucket;
  shapes::WebsiteConfiguration website;

  bool may_read(const std::string& key) const {
    return context.allowed(permission(state, context, "s3:GetObject", bucket.name, key)).has_value();
  }

  net::Response page(const objects::Version& version, int status) const {
    const auto& metadata = version.metadata;
    if (const auto found = metadata.headers.find("website-redirect-location"); found != metadata.headers.end())
      return redirect(301, found->second);
    net::Response response;
    response.status = status;
    const auto type = metadata.headers.find("content-type");
    response.headers.add("Content-Type", type == metadata.headers.end() ? "binary/octet-stream" : type->second);
    for (const char* name : {"cache-control", "content-disposition", "content-encoding", "content-language", "expires"})
      if (const auto found = metadata.headers.find(name); found != metadata.headers.end())
        response.headers.add(name, found->second);
    for (const auto& [name, value] : metadata.user) response.headers.add("x-amz-meta-" + name, value);
    response.headers.add("ETag", in_quotes(version.etag));
    response.headers.add("Last-Modified", aws::http_date(version.modified));
    const auto asked_for = [&](const char* name) -> std::optional<std::string> {
      const auto found = request.headers.find(name);
      return found ? std::optional<std::string>(*found) : std::nullopt;
    };
    const auto since = asked_for("if-modified-since");
    if (status == 200 && unmet({.if_match = {},
                                .if_none_match = asked_for("if-none-match"),
                                .if_modified_since = since ? aws::parse_http_date(*since) : std::nullopt,
                                .if_unmodified_since = {}},
                               version)) {
      response.status = 304;
      return response;
    }
    auto reader = state.store.objects.open(version, 0, version.size);
    if (!reader) return html_error(500, "InternalError", reader.error().message, context.request_id);
    const auto stream = stream_of(std::move(*reader), version.size);
    response.stream = stream.reader;
    response.stream_length = stream.length;
    return response;
  }

  std::optional<net::Response> by_rule(const std::string& key, std::optional<int> status) const {
    if (!website.routing_rules) return std::nullopt;
    for (const auto& rule : *website.routing_rules) {
      const auto& condition = rule.condition;
      const auto prefix = condition ? condition->key_prefix_equals : std::nullopt;
      const auto code = condition ? condition->http_error_code_returned_equals : std::nullopt;
      if (prefix && !key.starts_with(*prefix)) continue;
      if (code.has_value() != status.has_value() || (code && *code != std::to_string(*status))) continue;
      const auto& to = *rule.redirect;
      std::string target = key;
      if (to.replace_key_with)
        target = *to.replace_key_with;
      else if (to.replace_key_prefix_with)
        target = *to.replace_key_prefix_with + key.substr(prefix ? prefix->size() : 0);
      const std::string host(to.host_name ? *to.host_name : std::string(request.headers.get("host")));
      const std::string protocol(to.protocol      ? std::string(shapes::to_text(*to.protocol))
                                 : request.secure ? "https"
                                                  : "http");
      int answer = 301;
      if (to.http_redirect_code && to.http_redirect_code->size() == 3 && to.http_redirect_code->front() == '3')
        std::from_chars(to.http_redirect_code->data(), to.http_redirect_code->data() + 3, answer);
      // Whatever was stored before it was checked.
      if (answer < 300 || answer > 399) answer = 301;
      return redirect(answer, fmt::format("{}://{}/{}", protocol, host, aws::uri_encode(target, true)));
    }
    return std::nullopt;
  }

  net::Response refuse(int status, const std::string& key, std::string_view code, std::string_view message) const {
    if (auto elsewhere = by_rule(key, status)) return std::move(*elsewhere);
    if (website.error_document && website.error_document->key && may_read(*website.error_document->key)) {
      const auto version = state.store.objects.find(bucket, *website.error_document->key);
      if (version && !version->is_delete_marker) return page(*version, status);
    }
    return html_error(status, code, message, context.request_id);
  }

  net::Response show(const std::string& asked) const {
    if (auto elsewhere = by_rule(asked, std::nullopt)) return std::move(*elsewhere);
    const std::string suffix = website.index_document->suffix.value_or("index.html");
    std::string key = asked;
    if (key.empty() || key.ends_with('/')) key += suffix;
    if (!may_read(key)) return refuse(403, asked, "AccessDenied", "Access Denied");
    const auto version = state.store.objects.find(bucket, key);
    if (version && !version->is_delete_marker) return page(*version, 200);
    // A folder asked for without its slash.
    if (!asked.empty() && !asked.ends_with('/')) {
      const auto index = state.store.objects.find(bucket, asked + "/" + suffix);
      if (index && !index->is_delete_marker) return redirect(302, "/" + aws::uri_encode(asked, true) + "/");
    }
    return refuse(404, asked, "NoSuchKey", "The specified key does not exist.");
  }
};

}  // namespace

net::Response show_website(State& state, const aws::RequestContext& context, const net::Request& request,
                           const Address& address) {
  if (request.method != "GET" && request.method != "HEAD")
    return html_error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.",
                      context.request_id);
  auto bucket = state.store.buckets.get(address.bucket);
  if (!bucket) return html_error(404, "NoSuchBucket", bucket.error().message, context.request_id);
  auto website = configured<shapes::PutBucketWebsite, shapes::WebsiteConfiguration>(*bucket, configuration::kWebsite,
                                                                                    "WebsiteConfiguration");
  if (!website)
    return html_error(404, "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration",
                      context.request_id);
  if (const auto& all = website->redirect_all_requests_to) {
    const std::string protocol(all->protocol ? shapes::to_text(*all->protocol) : request.secure ? "https" : "http");
    return redirect(
        301, fmt::format("{}://{}/{}", protocol, all->host_name.value_or(""), aws::uri_encode(address.key, true)));
  }
  if (!website->index_document)
    return html_error(404, "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration",
                      context.request_id);
  // Browsers sign nothing; what they may see is for the bucket's policy and ACLs to say.
  aws::RequestContext visitor = context;
  visitor.principal = policy::Principal::anonymous();
  visitor.caller_arn = visitor.principal.arn;
  return Site{state, visitor, request, std::move(*bucket), std::move(*website)}.show(address.key);
}

}  // namespace likeness::s3
