"""Runs the JavaScript tests, *.test.cjs, with the AWS SDK for JavaScript v3."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("LIKENESS_CACHE",
                                    pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "likeness"))


@pytest.mark.parametrize("file", sorted(path.name for path in HERE.glob("*.test.cjs")))
def test_the_javascript_sdk_v3(sdk, file):
    node = shutil.which("node") or shutil.which("node", path=pathlib.Path(sys.executable).parent)
    assert node, "there is no node: scripts/setup.sh --tests installs it"
    # The clients of some services are there for functions already.
    modules = [CACHE / "js/node_modules", CACHE / "functions/node/node_modules"]
    for folder in modules:
        assert folder.is_dir(), f"{folder} is missing: scripts/setup.sh --tests installs it"
    done = subprocess.run([node, "--test", HERE / file], capture_output=True, text=True, timeout=300,
                          env=sdk.environment | {"NODE_PATH": os.pathsep.join(map(str, modules)), "LIKENESS_PHOTOS": str(CACHE / "photos")})
    assert done.returncode == 0, done.stdout + done.stderr
