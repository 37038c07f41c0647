"""What the tests of S3 share."""

import base64
import hashlib
import http.client
import zlib


def body_of(answer):
    return answer["Body"].read()


def remove_bucket(s3, name):
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        objects = [{"Key": v["Key"], "VersionId": v["VersionId"]}
                   for v in page.get("Versions", []) + page.get("DeleteMarkers", [])]
        if objects:
            s3.delete_objects(Bucket=name, Delete={"Objects": objects}, BypassGovernanceRetention=True)
    s3.delete_bucket(Bucket=name)


def send(server, method, path, headers=None, body=None, host=None):
    """A request without the SDK: (status, headers, body)."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    try:
        connection.putrequest(method, path, skip_host=host is not None, skip_accept_encoding=True)
        if host is not None:
            connection.putheader("Host", host)
        if body is not None and not any(name.lower() == "content-length" for name in headers or {}):
            connection.putheader("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def _crc(table_polynomial, bits):
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (table_polynomial if n & 1 else 0)
        table.append(n)
    mask = (1 << bits) - 1

    def crc(data):
        value = mask
        for byte in data:
            value = table[(value ^ byte) & 0xFF] ^ value >> 8
        return (value ^ mask).to_bytes(bits // 8, "big")

    return crc


DIGESTS = {"CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
           "CRC32C": _crc(0x82F63B78, 32),
           "CRC64NVME": _crc(0x9A6C9329AC4BC9B5, 64),
           "SHA1": lambda data: hashlib.sha1(data).digest(),
           "SHA256": lambda data: hashlib.sha256(data).digest()}


def checksum(algorithm, data):
    """As in x-amz-checksum-ALGORITHM; computed without the SDK."""
    return base64.b64encode(DIGESTS[algorithm](data)).decode()


def checksum_member(algorithm):
    return "ChecksumCRC64NVME" if algorithm == "CRC64NVME" else "Checksum" + algorithm
