"""Signatures that are wrong, late or out of place: refused in the words of each protocol."""

import datetime
import http.client
import re
import time
import urllib.parse

import botocore.auth
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

FORM = "application/x-www-form-urlencoded; charset=utf-8"
REKOGNITION = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "RekognitionService.ListCollections"}
# service: method, path, headers, body, what a good answer holds
CALLS = {
    "rekognition": ("POST", "/", REKOGNITION, "{}", "CollectionIds"),
    "sts": ("POST", "/", {"Content-Type": FORM}, "Action=GetCallerIdentity&Version=2011-06-15", "GetCallerIdentityResult"),
    "iam": ("POST", "/", {"Content-Type": FORM}, "Action=ListUsers&Version=2010-05-08", "ListUsersResult"),
    "s3": ("GET", "/", {}, "", "ListAllMyBucketsResult"),
}
SERVICES = pytest.mark.parametrize("service", CALLS)


def signed(server, service, *, credentials=None, scope=None, region="us-east-1", at=None, expires=None):
    """A call of the service, signed: [method, path, headers, body]. With `expires` in the query, else in a header."""
    method, path, headers, body, _ = CALLS[service]
    if expires is not None and service == "sts":
        method, path, headers, body = "GET", "/?" + body, {}, ""
    request = AWSRequest(method, server.endpoint + path, data=body, headers=dict(headers))
    credentials = Credentials(*(credentials or server.credentials))
    if expires is None:
        signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(credentials, scope or service, region)
    else:
        signer = (S3SigV4QueryAuth if service == "s3" else SigV4QueryAuth)(credentials, scope or service, region, expires)
    now = botocore.auth.get_current_datetime
    if at is not None:
        botocore.auth.get_current_datetime = lambda *_, **__: at
    try:
        signer.add_auth(request)
    finally:
        botocore.auth.get_current_datetime = now
    parts = urllib.parse.urlsplit(request.url)
    return [method, parts.path + ("?" + parts.query if parts.query else ""), dict(request.headers), body]


