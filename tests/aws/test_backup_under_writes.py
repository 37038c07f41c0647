"""A backup that is made while clients write through every service is one moment of all of them: nothing that was
acknowledged before it is missing, nothing is there by half, and every index agrees with what it indexes."""

import random
import subprocess
import time

from likeness_server import BINARY
from mixed_writes import MixedWrites


def likeness(*arguments):
    done = subprocess.run([str(BINARY), *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_backup_amid_writes_is_one_moment_of_everything(start_server, tmp_path):
    rng = random.Random(11)
    running = start_server()
    mixed = MixedWrites(running)
    mixed.start(rng)
    moments = []
    for number in range(3):
        mixed.wait_for_all()
        since = time.monotonic()
        likeness("backup", tmp_path / f"backup{number}", "--data", running.data)
        moments.append((since, time.monotonic()))
        time.sleep(0.3)
    mixed.stop()
    # The data goes on and goes away: a backup needs nothing of it.
    assert running.stop() == 0
    for number, (since, until) in enumerate(moments):
        likeness("restore", tmp_path / f"backup{number}", "--data", tmp_path / f"data{number}")
        restored = start_server(data=tmp_path / f"data{number}")
        mixed.check_moment(restored, since, until)
        restored.kill()
