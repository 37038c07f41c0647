"""Long tests: the AWS SDKs for Go v2 and Java v2 against the real server, a round trip of each service."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("LIKENESS_CACHE",
                                    pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "likeness"))

pytestmark = pytest.mark.skipif(not os.environ.get("LIKENESS_LONG"), reason="a long test: set LIKENESS_LONG=1")


def environment(server):
    key, secret = server.credentials
    mine = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return mine | {"AWS_ENDPOINT_URL": server.endpoint, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
                   "AWS_REGION": "us-east-1", "LIKENESS_PHOTOS": str(CACHE / "photos")}


def test_the_go_sdk_v2(server):
    go = shutil.which("go")
    assert go, "there is no go: install Go 1.24 or newer"
    done = subprocess.run([go, "test", "-count=1", "-v", "./..."], cwd=HERE / "go", env=environment(server),
                          capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr


def jars():
    """The folder with the SDK for Java; every file has the sum of sha256sums. One that is complete needs no network."""
    pinned = dict(reversed(line.split()) for line in (HERE / "java/sha256sums").read_text().splitlines())
    folder = CACHE / "java-sdk"

    def complete():
        return all((folder / name).is_file() and hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
                   for name, digest in pinned.items())

    if complete():
        return folder
    maven = shutil.which("mvn")
    assert maven, "there is no mvn: install Debian's maven to fetch the SDK for Java"
    with tempfile.TemporaryDirectory() as work:
        shutil.copy(HERE / "java/pom.xml", work)
        done = subprocess.run([maven, "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime",
                               f"-DoutputDirectory={work}/jars"], cwd=work, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        folder.mkdir(parents=True, exist_ok=True)
        for name in pinned:
            shutil.copy(pathlib.Path(work) / "jars" / name, folder / name)
    assert complete(), "what Maven fetched does not have the pinned SHA-256 sums"
    return folder


def test_the_java_sdk_v2(server):
    java = shutil.which("java")
    assert java, "there is no java: install a JDK of 17 or newer"
    done = subprocess.run([java, "-cp", f"{jars()}/*", HERE / "java/RoundTrip.java"], env=environment(server),
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split("\n") == ["iam, sts", "rekognition", "s3", ""]
