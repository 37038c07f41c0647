#!/usr/bin/env python3
"""Walks the includes of src/ and apps/ and fails on one that points up the layers, or on a library's header outside its module.

    tools/check_layers.py [ROOT]
"""

import pathlib
import re
import sys

# What each module may include of the others. The order is that of ARCHITECTURE.md.
ALLOWED = {
    "base": set(),
    "config": {"base"},
    "storage": {"base"},
    "index": {"base"},
    "media": {"base"},
    "vision": {"base", "media"},
    "policy": {"base"},
    "events": {"base"},
    "net": {"base"},
    "functions": {"base", "net"},
    "states": {"base", "storage"},
    "aws": {"base", "net", "policy"},
    "domain": {"base", "policy", "events", "storage", "index", "vision", "media"},
    "services": {"base", "policy", "aws", "net", "functions", "domain", "events", "states", "storage", "index", "vision", "media"},
    "apps": {"base", "functions", "domain", "vision"},
    "app": {"base", "config", "storage", "index", "media", "vision", "policy", "net", "functions", "aws", "domain", "services", "events", "states", "apps"},
}
# A library's headers stay in one module (tests and generated code aside).
OWNED = {
    "rocksdb/": "storage", "openvino/": "vision", "turbojpeg.h": "media", "jpeglib.h": "media", "jerror.h": "media", "spng.h": "media", "webp/": "media",
    "cairo": "media", "fontconfig/": "media", "boost/asio": "net", "boost/beast": "net", "boost/json": None, "spdlog/": "base",
    "openssl/": ("base", "net"), "CLI/": "app", "yaml-cpp/": None, "re2/": ("aws", "domain", "states"), "quickjs": "states", "zip.h": "domain", "prometheus/": "base",
}
# What the .cpp files of one module share among themselves: it may hold a library's headers, and no other header may include it.
INTERNAL = {"net/connection.hpp"}
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def problems(root: pathlib.Path):
    for path in sorted([*(root / "src").rglob("*.[ch]pp"), *(root / "apps").rglob("*.[ch]pp")]):
        module = path.relative_to(root / "src").parts[0] if path.is_relative_to(root / "src") else "apps"
        if module not in ALLOWED:
            yield f"{path}: module {module} is not in the list of layers (tools/check_layers.py)"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            kind, name = found.groups()
            if kind == '"':
                target = name.split("/")[0]
                if target != module and target in ALLOWED and target not in ALLOWED[module]:
                    yield f"{path}:{number}: {module} may not use {target}"
                elif target not in ALLOWED:
                    yield f'{path}:{number}: "{name}" is not a path from src/'
                elif name in INTERNAL and (target != module or path.suffix == ".hpp"):
                    yield f'{path}:{number}: "{name}" is for the .cpp files of {target} only'
            elif not path.stem.endswith("_test"):
                for prefix, owner in OWNED.items():
                    if name.startswith(prefix) and owner is not None and module not in (owner if isinstance(owner, tuple) else (owner,)):
                        yield f"{path}:{number}: <{name}> belongs to {owner}"
                    elif name.startswith(prefix) and path.suffix == ".hpp" and not str(path).endswith(tuple(INTERNAL)):
                        yield f"{path}:{number}: <{name}> may stand in a .cpp file only"


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = list(problems(root))
    for problem in found:
        print(problem)
    print(f"{len(found)} includes against the layers")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
