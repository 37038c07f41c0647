#!/usr/bin/env python3
"""Sends the same random operations to Likeness and to DynamoDB Local and prints where their answers differ.

    tests/differential/run.py [--operations N] [--seed S] [--only put,query,...] [--local-port P] [--keep-going]

Exit status 1 if there was a difference that known_differences.py does not name.
"""

import argparse
import collections
import json
import pathlib
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import compare  # noqa: E402
from dynamodb_local import DynamoDbLocal, Missing  # noqa: E402
from generator import Generator  # noqa: E402
from known_differences import known, trimmed  # noqa: E402
from shrink import Shrinker, renamed  # noqa: E402
from wire import Endpoint  # noqa: E402

HISTORY = 120  # operations of a table that a difference is looked for in
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "ExecuteStatement",
          "BatchExecuteStatement", "ExecuteTransaction", "CreateTable"}


class Run:
    def __init__(self, local, ours, seed, only=None, out=sys.stdout, shrink=True):
        self.local, self.ours, self.out, self.shrink = local, ours, out, shrink
        self.generator = Generator(seed, only=only)
        self.histories = {}  # table -> operations that may have changed it
        self.differences = collections.Counter()
        self.known = collections.Counter()
        self.answers = collections.Counter()
        self.unimplemented = set()
        self.parted = False  # a known difference left other items

    def ask(self, operation, request):
        local, ours = self.local.ask(operation, request), self.ours.ask(operation, request)
        local.body = trimmed(local.body)
        return local, ours

    def ask_both(self, operation, request):
        local, ours = self.ask(operation, request)
        if ours.error and ours.error[0] in ("UnknownOperationException", "NotImplementedException"):
            self.unimplemented.add(operation)
        return local, ours

    def differ(self, operation, request, local, ours, table=None):
        if compare.comparable(operation, request, local, table) == compare.comparable(operation, request, ours, table):
            return None
        found = known(operation, request, local, ours)
        if found:
            self.known[found.what] += 1
            if operation == "BatchExecuteStatement":
                self.parted = True
            return None
        return compare.signature(operation, local, ours)

    def step(self):
        operation, request, touched = self.generator.next()
        if operation in self.unimplemented:
            return
        table = self.generator.tables.get(touched[0]) if touched else None
        local, ours = self.ask_both(operation, request)
        self.parted = False
        self.answers[f"{operation} {'ok' if not local.error else 'error'}"] += 1
        difference = self.differ(operation, request, local, ours, table)
        if operation == "CreateTable" and not local.error and not ours.error:
            self.wait_active(touched[0])
        if difference and operation not in self.unimplemented:
            self.report(difference, operation, request, local, ours, touched, table)
        elif operation == "BatchExecuteStatement" and local.error:
            self.forget(touched)  # DynamoDB Local does some of its statements before it refuses them all
        elif operation in WRITES and (self.parted or bool(local.error) != bool(ours.error)):
            self.forget(touched)  # a known difference, or a missing operation: the two hold different items now
        elif operation in WRITES:
            for name in touched:
                self.histories.setdefault(name, []).append((operation, request))

    def wait_active(self, name):
        for endpoint in (self.local, self.ours):
            for _ in range(200):
                answer = endpoint.send("DescribeTable", {"TableName": name})
                if not answer.error and answer.body["Table"]["TableStatus"] == "ACTIVE":
                    break
                time.sleep(0.02)

    def report(self, difference, operation, request, local, ours, touched, table):
        self.differences[difference] += 1
        if self.differences[difference] == 1:
            seen = set()
            history = []
            for name in touched:
                for one in self.histories.get(name, [])[:1] + self.histories.get(name, [])[1:][-HISTORY:]:
                    if text_of(one) not in seen:
                        seen.add(text_of(one))
                        history.append(one)
            history.append((operation, request))
            print(f"\n--- difference: {difference}", file=self.out)
            if self.shrink and operation not in ("CreateTable", "DeleteTable"):
                smaller = Shrinker(lambda h: self.again(h, touched, difference, table)).shrink(history)
                if smaller is None:
                    print("(did not happen again from the operations before it)", file=self.out)
                else:
                    history = smaller
                    local, ours = self.replay(history, touched)
                for op, one in history[:-1]:
                    print(f"  before: {op} {json.dumps(one)}", file=self.out)
            print(f"  request: {operation} {json.dumps(history[-1][1])}", file=self.out)
            print(f"  local: {json.dumps(local.body, sort_keys=True)[:1500]}", file=self.out)
            print(f"  ours:  {json.dumps(ours.body, sort_keys=True)[:1500]}", file=self.out, flush=True)
        self.forget(touched)

    def forget(self, tables):
        """The two may hold different items: goes on without these tables."""
        for name in tables:
            for endpoint in (self.local, self.ours):
                endpoint.send("DeleteTable", {"TableName": name})
            self.generator.forget(name)
            self.histories.pop(name, None)

    def replay(self, history, tables):
        renamed_history, names = renamed(history, tables)
        local = ours = None
        for operation, request in renamed_history:
            local, ours = self.ask(operation, request)
            if operation == "CreateTable" and not local.error and not ours.error:
                self.wait_active(request["TableName"])
        for name in names:
            for endpoint in (self.local, self.ours):
                endpoint.send("DeleteTable", {"TableName": name})
        return local, ours

    def again(self, history, tables, difference, table):
        local, ours = self.replay(history, tables)
        operation, request = history[-1]
        if compare.comparable(operation, request, local, table) == compare.comparable(operation, request, ours, table):
            return False
        return compare.signature(operation, local, ours) == difference

    def finish(self):
        for name in list(self.generator.tables):
            for endpoint in (self.local, self.ours):
                endpoint.send("DeleteTable", {"TableName": name})


