"""What `make run` does after the build."""

import os
import re
import signal
import socket
import subprocess

from cli.conftest import CACHE
from likeness_server import BINARY, ROOT


def environment(tmp_path, **extra):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return clean | {"LIKENESS_BIN": str(BINARY), "LIKENESS_CACHE": str(CACHE), "LIKENESS_DATA": str(tmp_path / "data"),
                    "LISTEN": "127.0.0.1:0"} | extra


def test_once_shows_the_rows_of_the_photo_check_and_who_is_on_a_photo_and_ends(tmp_path):
    done = subprocess.run([ROOT / "scripts/run.sh"], env=environment(tmp_path, ONCE="1"), capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = dict(reversed(row) for row in re.findall(r"^(PASS|FAIL)  (\S+)", done.stdout, re.M))
    assert rows == {"ann.jpg": "PASS", "astronaut.png": "FAIL", "bea.jpg": "FAIL", "cem.jpg": "FAIL", "notes.jpg": "FAIL",
                    "sample1.jpg": "FAIL"}
    assert "EyesOpen is No" in done.stdout and "The photo cannot be read." in done.stdout
    assert "There are 3 faces in the photo." in done.stdout and "Who is on sample3.jpg?" in done.stdout
    assert (tmp_path / "data/pictures/who.png").stat().st_size > 0
    assert (tmp_path / "data/credentials").stat().st_mode & 0o077 == 0


def test_it_serves_until_interrupted_and_the_printed_curl_works(tmp_path):
    process = subprocess.Popen([ROOT / "scripts/run.sh"], env=environment(tmp_path), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, start_new_session=True)
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "serving until Ctrl-C" in line:
            break
    (curl,) = [line for line in lines if line.startswith("curl ")]
    done = subprocess.run(["bash", "-c", curl], capture_output=True, text=True, timeout=60)
    assert '"FaceCount":19' in done.stdout, done.stdout + done.stderr
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 0


def test_a_port_that_is_taken_is_said(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run([ROOT / "scripts/run.sh"], capture_output=True, text=True, timeout=60,
                              env=environment(tmp_path, LISTEN="127.0.0.1:%d" % taken.getsockname()[1]))
    assert done.returncode == 1
    assert "is taken" in done.stderr and "LISTEN=" in done.stderr
