#!/usr/bin/env bash
# run.sh - a user at the edge on 127.0.0.1:8080, two services behind it with mutual TLS, Haward behind all; Ctrl-C
# ends all.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../demo/lib.sh"
export HAWARD_EDGE=${HAWARD_EDGE:-127.0.0.1:8080} HAWARD_ORDERS=${HAWARD_ORDERS:-127.0.0.1:8443}
export HAWARD_BILLING=${HAWARD_BILLING:-127.0.0.1:9443} HAWARD_OUTBOUND=${HAWARD_OUTBOUND:-127.0.0.1:8090}
export HAWARD_SERVICE_2=${HAWARD_SERVICE_2:-127.0.0.1:8082} HAWARD_TLS_DIR=$state/tls

is_denied_without_token() { [ "$(curl -sS -m 5 -o /dev/null -w '%{http_code}' "http://$HAWARD_EDGE/orders")" = 401 ]; }

build_haward
need_ports "$HAWARD_EDGE" "$HAWARD_ORDERS" "$HAWARD_BILLING" "$HAWARD_OUTBOUND" "$HAWARD_SERVICE" "$HAWARD_SERVICE_2" "$HAWARD_SPOP" "$HAWARD_ACCOUNTING" "$HAWARD_ADMIN"
"$here/../mesh/make-tls.sh" "$HAWARD_TLS_DIR"
node "$examples/demo/issuer.mjs" keys "$state"
mkdir -m 700 "$state/data"
place "$here/haward.json"
place "$here/policy.json"
launch haward "$haward" serve --config "$state/haward.json"
await 20 "Haward to be ready" curl -fsS -m 2 "http://$HAWARD_ADMIN/health/ready"
launch orders node "$examples/demo/service.mjs" "$HAWARD_SERVICE" orders "http://$HAWARD_OUTBOUND/invoices"
launch billing node "$examples/demo/service.mjs" "$HAWARD_SERVICE_2" billing
launch haproxy "${HAPROXY_BIN:-haproxy}" -db -f "$here/haproxy.cfg"
await 15 "HAProxy to answer with Haward's verdicts" is_denied_without_token

alice=$(node "$examples/demo/issuer.mjs" token "$state" alice orders:read)
say "" "Dashboard:  http://$HAWARD_ADMIN/" "Sign in:    $(setup_link)"
say "" "alice asks for an order: three hops, one trail"
say "  curl -i -H 'Authorization: Bearer $alice' http://$HAWARD_EDGE/orders/17"
say "  $haward audit export --data $state/data --format csv | cut -d, -f1-12"
say "refused: the edge alone, without a user"
say "  curl -i --cacert $HAWARD_TLS_DIR/shop.pem --connect-to orders.shop.example:443:$HAWARD_ORDERS --cert $HAWARD_TLS_DIR/edge.pem https://orders.shop.example/orders/17"
say "" "The token is good for 15 minutes. Ctrl-C stops everything."
wait -n "${started[@]}" || true
give_up "One of the programs has ended by itself."
