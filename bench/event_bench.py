#!/usr/bin/env python3
"""Events matched a second against 10, 1,000 and 10,000 rules, by us and by Event Ruler, AWS's own matcher, in one go.

    bench/event_bench.py [--seconds 4] [--program build/release/bench/event_bench]

Rules and events are those of applications: exact values, prefixes, suffixes, number ranges, networks, wildcards, arrays of
objects. Both must find the same number of matches. Needs java and javac; Maven once (tests/conformance/event_ruler).
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/conformance/event_ruler"))
import record  # noqa: E402


def rule(i):
    common = {"source": [f"app{i % 10}"], "detail-type": [f"Type {i % 7}"]}
    return [
        {**common, "detail": {"id": [f"id-{i}"]}},
        {**common, "detail": {"key": [{"prefix": f"folder-{i}/"}]}},
        {**common, "detail": {"key": [{"suffix": f"-{i}.jpg"}]}},
        {**common, "detail": {"count": [{"numeric": [">=", i, "<", i + 3]}]}},
        {**common, "detail": {"name": [{"equals-ignore-case": f"NAME-{i}"}]}},
        {"detail": {"key": [{"wildcard": f"bucket-{i}/*.png"}]}},
        {**common, "detail": {"ip": [{"cidr": f"10.{i // 256 % 256}.{i % 256}.0/24"}], "id": [{"anything-but": "x"}]}},
        {"detail": {"tags": {"k": [f"k{i}"], "v": [{"exists": True}]}}},
    ][i % 8]


def event(chance, rules):
    i = chance.randrange(rules)
    return {"version": "0", "id": "7e1f1b3c-6d2a-4f0e-9d1a-000000000000", "source": f"app{i % 10}", "detail-type": f"Type {i % 7}",
            "account": "000000000000", "time": "2026-11-21T20:00:00Z", "region": "us-east-1", "resources": ["arn:aws:s3:::photos"],
            "detail": {"id": f"id-{i}", "key": f"folder-{i}/a-{chance.randrange(rules)}.jpg", "count": i, "name": f"Name-{i}",
                       "ip": f"10.{i // 256 % 256}.{i % 256}.7",
                       "tags": [{"k": f"k{i}", "v": 1}, {"k": "other", "v": None}],
                       "unused": {"much": [1, 2, 3, "four"], "text": "x" * 200}}}


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed: {done.stderr.strip()[-400:]}")
    rate, matches, _ = done.stdout.split()
    return float(rate), int(matches)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--program", default=str(ROOT / "build/release/bench/event_bench"))
    options = parser.parse_args()
    jars = record.jars()
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["javac", "-cp", f"{jars}/*", "-d", work, str(ROOT / "bench/peer_event_ruler/RulerBench.java")], check=True)
        print(f"{'rules':>7} {'ours/s':>10} {'Event Ruler/s':>14} {'ratio':>6}  {'us an event':>11}")
        first = None
        for count in (10, 1000, 10_000):
            chance = random.Random(5)
            rules, events = pathlib.Path(work, "rules"), pathlib.Path(work, "events")
            rules.write_text("".join(json.dumps(rule(i)) + "\n" for i in range(count)))
            events.write_text("".join(json.dumps(event(chance, count)) + "\n" for _ in range(2000)))
            ours, found = run([options.program, str(rules), str(events), str(options.seconds)])
            theirs, expected = run(["java", "-cp", f"{work}:{jars}/*", "RulerBench", str(rules), str(events), str(options.seconds)])
            if found != expected:
                raise SystemExit(f"with {count} rules we found {found} matches, Event Ruler {expected}")
            first = first or ours
            print(f"{count:>7} {ours:>10,.0f} {theirs:>14,.0f} {ours / theirs:>6.1f}  {1e6 / ours:>11.2f}")
        print(f"10,000 rules cost {first / ours:.1f} times what 10 cost")


if __name__ == "__main__":
    main()
