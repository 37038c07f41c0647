#!/usr/bin/env python3
"""Asks Event Ruler, AWS's own matcher, for its verdict on patterns and events, and records them for pattern_vectors_test.

    tests/conformance/event_ruler/record.py [--made 4000] [--seed 7] [--hard FILE] [--out FOLDER]

Needs java, javac and Maven (once); what Maven fetches is checked by SHA-256. `--hard`: Event Ruler's own hard cases, of
which the verdicts are recorded by name.
"""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import cases

HERE = pathlib.Path(__file__).resolve().parent


def jars():
    base = os.environ.get("LIKENESS_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache"), "likeness")
    folder = pathlib.Path(base) / "event-ruler"
    pinned = {name: digest for digest, name in
              (line.split(maxsplit=1) for line in (HERE / "sha256sums").read_text().splitlines())}

    def complete():
        return all((folder / name).is_file() and hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
                   for name, digest in pinned.items())

    if complete():
        return folder
    with tempfile.TemporaryDirectory() as work:
        shutil.copy(HERE / "pom.xml", work)
        subprocess.run(["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={work}/jars"], cwd=work,
                       check=True)
        folder.mkdir(parents=True, exist_ok=True)
        for name in pinned:
            if (pathlib.Path(work) / "jars" / name).is_file():
                shutil.copy(pathlib.Path(work) / "jars" / name, folder / name)
    if not complete():
        raise SystemExit("what Maven fetched does not have the pinned SHA-256 sums: refused.")
    return folder


def verdicts(given):
    folder = jars()
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["javac", "-nowarn", "-cp", f"{folder}/*", "-d", work, str(HERE / "Verdicts.java")], check=True,
                       capture_output=True)
        lines = "".join(json.dumps(case) + "\n" for case in given)
        done = subprocess.run(["java", "-cp", f"{work}:{folder}/*", "Verdicts"], input=lines, capture_output=True,
                              text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--made", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--hard", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    options = parser.parse_args()
    found = verdicts(cases.refused())
    made = verdicts(cases.made(options.made, options.seed))
    matching = [one for one in made if one.get("match")]
    others = [one for one in made if not one.get("match")]
    found += matching + others[:len(matching)]  # most do not match: as many of each say more
    with open(options.out / "verdicts.jsonl", "w") as out:
        for one in found:
            one.pop("name")
            out.write(json.dumps(one, ensure_ascii=False) + "\n")
    print(len(found), "verdicts,", sum(one.get("match", False) for one in found), "matches,",
          sum("failed" in one for one in found), "failures")
    if options.hard:
        hard = json.loads(options.hard.read_text())
        found = verdicts([{"name": one["name"], "rule": json.dumps(one["rule"]), "event": json.dumps(one["event"])} for one in hard])
        (options.out / "hard_cases.json").write_text(
            json.dumps({one["name"]: one.get("match", one.get("error")) for one in found}, indent=1, ensure_ascii=False) + "\n")
        print(len(found), "verdicts on hard cases")


if __name__ == "__main__":
    main()
