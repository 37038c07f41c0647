"""Requests that are signed and laid out beforehand, so that the client costs next to nothing, and their sending by http_load."""

import json
import struct
import subprocess

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest


def signed_post(port, credentials, service, path, headers, data: bytes) -> bytes:
    """A whole HTTP/1.1 request."""
    host = f"127.0.0.1:{port}"
    request = AWSRequest("POST", f"http://{host}{path}", data=data, headers={
        "Host": host, **headers, "Content-Length": str(len(data))})
    SigV4Auth(credentials, service, "us-east-1").add_auth(request)
    head = "".join(f"{k}: {v}\r\n" for k, v in request.headers.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + data


def write(path, requests):
    """The file that http_load reads."""
    with open(path, "wb") as out:
        for request in requests:
            out.write(struct.pack("<I", len(request)) + request)


def send(http_load, port, connections, seconds, prepared, warm_up):
    """http_load's findings of `seconds`, after `warm_up` seconds that do not count: count, errors, first_error, seconds,
    p50_ms, p99_ms; and `rate`, the answers a second that are no errors."""
    for duration in (warm_up, seconds):
        done = subprocess.run([http_load, str(port), str(connections), str(duration), prepared],
                              check=True, capture_output=True, text=True)
    result = json.loads(done.stdout)
    return result | {"rate": (result["count"] - result["errors"]) / result["seconds"]}
