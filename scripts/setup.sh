#!/bin/sh
# Install what building nbtrace needs beside Go, gcc and make: libpcap's
# headers. Does nothing when they are there.
set -eu

say() { printf 'setup: %s\n' "$*" >&2; }

have_pcap() {
	printf '#include <pcap/pcap.h>\nint main(void) { return pcap_lib_version() == 0; }\n' >"$tmp/t.c"
	${CC:-cc} -o "$tmp/t" "$tmp/t.c" -lpcap 2>/dev/null
}

how() {
	say "libpcap's headers are missing and cannot be installed from here. Install one of"
	say '  Debian, Ubuntu     libpcap-dev'
	say '  Fedora, RHEL       libpcap-devel'
	say '  Alpine             libpcap-dev'
	say '  macOS              brew install libpcap (or the Xcode command line tools)'
	say 'or build without it, with neither --filter nor live capture: CGO_ENABLED=0 make build'
	exit 1
}

# CGO_ENABLED=0 builds need no libpcap.
[ "${CGO_ENABLED:-1}" = 0 ] && exit 0

command -v go >/dev/null || { say 'Go is missing: see https://go.dev/doc/install'; exit 1; }
command -v "${CC:-cc}" >/dev/null || { say 'a C compiler is missing: install gcc or clang'; exit 1; }

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
have_pcap && exit 0

root=
if [ "$(id -u)" != 0 ]; then
	# Without a terminal sudo must not ask.
	if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
		root=sudo
	elif ! command -v brew >/dev/null; then
		how
	fi
fi

say "installing libpcap's headers"
if command -v apt-get >/dev/null; then
	$root apt-get install -y --no-install-recommends libpcap-dev >&2 || {
		$root apt-get update >&2 && $root apt-get install -y --no-install-recommends libpcap-dev >&2
	} || how
elif command -v dnf >/dev/null; then
	$root dnf install -y libpcap-devel >&2 || how
elif command -v apk >/dev/null; then
	$root apk add libpcap-dev >&2 || how
elif command -v brew >/dev/null; then
	brew install libpcap >&2 || how
else
	how
fi
have_pcap || how
