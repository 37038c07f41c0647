"""A disk that fills up: changes are refused with an error of the server's, nothing that was acknowledged is lost, reads go
on, and once there is room so do writes. The disk is a small one of the test's own, in a namespace that only the servers
see."""

import errno
import pathlib
import random
import shutil
import subprocess
import time

import botocore.exceptions
import pytest
from mixed_writes import MixedWrites

MIB = 1 << 20
DISK = 256 * MIB
RESERVE = 64 * MIB  # what the server keeps for removals and for itself


class SmallDisk:
    """`path` is where servers see it, `seen` where the test does."""

    def __init__(self, folder):
        self.path = folder / "disk"
        self.path.mkdir()
        script = 'mount -t tmpfs -o size="$1",mode=700 small "$0" && echo mounted && exec cat'
        for user in ([], ["--map-root-user"]):
            self.holder = subprocess.Popen(
                ["unshare", *user, "--mount", "--propagation", "private", "sh", "-c", script, str(self.path), str(DISK)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            if self.holder.stdout.readline() == b"mounted\n":
                break
            self.holder.wait()
        else:
            pytest.skip("making a small disk is not permitted here")
        self.prefix = ["nsenter", "--target", self.holder.pid, *(["--user", "--preserve-credentials"] if user else []),
                       "--mount", "--"]
        self.seen = pathlib.Path(f"/proc/{self.holder.pid}/root{self.path}")
        self.ballast = self.seen / "ballast"

    def free(self):
        return shutil.disk_usage(self.seen).free

    def leave(self, free):
        """Takes or gives back room, until `free` bytes are left."""
        with open(self.ballast, "ab", buffering=0) as file:
            size = file.tell()
            file.truncate(max(0, size - max(0, free - self.free())))
            try:
                while (more := self.free() - free) > 0:
                    file.write(bytes(min(more, MIB)))
            except OSError as error:  # others write too
                assert error.errno == errno.ENOSPC

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()


@pytest.fixture
def disk(tmp_path):
    small = SmallDisk(tmp_path)
    yield small
    small.close()


@pytest.fixture
def start(start_server, disk):
    def start(**options):
        running = start_server(data=disk.path / "data", prefix=disk.prefix, **options)
        running.data = disk.seen / "data"
        return running

    return start


def refuses(write):
    """Whether the server answers that it could not store."""
    try:
        write()
        return False
    except botocore.exceptions.ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert status in (500, 507), error
        return True


def is_full(error):
    return error.response["ResponseMetadata"]["HTTPStatusCode"] in (500, 507)


def until(done, seconds=20):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_disk_that_fills_up_and_empties_amid_writes_loses_nothing(start, disk):
    rng = random.Random(5)
    running = start()
    mixed = MixedWrites(running)
    for _ in range(2):
        mixed.start(rng, on_refusal=is_full)
        mixed.wait_for_all()
        refused = {service: service.known.refused for service in mixed.services}
        disk.leave(0)
        until(lambda: all(service.known.refused > refused[service] for service in mixed.services))
        time.sleep(0.5)
        mixed.stop()
        mixed.check()
        # There is room again: writes go on in the same server.
        disk.leave(DISK)
        mixed.start(rng, on_refusal=is_full)
        mixed.wait_for_all()
        mixed.stop(kill=running.kill)
        running = start(listen=mixed.listen)
        mixed.check()


def test_a_server_that_was_killed_on_a_full_disk_has_everything(start, disk):
    rng = random.Random(6)
    running = start()
    mixed = MixedWrites(running)
    mixed.start(rng, on_refusal=is_full)
    mixed.wait_for_all()
    disk.leave(0)
    mixed.stop(kill=running.kill)
    disk.leave(0)
    try:
        # There may be just enough room for the little that a start writes: then everything can be read.
        running = start(listen=mixed.listen)
        mixed.check()
        disk.leave(DISK)
    except RuntimeError as refusal:
        assert "The disk is full" in str(refusal)
        disk.leave(DISK)
        running = start(listen=mixed.listen)
    mixed.check()
    mixed.start(rng)
    mixed.wait_for_all()
    mixed.stop()
    mixed.check()


def test_in_reserve_only_removals_go_on(start, disk):
    running = start()
    client = running.client()
    client.create_collection(CollectionId="gone")
    client.create_collection(CollectionId="kept")
    disk.leave(RESERVE - 8 * MIB)
    with pytest.raises(botocore.exceptions.ClientError) as refusal:
        client.create_collection(CollectionId="more")
    assert refusal.value.response["Error"] == {"Code": "InternalServerError",
                                               "Message": "The disk is full; nothing was stored."}
    client.delete_collection(CollectionId="gone")
    assert client.list_collections()["CollectionIds"] == ["kept"]
    # Erasing the collection takes and gives back some room, too.
    disk.leave(DISK)
    client.create_collection(CollectionId="more")


def test_an_object_that_is_too_large_for_the_disk_leaves_nothing_behind(start, disk):
    running = start()
    client = running.client("s3")
    client.create_bucket(Bucket="bucket")
    client.put_object(Bucket="bucket", Key="k", Body=b"before")
    before = disk.free()
    body = bytes(before - RESERVE + MIB)
    # Said at once, from the length.
    assert refuses(lambda: client.put_object(Bucket="bucket", Key="k", Body=body))
    # Amid the bytes: the room goes while they arrive in parts.
    upload = client.create_multipart_upload(Bucket="bucket", Key="k")["UploadId"]
    parts = 0
    while not refuses(lambda: client.upload_part(Bucket="bucket", Key="k", UploadId=upload, PartNumber=parts + 1,
                                                 Body=bytes(16 * MIB))):
        parts += 1
    assert 8 <= parts <= 12
    client.abort_multipart_upload(Bucket="bucket", Key="k", UploadId=upload)
    assert client.get_object(Bucket="bucket", Key="k")["Body"].read() == b"before"
    until(lambda: disk.free() > before - 4 * MIB)
    client.put_object(Bucket="bucket", Key="k", Body=b"after")
