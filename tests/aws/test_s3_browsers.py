"""What browsers do without an SDK: upload by form, ask before they send (CORS)."""

import base64
import json
import urllib.parse
import uuid
import xml.etree.ElementTree as xml

import pytest
from botocore.config import Config

from s3_tools import body_of, send

ORIGIN = "https://photos.example.com"


# -- forms


def post_form(server, path, fields, content, filename="photo.jpg"):
    boundary = uuid.uuid4().hex
    body = b""
    for name, value in fields.items():
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    body += (f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
             f"Content-Type: image/jpeg\r\n\r\n").encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return send(server, "POST", path, {"Content-Type": f"multipart/form-data; boundary={boundary}"}, body)


def code_of(body):
    return xml.fromstring(body).findtext("Code")


@pytest.mark.parametrize("version", ["s3", "s3v4"])
@pytest.mark.parametrize("size", [0, 10, 300_000, 3_000_000])
def test_a_signed_form_uploads(server, s3, bucket, size, version):
    content = bytes(i % 251 for i in range(size))
    form = server.client("s3", config=Config(signature_version=version)).generate_presigned_post(bucket, "up/${filename}", Fields={"Content-Type": "image/jpeg"},
                                      Conditions=[{"Content-Type": "image/jpeg"},
                                                  ["content-length-range", 0, 4_000_000]])
    status, headers, body = post_form(server, urllib.parse.urlsplit(form["url"]).path, form["fields"], content)
    assert (status, body) == (204, b"")
    got = s3.get_object(Bucket=bucket, Key="up/photo.jpg")
    assert body_of(got) == content and got["ContentType"] == "image/jpeg"
    assert headers["ETag"] == got["ETag"]


def test_a_form_says_how_it_wants_to_be_answered(server, s3, bucket):
    def post(**fields):
        form = s3.generate_presigned_post(bucket, "a", Fields=dict(fields), Conditions=[fields])
        return post_form(server, f"/{bucket}", form["fields"], b"x")

    status, _, body = post(success_action_status="201")
    assert status == 201
    answer = xml.fromstring(body)
    assert (answer.findtext("Bucket"), answer.findtext("Key")) == (bucket, "a")
    assert post(success_action_status="200")[0] == 200
    status, headers, _ = post(success_action_redirect="https://example.com/done?x=1")
    assert status == 303
    assert headers["Location"].startswith(f"https://example.com/done?x=1&bucket={bucket}&key=a&etag=")


def test_a_form_is_held_to_its_policy(server, s3, bucket, refused):
    form = s3.generate_presigned_post(bucket, "user/1/${filename}", Conditions=[["content-length-range", 2, 10]])

    def code(content=b"12345", **changed):
        return code_of(post_form(server, f"/{bucket}", form["fields"] | changed, content)[2])

    assert code(content=b"1") == "EntityTooSmall"
    assert code(content=b"x" * 11) == "EntityTooLarge"
    assert code(key="user/2/photo") == "AccessDenied"
    assert code(acl="public-read") == "AccessDenied"
    assert code(signature="AAAA") == "SignatureDoesNotMatch"
    loose = base64.b64encode(json.dumps({"expiration": "2099-01-01T00:00:00Z", "conditions": []}).encode()).decode()
    assert code(policy=loose) == "SignatureDoesNotMatch"
    unsigned = {"key": "by nobody"}
    assert code_of(post_form(server, f"/{bucket}", unsigned, b"x")[2]) == "AccessDenied"
    expired = s3.generate_presigned_post(bucket, "a", ExpiresIn=-10)
    assert code_of(post_form(server, f"/{bucket}", expired["fields"], b"x")[2]) == "AccessDenied"
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_what_is_no_form_is_refused(server, bucket):
    status, _, body = send(server, "POST", f"/{bucket}", {"Content-Type": "multipart/form-data; boundary=X"}, b"nonsense")
    assert (status, code_of(body)) == (400, "MalformedPOSTRequest")
    status, _, body = send(server, "POST", f"/{bucket}", {"Content-Type": "multipart/form-data; boundary=X"},
                           b"--X\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na\r\n--X--\r\n")
    assert (status, code_of(body)) == (400, "InvalidArgument")


# -- CORS


@pytest.fixture
def web_bucket(s3, bucket):
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [
        {"AllowedMethods": ["PUT", "GET"], "AllowedOrigins": ["https://*.example.com"], "AllowedHeaders": ["x-amz-*"],
         "ExposeHeaders": ["ETag", "x-amz-version-id"], "MaxAgeSeconds": 60},
        {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]})
    return bucket


def preflight(server, bucket, origin, method, headers=None):
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = headers
    return send(server, "OPTIONS", f"/{bucket}/a", asked)


def test_a_preflight_is_answered_by_the_rules(server, web_bucket):
    status, headers, _ = preflight(server, web_bucket, ORIGIN, "PUT", "x-amz-date, X-Amz-Meta-A")
    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    assert headers["Access-Control-Allow-Methods"] == "PUT, GET"
    assert headers["Access-Control-Max-Age"] == "60"
    assert "x-amz-date" in headers["Access-Control-Allow-Headers"]
    assert headers["Access-Control-Allow-Credentials"] == "true"
    status, headers, _ = preflight(server, web_bucket, "https://elsewhere.org", "GET")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "*")
    for origin, method, asked in ((ORIGIN, "DELETE", None), ("https://elsewhere.org", "PUT", None),
                                  (ORIGIN, "PUT", "content-type")):
        status, headers, body = preflight(server, web_bucket, origin, method, asked)
        assert (status, code_of(body)) == (403, "AccessForbidden")
        assert "Access-Control-Allow-Origin" not in headers


def test_a_preflight_without_rules_is_refused(server, bucket):
    status, _, body = preflight(server, bucket, ORIGIN, "GET")
    assert status == 403 and b"CORS is not enabled for this bucket" in body


def test_answers_carry_the_headers(server, s3, web_bucket):
    s3.put_object(Bucket=web_bucket, Key="a", Body=b"x")
    url = urllib.parse.urlsplit(s3.generate_presigned_url("get_object", Params={"Bucket": web_bucket, "Key": "a"}))
    status, headers, body = send(server, "GET", f"{url.path}?{url.query}", {"Origin": ORIGIN})
    assert (status, body) == (200, b"x")
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    assert headers["Access-Control-Expose-Headers"] == "ETag, x-amz-version-id"
    status, headers, _ = send(server, "GET", f"/{web_bucket}/a", {"Origin": ORIGIN})  # errors, too
    assert (status, headers["Access-Control-Allow-Origin"]) == (403, ORIGIN)
    assert "Access-Control-Allow-Origin" not in send(server, "GET", f"/{web_bucket}/a")[1]
