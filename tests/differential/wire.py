"""One DynamoDB endpoint spoken to in raw JSON, so that what an SDK would refuse or repair reaches the server."""

import http.client
import json
import socket

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

READS = {"Query": "Items", "Scan": "Items"}
MAX_PAGES = 200


class Answer:
    """`error` is None or (code, message); `body` the parsed JSON of either."""

    def __init__(self, status, body):
        self.status, self.body, self.error = status, body, None
        if status != 200:
            code = str(body.get("__type", "")).rsplit("#", 1)[-1].rsplit(".", 1)[-1]
            self.error = (code, body.get("message", body.get("Message", "")))


class Endpoint:
    def __init__(self, port, key="local", secret="local", target="DynamoDB_20120810"):
        self.port, self.target = port, target
        self.credentials = Credentials(key, secret)
        self.connection = None

    def send(self, operation, request):
        body = json.dumps(request).encode()
        url = f"http://127.0.0.1:{self.port}/"
        signed = AWSRequest("POST", url, data=body, headers={
            "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"{self.target}.{operation}"})
        SigV4Auth(self.credentials, "dynamodb", "us-east-1").add_auth(signed)
        for attempt in (1, 2):
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                    self.connection.connect()
                    self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connection.request("POST", "/", body, dict(signed.headers))
                reply = self.connection.getresponse()
                text = reply.read()
                break
            except (http.client.HTTPException, ConnectionError):
                self.connection = None
                if attempt == 2:
                    raise
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = {"__type": "NotJson", "message": text[:200].decode(errors="replace")}
        return Answer(reply.status, parsed)

    def ask(self, operation, request):
        """`send`, and for reads that page: every page; the answer of the last, with what all of them gave together."""
        if operation == "ExecuteStatement":
            return self._pages(operation, request, "NextToken", "NextToken")
        if operation not in READS:
            return self.send(operation, request)
        if not request.get("AllSegments"):
            return self._pages(operation, request, "LastEvaluatedKey", "ExclusiveStartKey")
        plain = {k: v for k, v in request.items() if k != "AllSegments"}
        total = None
        for segment in range(plain.get("TotalSegments", 1)):
            answer = self._pages(operation, plain | {"Segment": segment}, "LastEvaluatedKey", "ExclusiveStartKey")
            if answer.error:
                return answer
            total = answer if total is None else merged(total, answer)
        return total

    def _pages(self, operation, request, position, parameter):
        total, request, pages = None, dict(request), 0
        while True:
            answer = self.send(operation, request)
            if answer.error:
                return answer
            total = answer if total is None else merged(total, answer)
            pages += 1
            if not answer.body.get(position) or pages > MAX_PAGES:
                total.body.pop(position, None)
                return total
            request[parameter] = answer.body[position]


def merged(total, answer):
    for name in ("Items",):
        if name in answer.body:
            total.body[name] = total.body.get(name, []) + answer.body[name]
    for name in ("Count", "ScannedCount"):
        if name in answer.body:
            total.body[name] = total.body.get(name, 0) + answer.body[name]
    # What a page costs is rounded up for each page; sums of it depend on where the pages end.
    total.body.pop("ConsumedCapacity", None)
    return total
