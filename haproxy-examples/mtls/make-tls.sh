#!/usr/bin/env bash
# make-tls.sh DIR - a throw-away CA, the server's certificate and three callers' certificates:
#   checkout, reports   SPIFFE IDs in the trust domain example.org, signed by the CA
#   intruder            claims to be checkout, signed by nobody but itself
set -euo pipefail
dir=${1:?usage: make-tls.sh DIR}
mkdir -p "$dir"
cd "$dir"
umask 077

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

# signed NAME SAN USAGE
signed() {
	key "$1.key"
	openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
	openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out "$1.crt" \
		-extfile <(printf '%s\n' "subjectAltName=$2" "extendedKeyUsage=$3" \
			'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature') 2>/dev/null
	rm "$1.csr"
}

key ca.key
openssl req -x509 -new -key ca.key -subj '/CN=example.org demo CA' -days 2 -out ca.crt \
	-addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign'

signed server 'DNS:localhost,DNS:payments.example.org,IP:127.0.0.1' serverAuth
cat server.crt server.key >server.pem
signed checkout 'URI:spiffe://example.org/ns/shop/sa/checkout' clientAuth
signed reports 'URI:spiffe://example.org/ns/office/sa/reports' clientAuth

key intruder.key
openssl req -x509 -new -key intruder.key -subj '/CN=checkout' -days 2 -out intruder.crt \
	-addext 'subjectAltName=URI:spiffe://example.org/ns/shop/sa/checkout' \
	-addext 'basicConstraints=critical,CA:FALSE' -addext 'keyUsage=critical,digitalSignature'
