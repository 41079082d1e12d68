#!/usr/bin/env bash
# make-tls.sh DIR - two throw-away trust domains and who lives in them:
#   shop.pem, pay.pem   their bundles: the root of each
#   edge, orders        SVIDs of shop.example, signed by an authority below its root
#   billing             SVID of pay.example, signed by its root
#   impostor            says it is orders, signed by pay.example's root: good for TLS, but not its name to give
# NAME.pem is what a sidecar shows: certificate, what stands between it and the root, and key.
set -euo pipefail
dir=${1:?usage: make-tls.sh DIR}
mkdir -p "$dir"
cd "$dir"
umask 077

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

# root NAME DOMAIN
root() {
	key "$1.key"
	openssl req -x509 -new -key "$1.key" -subj "/O=$2/CN=root" -days 2 -out "$1.pem" \
		-addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign' \
		-addext "subjectAltName=URI:spiffe://$2"
}

# signed NAME AUTHORITY EXTENSION... - NAME.crt by the certificate AUTHORITY.crt
signed() {
	local name=$1 by=$2
	shift 2
	key "$name.key"
	openssl req -new -key "$name.key" -subj "/CN=$name" -out "$name.csr"
	openssl x509 -req -in "$name.csr" -CA "$by.crt" -CAkey "$by.key" -CAcreateserial -days 2 -out "$name.crt" \
		-extfile <(printf '%s\n' "$@") 2>/dev/null
	rm "$name.csr"
}

# svid NAME AUTHORITY ID DNS [BETWEEN.crt]
svid() {
	signed "$1" "$2" "subjectAltName=URI:$3,DNS:$4" 'basicConstraints=critical,CA:FALSE' \
		'keyUsage=critical,digitalSignature' 'extendedKeyUsage=clientAuth,serverAuth'
	cat "$1.crt" ${5:+"$5"} "$1.key" >"$1.pem"
}

root shop shop.example
root pay pay.example
cp shop.pem shop.crt
cp pay.pem pay.crt
signed shop-issuing shop 'basicConstraints=critical,CA:TRUE,pathlen:0' 'keyUsage=critical,keyCertSign,cRLSign'

svid edge shop-issuing spiffe://shop.example/ns/edge/sa/edge edge.shop.example shop-issuing.crt
svid orders shop-issuing spiffe://shop.example/ns/shop/sa/orders orders.shop.example shop-issuing.crt
svid billing pay spiffe://pay.example/ns/pay/sa/billing billing.pay.example
svid impostor pay spiffe://shop.example/ns/shop/sa/orders orders.shop.example
