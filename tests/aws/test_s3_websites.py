"""Static websites, as browsers see them."""

import json

import pytest

from s3_tools import send


@pytest.fixture
def site(server, s3, bucket):
    """Asks a website for a page: site(path) -> (status, headers, body)."""
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"],
         "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}]}))
    for key in ("index.html", "docs/index.html", "error.html"):
        s3.put_object(Bucket=bucket, Key=key, Body=f"<h1>{key}</h1>".encode(), ContentType="text/html")
    s3.put_object(Bucket=bucket, Key="moved", Body=b"", WebsiteRedirectLocation="/docs/")
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={
        "IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"},
        "RoutingRules": [{"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "docs/"}}]})
    return lambda path, **options: send(server, options.pop("method", "GET"), path,
                                        host=f"{bucket}.s3-website.localhost", **options)


def test_a_website_shows_its_pages(site):
    status, headers, body = site("/")
    assert (status, headers["Content-Type"], body) == (200, "text/html", b"<h1>index.html</h1>")
    assert site("/docs/")[2] == b"<h1>docs/index.html</h1>"
    status, headers, _ = site("/docs")
    assert (status, headers["Location"]) == (302, "/docs/")
    status, _, body = site("/missing")
    assert (status, body) == (404, b"<h1>error.html</h1>")
    status, headers, _ = site("/moved")
    assert (status, headers["Location"]) == (301, "/docs/")
    status, headers, _ = site("/old/a%20b")
    assert status == 301 and headers["Location"].endswith("/docs/a%20b")
    etag = site("/")[1]["ETag"]
    assert site("/", headers={"If-None-Match": etag})[0] == 304
    assert site("/", method="HEAD")[::2] == (200, b"")
    assert site("/", method="DELETE")[0] == 405


def test_a_website_needs_its_configuration(server, bucket):
    status, _, body = send(server, "GET", "/", host=f"{bucket}.s3-website.localhost")
    assert status == 404 and b"NoSuchWebsiteConfiguration" in body


def test_a_website_may_send_all_elsewhere(server, s3, bucket):
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={
        "RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}})
    status, headers, _ = send(server, "GET", "/a/b", host=f"{bucket}.s3-website.localhost")
    assert (status, headers["Location"]) == (301, "https://example.com/a/b")
