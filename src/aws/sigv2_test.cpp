#include "aws/sigv2.hpp"

#include <gtest/gtest.h>

namespace likeness::aws {
namespace {

// The examples of the User Guide, "Signing and authenticating REST requests (AWS Signature Version 2)".
constexpr const char* kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

TEST(SignatureV2, OfAUrl) {
  net::Request request{.method = "GET",
                       .target =
                           "/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature="
                           "NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620"};
  request.headers.add("Host", "johnsmith.s3.amazonaws.com");
  const auto claim = read_url_claim_v2(request);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->access_key_id, "AKIAIOSFODNN7EXAMPLE");
  EXPECT_EQ(claim->expires, 1175139620);
  EXPECT_EQ(string_to_sign_v2(request, "johnsmith"), "GET\n\n\n1175139620\n/johnsmith/photos/puppy.jpg");
  EXPECT_EQ(signature_v2(kSecret, string_to_sign_v2(request, "johnsmith")), claim->signature);
}

TEST(SignatureV2, HeadersAndWhatARequestIsAbout) {
  net::Request request{.method = "PUT",
                       .target =
                           "/b/k%20y?uploadId=a%2Bb&partNumber=2&other=1&AWSAccessKeyId=A&Expires=7&Signature=x"
                           "&x-amz-security-token=t"};
  request.headers.add("Content-Type", "text/plain");
  request.headers.add("X-Amz-Meta-B", " two ");
  request.headers.add("x-amz-meta-a", "1");
  request.headers.add("x-amz-meta-b", "three");
  EXPECT_EQ(string_to_sign_v2(request, ""),
            "PUT\n\ntext/plain\n7\nx-amz-meta-a:1\nx-amz-meta-b:two,three\nx-amz-security-token:t\n"
            "/b/k%20y?partNumber=2&uploadId=a+b");
}

TEST(SignatureV2, WhatIsNotWholeIsNone) {
  for (const char* target :
       {"/b/k", "/b/k?AWSAccessKeyId=A&Signature=x", "/b/k?AWSAccessKeyId=A&Signature=x&Expires=1h",
        "/b/k?AWSAccessKeyId=A&Signature=&Expires=1"})
    EXPECT_FALSE(read_url_claim_v2(net::Request{.method = "GET", .target = target})) << target;
}

}  // namespace
}  // namespace likeness::aws
