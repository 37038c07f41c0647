#!/usr/bin/env bash
# Runs the benchmarks beside their peers and prints the tables of docs/benchmarks.md. Set-up has been done.
#   BENCH="http decode index dynamodb s3 events functions path" picks some of them (all).
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f build/bench/build.ninja ] || cmake --preset bench >/dev/null
cmake --build --preset bench --parallel "${JOBS:-$(nproc)}"
echo "CPU: $(sed -n 's/^model name\t*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores; $(date -u +%F)"
for part in ${BENCH:-http decode index dynamodb s3 events functions path}; do
  echo
  case "$part" in
    http) "$LIKENESS_CACHE/venv/bin/python" bench/http_bench.py ;;
    decode) build/bench/bench/decode_bench ;;
    index) build/bench/bench/index_bench ;;
    dynamodb) "$LIKENESS_CACHE/venv/bin/python" bench/dynamodb_bench.py ;;
    s3) "$LIKENESS_CACHE/venv/bin/python" bench/s3_bench.py ;;
    *) echo "no benchmark $part" >&2; exit 2 ;;
  esac
done
