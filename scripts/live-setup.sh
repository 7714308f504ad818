#!/bin/sh
# Install what the live tests and the live benchmark need, on Debian and its
# kin: network tools, capture tools, and Samba as the other side.
set -eu

# command:package
need="ip:iproute2 sysctl:procps setpriv:util-linux ethtool:ethtool curl:curl tcpdump:tcpdump tcpreplay:tcpreplay capinfos:wireshark-common
tshark:tshark nmbd:samba samba:samba nmblookup:samba-common-bin samba-tool:samba-common-bin smbtorture:samba-testsuite ldbadd:ldb-tools"

missing=
for n in $need; do
	command -v "${n%%:*}" >/dev/null 2>&1 || missing="$missing ${n##*:}"
done
/usr/bin/python3 -c 'import tdb' 2>/dev/null || missing="$missing python3-tdb"
[ -d /usr/share/samba/setup ] || missing="$missing samba-ad-provision"
[ -d /usr/lib/*/samba/ldb ] 2>/dev/null || missing="$missing samba-dsdb-modules"

if [ "$(id -u)" != 0 ]; then
	echo 'live tests: they need root, for network namespaces' >&2
	exit 1
fi
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null; then
	echo "live tests: please install what holds:$missing" >&2
	exit 1
fi
# Nothing of it may start a service on this machine.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words
apt-get install -y --no-install-recommends $missing >&2 || {
	apt-get update >&2
	apt-get install -y --no-install-recommends $missing >&2
}
