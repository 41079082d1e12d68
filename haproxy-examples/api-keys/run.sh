#!/usr/bin/env bash
# run.sh - HAProxy on 127.0.0.1:8080, Haward behind it, a demo service behind both, and two fresh API keys;
# Ctrl-C ends all.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../demo/lib.sh"
export HAWARD_EDGE=${HAWARD_EDGE:-127.0.0.1:8080}

is_denied_without_key() { [ "$(curl -sS -m 5 -o /dev/null -w '%{http_code}' "http://$HAWARD_EDGE/orders")" = 401 ]; }
key() { timeout 20 "$haward" key "$@" --data "$state/data" 2>>"$state/key.log"; }

build_haward
need_ports "$HAWARD_EDGE" "$HAWARD_SERVICE" "$HAWARD_SPOP" "$HAWARD_ACCOUNTING" "$HAWARD_ADMIN"
start_stack "$here"
await 15 "HAProxy to answer with Haward's verdicts" is_denied_without_key

reader=$(key create --owner shop@example.com --client shop --scope orders:read --expires 1d) || give_up "No key was made."
gone=$(key create --owner old@example.com --scope orders:read --expires 1d) || give_up "No key was made."
gone_id=${gone:3:16}
key revoke "$gone_id" || give_up "The key was not revoked."
sleep 0.5 # the agent follows the command line within a third of a second

say "" "Haward stands between HAProxy (http://$HAWARD_EDGE) and the demo service."
say "Dashboard:  http://$HAWARD_ADMIN/" "Sign in:    $(setup_link)"
say "            (opens once, to make the first admin; the keys are under API keys)"
say "" "allowed: the shop may read orders"
say "  curl -i -H 'X-Api-Key: $reader' http://$HAWARD_EDGE/orders/17"
say "denied: it may not read reports"
say "  curl -i -H 'X-Api-Key: $reader' http://$HAWARD_EDGE/reports/today"
say "denied: a key that was revoked"
say "  curl -i -H 'Authorization: Bearer $gone' http://$HAWARD_EDGE/orders/17"
say "" "Another key:  $haward key create --owner you@example.com --scope orders:read --data $state/data"
say "" "Ctrl-C stops everything."
wait -n "${started[@]}" || true
give_up "One of the programs has ended by itself."
