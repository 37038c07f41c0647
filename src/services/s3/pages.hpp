#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/s3/common.hpp"

/// What no operation of the model is: HTML forms, preflights, websites.
namespace likeness::s3 {

/// What a request is about, from Host and path. Percent-encoding is undone.
struct Address {
  std::string bucket;
  std::string key;
  bool website = false;
};
Address address_of(const State& state, const net::Request& request);

std::string xml_escaped(std::string_view text);
/// An error in S3's XML.
net::Response error_page(int status, std::string_view code, std::string_view message, std::string_view request_id,
                         const std::vector<std::pair<std::string, std::string>>& elements = {});
/// The same from an error of the rules.
net::Response error_page(Error error, const std::string& bucket, const std::string& key, std::string_view request_id);

/// A file that a browser's form sends to a bucket (multipart/form-data with a signed policy).
net::Response take_form(State& state, const aws::RequestContext& context, const net::Request& request,
                        const std::string& bucket);
/// A page of a bucket's website.
net::Response show_website(State& state, const aws::RequestContext& context, const net::Request& request,
                           const Address& address);

}  // namespace likeness::s3
