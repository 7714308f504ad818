#!/bin/sh
# Install what `make test-browser` needs beside Go: Chromium, tshark, and
# axe-core, which goes to a folder in the cache and not into the project.
# Prints the path of axe.min.js; what it installs is reported on standard
# error. Does nothing when all is there.
set -eu

# For tests only; a newer one finds more.
axe_version=4.14.1

say() { printf 'setup-browser: %s\n' "$*" >&2; }

have_chromium() {
	[ -n "${NBTRACE_CHROMIUM:-}" ] || command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null
}

need=
have_chromium || need="$need chromium"
command -v tshark >/dev/null || need="$need tshark"
command -v npm >/dev/null || need="$need npm"
if [ -n "$need" ]; then
	if ! command -v apt-get >/dev/null; then
		say "missing:$need. Install them, or name a Chromium in NBTRACE_CHROMIUM"
		exit 1
	fi
	root=
	if [ "$(id -u)" != 0 ]; then root='sudo -n'; fi
	say "installing$need"
	# shellcheck disable=SC2086 # lists of words
	DEBIAN_FRONTEND=noninteractive $root apt-get install -y --no-install-recommends $need >&2 || {
		$root apt-get update >&2
		DEBIAN_FRONTEND=noninteractive $root apt-get install -y --no-install-recommends $need >&2
	}
fi

cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/nbtrace-test
axe=$cache/node_modules/axe-core/axe.min.js
if [ ! -f "$axe" ]; then
	say 'installing axe-core'
	mkdir -p "$cache"
	npm install --silent --no-audit --no-fund --prefix "$cache" "axe-core@$axe_version" >&2
fi
printf '%s\n' "$axe"
