"""Bodies of S3 that are not what they say: each is refused with S3's code, and nothing changes."""

import base64
import gzip
import hashlib
import http.client
import json
import pathlib
import re
import socket
import time
import zlib

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

EMPTY = hashlib.sha256(b"").hexdigest()
BUCKET = "bad-bodies"


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A server that loses patience quickly, so that the tests need not wait long."""
    from likeness_server import Server
    running = Server(tmp_path_factory.mktemp("strict"),
                     set=["head_timeout=700ms", "body_grace=700ms", "max_request_body=8MiB"])
    running.client("s3").create_bucket(Bucket=BUCKET)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def s3(strict):
    return strict.client("s3")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        found = re.search(rb"<Code>(\w+)</Code>", body)
        self.code = found[1].decode() if found else None


class Signed:
    """Signs a head as S3's clients do and sends it with whatever body."""

    def __init__(self, server):
        self.server = server

    def head(self, method, path, headers, payload):
        request = AWSRequest(method, self.server.endpoint + path, data=b"",
                             headers={"Host": f"{self.server.host}:{self.server.port}"} | headers)
        signer = S3SigV4Auth(Credentials(*self.server.credentials), "s3", "us-east-1")
        signer.payload = lambda _: payload
        signer._should_sha256_sign_payload = lambda _: True
        signer.add_auth(request)
        request.headers.replace_header("X-Amz-Content-SHA256", payload)
        return dict(request.headers.items())

    def send(self, method, path, body, headers=None, payload=None, length=None):
        payload = hashlib.sha256(body).hexdigest() if payload is None else payload
        sent = self.head(method, path, headers or {}, payload)
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=30)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body) if length is None else length))
        connection.endheaders()
        try:
            connection.send(body)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())


@pytest.fixture(scope="module")
def raw(strict):
    return Signed(strict)


@pytest.fixture
def unchanged(s3):
    """The bucket is the same after the test."""
    def look():
        objects = s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        uploads = s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        return [(one["Key"], one["ETag"]) for one in objects], len(uploads)
    before = look()
    yield
    assert look() == before


def md5(body):
    return base64.b64encode(hashlib.md5(body).digest()).decode()


def crc32(body):
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


def test_the_helper_signs_well(raw, s3):
    assert raw.send("PUT", f"/{BUCKET}/good", b"hello", {"Content-MD5": md5(b"hello")}).status == 200
    assert s3.get_object(Bucket=BUCKET, Key="good")["Body"].read() == b"hello"
    assert raw.send("DELETE", f"/{BUCKET}/good", b"").status == 204


# -- what the client says of a body and what it is

@pytest.mark.parametrize("headers,code", [
    ({"Content-MD5": md5(b"other")}, "BadDigest"),
    ({"Content-MD5": "no base64!"}, "InvalidDigest"),
    ({"Content-MD5": "QUJD"}, "InvalidDigest"),
    ({"x-amz-checksum-crc32": crc32(b"other")}, "BadDigest"),
    ({"x-amz-checksum-sha256": base64.b64encode(bytes(32)).decode()}, "BadDigest"),
    ({"x-amz-checksum-sha1": base64.b64encode(bytes(20)).decode()}, "BadDigest"),
    ({"x-amz-checksum-crc64nvme": base64.b64encode(bytes(8)).decode()}, "BadDigest"),
    ({"x-amz-checksum-crc32": "no base64!"}, "InvalidRequest"),
])
def test_an_object_that_is_not_its_digest_is_not_stored(raw, unchanged, headers, code):
    for body in (b"hello", b"x" * 1_000_000):  # held, and while it arrives
        answer = raw.send("PUT", f"/{BUCKET}/digest", body, headers)
        assert (answer.status, answer.code) == (400, code), answer.body


@pytest.mark.parametrize("size", [5, 1_000_000])
def test_a_body_that_is_not_the_hash_that_was_signed(raw, unchanged, size):
    answer = raw.send("PUT", f"/{BUCKET}/hash", b"x" * size, payload=hashlib.sha256(b"other").hexdigest())
    assert (answer.status, answer.code) == (400, "XAmzContentSHA256Mismatch")


def chunked(*chunks, trailer=b""):
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in chunks) + b"0\r\n" + trailer + b"\r\n"


GOOD = chunked(b"hel", b"lo", trailer=b"x-amz-checksum-crc32:" + crc32(b"hello").encode() + b"\r\n")


