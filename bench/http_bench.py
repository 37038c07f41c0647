#!/usr/bin/env python3
"""DetectFaces(ALL) and SearchFacesByImage over HTTP with signatures, at 1, 8 and 32 clients, beside two measures:

* floor: the same number of runs of the same models, each alone in plain OpenVINO (bench/models_alone). What is above it
  is our decoding, image work, HTTP, signatures and JSON.
* peer:  bench/peer_fastapi, the Python server that a user would write with the same models (no signatures, no storage).

Requests are signed and laid out beforehand, so that the client costs next to nothing. Prints one Markdown table.

    bench/http_bench.py [--seconds 10] [--likeness build/bench/likeness] [--skip-peer]
"""

import argparse
import asyncio
import base64
import configparser
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import prepared

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("LIKENESS_CACHE", pathlib.Path.home() / ".cache/likeness"))
PHOTOS = [CACHE / "photos" / name for name in
          ("sample1.jpg", "sample2.jpg", "sample3.jpg", "sample4.jpg", "sample5.jpg", "sample6.jpg", "astronaut.png")]
CLIENTS = (1, 8, 32)


class Likeness:
    def __init__(self, binary: pathlib.Path, folder: str):
        self.process = subprocess.Popen([binary, "serve", "--data", folder, "--listen", "127.0.0.1:0"],
                                        stdout=subprocess.PIPE, stderr=open(os.path.join(folder, "log"), "w"), text=True)
        begun = time.monotonic()
        ready = self.process.stdout.readline().split()
        if not ready:
            sys.exit("the server did not start; see " + folder + "/log")
        self.start_seconds = time.monotonic() - begun
        self.endpoint = ready[1]
        self.port = int(self.endpoint.rsplit(":", 1)[1])
        profile = configparser.ConfigParser()
        profile.read(pathlib.Path(folder) / "credentials")
        self.credentials = Credentials(profile["default"]["aws_access_key_id"], profile["default"]["aws_secret_access_key"])

    def request(self, operation: str, body: dict) -> bytes:
        return prepared.signed_post(self.port, self.credentials, "rekognition", "/", {
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "RekognitionService." + operation},
            json.dumps(body).encode())

    def call(self, operation: str, body: dict) -> dict:
        data = json.dumps(body).encode()
        signed = AWSRequest("POST", self.endpoint + "/", data=data, headers={
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "RekognitionService." + operation})
        SigV4Auth(self.credentials, "rekognition", "us-east-1").add_auth(signed)
        sent = urllib.request.Request(self.endpoint + "/", data=data, headers=dict(signed.headers.items()))
        with urllib.request.urlopen(sent) as answer:
            return json.load(answer)

    def model_runs(self) -> dict[str, float]:
        with urllib.request.urlopen(self.endpoint + "/_likeness/metrics") as answer:
            text = answer.read().decode()
        return {model: float(value) for model, value in
                re.findall(r'^likeness_model_runs_total\{model="([^"]+)"\} (\S+)', text, re.MULTILINE)}

    def resident_mib(self) -> float:
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


async def client(port: int, requests: list[bytes], first: int, until: float, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    turn = first
    while time.monotonic() < until:
        begun = time.perf_counter()
        writer.write(requests[turn % len(requests)])
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        length = int(re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)[1])
        body = await reader.readexactly(length)
        if status != 200:
            raise RuntimeError(f"status {status}: {body[:300]!r}")
        latencies.append(time.perf_counter() - begun)
        turn += 1
    writer.close()


def load(port: int, requests: list[bytes], clients: int, seconds: float) -> dict:
    async def everyone() -> list[float]:
        latencies: list[float] = []
        until = time.monotonic() + seconds
        await asyncio.gather(*(client(port, requests, i, until, latencies) for i in range(clients)))
        return latencies

    begun = time.monotonic()
    latencies = sorted(asyncio.run(everyone()))
    return {"rate": len(latencies) / (time.monotonic() - begun), "count": len(latencies),
            "p50": 1000 * statistics.median(latencies), "p99": 1000 * latencies[int(0.99 * (len(latencies) - 1))],
            "mean": 1000 * statistics.fmean(latencies)}


def plain_post(port: int, path: str, data: bytes) -> bytes:
    return (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(data)}\r\n\r\n").encode() + data


