"""How bodies travel: chunks with and without signatures, trailers, 100-continue, checksums, hosts."""

import base64
import hashlib
import hmac
import os
import socket

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from s3_tools import body_of, checksum, checksum_member, DIGESTS, send


def signed(server, method, path, headers, body=b"", payload=None):
    """Headers of a request with a SigV4 signature in them; `payload` is what x-amz-content-sha256 says."""
    request = AWSRequest(method, server.endpoint + path, headers=dict(headers), data=body)
    if payload is not None:
        request.headers["X-Amz-Content-SHA256"] = payload
    auth = S3SigV4Auth(Credentials(*server.credentials), "s3", "us-east-1")
    if payload is not None:
        auth.payload = lambda _: payload
    auth.add_auth(request)
    return dict(request.headers.items())


def chunks_without_signatures(data, size, trailer=None):
    out = b""
    for at in range(0, len(data), size):
        piece = data[at:at + size]
        out += f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    out += b"0\r\n"
    if trailer:
        out += f"{trailer[0]}:{trailer[1]}\r\n".encode()
    return out + b"\r\n"


def put_with_trailer(server, bucket, data, algorithm, value, size=70_000):
    name = f"x-amz-checksum-{algorithm.lower()}"
    body = chunks_without_signatures(data, size, (name, value))
    headers = signed(server, "PUT", f"/{bucket}/a", {
        "Content-Encoding": "aws-chunked", "X-Amz-Trailer": name, "X-Amz-Decoded-Content-Length": str(len(data)),
        "Content-Length": str(len(body))}, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    return send(server, "PUT", f"/{bucket}/a", headers, body)


@pytest.mark.parametrize("size", [0, 1000, 1_000_000])
@pytest.mark.parametrize("algorithm", DIGESTS)
def test_a_checksum_in_the_trailer(server, s3, bucket, algorithm, size):
    data = os.urandom(size)
    status, headers, body = put_with_trailer(server, bucket, data, algorithm, checksum(algorithm, data))
    assert status == 200, body
    assert headers[f"x-amz-checksum-{algorithm.lower()}"] == checksum(algorithm, data)
    got = s3.get_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")
    assert body_of(got) == data
    assert got[checksum_member(algorithm)] == checksum(algorithm, data)
    assert "ContentEncoding" not in got


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_wrong_trailer_leaves_no_object(server, s3, bucket, refused, size):
    status, _, body = put_with_trailer(server, bucket, b"x" * size, "CRC32", checksum("CRC32", b"y"))
    assert status == 400 and b"<Code>BadDigest</Code>" in body
    with refused("404", status=404):
        s3.head_object(Bucket=bucket, Key="a")


def signed_chunks(headers, secret, data, size):
    """Signs each chunk from the request's own signature on."""
    amz_date = headers["X-Amz-Date"]
    scope = f"{amz_date[:8]}/us-east-1/s3/aws4_request"
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    previous = headers["Authorization"].rpartition("Signature=")[2]
    empty = hashlib.sha256(b"").hexdigest()
    out = b""
    for at in [*range(0, len(data), size), len(data)]:
        piece = data[at:at + size]
        text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", amz_date, scope, previous, empty,
                          hashlib.sha256(piece).hexdigest()])
        previous = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        out += f"{len(piece):x};chunk-signature={previous}\r\n".encode() + piece + b"\r\n"
    return out