def text_of(one):
    return json.dumps(one, sort_keys=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="kinds of operations, separated by commas")
    parser.add_argument("--local-port", type=int, help="a DynamoDB Local that runs already")
    parser.add_argument("--ours", help="PORT:KEY:SECRET of a server that runs already")
    parser.add_argument("--no-shrink", action="store_true")
    arguments = parser.parse_args()
    only = set(arguments.only.split(",")) if arguments.only else None
    peer = server = None
    with tempfile.TemporaryDirectory() as folder:
        try:
            if arguments.local_port:
                local = Endpoint(arguments.local_port)
            else:
                peer = DynamoDbLocal(pathlib.Path(folder) / "local.log")
                local = Endpoint(peer.port)
            if arguments.ours:
                port, key, secret = arguments.ours.split(":")
                ours = Endpoint(int(port), key, secret)
            else:
                from likeness_server import Server
                server = Server(folder)
                ours = Endpoint(server.port, *server.credentials)
            started = time.monotonic()
            for endpoint in (local, ours):  # what an earlier run left
                for name in endpoint.send("ListTables", {}).body["TableNames"]:
                    endpoint.send("DeleteTable", {"TableName": name})
            run = Run(local, ours, arguments.seed, only, shrink=not arguments.no_shrink)
            for _ in range(arguments.operations):
                run.step()
            run.finish()
        except Missing as reason:
            print(f"not run: {reason}", file=sys.stderr)
            return 2
        finally:
            if server:
                server.stop()
            if peer:
                peer.stop()
    print(f"\n{sum(run.answers.values())} operations in {time.monotonic() - started:.0f} s, seed {arguments.seed}")
    for name, count in sorted(run.answers.items()):
        print(f"  {count:6} {name}")
    for name in sorted(run.unimplemented):
        print(f"  not implemented here: {name}")
    for what, count in run.known.items():
        print(f"  {count:6} known: {what}")
    for what, count in run.differences.most_common():
        print(f"  {count:6} DIFFERENT: {what}")
    return 1 if run.differences or run.unimplemented else 0


if __name__ == "__main__":
    sys.exit(main())
