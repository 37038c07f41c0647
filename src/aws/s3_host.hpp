#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace likeness::aws {

/// What a Host header says to S3.
struct S3Host {
  std::string bucket;    // empty: the bucket is in the path
  bool website = false;  // of the static website, not of the API
};

/// `domains` are those under which this server answers besides amazonaws.com: with "localhost" among them
/// "photos.s3.localhost:4600", "photos.s3.eu-west-1.localhost" and "photos.localhost" name the bucket "photos";
/// "photos.s3-website.localhost" its website. Hosts below none of them name no bucket.
S3Host parse_s3_host(std::string_view host, const std::vector<std::string>& domains);

}  // namespace likeness::aws
