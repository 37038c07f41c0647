#include "aws/sigv2.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <vector>

#include "base/bytes.hpp"
#include "base/digest.hpp"

namespace likeness::aws {
namespace {

/// Parameters that choose what a request is about, and so are signed. Sorted.
constexpr auto kSigned = std::to_array<std::string_view>({"accelerate",
                                                          "acl",
                                                          "analytics",
                                                          "cors",
                                                          "defaultObjectAcl",
                                                          "delete",
                                                          "inventory",
                                                          "lifecycle",
                                                          "location",
                                                          "logging",
                                                          "metrics",
                                                          "notification",
                                                          "object-lock",
                                                          "partNumber",
                                                          "policy",
                                                          "replication",
                                                          "requestPayment",
                                                          "response-cache-control",
                                                          "response-content-disposition",
                                                          "response-content-encoding",
                                                          "response-content-language",
                                                          "response-content-type",
                                                          "response-expires",
                                                          "restore",
                                                          "select",
                                                          "select-type",
                                                          "storageClass",
                                                          "tagging",
                                                          "torrent",
                                                          "uploadId",
                                                          "uploads",
                                                          "versionId",
                                                          "versioning",
                                                          "versions",
                                                          "website"});

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return std::string(text);
}

struct Parameter {
  std::string name;
  std::optional<std::string> value;  // decoded; nullopt without a '='
};

std::vector<Parameter> parameters(std::string_view query) {
  std::vector<Parameter> out;
  out.reserve(static_cast<std::size_t>(std::ranges::count(query, '&')) + 1);
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto one = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    const auto equals = one.find('=');
    auto& parameter = out.emplace_back();
    parameter.name = net::percent_decode(one.substr(0, equals)).value_or("");
    if (equals != std::string_view::npos)
      parameter.value = net::percent_decode(one.substr(equals + 1), true).value_or("");
  }
  return out;
}

std::optional<std::string> value_of(const std::vector<Parameter>& all, std::string_view name) {
  for (const auto& parameter : all)
    if (parameter.name == name) return parameter.value.value_or("");
  return std::nullopt;
}

/// A header, which clients may also put into the URL.
std::string header_or_parameter(const net::Request& request, const std::vector<Parameter>& all, std::string_view name) {
  if (const auto header = request.headers.find(name)) return trimmed(*header);
  return value_of(all, name).value_or("");
}

}  // namespace

std::optional<UrlClaimV2> read_url_claim_v2(const net::Request& request) {
  const auto all = parameters(request.query());
  auto id = value_of(all, "AWSAccessKeyId");
  auto signature = value_of(all, "Signature");
  const auto expires = value_of(all, "Expires");
  if (!id || !signature || !expires || id->empty() || signature->empty()) return std::nullopt;
  UrlClaimV2 claim{.access_key_id = std::move(*id),
                   .session_token = value_of(all, "x-amz-security-token").value_or(""),
                   .expires = 0,
                   .signature = std::move(*signature)};
  const char* end = expires->data() + expires->size();
  if (const auto read = std::from_chars(expires->data(), end, claim.expires); read.ec != std::errc() || read.ptr != end)
    return std::nullopt;
  return claim;
}

std::string string_to_sign_v2(const net::Request& request, std::string_view bucket) {
  const auto all = parameters(request.query());
  std::map<std::string, std::string> amz;
  for (const auto& header : request.headers) {
    std::string name = lower(header.name);
    if (!name.starts_with("x-amz-")) continue;
    auto& value = amz[std::move(name)];
    if (!value.empty()) value += ',';
    value += trimmed(header.value);
  }
  for (const auto& parameter : all)
    if (parameter.name.starts_with("x-amz-")) amz.emplace(parameter.name, parameter.value.value_or(""));

  std::string text = request.method + "\n";
  text += header_or_parameter(request, all, "content-md5") + "\n";
  text += header_or_parameter(request, all, "content-type") + "\n";
  text += value_of(all, "Expires").value_or("") + "\n";
  for (const auto& [name, value] : amz) text.append(name).append(":").append(value).append("\n");
  if (!bucket.empty()) text.append("/").append(bucket);
  text += request.path();

  std::map<std::string, std::optional<std::string>> chosen;
  for (const auto& parameter : all)
    if (std::ranges::binary_search(kSigned, parameter.name)) chosen.emplace(parameter.name, parameter.value);
  char mark = '?';
  for (const auto& [name, value] : chosen) {
    text += mark + name;
    if (value) text += "=" + *value;
    mark = '&';
  }
  return text;
}

std::string signature_v2(std::string_view secret, std::string_view text) {
  constexpr std::size_t kBlock = 64;
  Bytes key(as_bytes(secret).begin(), as_bytes(secret).end());
  if (key.size() > kBlock) {
    Digest digest(Digest::Kind::Sha1);
    digest.update(key);
    key = digest.finish();
  }
  key.resize(kBlock);
  const auto padded = [&](std::uint8_t with) {
    Bytes out = key;
    for (auto& byte : out) byte ^= with;
    return out;
  };
  Digest inner(Digest::Kind::Sha1);
  inner.update(padded(0x36));
  inner.update(as_bytes(text));
  Digest outer(Digest::Kind::Sha1);
  outer.update(padded(0x5c));
  outer.update(inner.finish());
  return to_base64(outer.finish());
}

}  // namespace likeness::aws
