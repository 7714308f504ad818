#!/bin/bash
# Formatting, vet and all tests. The last line says how it went; the exit
# status is 0 only if every package passed and there was one.
set -euo pipefail

scripts/lint.sh

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
# shellcheck disable=SC2086 # TESTFLAGS holds words
go test ${TESTFLAGS:-} ./... 2>&1 | tee "$log" || status=$?

passed=$(grep -c '^ok  *	' "$log" || true)
failed=$(grep -c '^FAIL	' "$log" || true)
if [ "$passed" = 0 ] && [ "$status" = 0 ]; then
	status=1
fi
if [ "$status" = 0 ]; then
	echo "nbtrace tests: passed, $passed packages"
else
	echo "nbtrace tests: FAILED, $passed packages passed, $failed failed"
fi
exit "$status"
