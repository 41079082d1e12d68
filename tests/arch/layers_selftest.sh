#!/usr/bin/env bash
# The layer check must fail where it should: one planted error of each kind, each named.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
agent=$work/agent
mkdir -p "$agent/core" "$agent/spop" "$agent/authn"
for i in 1 2 3 4 5 6 7 8 9 10; do echo '#include "core/1.h"' > "$agent/core/$i.h"; done
"$here/layers.sh" "$agent" || { echo "a clean tree is refused"; exit 1; }

refuses() { # FILE LINE EXPECTED
  mkdir -p "$(dirname "$agent/$1")"
  echo "$2" > "$agent/$1"
  if out=$("$here/layers.sh" "$agent"); then echo "not refused: $2 in $1"; exit 1; fi
  case $out in *"$3"*) ;; *) echo "wrong words for $2 in $1: $out"; exit 1 ;; esac
  rm "$agent/$1"
}
refuses core/up.c '#include "spop/wire.h"' 'points up'
refuses spop/side.c '#include "authn/jwt.h"' 'points sideways'
refuses spop/lib.c '#include <lmdb.h>' 'belongs to another folder'
refuses spop/bare.c '#include "wire.h"' 'is in no known folder'
refuses newfolder/a.c '#include "core/1.h"' 'is not in tests/arch/layers.txt'
echo "five planted errors found"
