#!/usr/bin/env bash
# Formatting, the layers, and clang-tidy on the files given (all of them without arguments). Set-up has been done.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=0
cache="${LIKENESS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/likeness}"

git ls-files 'apps/*.[ch]pp' 'src/*.[ch]pp' 'tests/*.[ch]pp' 'bench/*.[ch]pp' | xargs -r clang-format-19 --dry-run -Werror || failed=1
python3 tools/check_layers.py . || failed=1
python3 -m compileall -q scripts tools tests || failed=1

# clang-tidy reads the compile commands and the generated headers.
[ -f build/release/build.ninja ] || cmake --preset release >/dev/null || exit 1
cmake --build --preset release --target generated >/dev/null || exit 1
files=("$@")
[ ${#files[@]} -gt 0 ] || mapfile -t files < <(git ls-files 'apps/*.cpp' 'src/*.cpp' | grep -v _test.cpp)
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 "$cache/venv/bin/clang-tidy" -p build/release --quiet 2>/dev/null || failed=1
[ $failed = 0 ] && echo "lint: clean"
exit $failed
