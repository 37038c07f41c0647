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

PHOTOS = {"LIKENESS_PHOTOS": str(CACHE / "photos")}

pytestmark = pytest.mark.skipif(not os.environ.get("LIKENESS_LONG"), reason="a long test: set LIKENESS_LONG=1")


@pytest.fixture(scope="module")
def go_test(tmp_path_factory):
    """The program, built: that takes minutes."""
    go = shutil.which("go")
    assert go, "there is no go: install Go 1.24 or newer"
    program = tmp_path_factory.mktemp("go") / "roundtrip.test"
    done = subprocess.run([go, "test", "-c", "-o", program, "."], cwd=HERE / "go", capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    return program


def test_the_go_sdk_v2(sdk, go_test):
    done = subprocess.run([go_test, "-test.v"], env=sdk.environment | PHOTOS, capture_output=True, text=True, timeout=300)
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


def test_the_java_sdk_v2(sdk, tmp_path):
    java = shutil.which("java")
    assert java, "there is no java: install a JDK of 17 or newer"
    trust = []
    if sdk.scheme == "https":
        store = tmp_path / "trust.p12"
        subprocess.run([shutil.which("keytool"), "-importcert", "-noprompt", "-alias", "likeness", "-storetype", "PKCS12",
                        "-storepass", "changeit", "-keystore", store, "-file", sdk.server.certificate], check=True,
                       capture_output=True)
        trust = [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit"]
    done = subprocess.run([java, *trust, "-cp", f"{jars()}/*", HERE / "java/RoundTrip.java"], env=sdk.environment | PHOTOS,
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split("\n") == ["iam, sts", "rekognition", "s3", "dynamodb, dynamodbstreams", ""]
