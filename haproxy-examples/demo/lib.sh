# shellcheck shell=bash
# For the run.sh of the examples: programs that are started here are ended here, by their process
# ids; all state lives in one temporary directory. To be sourced.
examples=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=$(cd "$examples/.." && pwd)
state=$(mktemp -d "${TMPDIR:-/tmp}/haward-demo.XXXXXX")
started=()
names=()

say() { printf '%s\n' "$@"; }

fail() {
	printf '%s\n' "$@" >&2
	exit 1
}

# In reverse order; whoever has not gone after five seconds is killed.
stop_all() {
	local code=$? i
	set +e
	trap '' INT TERM
	for ((i = ${#started[@]} - 1; i >= 0; i--)); do
		kill -TERM "${started[i]}" 2>/dev/null || continue
		local tries=50
		while kill -0 "${started[i]}" 2>/dev/null && ((tries-- > 0)); do sleep 0.1; done
		kill -KILL "${started[i]}" 2>/dev/null && say "${names[i]} had to be killed" >&2
		wait "${started[i]}" 2>/dev/null
	done
	rm -rf "$state"
	exit "$code"
}
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# launch NAME PROGRAM... - in the background, its output in $state/NAME.log
launch() {
	local name=$1
	shift
	# Its own process group: Ctrl-C reaches this script alone, which then stops all in order.
	set -m
	"$@" >"$state/$name.log" 2>&1 </dev/null &
	set +m
	started+=($!)
	names+=("$name")
}

# await SECONDS WHAT COMMAND... - until the command succeeds; shows the logs when it does not
await() {
	local end=$((SECONDS + $1)) what=$2 i
	shift 2
	until "$@" >/dev/null 2>&1; do
		for i in "${!started[@]}"; do
			kill -0 "${started[i]}" 2>/dev/null || give_up "${names[i]} has ended."
		done
		((SECONDS < end)) || give_up "Waited in vain: $what."
		sleep 0.1
	done
}

give_up() {
	local log
	printf '\n%s\n' "$1" >&2
	for log in "$state"/*.log; do
		printf -- '--- last lines of %s\n' "$(basename "$log")" >&2
		tail -n 15 "$log" >&2
	done
	exit 1
}

# port_is_free HOST:PORT
port_is_free() { ! (exec 3<>"/dev/tcp/${1%:*}/${1##*:}") 2>/dev/null; }

need_ports() {
	local address
	for address in "$@"; do
		port_is_free "$address" || fail "$address is in use already; see the README for how to choose another."
	done
}

# Installs what is missing and builds the release, unless HAWARD_BIN names a program to use or these examples
# are installed beside one.
build_haward() {
	haward=${HAWARD_BIN:-}
	[ -n "$haward" ] || [ -f "$root/CMakeLists.txt" ] || haward=$(command -v haward) ||
		fail "haward is not installed, and its source is not here."
	[ -z "$haward" ] || return 0
	"$root/tests/install.sh" run
	say "Building Haward (a minute or two the first time) ..."
	(cd "$root" && timeout 300 cmake --preset release &&
		timeout 1500 cmake --build --preset release --target haward -j "$(nproc)") >"$state/build.log" 2>&1 ||
		give_up "The build failed."
	haward=$root/build/release/haward
}

# place FROM - a settings or policy file of the example, with its installed paths and its ports
# replaced by those of this run
place() {
	sed -e "s|/var/lib/haward|$state/data|" -e "s|/etc/haward|$state|" \
		-e "s|127.0.0.1:12350|$HAWARD_SPOP|" -e "s|127.0.0.1:12514|$HAWARD_ACCOUNTING|" \
		-e "s|127.0.0.1:12380|$HAWARD_ADMIN|" "$1" >"$state/$(basename "$1")"
}

# start_stack DIR - Haward, the demo service and HAProxy with the files of DIR
start_stack() {
	mkdir -m 700 "$state/data"
	place "$1/haward.json"
	place "$1/policy.json"
	launch haward "$haward" serve --config "$state/haward.json"
	await 20 "Haward to be ready" curl -fsS -m 2 "http://$HAWARD_ADMIN/health/ready"
	launch service node "$examples/demo/service.mjs" "$HAWARD_SERVICE"
	await 10 "the demo service" curl -fsS -m 2 "http://$HAWARD_SERVICE/"
	launch haproxy "${HAPROXY_BIN:-haproxy}" -db -f "$1/haproxy.cfg"
}

setup_link() { grep -o 'https\?://[^ "]*setup[^ "]*' "$state/haward.log" | tail -n 1; }

export HAWARD_SPOP=${HAWARD_SPOP:-127.0.0.1:12350}
export HAWARD_ACCOUNTING=${HAWARD_ACCOUNTING:-127.0.0.1:12514}
export HAWARD_SERVICE=${HAWARD_SERVICE:-127.0.0.1:8081}
HAWARD_ADMIN=${HAWARD_ADMIN:-127.0.0.1:12380}
