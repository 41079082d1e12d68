#!/usr/bin/env bash
# run.sh - two services, each with its HAProxy beside it, in two trust domains: orders on 127.0.0.1:8443 and its way
# out on 8080, billing on 9443 and 9080; Haward behind both; Ctrl-C ends all.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../demo/lib.sh"
orders_in=127.0.0.1:8443 orders_out=127.0.0.1:8080 orders=127.0.0.1:8081
billing_in=127.0.0.1:9443 billing_out=127.0.0.1:9080 billing=127.0.0.1:9081
tls=$state/tls

# sidecar NAME IN OUT SERVICE DOMAIN PEER PEER_NAME PEER_DOMAIN
sidecar() {
	launch "sidecar-$1" env HAWARD_SIDECAR_OF="$1" HAWARD_INBOUND="$2" HAWARD_OUTBOUND="$3" HAWARD_SERVICE="$4" \
		HAWARD_SVID="$tls/$1.pem" HAWARD_BUNDLE="$tls/$5.pem" HAWARD_PEER="$6" HAWARD_PEER_NAME="$7" \
		HAWARD_PEER_BUNDLE="$tls/$8.pem" "${HAPROXY_BIN:-haproxy}" -db -f "$here/haproxy.cfg"
}
orders_reach_billing() { [ "$(curl -sS -m 5 -o /dev/null -w '%{http_code}' "http://$orders_out/invoices")" = 200 ]; }

build_haward
need_ports "$orders_in" "$orders_out" "$orders" "$billing_in" "$billing_out" "$billing" "$HAWARD_SPOP" "$HAWARD_ACCOUNTING" "$HAWARD_ADMIN"
"$here/make-tls.sh" "$tls"
mkdir -m 700 "$state/data"
place "$here/haward.json"
place "$here/policy.json"
launch haward "$haward" serve --config "$state/haward.json"
await 20 "Haward to be ready" curl -fsS -m 2 "http://$HAWARD_ADMIN/health/ready"
launch orders node "$examples/demo/service.mjs" "$orders" orders
launch billing node "$examples/demo/service.mjs" "$billing" billing
sidecar orders "$orders_in" "$orders_out" "$orders" shop "$billing_in" billing.pay.example pay
sidecar billing "$billing_in" "$billing_out" "$billing" pay "$orders_in" orders.shop.example shop
await 20 "orders to reach billing" orders_reach_billing

say "" "Dashboard:  http://$HAWARD_ADMIN/" "Sign in:    $(setup_link)"
say "" "allowed: orders asks billing, through its sidecar"
say "  curl -i http://$orders_out/invoices"
say "denied: orders asks for what no policy gives it"
say "  curl -i -X DELETE http://$orders_out/invoices"
say "refused: orders' name, given by the other domain's authority"
say "  curl -i --cacert $tls/pay.pem --connect-to billing.pay.example:443:$billing_in --cert $tls/impostor.pem https://billing.pay.example/invoices"
say "" "Ctrl-C stops everything."
wait -n "${started[@]}" || true
give_up "One of the programs has ended by itself."