def start_peer(port: int) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "server:app", "--port", str(port), "--workers", str(os.cpu_count()),
         "--log-level", "error", "--no-access-log"], cwd=ROOT / "bench/peer_fastapi", stderr=subprocess.DEVNULL,
        start_new_session=True)
    photo = PHOTOS[-1].read_bytes()
    for _ in range(120):
        try:
            urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/detect", data=photo)).read()
            time.sleep(3)  # the other workers load too
            return process
        except OSError:
            time.sleep(0.5)
    sys.exit("the peer did not start")


def dlib_pipeline(binary: pathlib.Path, seconds: float) -> dict:
    environment = os.environ | {"DLIB_MODELS": str(CACHE / "bench"), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([binary, str(os.cpu_count()), str(seconds), *PHOTOS], check=True, capture_output=True, text=True,
                          env=environment)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--likeness", type=pathlib.Path, default=ROOT / "build/bench/likeness")
    parser.add_argument("--models-alone", type=pathlib.Path, default=ROOT / "build/bench/bench/models_alone")
    parser.add_argument("--dlib", type=pathlib.Path, default=ROOT / "build/bench/bench/dlib_peer")
    parser.add_argument("--skip-peer", action="store_true")
    arguments = parser.parse_args()

    alone = json.loads(subprocess.run([arguments.models_alone, "--json"], check=True, capture_output=True, text=True).stdout)
    files = [photo.read_bytes() for photo in PHOTOS]
    images = [base64.b64encode(data).decode() for data in files]

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        server = Likeness(arguments.likeness, folder)
        server.call("CreateCollection", {"CollectionId": "bench"})
        for i, image in enumerate(images):
            server.call("IndexFaces", {"CollectionId": "bench", "Image": {"Bytes": image}, "ExternalImageId": f"photo-{i}"})
        plans = {
            "DetectFaces(ALL)": [server.request("DetectFaces", {"Image": {"Bytes": i}, "Attributes": ["ALL"]}) for i in images],
            "SearchFacesByImage": [server.request("SearchFacesByImage", {"CollectionId": "bench", "Image": {"Bytes": i}})
                                   for i in images],
        }
        for name, requests in plans.items():
            load(server.port, requests, 2, 2)
            for clients in CLIENTS:
                before = server.model_runs()
                measured = load(server.port, requests, clients, arguments.seconds)
                after = server.model_runs()
                runs = {m: (after[m] - before.get(m, 0)) / measured["count"] for m in after}
                measured["floor_ms"] = sum(n * alone[m]["latency_ms"] for m, n in runs.items() if n)
                measured["floor_rate"] = 1 / sum(n / alone[m]["runs_per_second"] for m, n in runs.items() if n)
                rows.append((name, clients, measured))
        resident, start_seconds = server.resident_mib(), server.start_seconds
        server.stop()

    peer = {}
    if not arguments.skip_peer:
        port = 4699
        process = start_peer(port)
        for name, path in (("DetectFaces(ALL)", "/detect"), ("SearchFacesByImage", "/search")):
            requests = [plain_post(port, path, data) for data in files]
            load(port, requests, 2, 2)
            for clients in CLIENTS:
                peer[name, clients] = load(port, requests, clients, arguments.seconds)
        os.killpg(process.pid, signal.SIGTERM)

    dlib = dlib_pipeline(arguments.dlib, arguments.seconds) if arguments.dlib.exists() else None

    print("| operation | clients | requests/s | p50 ms | p99 ms | models alone: requests/s (ms) | of their rate "
          "| mean over their time | FastAPI requests/s (p50 ms) | times FastAPI |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, clients, m in rows:
        other = peer.get((name, clients))
        print(f"| {name} | {clients} | {m['rate']:.1f} | {m['p50']:.1f} | {m['p99']:.1f} "
              f"| {m['floor_rate']:.1f} ({m['floor_ms']:.1f}) | {100 * m['rate'] / m['floor_rate']:.0f} % "
              f"| {m['mean'] / m['floor_ms']:.2f} | "
              + (f"{other['rate']:.1f} ({other['p50']:.1f}) | {m['rate'] / other['rate']:.1f} |" if other else "- | - |"))
    if dlib:
        print(f"\ndlib's face_recognition pipeline (largest face, embedding), in-process on {os.cpu_count()} threads: "
              f"{dlib['photos_per_second']:.1f} photos/s, p50 {dlib['p50_ms']:.0f} ms; SearchFacesByImage with "
              f"8 clients is {next(m['rate'] for n, c, m in rows if n.startswith('Search') and c == 8) / dlib['photos_per_second']:.0f} times that.")
    print(f"\nStart to ready: {start_seconds:.2f} s. Resident after the load: {resident:.0f} MiB.")


if __name__ == "__main__":
    main()
