#!/bin/bash
# Read what nbtrace exports with programs that are not ours: LibreOffice,
# DuckDB, hyparquet. Installs what is missing. What cannot be had is left out,
# and the last line counts it; with FORMATS_REQUIRED=1 that is a failure.
# The scratch folder (2 GB) is made below TMPDIR.
set -euo pipefail

say() { printf 'formats: %s\n' "$*" >&2; }

root=
if [ "$(id -u)" != 0 ] && command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
	root=sudo
fi

# have COMMAND PACKAGE... installs what is missing.
have() {
	command -v "$1" >/dev/null && return 0
	command -v apt-get >/dev/null || return 1
	say "installing ${*:2}"
	$root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${@:2}" >&2 || {
		$root apt-get update >&2 && $root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${@:2}" >&2
	}
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

if ! have node nodejs npm; then
	say 'SKIPPED everything: node is missing and cannot be installed from here (Debian: nodejs)'
	echo 'formats: 0 checks passed, 0 failed, ALL SKIPPED'
	exit 1
fi
NBTRACE_SOFFICE=$(command -v soffice || true)
if [ -z "$NBTRACE_SOFFICE" ] && have soffice libreoffice-calc-nogui; then
	NBTRACE_SOFFICE=$(command -v soffice)
fi
NBTRACE_READERS=
mkdir "$tmp/readers"
if command -v npm >/dev/null && npm install --prefix "$tmp/readers" --no-audit --no-fund --silent \
	@duckdb/node-api@1.5.6-r.1 hyparquet@1.31.5 hyparquet-compressors@1.1.2 >&2; then
	NBTRACE_READERS=$tmp/readers
fi
go build -o "$tmp/capgen" ./cmd/capgen

export NBTRACE_SOFFICE NBTRACE_READERS
node scripts/formats.mjs "$tmp"
