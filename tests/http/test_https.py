"""HTTPS: a second port beside the plain one, with a certificate made on request or given."""

import base64
import hashlib
import http.client
import os
import shutil
import signal
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib

import pytest
from botocore.auth import S3SigV4Auth
from botocore.config import Config
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, SSLError

TLS = ("--tls-listen", "127.0.0.1:0", "--tls-self-signed")


@pytest.fixture(scope="module")
def secure_server(tmp_path_factory):
    from likeness_server import Server
    running = Server(tmp_path_factory.mktemp("secure"), args=TLS)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def s3(secure_server):
    client = secure_server.client("s3", secure=True)
    client.create_bucket(Bucket="over-tls")
    return client


def trusting(server):
    return ssl.create_default_context(cafile=str(server.certificate))


def send_signed(server, method, path, body, headers):
    """One request over HTTPS, signed as S3's clients do; (status, text)."""
    request = AWSRequest(method=method, url=server.tls_endpoint + path, headers=headers, data=b"")
    signer = S3SigV4Auth(Credentials(*server.credentials), "s3", "us-east-1")
    request.context["payload_signing_enabled"] = False
    request.context["checksum"] = {"request_algorithm": {"in": "trailer", "algorithm": "crc32"}}
    signer.add_auth(request)
    where = urllib.parse.urlsplit(server.tls_endpoint)
    connection = http.client.HTTPSConnection(where.hostname, where.port, context=trusting(server), timeout=30)
    connection.request(method, path, body=body, headers=dict(request.headers.items()))
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_both_ports_serve_the_same_data(secure_server, s3):
    assert secure_server.stdout == [f"ready {secure_server.endpoint}\n"]
    s3.put_object(Bucket="over-tls", Key="one", Body=b"written over TLS")
    plain = secure_server.client("s3")
    assert plain.get_object(Bucket="over-tls", Key="one")["Body"].read() == b"written over TLS"
    plain.put_object(Bucket="over-tls", Key="two", Body=b"written without")
    assert s3.get_object(Bucket="over-tls", Key="two")["Body"].read() == b"written without"
    assert secure_server.client("rekognition", secure=True).list_collections()["CollectionIds"] == []


def test_the_front_page_names_the_https_endpoint(secure_server):
    with urllib.request.urlopen(secure_server.tls_endpoint + "/", context=trusting(secure_server)) as answer:
        assert f"AWS_ENDPOINT_URL={secure_server.tls_endpoint}" in answer.read().decode()


def test_over_tls_sdks_leave_the_body_unsigned_with_a_checksum_behind_it(s3):
    sent = []
    s3.meta.events.register("before-send.s3.PutObject", lambda request, **_: sent.append(dict(request.headers)))
    body = os.urandom(300_000)
    answer = s3.put_object(Bucket="over-tls", Key="trailer", Body=body, ChecksumAlgorithm="CRC32")
    assert sent[0]["X-Amz-Content-SHA256"] == b"STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    assert sent[0]["Content-Encoding"] == b"aws-chunked"
    assert answer["ChecksumCRC32"] == base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    stored = s3.get_object(Bucket="over-tls", Key="trailer", ChecksumMode="ENABLED")
    assert stored["Body"].read() == body and "ContentEncoding" not in stored


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_every_checksum_that_the_sdk_can_send_passes(s3, algorithm):
    import importlib.util
    if algorithm in ("CRC32C", "CRC64NVME") and importlib.util.find_spec("awscrt") is None:
        pytest.skip(f"the SDK needs awscrt for {algorithm}")
    s3.put_object(Bucket="over-tls", Key="sum", Body=b"some bytes", ChecksumAlgorithm=algorithm)
    assert s3.head_object(Bucket="over-tls", Key="sum", ChecksumMode="ENABLED")[f"Checksum{algorithm}"]


def test_a_body_that_does_not_match_its_trailer_is_refused_and_not_stored(secure_server, s3):
    def put(key, checksum, trailer_name="x-amz-checksum-crc32"):
        body = b"5\r\nhello\r\n0\r\n" + f"{trailer_name}:{checksum}\r\n\r\n".encode()
        return send_signed(secure_server, "PUT", f"/over-tls/{key}", body,
                           {"Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": "5",
                            "X-Amz-Trailer": "x-amz-checksum-crc32", "Content-Length": str(len(body))})

    good = base64.b64encode(zlib.crc32(b"hello").to_bytes(4, "big")).decode()
    assert put("good", good)[0] == 200
    status, text = put("bad", base64.b64encode(b"none").decode())
    assert status == 400 and "<Code>BadDigest</Code>" in text
    status, text = put("lost", good, trailer_name="x-amz-checksum-sha1")
    assert status == 400 and "<Code>MalformedTrailerError</Code>" in text
    keys = {one["Key"] for one in s3.list_objects_v2(Bucket="over-tls").get("Contents", [])}
    assert "good" in keys and not keys & {"bad", "lost"}


