#!/usr/bin/env bash
# Runs the benchmarks beside their peers and prints the tables of docs/benchmarks.md. Set-up has been done.
#   BENCH="http decode index dynamodb s3 events functions invoke states path" picks some of them (all).
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f build/bench/build.ninja ] || cmake --preset bench >/dev/null
cmake --build --preset bench --parallel "${JOBS:-$(nproc)}"
echo "CPU: $(sed -n 's/^model name\t*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores; $(date -u +%F)"
for part in ${BENCH:-http decode index dynamodb s3 events functions invoke states path}; do
  echo
  case "$part" in
    http) "$LIKENESS_CACHE/venv/bin/python" bench/http_bench.py ;;
    decode) build/bench/bench/decode_bench ;;
    index) build/bench/bench/index_bench ;;
    dynamodb) "$LIKENESS_CACHE/venv/bin/python" bench/dynamodb_bench.py ;;
    s3) "$LIKENESS_CACHE/venv/bin/python" bench/s3_bench.py ;;
    events) "$LIKENESS_CACHE/venv/bin/python" bench/event_bench.py --program build/bench/bench/event_bench ;;
    functions) build/bench/bench/functions_bench ;;
    invoke) "$LIKENESS_CACHE/venv/bin/python" bench/invoke_bench.py --moto ;;
    states) LIKENESS_BIN=build/bench/likeness "$LIKENESS_CACHE/venv/bin/python" bench/states_bench.py --moto ;;
    path)
      portraits=$(mktemp -d)
      build/bench/likeness detect "$LIKENESS_CACHE/photos/sample3.jpg" --crops "$portraits" >/dev/null
      "$LIKENESS_CACHE/venv/bin/python" bench/event_path_bench.py --photo "$portraits/sample3-3.jpg"
      rm -rf "$portraits" ;;
    *) echo "no benchmark $part" >&2; exit 2 ;;
  esac
done
