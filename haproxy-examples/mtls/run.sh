#!/usr/bin/env bash
# run.sh - HAProxy with mutual TLS on 127.0.0.1:8443 (and :8444, certificates required), Haward and
# the demo service behind it, a throw-away CA; Ctrl-C ends all.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../demo/lib.sh"
export HAWARD_MTLS=${HAWARD_MTLS:-127.0.0.1:8443}
export HAWARD_MTLS_STRICT=${HAWARD_MTLS_STRICT:-127.0.0.1:8444}
export HAWARD_TLS_DIR=$state/tls

call() { curl -sS -m 5 --cacert "$state/tls/ca.crt" "$@"; }
is_denied_without_certificate() { [[ $(call -o /dev/null -w '%{http_code}' "https://$HAWARD_MTLS/payments") == 40[13] ]]; }

build_haward
need_ports "$HAWARD_MTLS" "$HAWARD_MTLS_STRICT" "$HAWARD_SERVICE" "$HAWARD_SPOP" "$HAWARD_ACCOUNTING" "$HAWARD_ADMIN"
"$here/make-tls.sh" "$state/tls"
start_stack "$here"
await 15 "HAProxy to answer with Haward's verdicts" is_denied_without_certificate

as() { printf '  curl -i --cacert %s/ca.crt --cert %s/%s.crt --key %s/%s.key' "$HAWARD_TLS_DIR" "$HAWARD_TLS_DIR" "$1" "$HAWARD_TLS_DIR" "$1"; }
say "" "Dashboard:  http://$HAWARD_ADMIN/" "Sign in:    $(setup_link)"
say "" "allowed: checkout pays"
say "$(as checkout) -X POST https://$HAWARD_MTLS/payments"
say "denied: the office only reads"
say "$(as reports) -X POST https://$HAWARD_MTLS/payments"
say "denied: checkout's name on a certificate that nobody signed"
say "$(as intruder) -X POST https://$HAWARD_MTLS/payments"
say "" "Ctrl-C stops everything."
wait -n "${started[@]}" || true
give_up "One of the programs has ended by itself."
