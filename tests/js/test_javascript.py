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
def test_the_javascript_sdk_v3(server, file):
    node = shutil.which("node") or shutil.which("node", path=pathlib.Path(sys.executable).parent)
    assert node, "there is no node: scripts/setup.sh --tests installs it"
    modules = CACHE / "js/node_modules"
    assert modules.is_dir(), f"{modules} is missing: scripts/setup.sh --tests installs it"
    key, secret = server.credentials
    done = subprocess.run([node, "--test", HERE / file], capture_output=True, text=True, timeout=300,
                          env=os.environ | {"NODE_PATH": str(modules), "AWS_ENDPOINT_URL": server.endpoint,
                                            "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
                                            "AWS_REGION": "us-east-1", "LIKENESS_PHOTOS": str(CACHE / "photos")})
    assert done.returncode == 0, done.stdout + done.stderr