@pytest.mark.parametrize("name,body,decoded,code", [
    ("longer than it said", GOOD, 4, "IncompleteBody"),
    ("shorter than it said", GOOD, 6, "IncompleteBody"),
    ("cut in a chunk", GOOD[:5], 5, "IncompleteBody"),
    ("cut before its end", GOOD[:13], 5, "IncompleteBody"),
    ("no chunks at all", b"hello", 5, "IncompleteBody"),
    ("a line that is no chunk", b"hello\r\n", 5, "InvalidRequest"),
    ("a size that is no number", b"zz\r\nhello\r\n0\r\n\r\n", 5, "InvalidRequest"),
    ("a size beyond all bounds", b"ffffffffffffffffff\r\nhello\r\n0\r\n\r\n", 5, "InvalidRequest"),
    ("no line end behind a chunk", b"5\r\nhelloXX0\r\n\r\n", 5, "InvalidRequest"),
    ("a line without end", b"5;" + b"x" * 5000, 5, "InvalidRequest"),
    ("no trailer", chunked(b"hello"), 5, "MalformedTrailerError"),
    ("another trailer", chunked(b"hello", trailer=b"x-amz-checksum-sha1:AAAA\r\n"), 5, "MalformedTrailerError"),
    ("the checksum of something else",
     chunked(b"hello", trailer=b"x-amz-checksum-crc32:" + crc32(b"other").encode() + b"\r\n"), 5, "BadDigest"),
])
def test_broken_chunks_are_refused(raw, unchanged, name, body, decoded, code):
    answer = raw.send("PUT", f"/{BUCKET}/chunks", body,
                      {"Content-Encoding": "aws-chunked", "x-amz-trailer": "x-amz-checksum-crc32",
                       "x-amz-decoded-content-length": str(decoded)}, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    assert (answer.status, answer.code) == (400, code), answer.body


def test_chunks_with_a_wrong_signature_are_refused(raw, unchanged):
    body = b"5;chunk-signature=" + b"0" * 64 + b"\r\nhello\r\n0;chunk-signature=" + b"0" * 64 + b"\r\n\r\n"
    answer = raw.send("PUT", f"/{BUCKET}/signed", body,
                      {"Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": "5"},
                      payload="STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")


# -- documents

TAGGING = f"/{BUCKET}?tagging"


@pytest.mark.parametrize("body", [
    b"<", b"<Tagging>", b"<Tagging></Tag>", b"text", b"{}", b"<Tagging><TagSet></Tagging></TagSet>", b"<Other/>",
    b"<Tagging/><Tagging/>", b"\xff\xfe\x00", b"<Tagging>\x00</Tagging>", b"<Tagging>&nbsp;</Tagging>",
    b"<!DOCTYPE a><Tagging><TagSet/></Tagging>",
    b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><Tagging><TagSet><Tag><Key>&b;</Key></Tag></TagSet></Tagging>',
    b"<Tagging>" + b"<a>" * 100_000, b'<Tagging a="1" a="2"/>', b"<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>",
])
def test_xml_that_is_not_the_document_is_malformed(raw, s3, body):
    answer = raw.send("PUT", TAGGING, body, {"Content-MD5": md5(body)})
    assert (answer.status, answer.code) == (400, "MalformedXML"), answer.body
    with pytest.raises(s3.exceptions.ClientError) as error:
        s3.get_bucket_tagging(Bucket=BUCKET)
    assert error.value.response["Error"]["Code"] == "NoSuchTagSet"


def test_entities_that_multiply_take_neither_memory_nor_time(strict, raw):
    bomb = b"<!DOCTYPE a [<!ENTITY a0 'lol'>" + b"".join(
        b"<!ENTITY a%d '%s'>" % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 12)) + b"]><Tagging>&a11;</Tagging>"
    before, start = memory_mb(strict), time.monotonic()
    answer = raw.send("PUT", TAGGING, bomb, {"Content-MD5": md5(bomb)})
    assert (answer.status, answer.code) == (400, "MalformedXML")
    assert time.monotonic() - start < 2 and memory_mb(strict) < before + 50


def test_an_empty_document_is_missing(raw):
    answer = raw.send("PUT", TAGGING, b"")
    assert (answer.status, answer.code) == (400, "MissingRequestBodyError"), answer.body


def test_a_document_over_the_limit_is_too_large(raw):
    body = b"<Tagging>" + b" " * (9 << 20) + b"</Tagging>"
    answer = raw.send("PUT", TAGGING, body)
    assert answer.status in (400, 413) and answer.code == "EntityTooLarge", answer.body


