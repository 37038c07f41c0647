"""The real binary as a person uses it. `likeness(...)` runs it; photos come from the set-up's cache."""

import json
import os
import pathlib
import subprocess

import pytest

from likeness_server import BINARY

CACHE = pathlib.Path(os.environ.get("LIKENESS_CACHE")
                     or pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "likeness")
PHOTOS = CACHE / "photos"
ASTRONAUT = PHOTOS / "astronaut.png"   # one face, a wide smile that shows the teeth
GROUP = PHOTOS / "sample4.jpg"         # four people


class Done:
    """What a run of the binary left."""

    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout.decode()
        self.err = process.stderr.decode()

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def json(self):
        (line,) = self.lines
        return line


@pytest.fixture
def likeness(tmp_path):
    """likeness("check", photo, "--json") -> Done, with a data folder of the test's own."""

    def run(*arguments, env=None, input=None, cwd=None):
        environment = {k: v for k, v in os.environ.items()
                       if not k.startswith(("AWS_", "LIKENESS_DATA", "LIKENESS_ENDPOINT", "NO_COLOR", "CLICOLOR"))}
        environment["LIKENESS_DATA"] = str(tmp_path / "data")
        environment.update(env or {})
        return Done(subprocess.run([str(BINARY), *map(str, arguments)], capture_output=True, timeout=300, input=input,
                                   env=environment, cwd=cwd))

    return run