@pytest.mark.parametrize("spoiled", [False, True])
def test_chunks_with_signatures(server, s3, bucket, refused, spoiled):
    data = os.urandom(200_000)
    headers = signed(server, "PUT", f"/{bucket}/a", {
        "Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": str(len(data))},
        payload="STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    body = signed_chunks(headers, server.credentials[1], data, 65_536)
    if spoiled:
        body = body[:100_000] + bytes([body[100_000] ^ 1]) + body[100_001:]
    headers["Content-Length"] = str(len(body))
    status, _, answer = send(server, "PUT", f"/{bucket}/a", headers, body)
    if spoiled:
        assert status == 403 and b"SignatureDoesNotMatch" in answer
        with refused("404", status=404):
            s3.head_object(Bucket=bucket, Key="a")
    else:
        assert status == 200, answer
        assert body_of(s3.get_object(Bucket=bucket, Key="a")) == data


@pytest.mark.parametrize("algorithm", DIGESTS)
def test_checksums_of_all_kinds(s3, bucket, algorithm, refused):
    data = b"some bytes"
    member = checksum_member(algorithm)
    put = s3.put_object(Bucket=bucket, Key="a", Body=data, **{member: checksum(algorithm, data)})
    assert put[member] == checksum(algorithm, data) and put["ChecksumType"] == "FULL_OBJECT"
    assert s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")[member] == checksum(algorithm, data)
    attributes = s3.get_object_attributes(Bucket=bucket, Key="a", ObjectAttributes=["Checksum"])
    assert attributes["Checksum"][member] == checksum(algorithm, data)
    with refused("BadDigest"):
        s3.put_object(Bucket=bucket, Key="b", Body=data, **{member: checksum(algorithm, b"other")})
    with refused("InvalidRequest", f"Value for x-amz-checksum-{algorithm.lower()} header is invalid."):
        s3.put_object(Bucket=bucket, Key="b", Body=data, **{member: "AAA="})


@pytest.mark.parametrize("algorithm, kind", [("CRC32", "FULL_OBJECT"), ("CRC32C", "COMPOSITE"), ("SHA256", "COMPOSITE"),
                                             ("CRC64NVME", "FULL_OBJECT")])
def test_checksums_of_multipart_uploads(s3, bucket, algorithm, kind):
    parts = [b"a" * (5 << 20), b"end"]
    member = checksum_member(algorithm)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a", ChecksumAlgorithm=algorithm, ChecksumType=kind)
    where = {"Bucket": bucket, "Key": "a", "UploadId": upload["UploadId"]}
    done = []
    for number, data in enumerate(parts, 1):
        part = s3.upload_part(**where, PartNumber=number, Body=data, **{member: checksum(algorithm, data)})
        assert part[member] == checksum(algorithm, data)
        done.append({"PartNumber": number, "ETag": part["ETag"], member: part[member]})
    made = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": done}, ChecksumType=kind)
    assert made["ChecksumType"] == kind
    if kind == "COMPOSITE":
        joined = b"".join(base64.b64decode(part[member]) for part in done)
        assert made[member] == checksum(algorithm, joined) + "-2"
    else:
        assert made[member] == checksum(algorithm, b"".join(parts))
    assert s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")[member] == made[member]


def test_expect_100_continue(server, bucket, s3):
    """The server says "go on" before the body comes, and refuses without it."""
    data = b"x" * 500_000

    def start(signature_ok=True):
        headers = signed(server, "PUT", f"/{bucket}/a", {"Content-Length": str(len(data))}, data)
        if not signature_ok:
            headers["Authorization"] = headers["Authorization"][:-4] + "0000"
        connection = socket.create_connection((server.host, server.port), timeout=30)
        head = f"PUT /{bucket}/a HTTP/1.1\r\nHost: {server.host}:{server.port}\r\nExpect: 100-continue\r\n"
        connection.sendall((head + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n").encode())
        return connection

    with start() as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 Continue\r\n")
        connection.sendall(data)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
    assert s3.head_object(Bucket=bucket, Key="a")["ContentLength"] == len(data)
    with start(signature_ok=False) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 403 Forbidden\r\n")


def test_a_body_that_ends_early_leaves_no_object(server, bucket, s3, refused):
    data = b"x" * 1_000_000
    headers = signed(server, "PUT", f"/{bucket}/a", {"Content-Length": str(len(data))}, data)
    with socket.create_connection((server.host, server.port), timeout=30) as connection:
        head = f"PUT /{bucket}/a HTTP/1.1\r\nHost: {server.host}:{server.port}\r\n"
        connection.sendall((head + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n").encode())
        connection.sendall(data[:-1])
    with refused("404", status=404):
        s3.head_object(Bucket=bucket, Key="a")


def test_a_body_other_than_the_signed_one_is_refused(server, bucket, s3, refused):
    for size in (100, 1_000_000):
        headers = signed(server, "PUT", f"/{bucket}/a", {"Content-Length": str(size)}, b"x" * size)
        status, _, body = send(server, "PUT", f"/{bucket}/a", headers, b"y" * size)
        assert status == 400 and b"XAmzContentSHA256Mismatch" in body
    with refused("404", status=404):
        s3.head_object(Bucket=bucket, Key="a")


def test_the_bucket_in_the_host(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"text")
    host = f"{bucket}.s3.localhost:{server.port}"
    request = AWSRequest("GET", f"http://{host}/a/b")
    S3SigV4Auth(Credentials(*server.credentials), "s3", "us-east-1").add_auth(request)
    status, _, body = send(server, "GET", "/a/b", dict(request.headers.items()), host=host)
    assert (status, body) == (200, b"text")


def test_malformed_xml_changes_nothing(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    for body in (b"<Delete><Object><Key>a</Key>", b"nonsense", b"<Delete/>", b"<!DOCTYPE x><Delete/>"):
        headers = signed(server, "POST", f"/{bucket}?delete=", {
            "Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()}, body)
        status, _, answer = send(server, "POST", f"/{bucket}?delete=", headers, body)
        assert status == 400 and b"<Code>MalformedXML</Code>" in answer, body
    assert s3.head_object(Bucket=bucket, Key="a")