def send(server, method, path, headers, body):
    """(status, code, message, text) of the answer."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    connection.request(method, path, body or None, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    code = re.search(r"<Code>([^<]*)</Code>|\"__type\":\"(?:[^\"#]*#)?([^\"]*)\"", text)
    message = re.search(r"<Message>([^<]*)</Message>|\"[mM]essage\":\"([^\"]*)\"", text)
    found = [next((part for part in match.groups() if part is not None), None) if match else None
             for match in (code, message)]
    return answer.status, *found, text


def expect(answer, expected):
    status, code, message, text = answer
    assert (status, code) == expected[:2], text
    if len(expected) > 2:
        assert expected[2] in message, text


@SERVICES
def test_a_good_signature_is_taken(server, service):
    status, _, _, text = send(server, *signed(server, service))
    assert status == 200 and CALLS[service][4] in text


@SERVICES
def test_a_wrong_secret_is_refused(server, service):
    answer = send(server, *signed(server, service, credentials=(server.credentials[0], "wrong")))
    text = "The request signature we calculated does not match the signature you provided."
    expect(answer, (400, "InvalidSignatureException", text) if service == "rekognition"
           else (403, "SignatureDoesNotMatch", text))


@SERVICES
def test_an_unknown_key_is_refused(server, service):
    answer = send(server, *signed(server, service, credentials=("AKIAUNKNOWNUNKNOWN00", "secret")))
    unknown = "The security token included in the request is invalid."
    expect(answer, {"rekognition": (400, "UnrecognizedClientException", unknown),
                    "s3": (403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
                    }.get(service, (403, "InvalidClientTokenId", unknown)))


@SERVICES
def test_a_token_that_is_not_ours_is_refused(server, service):
    answer = send(server, *signed(server, service, credentials=("ASIAUNKNOWNUNKNOWN00", "secret", "bm8gdG9rZW4=")))
    unknown = "The security token included in the request is invalid."
    expect(answer, {"rekognition": (400, "UnrecognizedClientException", unknown),
                    "s3": (400, "InvalidToken", "The provided token is malformed or otherwise invalid."),
                    }.get(service, (403, "InvalidClientTokenId", unknown)))


@pytest.mark.parametrize("service", ["rekognition", "sts", "iam"])
def test_no_signature_is_refused(server, service):
    method, path, headers, body, _ = CALLS[service]
    expect(send(server, method, path, headers, body),
           (400, "MissingAuthenticationTokenException") if service == "rekognition" else (403, "MissingAuthenticationToken"))


def test_without_a_signature_a_bucket_is_private(server):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="unsigned")
    s3.put_object(Bucket="unsigned", Key="a", Body=b"x")
    for path in ("/unsigned", "/unsigned/a", "/unsigned/none"):
        expect(send(server, "GET", path, {}, ""), (403, "AccessDenied", "Access Denied"))
    s3.delete_object(Bucket="unsigned", Key="a")
    s3.delete_bucket(Bucket="unsigned")


@SERVICES
@pytest.mark.parametrize("minutes,text", [(-20, "Signature expired: "), (20, "Signature not yet current: ")])
def test_a_clock_that_is_wrong_is_refused(server, service, minutes, text):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    expect(send(server, *signed(server, service, at=at)),
           {"rekognition": (400, "InvalidSignatureException", text),
            "s3": (403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."),
            }.get(service, (403, "SignatureDoesNotMatch", text)))


@SERVICES
def test_a_clock_within_a_quarter_of_an_hour_is_taken(server, service):
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=14)
    assert send(server, *signed(server, service, at=at))[0] == 200


@SERVICES
def test_a_scope_of_another_region_is_refused(server, service):
    answer = send(server, *signed(server, service, region="eu-west-1"))
    text = "Credential should be scoped to a valid region"
    expect(answer, {"rekognition": (400, "InvalidSignatureException", text),
                    "s3": (400, "AuthorizationHeaderMalformed"),
                    }.get(service, (403, "SignatureDoesNotMatch", text)))


@pytest.mark.parametrize("service", ["iam", "sts"])
def test_services_without_regions_take_the_global_scope(server, service):
    """As the SDK for Java signs them."""
    assert send(server, *signed(server, service, region="aws-global"))[0] == 200


def test_a_scope_of_another_service_is_refused(server):
    method, path, headers, body = signed(server, "rekognition", scope="kinesis")
    expect(send(server, method, path, headers, body),
           (400, "InvalidSignatureException", "Credential should be scoped to correct service: 'rekognition'."))


@pytest.mark.parametrize("service", ["rekognition", "sts", "iam"])
def test_a_tampered_body_is_refused(server, service):
    method, path, headers, body = signed(server, service)
    answer = send(server, method, path, headers, body.replace("Version", "X=1&Version").replace("{}", '{"MaxResults":1}'))
    expect(answer, (400, "InvalidSignatureException") if service == "rekognition" else (403, "SignatureDoesNotMatch"))


def test_a_tampered_object_is_refused_and_not_kept(server):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="tampered")
    request = AWSRequest("PUT", server.endpoint + "/tampered/a.txt", data=b"good", headers={})
    S3SigV4Auth(Credentials(*server.credentials), "s3", "us-east-1").add_auth(request)
    expect(send(server, "PUT", "/tampered/a.txt", dict(request.headers), b"evil"), (400, "XAmzContentSHA256Mismatch"))
    assert s3.list_objects_v2(Bucket="tampered")["KeyCount"] == 0
    s3.delete_bucket(Bucket="tampered")


@SERVICES
def test_a_header_that_was_signed_and_changed_is_refused(server, service):
    method, path, headers, body = signed(server, service)
    date = datetime.datetime.strptime(headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ") + datetime.timedelta(seconds=1)
    headers["X-Amz-Date"] = date.strftime("%Y%m%dT%H%M%SZ")
    expect(send(server, method, path, headers, body),
           (400, "InvalidSignatureException") if service == "rekognition" else (403, "SignatureDoesNotMatch"))


@pytest.mark.parametrize("service", ["sts", "s3"])
def test_a_presigned_url_ends_when_it_expires(server, service):
    call = signed(server, service, expires=3)
    status, _, _, text = send(server, *call)
    assert status == 200 and CALLS[service][4] in text
    time.sleep(4.1)
    expect(send(server, *call), (403, "AccessDenied", "Request has expired") if service == "s3"
           else (403, "SignatureDoesNotMatch", "Signature expired"))


@pytest.mark.parametrize("service", ["sts", "s3"])
def test_a_presigned_url_that_was_changed_is_refused(server, service):
    method, path, headers, body = signed(server, service, expires=300)
    for changed in (path.replace("X-Amz-Expires=300", "X-Amz-Expires=3000"), path + "&more=1"):
        expect(send(server, method, changed, headers, body), (403, "SignatureDoesNotMatch"))
