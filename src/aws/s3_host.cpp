#include "aws/s3_host.hpp"

namespace likeness::aws {
namespace {

/// Without the port, in lower case, without a final dot.
std::string name_of(std::string_view host) {
  if (host.starts_with('[')) return {};  // an IPv6 address
  host = host.substr(0, host.find(':'));
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string out(host);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

struct Endpoint {
  bool is_s3 = false;
  bool website = false;
};

/// Of the labels between bucket and domain: "s3", "s3.eu-west-1", "s3-eu-west-1", "s3.dualstack.eu-west-1",
/// "s3-accelerate", "s3-website.eu-west-1", "s3-website-eu-west-1".
Endpoint endpoint_of(std::string_view labels) {
  const auto first = labels.substr(0, labels.find('.'));
  if (first == "s3-website" || first.starts_with("s3-website-")) return {true, true};
  return {first == "s3" || first.starts_with("s3-"), false};
}

/// Of "BUCKET.ENDPOINT" or "ENDPOINT", where the bucket may hold dots and, as "s3.logs", even look like an endpoint:
/// the endpoint is the shortest end that looks like one, and has at most three labels.
std::optional<S3Host> split(std::string_view text) {
  std::size_t at = text.size();
  for (int labels = 0; labels < 3; ++labels) {
    const auto dot = at == 0 ? std::string_view::npos : text.rfind('.', at - 1);
    const auto start = dot == std::string_view::npos ? 0 : dot + 1;
    if (const auto endpoint = endpoint_of(text.substr(start)); endpoint.is_s3)
      return S3Host{std::string(start == 0 ? std::string_view() : text.substr(0, dot)), endpoint.website};
    if (start == 0) break;
    at = dot;
  }
  return std::nullopt;
}

}  // namespace

S3Host parse_s3_host(std::string_view host, const std::vector<std::string>& domains) {
  const std::string name = name_of(host);
  const auto before = [&](std::string_view domain) -> std::optional<std::string_view> {
    if (name.size() <= domain.size() + 1 || !name.ends_with(domain) || name[name.size() - domain.size() - 1] != '.')
      return std::nullopt;
    return std::string_view(name).substr(0, name.size() - domain.size() - 1);
  };
  for (const std::string_view domain : {"amazonaws.com", "amazonaws.com.cn"})
    if (const auto rest = before(domain)) return split(*rest).value_or(S3Host{});
  for (const auto& domain : domains) {
    const auto rest = before(domain);
    if (!rest) continue;
    if (auto found = split(*rest)) return *found;
    return {std::string(*rest), false};
  }
  return {};
}

}  // namespace likeness::aws
