"""The real server, run by tests. The binary is that of LIKENESS_BIN, else build/release/likeness."""

import configparser
import os
import pathlib
import queue
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = pathlib.Path(os.environ.get("LIKENESS_BIN", ROOT / "build/release/likeness")).resolve()
START_SECONDS = 60


class Server:
    """One running `likeness serve`. `endpoint` is its URL, `log` the file that its stderr goes to. `prefix`: a command that
    becomes the server."""

    def __init__(self, folder, *, data=None, set=(), env=None, listen="127.0.0.1:0", args=(), preexec=None, prefix=()):
        self.folder = pathlib.Path(folder)
        self.data = pathlib.Path(data or self.folder / "data")
        self.log = self.folder / "server.log"
        environment = {k: v for k, v in os.environ.items()
                       if not k.startswith("AWS_") and k not in ("LIKENESS_DATA", "LIKENESS_LISTEN")}
        environment.update(env or {})
        command = [*map(str, prefix), str(BINARY), "serve", "--data", str(self.data), "--listen", listen, *args]
        for setting in set:
            command += ["--set", setting]
        self._stderr = open(self.log, "ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._stderr, env=environment,
                                        preexec_fn=preexec)
        self.stdout = []
        lines = queue.Queue()
        threading.Thread(target=self._read_stdout, args=(lines,), daemon=True).start()
        started = time.monotonic()
        try:
            line = lines.get(timeout=START_SECONDS)
        except queue.Empty:
            self.kill()
            raise RuntimeError(f"no ready line in {START_SECONDS} s:\n{self.log_text()}") from None
        self.start_seconds = time.monotonic() - started
        match = re.fullmatch(r"ready (http://(\S+):(\d+))\n", line)
        if not match:
            self.process.wait()
            raise RuntimeError(f"the server did not start (it printed {line!r}):\n{self.log_text()}")
        self.endpoint, self.host, self.port = match[1], match[2], int(match[3])
        # Where it takes HTTPS, if --tls-listen is among `args`, and what a client has to trust for it.
        secure = re.findall(r"ready on (https://\S+)", self.log_text())
        self.tls_endpoint = secure[-1] if secure else None
        self.certificate = self.data / "tls/certificate.pem"

    def _read_stdout(self, lines):
        for line in self.process.stdout:
            self.stdout.append(line.decode())
            lines.put(line.decode())
        lines.put("")

    def log_text(self):
        return self.log.read_text(errors="replace")

    @property
    def credentials(self):
        """The root access key: (id, secret), from the file that the server wrote."""
        profile = configparser.ConfigParser()
        profile.read(self.data / "credentials")
        return profile["default"]["aws_access_key_id"], profile["default"]["aws_secret_access_key"]

    def client(self, service="rekognition", secure=False, **options):
        """A boto3 client that does not retry, so that tests see the first answer; `secure`: over HTTPS."""
        import boto3
        from botocore.config import Config

        key, secret = self.credentials
        options = {"region_name": "us-east-1", "aws_access_key_id": key, "aws_secret_access_key": secret,
                   "config": Config(retries={"total_max_attempts": 1}, read_timeout=120)} | options
        if secure:
            options = {"verify": str(self.certificate)} | options
        return boto3.client(service, endpoint_url=self.tls_endpoint if secure else self.endpoint, **options)

    def get(self, path):
        """(status, text) of a page."""
        try:
            with urllib.request.urlopen(self.endpoint + path, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def stop(self, timeout=60):
        """SIGTERM, and the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout)
        self._stderr.close()
        return status

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self._stderr.close()
