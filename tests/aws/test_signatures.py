"""Signatures that are wrong, late or out of place: refused in the words of each protocol."""

import datetime
import http.client
import pathlib
import re
import subprocess
import time
import urllib.parse

import botocore.auth
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

FORM = "application/x-www-form-urlencoded; charset=utf-8"
REKOGNITION = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "RekognitionService.ListCollections"}
TABLES = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.ListTables"}
JSON = ("rekognition", "dynamodb")
# service: method, path, headers, body, what a good answer holds
CALLS = {
    "rekognition": ("POST", "/", REKOGNITION, "{}", "CollectionIds"),
    "dynamodb": ("POST", "/", TABLES, "{}", "TableNames"),
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


def per_protocol(service, *, json, query, s3):
    return json if service in JSON else s3 if service == "s3" else query


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
    expect(answer, (400, "InvalidSignatureException", text) if service in JSON
           else (403, "SignatureDoesNotMatch", text))


@SERVICES
def test_an_unknown_key_is_refused(server, service):
    answer = send(server, *signed(server, service, credentials=("AKIAUNKNOWNUNKNOWN00", "secret")))
    unknown = "The security token included in the request is invalid."
    expect(answer, per_protocol(service, json=(400, "UnrecognizedClientException", unknown), query=(403, "InvalidClientTokenId", unknown),
                                s3=(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")))


@SERVICES
def test_a_token_that_is_not_ours_is_refused(server, service):
    answer = send(server, *signed(server, service, credentials=("ASIAUNKNOWNUNKNOWN00", "secret", "bm8gdG9rZW4=")))
    unknown = "The security token included in the request is invalid."
    expect(answer, per_protocol(service, json=(400, "UnrecognizedClientException", unknown), query=(403, "InvalidClientTokenId", unknown),
                                s3=(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")))


@pytest.mark.parametrize("service", ["rekognition", "dynamodb", "sts", "iam"])
def test_no_signature_is_refused(server, service):
    method, path, headers, body, _ = CALLS[service]
    expect(send(server, method, path, headers, body),
           (400, "MissingAuthenticationTokenException") if service in JSON else (403, "MissingAuthenticationToken"))


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
           per_protocol(service, json=(400, "InvalidSignatureException", text), query=(403, "SignatureDoesNotMatch", text),
                                s3=(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")))


@SERVICES
def test_a_clock_within_a_quarter_of_an_hour_is_taken(server, service):
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=14)
    assert send(server, *signed(server, service, at=at))[0] == 200


@SERVICES
def test_a_scope_of_another_region_is_refused(server, service):
    answer = send(server, *signed(server, service, region="eu-west-1"))
    text = "Credential should be scoped to a valid region"
    expect(answer, per_protocol(service, json=(400, "InvalidSignatureException", text), query=(403, "SignatureDoesNotMatch", text),
                                s3=(400, "AuthorizationHeaderMalformed")))


@pytest.mark.parametrize("service", ["iam", "sts"])
def test_services_without_regions_take_the_global_scope(server, service):
    """As the SDK for Java signs them."""
    assert send(server, *signed(server, service, region="aws-global"))[0] == 200


def test_a_scope_of_another_service_is_refused(server):
    method, path, headers, body = signed(server, "rekognition", scope="kinesis")
    expect(send(server, method, path, headers, body),
           (400, "InvalidSignatureException", "Credential should be scoped to correct service: 'rekognition'."))


@pytest.mark.parametrize("service", ["rekognition", "dynamodb", "sts", "iam"])
def test_a_tampered_body_is_refused(server, service):
    method, path, headers, body = signed(server, service)
    answer = send(server, method, path, headers, body.replace("Version", "X=1&Version").replace("{}", '{"MaxResults":1}'))
    expect(answer, (400, "InvalidSignatureException") if service in JSON else (403, "SignatureDoesNotMatch"))


@pytest.mark.parametrize("error,changed", [
    ("MissingAuthenticationTokenException\",\"message\":\"Request is missing Authentication Token", {"Authorization": None}),
    ("IncompleteSignatureException", {"Authorization": "AWS4-HMAC-SHA256 Credential=A/B"}),
    ("InvalidSignatureException", {"X-Amz-Target": "DynamoDB_20120810.DescribeLimits"}),
    ("UnrecognizedClientException", {"X-Amz-Security-Token": "bm8gdG9rZW4="}),
])
def test_dynamodb_says_that_such_errors_are_the_framework_s(server, error, changed):
    """As JSON 1.0 services do; SDKs take the prefix off."""
    method, path, headers, body = signed(server, "dynamodb")
    headers = {name: value for name, value in (headers | changed).items() if value is not None}
    status, _, _, text = send(server, method, path, headers, body)
    assert status == 400 and text.startswith('{"__type":"com.amazon.coral.service#' + error), text


def test_dynamodb_qualifies_no_error_of_its_model(server):
    call = signed(server, "dynamodb")
    for target, body, start in (("GetItem", '{"TableName":"none-such","Key":{"a":{"S":"b"}}}', '{"__type":"ResourceNotFoundException"'),
                                ("GetItem", "{}", '{"__type":"com.amazon.coral.validate#ValidationException"')):
        method, path, headers, _ = call
        request = AWSRequest(method, server.endpoint + path, data=body,
                             headers={"Content-Type": headers["Content-Type"], "X-Amz-Target": "DynamoDB_20120810." + target})
        SigV4Auth(Credentials(*server.credentials), "dynamodb", "us-east-1").add_auth(request)
        status, _, _, text = send(server, method, path, dict(request.headers), body)
        assert status == 400 and text.startswith(start), text


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
           (400, "InvalidSignatureException") if service in JSON else (403, "SignatureDoesNotMatch"))


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


@pytest.fixture(scope="module")
def expired_session(tmp_path_factory):
    """A server whose clock has moved on by an hour, and credentials of a session of a quarter of an hour, good before."""
    from likeness_server import Server

    folder = tmp_path_factory.mktemp("expired")
    library = folder / "moved_clock.so"
    source = pathlib.Path(__file__).with_name("moved_clock.c")
    subprocess.run(["clang-19", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    now = Server(folder)
    sts = now.client("sts")
    session = sts.get_session_token(DurationSeconds=900)["Credentials"]
    session = session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"]
    assert send(now, *signed(now, "dynamodb", credentials=session))[0] == 200
    now.stop()
    later = Server(folder, env={"LD_PRELOAD": str(library), "MOVED_CLOCK": "3600"})
    yield later, session, datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    later.stop()


@SERVICES
def test_a_session_that_has_expired_is_refused(expired_session, service):
    server, session, at = expired_session
    assert send(server, *signed(server, service, at=at))[0] == 200, "the clock is moved, and long-lived keys go on"
    text = "The security token included in the request is expired"
    expect(send(server, *signed(server, service, credentials=session, at=at)),
           per_protocol(service, json=(400, "ExpiredTokenException", text), query=(403, "ExpiredToken", text),
                        s3=(400, "ExpiredToken", "The provided token has expired.")))