@pytest.mark.parametrize("path,code", [
    (f"/{BUCKET}?max-keys=many", "InvalidArgument"), (f"/{BUCKET}?list-type=2&max-keys=-1", "InvalidArgument"),
    (f"/{BUCKET}/%zz", "InvalidURI"), (f"/{BUCKET}?encoding-type=rot13", "InvalidArgument"),
])
def test_parameters_that_are_none_are_refused(raw, path, code):
    answer = raw.send("GET", path, b"")
    assert (answer.status, answer.code) == (400, code), answer.body


@pytest.mark.parametrize("method,path", [("PATCH", f"/{BUCKET}/key"), ("PUT", f"/{BUCKET}?no-such-thing=1&uploads"),
                                         ("POST", f"/{BUCKET}/key")])
def test_what_no_operation_answers_is_not_allowed(raw, unchanged, method, path):
    answer = raw.send(method, path, b"")
    assert answer.status in (400, 405, 411, 501) and answer.code, answer.body


# -- clients that stall, lie about lengths or go away

def memory_mb(server):
    for line in pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def open_put(strict, raw, key, announced, sent):
    head = raw.head("PUT", f"/{BUCKET}/{key}", {}, "UNSIGNED-PAYLOAD")
    connection = socket.create_connection((strict.host, strict.port), timeout=30)
    connection.sendall(f"PUT /{BUCKET}/{key} HTTP/1.1\r\n".encode() +
                       b"".join(f"{name}: {value}\r\n".encode() for name, value in head.items()) +
                       f"Content-Length: {announced}\r\n\r\n".encode() + sent)
    return connection


def read_all(connection):
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


@pytest.mark.parametrize("announced", [1000, 50_000_000])
def test_a_body_that_stops_coming_is_a_timeout(strict, raw, unchanged, announced):
    with open_put(strict, raw, "slow", announced, b"x" * 900) as connection:
        answer = read_all(connection)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 408 ")) and b"<Code>RequestTimeout</Code>" in answer, answer


@pytest.mark.parametrize("announced", [1000, 50_000_000])
def test_a_client_that_goes_away_stores_nothing(strict, raw, unchanged, announced):
    open_put(strict, raw, "gone", announced, b"x" * 900).close()
    time.sleep(0.5)


def test_abandoned_uploads_leave_neither_memory_nor_files(strict, raw, s3, unchanged):
    before = memory_mb(strict)
    for _ in range(30):
        open_put(strict, raw, "left", 20_000_000, b"x" * 2_000_000).close()
    deadline = time.monotonic() + 20
    blobs = strict.data / "blobs"
    while time.monotonic() < deadline:
        files = sum(one.stat().st_size for one in blobs.rglob("*") if one.is_file()) if blobs.exists() else 0
        if files < 4_000_000 and memory_mb(strict) < before + 60:
            break
        time.sleep(0.2)
    assert files < 4_000_000 and memory_mb(strict) < before + 60


@pytest.mark.parametrize("payload,body,status,code", [
    ("UNSIGNED-PAYLOAD", b"hello", 501, "NotImplemented"),
    ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", chunked(b"hello"), 411, "MissingContentLength"),
])
def test_an_object_of_unknown_length_is_refused(strict, raw, unchanged, payload, body, status, code):
    head = raw.head("PUT", f"/{BUCKET}/unknown", {}, payload)
    connection = http.client.HTTPConnection(strict.host, strict.port, timeout=30)
    connection.putrequest("PUT", f"/{BUCKET}/unknown", skip_host=True, skip_accept_encoding=True)
    for name, value in head.items():
        connection.putheader(name, value)
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    connection.send(chunked(body))
    answer = connection.getresponse()
    assert answer.status == status and f"<Code>{code}</Code>".encode() in answer.read()


def test_an_object_over_5_gb_is_refused_before_it_is_sent(strict, raw, unchanged):
    with open_put(strict, raw, "huge", 6 << 30, b"x" * 100) as connection:
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 4") and b"<Code>EntityTooLarge</Code>" in answer, answer


def test_headers_over_the_limit_are_refused(raw):
    # Of user metadata S3 takes 2 KB; of a head we take 64 KB.
    answer = raw.send("PUT", f"/{BUCKET}/meta", b"x", {"x-amz-meta-a": "x" * 3000})
    assert (answer.status, answer.code) == (400, "MetadataTooLarge")
    answer = raw.send("PUT", f"/{BUCKET}/meta", b"x", {"x-amz-meta-a": "x" * 100_000})
    assert answer.status in (400, 431)


# -- gzip, of the protocols that have it

