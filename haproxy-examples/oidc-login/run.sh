#!/usr/bin/env bash
# run.sh          HAProxy on 127.0.0.1:8080, where people sign in at your OpenID provider; Ctrl-C ends all
# run.sh --check  the same, asks four requests itself, shows what the book says of them, and ends
#
# It takes OIDC_ISSUER, OIDC_CLIENT_ID and, unless the client is public, OIDC_CLIENT_SECRET_FILE. See README.md for
# what to register at the provider.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

case "${1:-}" in
'' | --check) mode=${1:-} ;;
-h | --help)
	sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
	exit 0
	;;
*)
	echo "usage: run.sh [--check]" >&2
	exit 2
	;;
esac
if [ -z "${OIDC_ISSUER:-}" ] || [ -z "${OIDC_CLIENT_ID:-}" ]; then
	echo "OIDC_ISSUER and OIDC_CLIENT_ID have to say which provider, and who we are there; see README.md." >&2
	exit 2
fi

source "$here/../demo/lib.sh"
export HAWARD_EDGE=${HAWARD_EDGE:-127.0.0.1:8080}
example=$state/example
export HAWARD_SPOE_CFG=$example/spoe.cfg
page=(-H 'Accept: text/html')

status_of() { curl -sS -m 5 -o /dev/null -w '%{http_code}' "$@"; }
is_sent_to_sign_in() { [ "$(status_of "${page[@]}" "http://$HAWARD_EDGE/orders")" = 302 ]; }

build_haward
need_ports "$HAWARD_EDGE" "$HAWARD_SERVICE" "$HAWARD_SPOP" "$HAWARD_ACCOUNTING" "$HAWARD_ADMIN"
mkdir "$example"
cp "$here"/{haproxy.cfg,spoe.cfg,haward.json} "$example"
curl -fsS -m 10 -o /dev/null "${OIDC_ISSUER%/}/.well-known/openid-configuration" ||
	fail "The provider at $OIDC_ISSUER does not say where its endpoints are."
node "$here/configure.mjs" "$here/policy.json" "$OIDC_ISSUER" "$HAWARD_EDGE" "$OIDC_CLIENT_ID" >"$example/policy.json"
[ -z "${OIDC_CLIENT_SECRET_FILE:-}" ] || install -m 600 "$OIDC_CLIENT_SECRET_FILE" "$state/client.secret"
start_stack "$example"
await 15 "HAProxy to answer with Haward's verdicts" is_sent_to_sign_in

if [ "$mode" != --check ]; then
	say "" "People sign in at $OIDC_ISSUER to reach the demo service."
	say "Dashboard:  http://$HAWARD_ADMIN/"
	say "Sign in:    $(setup_link)"
	say "            (opens once, to make the first admin)"
	say "" "In a browser: http://$HAWARD_EDGE/orders, and http://$HAWARD_EDGE/.haward/logout to sign out."
	say "" "a page is sent to the provider"
	say "  curl -i -H 'Accept: text/html' http://$HAWARD_EDGE/orders/17"
	say "a script is told that nobody is signed in"
	say "  curl -i http://$HAWARD_EDGE/orders/17"
	say "what is open stays open"
	say "  curl -i http://$HAWARD_EDGE/"
	say "" "Ctrl-C stops everything."
	wait -n "${started[@]}" || true
	give_up "One of the programs has ended by itself."
fi

# ask NAME STATUS VERDICT curl-arguments... - one request; keeps what its row of the book must say
wrong=0
expected=()
ask() {
	local name=$1 wanted=$2 verdict=$3 got receipt
	shift 3
	got=$(curl -sS -m 5 -o /dev/null -D "$state/headers" -w '%{http_code}' "$@") || got=000
	receipt=$(tr -d '\r' <"$state/headers" | sed -n 's/^haward-event: //Ip')
	say "$name: HTTP $got, receipt ${receipt:-none}"
	if [ "$got" != "$wanted" ]; then
		say "  promised was HTTP $wanted" >&2
		wrong=1
	fi
	expected+=("${receipt:-none}=$verdict,$wanted,$wanted")
}

ask "a page" 302 redirect "${page[@]}" "http://$HAWARD_EDGE/orders/17"
if ! grep -qi "^location: .*code_challenge_method=S256" "$state/headers" || ! grep -qi '^set-cookie: haward-login-' "$state/headers"; then
	say "  promised was a way to the provider and a cookie" >&2
	wrong=1
fi
ask "a script" 401 authenticate "http://$HAWARD_EDGE/orders/17"
ask "open" 200 allow "http://$HAWARD_EDGE/"
ask "a way back that nobody was sent" 400 deny "${page[@]}" "http://$HAWARD_EDGE/.haward/callback?code=x&state=y"

book() { timeout 20 "$haward" audit export --data "$state/data" --format csv >"$state/book.csv"; }
book_has_all() { book && node "$examples/demo/rows.mjs" "$state/book.csv" "${expected[@]}"; }
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
[ "$wrong" = 0 ] || fail "" "Something is not as promised."
say "" "All as promised."
