#!/usr/bin/env bash
# run.sh [quick|full] - measures on this machine, in one run, and prints ratios:
#   HAProxy alone; with an agent that only says yes; with its own jwt_verify; with Haward
#   Haward alone: tokens it has seen, tokens it has never seen, against openssl speed
#   the book: writing, asking, exporting
# quick (the default) takes about two minutes, full about ten. Nothing else should run meanwhile.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bench=$PWD/tests/bench

case "${1:-quick}" in
quick) seconds=4 n_tokens=20000 n_events=300000 ;;
full) seconds=20 n_tokens=100000 n_events=10000000 ;;
*)
	echo "usage: $0 [quick|full]" >&2
	exit 2
	;;
esac

source haproxy-examples/demo/lib.sh
"$root/tests/install.sh" test
say "Building ..."
(timeout 300 cmake --preset release && timeout 1500 cmake --build --preset release -j "$(nproc)" \
	--target haward spopload bench_apikeys bench_authn bench_bound bench_certs bench_authz bench_relations bench_audit bench_mint) >"$state/build.log" 2>&1 || give_up "The build failed."
haward=$root/build/release/haward
spopload=$(find "$root/build/release" -type f -name spopload -perm -u+x | head -n 1)
bench_apikeys=$(find "$root/build/release" -type f -name bench_apikeys -perm -u+x | head -n 1)
bench_authn=$(find "$root/build/release" -type f -name bench_authn -perm -u+x | head -n 1)
bench_mint=$(find "$root/build/release" -type f -name bench_mint -perm -u+x | head -n 1)
bench_bound=$(find "$root/build/release" -type f -name bench_bound -perm -u+x | head -n 1)
bench_certs=$(find "$root/build/release" -type f -name bench_certs -perm -u+x | head -n 1)
bench_authz=$(find "$root/build/release" -type f -name bench_authz -perm -u+x | head -n 1)
bench_relations=$(find "$root/build/release" -type f -name bench_relations -perm -u+x | head -n 1)
bench_audit=$(find "$root/build/release" -type f -name bench_audit -perm -u+x | head -n 1)

say "Making $n_tokens tokens ..."
node "$bench/tokens.mjs" "$state" "$n_tokens"
head -n 200 "$state/tokens" >"$state/few"
openssl pkey -in "$state/issuer.key.pem" -pubout -out "$state/issuer.pub.pem"

read -r alone jwt yes said book yes_spop spop accounting admin < <(node -e '
	import("'"$root"'/tests/e2e/support/ports.mjs").then(async (m) => console.log((await m.freePorts(9)).join(" ")))')
export BENCH_SPOE_CFG=$bench/spoe.cfg BENCH_ALONE=127.0.0.1:$alone BENCH_JWT=127.0.0.1:$jwt BENCH_YES=127.0.0.1:$yes BENCH_HAWARD=127.0.0.1:$said BENCH_BOOK=127.0.0.1:$book
export BENCH_YES_SPOP=127.0.0.1:$yes_spop HAWARD_SPOP=127.0.0.1:$spop HAWARD_ACCOUNTING=127.0.0.1:$accounting BENCH_PUBKEY=$state/issuer.pub.pem
cat >"$state/haward.json" <<JSON
{ "data_dir": "$state/data", "spop": { "listen": ["$HAWARD_SPOP"], "workers": 1 }, "accounting": { "listen": ["$HAWARD_ACCOUNTING"] },
  "admin": { "listen": "127.0.0.1:$admin" }, "policy": { "file": "$state/policy.json" } }
JSON
mkdir -m 700 "$state/data"

launch haward "$haward" serve --config "$state/haward.json"
await 20 "Haward to be ready" curl -fsS -m 2 "http://127.0.0.1:$admin/health/ready"
launch yes "$spopload" --agent "$BENCH_YES_SPOP"
launch haproxy haproxy -db -f "$bench/haproxy.cfg"
token=$(head -n 1 "$state/few")
is_open() { [ "$(curl -sS -m 2 -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" "http://$1/orders/17")" = 200 ]; }
for door in "$BENCH_ALONE" "$BENCH_JWT" "$BENCH_YES" "$BENCH_HAWARD" "$BENCH_BOOK"; do
	await 15 "door $door to open" is_open "$door"
done

# door NAME ADDRESS - requests/s, p50 and p99 in microseconds, errors
door() {
	say "wrk, $1 ..."
	BENCH_TOKENS=$state/few timeout $((seconds + 30)) wrk -t 1 -c 32 -d "$seconds" -s "$bench/tokens.lua" "http://$2" >"$state/wrk"
	sed -n "s/^RESULT /$1 /p" "$state/wrk" >>"$state/doors"
	# A refusal is faster than an answer: a rate with errors in it is none.
	[[ $(tail -n 1 "$state/doors") == "$1 "*' 0' ]] || give_up "door $1 gave errors: $(tail -n 1 "$state/doors")"
}
# Twice over, in turn: a slow moment of the machine does not fall on one of them alone.
for _ in 1 2; do
	door alone "$BENCH_ALONE"
	door jwt_verify "$BENCH_JWT"
	door yes "$BENCH_YES"
	door haward "$BENCH_HAWARD"
	door book "$BENCH_BOOK"
done

# agent NAME spopload-arguments... - verdicts/s of the agent alone
agent() {
	local name=$1
	shift
	say "spopload, $name ..."
	timeout $((seconds + 60)) "$spopload" --connect "$HAWARD_SPOP" "$@" >"$state/load"
	say "$name $(cat "$state/load")" >>"$state/agents"
}
agent cached --tokens "$state/few" --seconds "$seconds"
agent fresh --tokens "$state/tokens" --once
openssl speed -seconds "$seconds" rsa2048 2>/dev/null | awk '$1 == "rsa" { print "openssl", $NF }' >>"$state/agents"

say "bench_authn ..."
"$bench_authn" >"$state/authn.out"

say "bench_bound ..."
"$bench_bound" >"$state/bound.out"

say "bench_apikeys ..."
"$bench_apikeys" >"$state/apikeys.out"

say "bench_certs ..."
"$bench_certs" >"$state/certs.out"

say "bench_mint ..."
"$bench_mint" >"$state/mint.out"

say "bench_authz ..."
"$bench_authz" >"$state/authz.out"

say "bench_relations ..."
"$bench_relations" >"$state/relations.out"

say "bench_audit ..."
timeout 1200 "$bench_audit" --dir "$state/audit" --events "$n_events" >"$state/audit.out"
node "$bench/table.mjs" "$state"
