#!/usr/bin/env python3
"""PUT and GET of objects of 100 KB and 10 MB at several numbers of clients, beside two peers on the same disk:

* nginx: serves the same files, and takes them by WebDAV PUT (no signatures, no checksums, not synced to the disk);
* moto:  the Python mock server that tests of S3 applications run against (in memory).

Requests to Likeness carry SigV4 signatures of their whole bodies, as SDKs send them over http, and a PUT is answered when
it is durable. They are laid out beforehand and sent by bare sockets, so that the client costs next to nothing: the
machine's own loopback and memory are the ceiling. Prints one Markdown table.

    bench/s3_bench.py [--seconds 4] [--likeness build/bench/likeness] [--only put|get] [--skip-moto]
"""

import argparse
import multiprocessing
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest

from http_bench import ROOT, Likeness

SIZES = {"100 KB": 100_000, "10 MB": 10_000_000}
CLIENTS = (1, 8, 32)
BUCKET = "bench"


class Target:
    """Where requests go: `request(method, key, body)` is a whole HTTP/1.1 request without the body."""

    name = ""
    port = 0
    keys = 64  # objects of a size: writes go round, reads find them
    clients = CLIENTS
    share = 1.0  # of the seconds of a cell

    def head(self, method: str, key: str, body: bytes) -> bytes:
        lines = f"{method} /{BUCKET}/{key} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
        if method == "PUT":
            lines += f"Content-Length: {len(body)}\r\n"
        return (lines + "\r\n").encode()

    def stop(self) -> None:
        pass


class LikenessTarget(Target):
    name = "Likeness"

    def __init__(self, binary: pathlib.Path, folder: str):
        self.server = Likeness(binary, folder)
        self.port = self.server.port
        exchange(self.port, self._signed("PUT", f"/{BUCKET}", b""))

    def _signed(self, method: str, path: str, body: bytes) -> bytes:
        headers = {"Host": f"127.0.0.1:{self.port}"}
        if method == "PUT":
            headers["Content-Length"] = str(len(body))
        request = AWSRequest(method, self.server.endpoint + path, data=body, headers=headers)
        S3SigV4Auth(self.server.credentials, "s3", "us-east-1").add_auth(request)
        lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()

    def head(self, method: str, key: str, body: bytes) -> bytes:
        return self._signed(method, f"/{BUCKET}/{key}", body)

    def stop(self) -> None:
        self.server.stop()


