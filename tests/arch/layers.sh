#!/usr/bin/env bash
# layers.sh AGENT_DIR - every include of the agent points down, every library is used in its home only.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
find "$1" -name '*.[ch]' -print0 | sort -z | xargs -0 awk -f "$here/layers.awk" "$here/layers.txt"
