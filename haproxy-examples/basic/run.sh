#!/usr/bin/env bash
# run.sh          HAProxy on 127.0.0.1:8080, Haward behind it, a demo service behind both; Ctrl-C ends all
# run.sh --check  the same, asks four requests itself, shows what the book says of them, and ends
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

case "${1:-}" in
'' | --check) mode=${1:-} ;;
-h | --help)
	sed -n '2,3s/^# //p' "${BASH_SOURCE[0]}"
	exit 0
	;;
*)
	echo "usage: run.sh [--check]" >&2
	exit 2
	;;
esac

source "$here/../demo/lib.sh"
export HAWARD_EDGE=${HAWARD_EDGE:-127.0.0.1:8080}

status_of() { curl -sS -m 5 -o /dev/null -w '%{http_code}' "$@"; }
is_denied_without_password() { [ "$(status_of "http://$HAWARD_EDGE/orders")" = 401 ]; }

build_haward
need_ports "$HAWARD_EDGE" "$HAWARD_SERVICE" "$HAWARD_SPOP" "$HAWARD_ACCOUNTING" "$HAWARD_ADMIN"
start_stack "$here"
await 15 "HAProxy to answer with Haward's verdicts" is_denied_without_password

# alice gets a password of ours, bob comes with the hash that another server kept
alice=$(openssl rand -hex 12)
bob=$(openssl rand -hex 12)
"$haward" user add alice --groups clerks --data "$state/data" <<<"$alice"
openssl passwd -6 -stdin <<<"$bob" | sed 's/^/bob:/' >"$state/htpasswd"
"$haward" user import --htpasswd "$state/htpasswd" --data "$state/data" >/dev/null

allowed=(-u "alice:$alice" "http://$HAWARD_EDGE/orders/17")
imported=(-u "bob:$bob" "http://$HAWARD_EDGE/orders/17")
denied=(-X DELETE -u "bob:$bob" "http://$HAWARD_EDGE/orders/17")
wrong_password=(-u "alice:$bob" "http://$HAWARD_EDGE/orders/17")

quoted() {
	printf '  curl -i'
	local word
	for word in "$@"; do case $word in *' '*) printf " '%s'" "$word" ;; *) printf ' %s' "$word" ;; esac; done
	printf '\n'
}

if [ "$mode" != --check ]; then
	say "" "Haward stands between HAProxy (http://$HAWARD_EDGE) and the demo service."
	say "Dashboard:  http://$HAWARD_ADMIN/"
	say "Sign in:    $(setup_link)"
	say "            (opens once, to make the first admin)"
	say "" "allowed: alice may read orders"
	quoted "${allowed[@]}"
	say "allowed: bob too, by the hash that was imported"
	quoted "${imported[@]}"
	say "denied: bob is no clerk, and may not delete them"
	quoted "${denied[@]}"
	say "a wrong password"
	quoted "${wrong_password[@]}"
	say "" "Ctrl-C stops everything."
	wait -n "${started[@]}" || true
	give_up "One of the programs has ended by itself."
fi

# ask NAME STATUS curl-arguments... - one request; keeps its receipt
wrong=0
receipts=()
ask() {
	local name=$1 wanted=$2 got receipt
	shift 2
	got=$(curl -sS -m 5 -o /dev/null -D "$state/headers" -w '%{http_code}' "$@") || got=000
	receipt=$(tr -d '\r' <"$state/headers" | sed -n 's/^haward-event: //Ip')
	say "$name: HTTP $got, receipt ${receipt:-none}"
	if [ "$got" != "$wanted" ]; then
		say "  promised was HTTP $wanted" >&2
		wrong=1
	fi
	if [ "$wanted" = 401 ] && ! grep -qi '^www-authenticate: Basic' "$state/headers"; then
		say "  promised was a WWW-Authenticate: Basic header" >&2
		wrong=1
	fi
	receipts+=("${receipt:-none}")
}

book() { timeout 20 "$haward" audit export --data "$state/data" --format csv >"$state/book.csv"; }
book_has_all() { book && node "$examples/demo/rows.mjs" "$state/book.csv" "${expected[@]}"; }

ask "allowed" 200 "${allowed[@]}"
ask "imported" 200 "${imported[@]}"
ask "denied" 403 "${denied[@]}"
ask "wrong password" 401 "${wrong_password[@]}"

# What each row of the book must say: id=verdict,status asked for,status HAProxy sent
expected=("${receipts[0]}=allow,200,200" "${receipts[1]}=allow,200,200" "${receipts[2]}=deny,403,403" "${receipts[3]}=authenticate,401,401")
end=$((SECONDS + 15))
until book_has_all >"$state/rows" 2>&1; do
	if ((SECONDS >= end)); then
		wrong=1
		break
	fi
	sleep 0.2
done
say "" "What the book says:"
cat "$state/rows"
timeout 20 "$haward" audit verify --data "$state/data" || wrong=1
[ "$wrong" = 0 ] || fail "" "Something is not as promised."
say "" "All as promised."
