"""A long test: moto's tests that were verified against AWS, but for the listed ones."""

import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
SERVICES = [path.stem.removeprefix("moto_") for path in sorted(HERE.glob("moto_*.txt"))]


@pytest.mark.skipif(not os.environ.get("LIKENESS_LONG"), reason="a long test: LIKENESS_LONG=1 runs it")
@pytest.mark.parametrize("service", SERVICES)
def test_moto_s_verified_tests(service):
    run = subprocess.run([sys.executable, HERE / "moto_verified.py", service], capture_output=True, text=True, timeout=1800)
    assert run.returncode == 0, run.stdout + run.stderr
