#!/usr/bin/env bash
# install.sh run|test - what building and running (run), or testing as well (test), needs from
# Debian's or Ubuntu's packages. Does nothing, and asks for nothing, when everything is there.
set -euo pipefail

run=(
	build-essential cmake ninja-build pkg-config
	libev-dev libssl-dev libjansson-dev libmicrohttpd-dev liblmdb-dev
	libcurl4-openssl-dev libargon2-dev libjwt-dev libcrypt-dev libre2-dev libyaml-dev tzdata
	haproxy curl openssl
)
test=(libcmocka-dev clang clang-format libclang-rt-dev llvm wrk chromium fonts-dejavu-core dpkg-dev file mandoc lintian)

wanted=("${run[@]}")
case "${1:-run}" in
run) ;;
test) wanted+=("${test[@]}") ;;
*)
	echo "usage: $0 run|test" >&2
	exit 2
	;;
esac

is_installed() {
	dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

missing=()
if command -v dpkg-query >/dev/null; then
	for package in "${wanted[@]}"; do
		is_installed "$package" || missing+=("$package")
	done
else
	echo "This is not Debian or Ubuntu: please see to these packages by your own means: ${wanted[*]}" >&2
fi
# Node is wanted as a program, wherever it comes from; 18 is enough.
for program in node npm; do
	command -v "$program" >/dev/null || missing+=("${program/#node/nodejs}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "Missing packages, and neither root nor sudo to install them:" >&2
		echo "  apt-get install ${missing[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
fi
echo "Installing: ${missing[*]}" >&2

"${as_root[@]}" timeout 300 apt-get -qq update >&2
"${as_root[@]}" timeout 900 env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >&2
