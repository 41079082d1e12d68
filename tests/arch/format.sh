#!/usr/bin/env bash
# format.sh DIR... - every C file is as clang-format leaves it; names those that are not.
set -eu
command -v clang-format > /dev/null || { echo "clang-format is not installed"; exit 1; }
unformatted=$(find "$@" -name '*.[ch]' -not -path '*/node_modules/*' -print0 | sort -z |
  xargs -0 clang-format --dry-run -Werror 2>&1 | sed -nE 's/^([^:]+):[0-9]+:[0-9]+: error:.*/\1/p' | sort -u)
[ -z "$unformatted" ] || { printf 'run clang-format -i on:\n%s\n' "$unformatted"; exit 1; }
