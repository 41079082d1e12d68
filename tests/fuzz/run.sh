#!/usr/bin/env bash
# run.sh PROGRAM NAME ON|OFF - corpus and regressions of one target; with libFuzzer (ON) then
# HAWARD_FUZZ_SECONDS more (30), from a fixed seed, on a copy so that the tree stays as it is.
set -euo pipefail
program=$1 name=$2 libfuzzer=${3:-OFF}
here=$(cd "$(dirname "$0")" && pwd)
mapfile -t inputs < <(find "$here/corpus/$name" "$here/regression/$name" -type f 2>/dev/null | sort)
if [ ${#inputs[@]} -eq 0 ]; then
  echo "no corpus in tests/fuzz/corpus/$name" >&2
  exit 1
fi
if [ "$libfuzzer" != ON ]; then
  exec "$program" "${inputs[@]}"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/corpus"
for input in "${inputs[@]}"; do cp "$input" "$work/corpus/$(basename "$(dirname "$input")")-$(basename "$input")"; done
cd "$work"
"$program" -seed=1 -timeout=10 -rss_limit_mb=2048 -max_total_time="${HAWARD_FUZZ_SECONDS:-30}" \
  -print_final_stats=1 -artifact_prefix="$work/" corpus || {
  for crash in "$work"/crash-* "$work"/timeout-* "$work"/oom-* "$work"/leak-*; do
    [ -e "$crash" ] && { echo "input:"; base64 "$crash"; }
  done
  exit 1
}
