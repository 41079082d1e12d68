#!/usr/bin/env bash
# run.sh - installs what is missing and runs every test there is, all of it through ctest:
#   dev   unit, contract, arch, faults, fuzz corpus, web UI, end to end, under ASan and UBSan
#   tsan  unit tests once more, under ThreadSanitizer: workers, writer, fetcher, hand-offs
#   fuzz  each target over its corpus, then HAWARD_FUZZ_SECONDS (30) of new input, two at a time
# The last line is the sum: "N passed, N failed". Ends with 0 only if nothing failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
export HAWARD_FUZZ_SECONDS=${HAWARD_FUZZ_SECONDS:-30}
export npm_config_update_notifier=false
jobs=$(nproc)
passed=0
failed=0

finish() {
	printf '%s passed, %s failed\n' "$passed" "$failed"
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
	exit
}

broken() {
	echo "$1" >&2
	failed=$((failed + 1))
}

tests/install.sh test || {
	broken "The packages that the tests need are not there."
	finish
}

# count FILE - adds the numbers of one JUnit file that ctest wrote; a test that did not run has failed
count() {
	local all bad skipped
	[ -s "$1" ] || {
		broken "ctest left no result in $1"
		return
	}
	read -r all bad skipped < <(tr '\n' ' ' <"$1" |
		sed -n 's/.*<testsuite[^>]*tests="\([0-9]*\)"[^>]*failures="\([0-9]*\)".*skipped="\([0-9]*\)".*/\1 \2 \3/p' | head -n 1)
	[ "${all:-0}" -gt 0 ] || broken "ctest found no test for $1"
	failed=$((failed + ${bad:-0} + ${skipped:-0}))
	passed=$((passed + ${all:-0} - ${bad:-0} - ${skipped:-0}))
}

build() {
	timeout 300 cmake --preset "$1" && timeout 1500 cmake --build --preset "$1" -j "$jobs"
}

# suite PRESET ctest-arguments... - configures, builds, runs
suite() {
	local preset=$1
	shift
	local result=$PWD/build/$preset/junit-$SECONDS.xml
	printf '\n== %s %s\n' "$preset" "$*"
	if ! build "$preset" >"build/$preset.log" 2>&1; then
		tail -n 40 "build/$preset.log"
		broken "The build of $preset failed."
		return
	fi
	timeout 1800 ctest --preset "$preset" --output-junit "$result" --timeout 300 "$@" || true
	count "$result"
}

mkdir -p build
suite dev -LE 'bench|integration|fuzz' -j "$jobs"
suite dev -L integration
suite tsan -L unit -j "$jobs"
suite fuzz -L fuzz -j 2
finish
