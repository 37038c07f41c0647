#!/usr/bin/env python3
"""Runs those of moto's tests that its authors verified against AWS (marked `aws_verified`) against the real binary.

moto_SERVICE.txt lists the ones that are known to fail, a pattern and its reason a line. The run fails when another one
does, and when one of the list has come to pass.

    tests/conformance/moto_verified.py s3 [--binary build/release/likeness]

moto and its tests come from its source package into the set-up's cache, with an environment of their own.
"""

import argparse
import fnmatch
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import venv

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("LIKENESS_CACHE", pathlib.Path.home() / ".cache/likeness"))
VERSION = "5.2.5"
REGIONS = {"cloudwatch": "eu-west-1", "logs": "us-west-2"}  # that the tests of a service are for; us-east-1 otherwise
sys.path.insert(0, str(HERE.parent))

import likeness_server  # noqa: E402


def set_up() -> tuple[pathlib.Path, pathlib.Path]:
    """The environment's Python, and the folder in which moto's tests lie."""
    folder = CACHE / f"moto-{VERSION}"
    python, tests = folder / "venv/bin/python", folder / f"moto-{VERSION}"
    if not (tests / "tests").is_dir():
        venv.create(folder / "venv", with_pip=True)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "-q"]
        subprocess.run([*pip, "install", f"moto[server]=={VERSION}", "pytest", "requests", "freezegun"], check=True)
        subprocess.run([*pip, "download", "--no-deps", "--no-binary", ":all:", "-d", folder, f"moto=={VERSION}"], check=True)
        with tarfile.open(folder / f"moto-{VERSION}.tar.gz") as package:
            package.extractall(folder, [m for m in package.getmembers() if "/tests/" in m.name or m.name.endswith(".cfg")])
    return python, tests


def known_failures(service: str) -> dict[str, str]:
    """Pattern -> reason."""
    lines = (HERE / f"moto_{service}.txt").read_text().splitlines()
    return dict(re.split(r"\s+", line, maxsplit=1) for line in lines if line and not line.startswith("#"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("service")
    parser.add_argument("--binary", type=pathlib.Path, default=likeness_server.BINARY)
    parser.add_argument("--verbose", action="store_true", help="show why tests failed")
    arguments = parser.parse_args()
    likeness_server.BINARY = arguments.binary.resolve()
    python, tests = set_up()
    region = REGIONS.get(arguments.service, "us-east-1")
    key = {"AWS_ACCESS_KEY_ID": "LKIAVERIFIED", "AWS_SECRET_ACCESS_KEY": "secret"}
    with tempfile.TemporaryDirectory() as folder:
        server = likeness_server.Server(folder, set=["account=123456789012", f"region={region}"], env=key)
        environment = os.environ | key | {"AWS_ENDPOINT_URL": server.endpoint, "AWS_DEFAULT_REGION": region,
                                          "AWS_MAX_ATTEMPTS": "1", "MOTO_TEST_ALLOW_AWS_REQUEST": "true"}
        # Some of the tests patch the SDK of the process, so each file has its own.
        passed, failed = set(), set()
        for file in sorted((tests / f"tests/test_{arguments.service}").glob("test_*.py")):
            if "aws_verified" not in file.read_text():
                continue
            run = subprocess.run([python, "-m", "pytest", "-m", "aws_verified", "-p", "no:cacheprovider", "--color=no", "-rA",
                                  "--tb=short" if arguments.verbose else "--tb=no", "-q", file.relative_to(tests)],
                                 cwd=tests, env=environment, capture_output=True, text=True, timeout=900)
            if arguments.verbose:
                print(run.stdout)
            if run.returncode not in (0, 1, 5):
                sys.exit(f"{file.name} could not be run:\n{run.stdout[-2000:]}")
            for outcome, name in re.findall(r"^(PASSED|FAILED|ERROR) \S*?/(test_\w+\.py::.+?)(?: - .*)?$", run.stdout, re.MULTILINE):
                (passed if outcome == "PASSED" else failed).add(name)
        server.stop()
    known = known_failures(arguments.service)
    listed = {name for name in passed | failed if any(fnmatch.fnmatchcase(name, glob_of(p)) for p in known)}
    for name in sorted(failed - listed):
        print("fails:", name)
    for name in sorted(listed - failed):
        print("is listed but passes:", name)
    print(f"{len(passed)} passed, {len(failed)} failed, of which {len(failed & listed)} are listed with reasons")
    sys.exit(1 if failed - listed or listed - failed or not passed else 0)


def glob_of(pattern: str) -> str:
    """Brackets in names of tests are themselves."""
    return pattern.replace("[", "[[]")


if __name__ == "__main__":
    main()
