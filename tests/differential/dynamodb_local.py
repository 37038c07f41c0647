"""DynamoDB Local, the peer of the differential test: fetched by Maven, every file checked by SHA-256, run in memory."""

import hashlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
MAIN = "com.amazonaws.services.dynamodbv2.local.main.ServerRunner"
START_SECONDS = 60


class Missing(Exception):
    """One sentence: why the peer cannot be had here."""


def cache_dir():
    if os.environ.get("LIKENESS_CACHE"):
        return pathlib.Path(os.environ["LIKENESS_CACHE"]) / "dynamodb-local"
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "likeness" / "dynamodb-local"


def pinned():
    lines = (HERE / "dynamodb_local" / "sha256sums").read_text().splitlines()
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}


def is_complete(folder):
    return all((folder / name).is_file() and hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
               for name, digest in pinned().items())


def fetch():
    """The folder with the jars. A folder that is complete already needs no network."""
    folder = cache_dir()
    if is_complete(folder):
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise Missing("Maven was not found: install Debian's maven to fetch DynamoDB Local.")
    with tempfile.TemporaryDirectory() as work:
        jars = pathlib.Path(work) / "jars"
        shutil.copy(HERE / "dynamodb_local" / "pom.xml", work)
        done = subprocess.run([maven, "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={jars}"],
                              cwd=work, capture_output=True, text=True)
        if done.returncode != 0:
            raise Missing("Maven could not fetch DynamoDB Local: " + (done.stdout or done.stderr).strip()[-300:])
        # Nothing that is not pinned gets on the class path.
        folder.mkdir(parents=True, exist_ok=True)
        for name in pinned():
            if (jars / name).is_file():
                shutil.copy(jars / name, folder / name)
    if not is_complete(folder):
        raise Missing("what Maven fetched does not have the pinned SHA-256 sums: refused.")
    return folder


class DynamoDbLocal:
    """One running DynamoDB Local with its tables in memory; `port` is where it listens on 127.0.0.1."""

    def __init__(self, log):
        java = shutil.which("java")
        if java is None:
            raise Missing("java was not found: install Debian's openjdk-17-jre-headless.")
        folder = fetch()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._log = open(log, "wb")
        self.process = subprocess.Popen(
            [java, "-Xmx1g", f"-Djava.library.path={folder}", "-cp", f"{folder}/*", MAIN, "-inMemory", "-port",
             str(self.port)], stdout=self._log, stderr=self._log, cwd=folder)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise Missing("DynamoDB Local did not start: " + pathlib.Path(log).read_text()[-300:]) from None
                time.sleep(0.1)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self._log.close()
