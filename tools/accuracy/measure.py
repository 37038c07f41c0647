#!/usr/bin/env python3
"""Runs likeness_measure over the labelled photos and keeps what it prints, one file a way of showing the photos:

    plain        as they are                     (everything that is fitted or reported)
    rotated_90, rotated_180, turned_30           the photos with exactly one face, turned
    small_40, small_24                           the photos of identities.csv, faces made that many pixels wide
    paint_sunglasses, paint_glasses, paint_mask, paint_block
                 a part of the photos, that thing painted over the face: to fit on where real photos are too few

A file that the same program already made of the same photos is kept. Each photo is measured alone and in order, so the
files do not depend on the number of processes.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import sys

import photos

VARIANTS = {
    "plain": ["--rejected"],
    "rotated_90": ["--rotate", "1", "--no-vectors"],
    "rotated_180": ["--rotate", "2", "--no-vectors"],
    "turned_30": ["--turn", "30", "--no-vectors"],
    "paint_sunglasses": ["--paint", "sunglasses"],
    "paint_glasses": ["--paint", "glasses"],
    "paint_mask": ["--paint", "mask"],
    "paint_block": ["--paint", "block"],
    "small_40": ["--face-width", "40", "--as-served"],
    "small_24": ["--face-width", "24", "--as-served"],
}


def tool(given: str | None) -> pathlib.Path:
    path = pathlib.Path(given) if given else photos.ROOT / "build" / "release" / "src" / "vision" / "likeness_measure"
    if not path.exists():
        sys.exit(f"accuracy: {path} is not there; build it with: ninja -C build/release likeness_measure")
    return path


def digest(paths) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(path.read_bytes())
    return total.hexdigest()


def wanted(variant: str, folder: pathlib.Path) -> list[str]:
    everything = photos.photos(folder)
    if variant == "plain":
        return everything
    known = photos.identities(folder)
    if variant.startswith("paint"):
        # Another part of the photos for each thing.
        offset = list(VARIANTS).index(variant)
        return [p for i, p in enumerate(q for q in everything if q.startswith(("utk/", "deepface/", "orl/")))
                if i % 3 == offset % 3]
    single = [p for p in everything if p in known and p.startswith(("deepface/", "yale/", "orl/"))]
    if variant.startswith("small"):
        return [p for p in everything if p in known]
    return single[::4]


def run(program: pathlib.Path, options: list[str], folder: pathlib.Path, files: list[str]) -> list[str]:
    environment = os.environ | {"LIKENESS_THREADS": "1"}
    done = subprocess.run([str(program.resolve()), *options], input="\n".join(files), text=True, capture_output=True,
                          cwd=folder, env=environment)
    if done.returncode != 0:
        sys.exit(f"accuracy: likeness_measure failed: {done.stderr.strip()[-500:]}")
    return done.stdout.splitlines()


def measure(folder: pathlib.Path, program: pathlib.Path, into: pathlib.Path, jobs: int, only=None) -> None:
    into.mkdir(parents=True, exist_ok=True)
    of_program = digest([program])
    for variant, options in VARIANTS.items():
        if only and variant not in only:
            continue
        files = wanted(variant, folder)
        if not files:
            continue
        target, mark = into / f"{variant}.jsonl", into / f"{variant}.made_of"
        made_of = hashlib.sha256("\n".join([of_program, *options, str(folder), *files]).encode()).hexdigest()
        if target.exists() and mark.exists() and mark.read_text().strip() == made_of:
            continue
        print(f"measuring {len(files)} photos ({variant})", flush=True)
        parts = [files[i::jobs] for i in range(jobs)]
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            lines = [line for part in pool.map(lambda p: run(program, options, folder, p), parts) for line in part]
        order = {name: i for i, name in enumerate(files)}
        lines.sort(key=lambda line: order[json.loads(line)["photo"]])
        target.write_text("\n".join(lines) + "\n")
        mark.write_text(made_of + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--eval", help="folder of labelled photos (default: ../shared/eval beside the repository)")
    parser.add_argument("--tool", help="likeness_measure (default: build/release/src/vision/likeness_measure)")
    parser.add_argument("--out", type=pathlib.Path, default=photos.ROOT / "build" / "accuracy")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", action="append", choices=list(VARIANTS))
    arguments = parser.parse_args()
    measure(photos.eval_folder(arguments.eval), tool(arguments.tool), arguments.out, arguments.jobs, arguments.only)
    return 0


if __name__ == "__main__":
    sys.exit(main())
