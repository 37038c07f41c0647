#!/usr/bin/env bash
# Runs every libFuzzer target for FUZZ_SECONDS (600) under AddressSanitizer and UndefinedBehaviorSanitizer; stops at the
# first finding. Corpora grow in build/fuzz/corpus and start from tests/fuzz/seeds.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${FUZZ_SECONDS:-600}"
[ -f build/fuzz/build.ninja ] || cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --parallel "${JOBS:-$(nproc)}" --target fuzzers
for target in build/fuzz/tests/fuzz/*_fuzz; do
  name=$(basename "$target")
  mkdir -p "build/fuzz/corpus/$name"
  seeds=()
  [ -d "tests/fuzz/seeds/$name" ] && seeds=("tests/fuzz/seeds/$name")
  echo "fuzz: $name for $seconds s"
  log="build/fuzz/$name.log"
  "$target" "build/fuzz/corpus/$name" "${seeds[@]}" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=20 \
    -artifact_prefix="build/fuzz/$name-" -print_final_stats=1 >"$log" 2>&1 || {
    tail -n 40 "$log" >&2
    echo "fuzz: $name found something; the input is build/fuzz/$name-*, the log $log" >&2
    exit 1
  }
  grep -E 'stat::(number_of_executed_units|average_exec_per_sec)' "$log"
done
