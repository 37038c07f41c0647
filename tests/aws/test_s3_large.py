"""5 GB through the server: one PUT, a multipart upload, downloads, with little memory. A part of the long test."""

import hashlib
import http.client
import os
import pathlib
import re
import time

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

LONG = os.environ.get("LIKENESS_LONG") == "1"
SIZE = 5_000_000_000 if LONG else 300_000_000
BLOCK = os.urandom(1 << 20)
ALLOWED_MIB = 100


class Content:
    """SIZE bytes that nobody has to hold; read as a file."""

    def __init__(self, size=SIZE):
        self.left, self.size, self.md5 = size, size, hashlib.md5()

    def __len__(self):
        return self.size

    def read(self, count=-1):
        count = self.left if count < 0 else min(count, self.left)
        self.left -= count
        piece = (BLOCK * (count // len(BLOCK) + 1))[:count]
        self.md5.update(piece)
        return piece


class Memory:
    """The most memory that the server has had since `start`, in MiB above what it had then. Its own pages, that is
    without those of the files that it maps."""

    def __init__(self, pid):
        self.pid = pid
        pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")  # resets the peak
        self.before = self._read("VmRSS")

    def _read(self, what):
        return int(re.search(rf"{what}:\s+(\d+)", pathlib.Path(f"/proc/{self.pid}/status").read_text())[1]) / 1024

    def extra(self):
        return self._read("VmHWM") - self.before


def signed_head(server, method, path, size):
    request = AWSRequest(method, server.endpoint + path, headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    auth = S3SigV4Auth(Credentials(*server.credentials), "s3", "us-east-1")
    auth.payload = lambda _: "UNSIGNED-PAYLOAD"
    auth.add_auth(request)
    return dict(request.headers.items()) | {"Content-Length": str(size)}


@pytest.fixture(scope="module")
def large_server(tmp_path_factory):
    from likeness_server import Server

    running = Server(tmp_path_factory.mktemp("large"))
    s3 = running.client("s3")
    s3.create_bucket(Bucket="large")
    for i in range(50):  # what it needs for its work in any case
        s3.put_object(Bucket="large", Key="warm", Body=BLOCK)
        s3.get_object(Bucket="large", Key="warm")["Body"].read()
    yield running
    running.stop()


def report(what, seconds, memory):
    print(f"{what}: {SIZE / 1e6 / seconds:.0f} MB/s, {memory.before:.0f} MiB resident, {memory.extra():.0f} MiB more at the most")
    assert memory.extra() < ALLOWED_MIB


def download(server, key):
    digest, memory, begun = hashlib.md5(), Memory(server.process.pid), time.monotonic()
    body = server.client("s3").get_object(Bucket="large", Key=key)["Body"]
    for chunk in body.iter_chunks(1 << 20):
        digest.update(chunk)
    report(f"GET of {SIZE / 1e9:.1f} GB", time.monotonic() - begun, memory)
    return digest.hexdigest()


def test_one_put(large_server):
    content, memory, begun = Content(), Memory(large_server.process.pid), time.monotonic()
    connection = http.client.HTTPConnection(large_server.host, large_server.port, timeout=600, blocksize=1 << 20)
    connection.request("PUT", "/large/single", body=content, headers=signed_head(large_server, "PUT", "/large/single", SIZE))
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    report(f"PUT of {SIZE / 1e9:.1f} GB", time.monotonic() - begun, memory)
    assert answer.headers["ETag"] == f'"{content.md5.hexdigest()}"'
    assert download(large_server, "single") == content.md5.hexdigest()
    large_server.client("s3").delete_object(Bucket="large", Key="single")


def test_a_multipart_upload(large_server):
    from boto3.s3.transfer import TransferConfig

    content, memory, begun = Content(), Memory(large_server.process.pid), time.monotonic()
    s3 = large_server.client("s3")
    s3.upload_fileobj(content, "large", "parts", Config=TransferConfig(multipart_chunksize=64 << 20, max_concurrency=4))
    report(f"multipart upload of {SIZE / 1e9:.1f} GB, 4 parts at a time", time.monotonic() - begun, memory)
    assert s3.head_object(Bucket="large", Key="parts")["ContentLength"] == SIZE
    assert download(large_server, "parts") == content.md5.hexdigest()
    s3.delete_object(Bucket="large", Key="parts")
