#!/usr/bin/env bash
# symbols.sh BUILD_DIR - no name is defined by two files of the agent: the linker would take either without a word.
set -euo pipefail
libraries=$(find "$1/agent" -maxdepth 2 -name 'libagent_*.a' | sort)
[ -n "$libraries" ] || { echo "no libraries in $1/agent" >&2; exit 1; }
# shellcheck disable=SC2086
twice=$(nm --defined-only --extern-only $libraries 2>/dev/null | awk 'NF == 3 && $2 ~ /^[TDBRC]$/ { print $3 }' |
  grep -v '^__\|^_sub_' | sort | uniq -d)
[ -z "$twice" ] && exit 0
for name in $twice; do echo "$name is defined more than once" >&2; done
exit 1
