"""What a client can do wrong at the level of HTTP, and what the disk and the power can: the server answers or closes,
says so in its log, and goes on."""

import json
import os
import pathlib
import resource
import socket
import time

import botocore.exceptions
import pytest
from likeness_server import Server

PHOTO = pathlib.Path(os.environ.get("LIKENESS_CACHE", pathlib.Path.home() / ".cache/likeness")) / "photos/sample1.jpg"


def connect(server):
    return socket.create_connection((server.host, server.port), timeout=20)


def read_all(connection):
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


def ask(server, text):
    with connect(server) as connection:
        connection.sendall(text)
        return read_all(connection)


def memory_mb(server):
    for line in pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A server that loses patience quickly, so that the tests need not wait long."""
    running = Server(tmp_path_factory.mktemp("strict"),
                     set=["head_timeout=500ms", "body_grace=500ms", "idle_timeout=1s", "max_request_body=8MiB",
                          "max_connections=64"])
    yield running
    running.stop()


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00\x01", b"hello\r\n\r\n", b"\x00" * 100,
                                     b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"])
def test_garbage_is_a_400(strict, garbage):
    assert ask(strict, garbage).startswith(b"HTTP/1.1 400 ")


def test_a_head_that_is_too_large_is_a_431(strict):
    assert ask(strict, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431 ")


def test_a_body_that_is_too_large_is_a_413_before_it_is_sent(strict):
    answer = ask(strict, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\nExpect: 100-continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ") and b"100 Continue" not in answer


def test_both_lengths_are_refused_and_nothing_after_them_is_answered(strict):
    answer = ask(strict, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
                         b"0\r\n\r\nGET /_likeness/health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("start", [b"", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"])
def test_a_client_that_sends_one_byte_at_a_time_is_closed(strict, start):
    with connect(strict) as connection:
        connection.sendall(start)
        begin = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - begin < 15:
                connection.sendall(b"G")
                time.sleep(0.1)
    assert time.monotonic() - begin < 15


def test_many_silent_connections_keep_nobody_out(strict):
    silent = [connect(strict) for _ in range(80)]
    assert strict.get("/_likeness/health")[0] == 200
    for connection in silent:
        connection.close()


def test_abandoned_uploads_leave_no_memory_behind(strict):
    end = time.monotonic() + 60
    while '"status":"starting"' in strict.get("/_likeness/health")[1] and time.monotonic() < end:
        time.sleep(0.1)  # the models would count

    def abandon(count):
        for _ in range(count):
            with connect(strict) as connection:
                connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n" + b"x" * 4_000_000)
        end = time.monotonic() + 20
        while "likeness_request_body_bytes 0\n" not in strict.get("/_likeness/metrics")[1] and time.monotonic() < end:
            time.sleep(0.1)
        assert "likeness_request_body_bytes 0\n" in strict.get("/_likeness/metrics")[1]
        return memory_mb(strict)

    # What stayed would add up, 240 MB a round. (The allocator may keep what one round freed.)
    rounds = [abandon(60) for _ in range(4)]
    assert min(after - before for before, after in zip(rounds, rounds[1:])) < 40, rounds


def test_an_acknowledged_collection_survives_kill_9(start_server, tmp_path):
    data = tmp_path / "data"
    first = start_server(data=data)
    first.client().create_collection(CollectionId="kept")
    key = first.credentials
    first.kill()
    again = start_server(data=data)
    assert again.credentials == key
    assert again.client().list_collections()["CollectionIds"] == ["kept"]


def test_a_full_disk_is_an_error_that_changes_nothing(start_server):
    def limit():
        # Files of at most 64 KiB, as a disk without room; SIGXFSZ must be an error of the write instead of the end.
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, 64 * 1024))

    server = start_server(preexec=limit, set=["log_level=off", "access_log=off"])
    client = server.client()
    made, failure = [], None
    for number in range(3000):
        try:
            client.create_collection(CollectionId=f"c{number}")
            made.append(f"c{number}")
        except botocore.exceptions.ClientError as error:
            failure = error.response["Error"]["Code"]
            break
    assert failure in ("InternalServerError", "ServiceUnavailable"), failure
    assert json.loads(server.get("/_likeness/health")[1])["version"]
    assert made
    listed, token = [], None
    while True:
        page = client.list_collections(**({"NextToken": token} if token else {}))
        listed += page["CollectionIds"]
        if not (token := page.get("NextToken")):
            break
    assert sorted(listed) == sorted(made)


def test_a_rate_that_was_set_is_held_in_the_modelled_words(start_server):
    client = start_server(set=["throttle_rates=ListCollections=0.1"]).client()
    answers = []
    for _ in range(2):
        try:
            client.list_collections()
            answers.append("ok")
        except client.exceptions.ProvisionedThroughputExceededException as error:
            answers.append(error.response["Error"]["Message"])
    assert answers == ["ok", "Provisioned Rate exceeded."]


def test_drain_finishes_a_request_that_runs(start_server):
    """SIGTERM while a photo is looked at: the client gets its answer."""
    import concurrent.futures
    import signal

    server = start_server()
    client = server.client()
    image = {"Bytes": PHOTO.read_bytes()}
    client.detect_faces(Image=image)
    with concurrent.futures.ThreadPoolExecutor() as threads:
        running = threads.submit(client.detect_faces, Image=image, Attributes=["ALL"])
        time.sleep(0.1)
        server.process.send_signal(signal.SIGTERM)
        assert running.result(60)["FaceDetails"]
    assert server.process.wait(60) == 0
