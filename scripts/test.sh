#!/usr/bin/env bash
# Builds everything and runs every test: the C++ tests through ctest, then pytest (boto3, HTTP, command line, the
# JavaScript SDK) against build/release/likeness. LIKENESS_LONG=1 adds the long ones. Set-up has been done.
set -uo pipefail
cd "$(dirname "$0")/.."

[ -f build/release/build.ninja ] || cmake --preset release >/dev/null || exit 1
cmake --build --preset release --parallel "${JOBS:-$(nproc)}" || exit 1

failed=0
ctest --preset release --no-tests=error || failed=1
"$LIKENESS_CACHE/venv/bin/python" -m pytest tests -q --durations=5 || failed=1
exit $failed
