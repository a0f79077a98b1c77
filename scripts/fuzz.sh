#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Coverage-guided fuzzing of each codec; FUZZ_SECONDS is shared among them. Findings are kept in .setup/fuzz/.
set -eu
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-600}
targets=$(ls tests/fuzz/*_fuzz.py)
each=$((seconds / $(echo "$targets" | wc -l)))
mkdir -p .setup/fuzz
for target in $targets; do
  name=$(basename "$target" .py)
  mkdir -p ".setup/fuzz/$name"
  echo "$name: $each s"
  PYTHONPATH=src:. .venv/bin/python "$target" -max_total_time="$each" -max_len=1200 -print_final_stats=0 \
    -artifact_prefix=".setup/fuzz/$name-" ".setup/fuzz/$name" > ".setup/fuzz/$name.log" 2>&1 ||
    { tail -n 30 ".setup/fuzz/$name.log" >&2; exit 1; }
done