class Nginx(Target):
    name = "nginx"

    def __init__(self, folder: str):
        self.port = free_port()
        root = pathlib.Path(folder)
        (root / "files" / BUCKET).mkdir(parents=True)
        (root / "temporary").mkdir()
        (root / "nginx.conf").write_text(f"""
worker_processes auto;
daemon off;
pid {root}/pid;
error_log {root}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  client_body_temp_path {root}/temporary;
  server {{
    listen 127.0.0.1:{self.port};
    root {root}/files;
    client_max_body_size 0;
    dav_methods PUT;
    create_full_put_path on;
  }}
}}
""")
        os.chmod(folder, 0o755)
        user = ["-g", "user root;"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(["nginx", "-c", root / "nginx.conf", "-e", root / "error.log", *user])
        wait_for(self.port)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


class Moto(Target):
    """A tenth of the others' rate or less, so a few objects and seconds tell it; several clients at once make it fail."""

    name = "moto"
    keys = 8
    clients = (1,)
    share = 0.5

    def __init__(self) -> None:
        self.port = free_port()
        self.process = subprocess.Popen([sys.executable, "-m", "moto.server", "-p", str(self.port)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.port)
        exchange(self.port, self.head("PUT", "", b"").replace(f"/{BUCKET}/ ".encode(), f"/{BUCKET} ".encode()))

    def head(self, method: str, key: str, body: bytes) -> bytes:
        """It checks no signature, but wants to see one."""
        signed = (b"\r\nAuthorization: AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/s3/aws4_request, "
                  b"SignedHeaders=host, Signature=0\r\n\r\n")
        return super().head(method, key, body).replace(b"\r\n\r\n", signed)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(30)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"nobody listens on port {port}")


class Connection:
    """One connection that is kept alive, or made anew where the server closes it (moto); answers are read and thrown
    away."""

    def __init__(self, port: int):
        self.port = port
        self.buffer = bytearray(1 << 20)
        self.open()

    def open(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, head: bytes, body: bytes) -> None:
        # Small ones in one write, so that none waits for the other side's acknowledgement.
        if len(body) <= 1 << 20:
            self.socket.sendall(head + body)
        else:
            self.socket.sendall(head)
            self.socket.sendall(body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = self.socket.recv(65536)
            if not more:
                raise RuntimeError("the connection was closed")
            answer += more
        lines, _, rest = answer.partition(b"\r\n\r\n")
        if lines[9:10] != b"2":
            raise RuntimeError(f"refused: {answer[:400]!r}")
        length = next((int(line.split(b":")[1]) for line in lines.split(b"\r\n")
                       if line.lower().startswith(b"content-length:")), 0)
        left = length - len(rest)
        while left > 0:
            got = self.socket.recv_into(self.buffer, min(left, len(self.buffer)))
            if got == 0:
                raise RuntimeError("the connection was closed")
            left -= got
        if b"connection: close" in lines.lower():
            self.socket.close()
            self.open()


def exchange(port: int, head: bytes, body: bytes = b"") -> None:
    Connection(port).call(head, body)


def client(port: int, heads: list[bytes], body: bytes, first: int, seconds: float, ready, results) -> None:
    latencies: list[float] = []
    turn, problem, begun = first, "", time.monotonic()
    try:
        connection = Connection(port)
        ready.wait()
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            started = time.perf_counter()
            connection.call(heads[turn % len(heads)], body)
            latencies.append(time.perf_counter() - started)
            turn += 1
    except (OSError, RuntimeError) as error:
        problem = str(error)
        ready.abort()
    results.put((time.monotonic() - begun, latencies, problem))


def load(target: Target, method: str, size: int, clients: int, seconds: float) -> dict:
    """Clients are processes: with threads Python would be what is measured."""
    body = os.urandom(size) if method == "PUT" else b""
    heads = [target.head(method, f"{size}-{n}", body) for n in range(target.keys)]
    seconds *= target.share
    ready, results = multiprocessing.Barrier(clients), multiprocessing.Queue()
    running = [multiprocessing.Process(target=client, args=(
        target.port, heads, body, n * target.keys // clients, seconds, ready, results))
        for n in range(clients)]
    for one in running:
        one.start()
    parts = [results.get(timeout=seconds + 120) for _ in running]
    for one in running:
        one.join()
    for _, _, problem in parts:
        if problem:
            sys.exit(f"{target.name}, {method} of {size} bytes: {problem}")
    latencies = sorted(latency for _, part, _ in parts for latency in part)
    rate = sum(len(part) / took for took, part, _ in parts)
    return {"rate": rate, "mb": rate * size / 1e6, "p50": 1000 * statistics.median(latencies),
            "p99": 1000 * latencies[int(0.99 * (len(latencies) - 1))]}


def fill(target: Target) -> None:
    for size in SIZES.values():
        body = os.urandom(size)
        connection = Connection(target.port)
        for n in range(target.keys):
            connection.call(target.head("PUT", f"{size}-{n}", body), body)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--likeness", type=pathlib.Path, default=ROOT / "build/bench/likeness")
    parser.add_argument("--folder", help="where the data goes: the disk that is to be measured")
    parser.add_argument("--only", choices=("put", "get"))
    parser.add_argument("--skip-moto", action="store_true")
    arguments = parser.parse_args()
    if shutil.which("nginx") is None:
        sys.exit("nginx is missing: scripts/packages-bench.txt names what benchmarks need")

    measured: dict[tuple, dict] = {}
    names = ["Likeness", "nginx"] + ([] if arguments.skip_moto else ["moto"])
    for name in names:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            target = {"Likeness": lambda at: LikenessTarget(arguments.likeness, at), "nginx": Nginx,
                      "moto": lambda _: Moto()}[name](folder)
            try:
                fill(target)
                for method in ("PUT", "GET"):
                    if arguments.only not in (None, method.lower()):
                        continue
                    for label, size in SIZES.items():
                        for clients in target.clients:
                            measured[method, label, clients, name] = load(target, method, size, clients,
                                                                          arguments.seconds)
            finally:
                target.stop()

    print("| operation | clients | requests/s | MB/s | p50 ms | p99 ms | nginx: requests/s (p99 ms) | of nginx "
          "| moto: requests/s | times moto |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for (method, label, clients, name), ours in measured.items():
        if name != "Likeness":
            continue
        nginx = measured[method, label, clients, "nginx"]
        moto = measured.get((method, label, clients, "moto"))
        print(f"| {method} {label} | {clients} | {ours['rate']:.0f} | {ours['mb']:.0f} | {ours['p50']:.2f} "
              f"| {ours['p99']:.2f} | {nginx['rate']:.0f} ({nginx['p99']:.2f}) "
              f"| {100 * ours['rate'] / nginx['rate']:.0f} % | "
              + (f"{moto['rate']:.0f} | {ours['rate'] / moto['rate']:.1f} |" if moto else "- | - |"))


if __name__ == "__main__":
    main()
