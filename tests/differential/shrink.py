"""Makes a difference small: as few earlier operations as it needs, and a request without what does not matter."""

import copy
import itertools
import json

NAMES = itertools.count(1)


class Shrinker:
    """`differs(history)` sends the operations to both servers and says whether the last one's answers differ in the
    way that was seen (its signature)."""

    def __init__(self, differs, budget=250):
        self.differs, self.budget = differs, budget

    def check(self, history):
        if self.budget <= 0:
            return False
        self.budget -= 1
        return self.differs(history)

    def shrink(self, history):
        """The smaller history, or None if it does not happen again."""
        if not self.check(history):
            return None
        setup, last = history[:-1], history[-1]
        size = max(1, len(setup) // 2)
        while size >= 1:
            at = 0
            while at < len(setup):
                shorter = setup[:at] + setup[at + size:]
                # A table is made before it is used.
                if any(op == "CreateTable" for op, _ in setup[at:at + size]):
                    at += size
                    continue
                if self.check(shorter + [last]):
                    setup = shorter
                else:
                    at += size
            size //= 2
        for at in range(len(setup) + 1):
            where = setup + [last]
            where[at] = (where[at][0], self.smaller(where, at))
            setup, last = where[:-1], where[-1]
        return setup + [last]

    def smaller(self, history, at):
        operation, request = history[at]
        if operation == "CreateTable":
            return request
        done = False
        while not done:
            done = True
            for candidate in without_one(request):
                if self.check(history[:at] + [(operation, candidate)] + history[at + 1:]):
                    request, done = candidate, False
                    break
        return request


def without_one(value):
    """Every form of `value` that lacks one member or element."""
    def walk(node, path):
        if isinstance(node, dict):
            for name in node:
                yield path + [name]
                yield from walk(node[name], path + [name])
        elif isinstance(node, list):
            for at in range(len(node)):
                yield path + [at]
                yield from walk(node[at], path + [at])
    for path in walk(value, []):
        changed = copy.deepcopy(value)
        node = changed
        for step in path[:-1]:
            node = node[step]
        del node[path[-1]]
        yield changed


def renamed(history, tables):
    """The same operations on tables of other names, so that each try starts from nothing."""
    number = next(NAMES)
    text = json.dumps(history)
    names = {}
    for table in tables:
        names[table] = f"shrink{number:05}{table[-4:]}"
        text = text.replace(table, names[table])
    return [(op, request) for op, request in json.loads(text)], list(names.values())
