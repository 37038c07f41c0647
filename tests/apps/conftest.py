import os
import pathlib
import subprocess

import pytest
from likeness_server import BINARY, Server

from apps_tools import Account

CACHE = pathlib.Path(os.environ.get("LIKENESS_CACHE", pathlib.Path.home() / ".cache/likeness"))


@pytest.fixture(scope="session")
def photos():
    """The folder of the sample photos."""
    return CACHE / "photos"


@pytest.fixture(scope="session")
def portraits(tmp_path_factory, photos):
    """Single faces, cut out of the sample photos: sample3-3.jpg keeps the rules of a passport office, sample1-1.jpg smiles
    with an open mouth, sample2-2.jpg has closed eyes."""
    folder = tmp_path_factory.mktemp("portraits")
    subprocess.run([BINARY, "detect", "sample1.jpg", "sample2.jpg", "sample3.jpg", "--crops", folder], cwd=photos,
                   check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture(scope="session")
def no_face(tmp_path_factory):
    """A photo without anybody: a plain picture."""
    import zlib
    import struct

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    side = 200
    rows = b"".join(b"\0" + bytes((x + y) % 256 for x in range(side) for _ in range(3)) for y in range(side))
    path = tmp_path_factory.mktemp("drawn") / "nobody.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return path


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """An empty account on a server of the module's own, whose failed functions are tried again soon."""
    server = Server(tmp_path_factory.mktemp("apps"), set=("function_retry_wait=200ms",))
    yield Account(server)
    server.stop()