def test_large_objects_pass_in_both_directions(secure_server, s3, tmp_path):
    path = tmp_path / "large"
    block = os.urandom(1 << 20)
    with open(path, "wb") as file:
        for i in range(40):
            file.write(i.to_bytes(4, "big") + block)
    s3.upload_file(str(path), "over-tls", "large")  # in parts, several at once
    s3.download_file("over-tls", "large", str(tmp_path / "back"))
    assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256((tmp_path / "back").read_bytes()).digest()
    with open(path, "rb") as file:
        s3.put_object(Bucket="over-tls", Key="whole", Body=file)
    part = s3.get_object(Bucket="over-tls", Key="whole", Range="bytes=20000000-20000099")["Body"].read()
    assert part == path.read_bytes()[20_000_000:20_000_100]


def test_presigned_urls_work_over_tls(secure_server, s3):
    s3 = secure_server.client("s3", secure=True, config=Config(signature_version="s3v4"))
    put = s3.generate_presigned_url("put_object", {"Bucket": "over-tls", "Key": "presigned"}, ExpiresIn=60)
    get = s3.generate_presigned_url("get_object", {"Bucket": "over-tls", "Key": "presigned"}, ExpiresIn=60)
    assert put.startswith("https://")
    request = urllib.request.Request(put, data=b"by url", method="PUT")
    with urllib.request.urlopen(request, context=trusting(secure_server)) as answer:
        assert answer.status == 200
    with urllib.request.urlopen(get, context=trusting(secure_server)) as answer:
        assert answer.read() == b"by url"


def test_errors_arrive_over_tls_too(s3):
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket="over-tls", Key="none")
    assert error.value.response["Error"]["Code"] == "NoSuchKey"
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket="no-such-bucket", Key="k", Body=b"x" * 2_000_000)
    assert error.value.response["Error"]["Code"] == "NoSuchBucket"


def test_a_client_that_does_not_trust_the_certificate_gets_nowhere(secure_server):
    with pytest.raises(SSLError):
        secure_server.client("s3", secure=True, verify=True).list_buckets()
    context = trusting(secure_server)
    where = urllib.parse.urlsplit(secure_server.tls_endpoint)
    with pytest.raises(ssl.SSLError):
        context.wrap_socket(__import__("socket").create_connection((where.hostname, where.port)),
                            server_hostname="elsewhere.example")


def test_virtual_host_names_of_the_certificate(secure_server, s3):
    """Buckets in the host name: below s3.localhost the certificate is good for any."""
    s3.put_object(Bucket="over-tls", Key="by-host", Body=b"found")
    port = urllib.parse.urlsplit(secure_server.tls_endpoint).port
    raw = __import__("socket").create_connection(("127.0.0.1", port))
    with trusting(secure_server).wrap_socket(raw, server_hostname="over-tls.s3.localhost") as tls:
        tls.sendall(b"GET /by-host HTTP/1.1\r\nHost: over-tls.s3.localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := tls.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 403 ") and b"AccessDenied" in answer  # found, and it wants a signature


def test_the_certificate_stays_over_a_restart(start_server, tmp_path):
    first = start_server(args=TLS, data=tmp_path / "data")
    made = first.certificate.read_bytes()
    assert first.stop() == 0
    second = start_server(args=TLS, data=tmp_path / "data")
    assert second.certificate.read_bytes() == made
    assert oct((second.data / "tls/key.pem").stat().st_mode & 0o777) == "0o600"


def test_a_given_certificate_is_served_and_read_anew_on_sighup(start_server, secure_server, tmp_path):
    certificate, key = tmp_path / "site.pem", tmp_path / "site.key"
    shutil.copy(secure_server.certificate, certificate)
    shutil.copy(secure_server.data / "tls/key.pem", key)
    server = start_server(args=("--tls-listen", "127.0.0.1:0", "--tls-certificate", certificate, "--tls-key", key))
    server.certificate = certificate
    assert server.client("s3", secure=True).list_buckets()["Buckets"] == []

    other = start_server(args=TLS)
    shutil.copy(other.certificate, certificate)
    server.process.send_signal(signal.SIGHUP)  # the key is still the old one
    wait_for(server, "the certificate stays as it is")
    server.certificate = secure_server.certificate
    assert server.client("s3", secure=True).list_buckets()["Buckets"] == []
    shutil.copy(other.data / "tls/key.pem", key)
    server.process.send_signal(signal.SIGHUP)
    wait_for(server, "the certificate is read anew")
    server.certificate = other.certificate
    assert server.client("s3", secure=True).list_buckets()["Buckets"] == []


def wait_for(server, text):
    for _ in range(100):
        if text in server.log_text():
            return
        time.sleep(0.1)
    raise AssertionError(f"'{text}' is not in the log:\n{server.log_text()}")


def test_what_is_missing_for_https_stops_the_start(tmp_path):
    from test_serve import refused
    basis = ("--data", tmp_path / "data", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0")
    assert "--tls-self-signed" in refused(*basis)
    (tmp_path / "empty.pem").write_text("")
    files = ("--tls-certificate", tmp_path / "empty.pem", "--tls-key", tmp_path / "empty.pem")
    assert "does not hold one in PEM form" in refused(*basis, *files)
    assert "leave one of them out" in refused(*basis, *files, "--tls-self-signed")


def test_a_plain_request_to_the_secure_port_is_told_so(secure_server):
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(secure_server.tls_endpoint.replace("https://", "http://"))
    assert error.value.code == 400 and "https://" in error.value.read().decode()
