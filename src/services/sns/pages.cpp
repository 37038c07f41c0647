#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "aws/form.hpp"
#include "events/json_tokens.hpp"
#include "services/sns/provider.hpp"

namespace likeness::sns {
namespace {

using events::json_string;

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  return out;
}

net::Response html(int status, std::string_view title, std::string_view body) {
  auto response = net::text_response(
      status, "text/html; charset=utf-8",
      fmt::format("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>"
                  "body{{font-family:sans-serif;max-width:50em;margin:2em auto;padding:0 1em}}"
                  "article{{border:1px solid #ccc;border-radius:6px;padding:1em;margin:1em 0}}"
                  "pre{{white-space:pre-wrap;overflow-wrap:anywhere}}small{{color:#555}}</style></head>"
                  "<body><h1>{0}</h1>\n{1}</body></html>\n",
                  title, body));
  // Nothing on these pages runs, and nobody frames them.
  response.headers.set("Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("Cache-Control", "no-store");
  return response;
}

net::Response only_get() {
  auto response = net::text_response(405, "text/plain; charset=utf-8", "Only GET here.\n");
  response.headers.add("Allow", "GET, HEAD");
  return response;
}

bool is_get(const net::Request& request) { return request.method == "GET" || request.method == "HEAD"; }

std::uint64_t number_of(const net::Request& request, std::string_view name, std::uint64_t otherwise) {
  const auto text = aws::form_value(request.query(), name).value_or("");
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() && !text.empty() ? value : otherwise;
}

std::string outbox_json(const std::vector<topics::OutboxEntry>& entries) {
  std::string out = "{\"messages\":[";
  bool first = true;
  for (const auto& entry : entries) {
    if (!std::exchange(first, false)) out += ',';
    out += fmt::format(R"({{"number":{},"time":{},"kind":{},"to":{},"subject":{},"body":{},"topic":{},"links":[)",
                       entry.number, json_string(timestamp(entry.time)), json_string(entry.kind), json_string(entry.to),
                       json_string(entry.subject), json_string(entry.body), json_string(entry.topic_arn));
    bool first_link = true;
    for (const auto& [text, url] : entry.links) {
      if (!std::exchange(first_link, false)) out += ',';
      out += fmt::format(R"({{"text":{},"url":{}}})", json_string(text), json_string(url));
    }
    out += "]}";
  }
  return out + "]}\n";
}

std::string outbox_html(const std::vector<topics::OutboxEntry>& entries) {
  std::string out =
      "<p>Mails and text messages that would have been sent, the latest first. Set <code>smtp</code> to send mails for "
      "real. Programs read <a href=\"/_likeness/outbox\">/_likeness/outbox</a>.</p>\n";
  if (entries.empty()) out += "<p>There are none.</p>\n";
  for (const auto& entry : entries) {
    out += fmt::format("<article><strong>{}</strong><br><small>{} to {}, {}</small><pre>{}</pre>",
                       html_text(entry.subject.empty() ? "Text message" : entry.subject), html_text(entry.kind),
                       html_text(entry.to), timestamp(entry.time), html_text(entry.body));
    for (const auto& [text, url] : entry.links)
      out += fmt::format("<a href=\"{}\">{}</a> ", html_text(url), html_text(text));
    out += "</article>\n";
  }
  if (!entries.empty() && entries.back().number > 1)
    out += fmt::format("<p><a href=\"?before={}\">Older</a></p>\n", entries.back().number);
  return out;
}

}  // namespace

net::Response Pages::answer_outbox(const net::Request& request) const {
  if (!is_get(request)) return only_get();
  const bool page = request.path().ends_with('/');
  const auto limit = static_cast<std::size_t>(std::clamp<std::uint64_t>(number_of(request, "limit", 100), 1, 1000));
  const auto entries = outbox_.list(limit, number_of(request, "before", 0));
  if (!entries) return net::text_response(500, "text/plain; charset=utf-8", entries.error().message + "\n");
  if (page) return html(200, "Outbox", outbox_html(*entries));
  auto response = net::text_response(200, "application/json", outbox_json(*entries));
  response.headers.set("Cache-Control", "no-store");
  return response;
}

net::Response Pages::answer_link(const net::Request& request) {
  if (!is_get(request)) return only_get();
  const auto path = request.path();
  const auto value = [&](std::string_view name) { return aws::form_value(request.query(), name).value_or(""); };
  if (path == signer_.certificate_path())
    return net::text_response(200, "application/x-pem-file", signer_.certificate());
  if (path == "/_likeness/sns/confirm") {
    const auto confirmed = topics_.confirm(value("TopicArn"), value("Token"), false, false);
    if (!confirmed)
      return html(400, "Subscription not confirmed",
                  "<p>The link is not that of a subscription that waits to be confirmed, or it is too old.</p>\n");
    return html(
        200, "Subscription confirmed",
        fmt::format("<p>You have subscribed <strong>{}</strong> to the topic:<br>{}</p>\n<p>Your subscription's "
                    "id is:<br>{}</p>\n<p>If it was not your intention to subscribe, <a href=\"/_likeness/sns/"
                    "unsubscribe?SubscriptionArn={}\">unsubscribe</a>.</p>\n",
                    html_text((*confirmed)->endpoint), html_text((*confirmed)->topic_arn), html_text((*confirmed)->arn),
                    html_text((*confirmed)->arn)));
  }
  if (path == "/_likeness/sns/unsubscribe") {
    const auto subscription = topics_.find_subscription(value("SubscriptionArn"));
    if (!subscription) return html(404, "No such subscription", "<p>It may have been removed already.</p>\n");
    if ((*subscription)->authenticate_unsubscribe)
      return html(403, "Not unsubscribed", "<p>This subscription can be removed by a signed call only.</p>\n");
    if (auto done = topics_.unsubscribe((*subscription)->arn); !done)
      return html(500, "Not unsubscribed", "<p>That failed; try again later.</p>\n");
    return html(200, "Unsubscribed",
                fmt::format("<p><strong>{}</strong> gets nothing any more of the topic:<br>{}</p>\n",
                            html_text((*subscription)->endpoint), html_text((*subscription)->topic_arn)));
  }
  return net::text_response(404, "text/plain; charset=utf-8", "There is no such page.\n");
}

}  // namespace likeness::sns
