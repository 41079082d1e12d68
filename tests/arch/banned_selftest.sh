#!/usr/bin/env bash
# The ban must bite where it should and nowhere else.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '%s\n' 'int x = my_strcpy(a);' 'snprintf(a, 1, "b");' 'a->system (1);' \
  'gmtime_r(a, b);' 'strcpy(a, b); /* NOLINT(banned): shown on purpose */' > "$work/good.c"
"$here/banned.sh" "$work" || { echo "harmless lines are refused"; exit 1; }
for line in 'strcpy(a, b);' 'x = atoi (s);' 'return rand();' '/* TODO */'; do
  echo "$line" > "$work/bad.c"
  if "$here/banned.sh" "$work" > "$work/out"; then echo "not refused: $line"; exit 1; fi
  grep -q 'bad.c:1' "$work/out" || { echo "no place named for: $line"; exit 1; }
done
