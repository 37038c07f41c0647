#!/usr/bin/env bash
# Measures the vision on the labelled photos and prints the report. Usage: tools/accuracy/run.sh [EVAL_FOLDER]
# The photos are not part of this repository; without them there is nothing to measure, and that is no failure.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-${LIKENESS_EVAL:-../shared/eval}}
python=${LIKENESS_PYTHON:-python3}
tool=${LIKENESS_MEASURE:-build/release/src/vision/likeness_measure}
out=${LIKENESS_ACCURACY_OUT:-build/accuracy}

if [ ! -d "$folder" ]; then
  echo "accuracy: no labelled photos in $folder: nothing is measured. Give their folder as argument or in LIKENESS_EVAL."
  exit 0
fi
if ! "$python" -c 'import numpy' 2>/dev/null; then
  echo "accuracy: $python has no numpy. Run scripts/setup.sh, or set LIKENESS_PYTHON to a Python that has it." >&2
  exit 1
fi
if [ ! -x "$tool" ]; then
  echo "accuracy: $tool is not there. Build it: ninja -C build/release likeness_measure" >&2
  exit 1
fi
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
"$python" tools/accuracy/measure.py --eval "$folder" --tool "$tool" --out "$out"
"$python" tools/accuracy/report.py --eval "$folder" --measured "$out"
