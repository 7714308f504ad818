#!/bin/bash
# gofmt, go vet, and staticcheck where it can be had.
set -euo pipefail

unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
	printf 'not formatted (run gofmt -w):\n%s\n' "$unformatted" >&2
	exit 1
fi
go vet ./...
if [ "${1:-}" = all ]; then
	if go run honnef.co/go/tools/cmd/staticcheck@v0.7.0 -version >/dev/null 2>&1; then
		go run honnef.co/go/tools/cmd/staticcheck@v0.7.0 ./...
	else
		echo 'lint: staticcheck cannot be obtained here and was left out' >&2
	fi
fi
