#!/bin/bash
# Run every fuzz target of the module in turn: fuzz.sh DURATION (30s, 1h, …).
set -euo pipefail

each=${1:-30s}
found=0
for pkg in $(go list ./...); do
	while read -r target; do
		found=$((found + 1))
		echo "== $pkg $target $each"
		go test "$pkg" -run '^$' -fuzz "^$target\$" -fuzztime "$each" -fuzzminimizetime 1x
	done < <(go test "$pkg" -list '^Fuzz' | grep '^Fuzz' || true)
done
if [ "$found" = 0 ]; then
	echo 'no fuzz target was found' >&2
	exit 1
fi
echo "$found fuzz targets, $each each: nothing found"