def post(server, body, headers):
    request = AWSRequest("POST", server.endpoint + "/", data=body, headers={
        "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "RekognitionService.ListCollections",
        "Host": f"{server.host}:{server.port}"} | headers)
    SigV4Auth(Credentials(*server.credentials), "rekognition", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    connection.request("POST", "/", body, dict(request.headers.items()))
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_a_gzipped_request_is_read(strict):
    assert post(strict, gzip.compress(b'{"MaxResults": 5}'), {"Content-Encoding": "gzip"})[0] == 200
    status, answer = post(strict, gzip.compress(b'{"MaxResults": -1}'), {"Content-Encoding": "gzip"})
    assert status == 400 and answer["__type"].endswith("ValidationException")


def test_gzip_that_is_none_or_too_much_is_refused(strict):
    for body in (b"{}", gzip.compress(b"{}")[:-4]):
        status, answer = post(strict, body, {"Content-Encoding": "gzip"})
        assert status == 400 and answer["__type"].endswith("SerializationException")
    before = memory_mb(strict)
    bomb = gzip.compress(b" " * (1 << 30), compresslevel=9)
    assert len(bomb) < 2 << 20
    status, answer = post(strict, bomb, {"Content-Encoding": "gzip"})
    assert status in (400, 413), answer
    assert memory_mb(strict) < before + 150


# -- the forms of IAM and the JSON of DynamoDB

def call(server, service, body, headers):
    request = AWSRequest("POST", server.endpoint + "/", data=body,
                         headers={"Host": f"{server.host}:{server.port}"} | headers)
    SigV4Auth(Credentials(*server.credentials), service, "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    connection.request("POST", "/", body, dict(request.headers.items()))
    answer = connection.getresponse()
    return Answer(answer.status, answer.headers, answer.read())


@pytest.mark.parametrize("body,code", [
    (b"", "MissingAction"), (b"Action=", "MissingAction"), (b"Version=2010-05-08", "MissingAction"),
    (b"Action=NoSuchThing&Version=2010-05-08", "InvalidAction"), (b"Action=%ff&Version=2010-05-08", "InvalidAction"),
    (b"Action=ListUsers&Version=2010-05-08&MaxItems=many", "MalformedInput"),
    (b"Action=ListUsers&Version=2010-05-08&MaxItems=%zz", "MalformedInput"),
    (b"Action=CreateUser&Version=2010-05-08&UserName=a&UserName=b", "MalformedInput"),
    (b"Action=CreateUser&Version=2010-05-08&UserName=%ff%fe", "MalformedInput"),
    (b"Action=CreateUser&Version=2010-05-08", "ValidationError"),
    (b"Action=CreateUser&Version=2010-05-08&UserName=x&Tags.member.1=a", "ValidationError"),
    (b"Action=ListUsers&Version=2010-05-08" + b"&a=b" * 100_000, "MalformedInput"),
])
def test_forms_that_are_no_input(strict, body, code):
    answer = call(strict, "iam", body, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
    assert (answer.status, answer.code) == (400, code), answer.body
    answer.body.decode()  # what a client sent does not make an answer that cannot be read
    assert strict.client("iam").list_users()["Users"] == []


@pytest.mark.parametrize("operation,body,code", [
    ("ListTables", b"{", "SerializationException"), ("ListTables", b"[]", "SerializationException"),
    ("ListTables", b'{"Limit":"many"}', "SerializationException"),
    ("ListTables", b'{"Limit":1e99}', "SerializationException"),
    ("ListTables", b'{"Limit":-1}', "ValidationException"), ("ListTables", b"\xff\xfe", "SerializationException"),
    ("ListTables", b'{"Limit":5}x', "SerializationException"), ("PutItem", b"[" * 100_000, "SerializationException"),
    ("PutItem", b'{"TableName":"ttt","Item":{"a":{"S":1}}}', "SerializationException"),
    ("PutItem", b'{"TableName":"ttt","Item":{"a":{"B":"no base64!"}}}', "SerializationException"),
    ("PutItem", b'{"TableName":"ttt","Item":{"a":' + b'{"L":[' * 5000 + b"]}" * 5000 + b"}}", "SerializationException"),
    ("NoSuchThing", b"{}", "UnknownOperationException"),
])
def test_json_that_is_no_input(strict, operation, body, code):
    answer = call(strict, "dynamodb", body, {"Content-Type": "application/x-amz-json-1.0",
                                             "X-Amz-Target": f"DynamoDB_20120810.{operation}"})
    assert answer.status == 400 and json.loads(answer.body)["__type"].split("#")[-1] == code, answer.body
