#!/bin/sh
# Install Debian packages that the tests need, when they are missing: install.sh PACKAGE…
# Needs root (or sudo that does not ask). Starts nothing: the tests start their own servers, on the loopback.
set -eu

installed() {
    case "$1" in
        # The programs count: they may come from another repository, under another package's name.
        postgresql) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 ;;
        *) dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed' ;;
    esac
}

missing=
for package in "$@"; do
    installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    root=
elif sudo -n true 2>/dev/null; then
    root="sudo -n"
else
    echo "the tests need$missing: run as root: apt-get install$missing" >&2
    exit 1
fi
command -v apt-get >/dev/null || { echo "the tests need$missing (Debian's names), and there is no apt-get here" >&2; exit 1; }

echo "installing$missing …"
# Without this Debian's package makes and starts a server of its own.
case "$missing" in
    *postgresql*)
        if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
            $root mkdir -p /etc/postgresql-common
            echo "create_main_cluster = false" | $root tee /etc/postgresql-common/createcluster.conf >/dev/null
        fi
        ;;
esac
log=$(mktemp)
# Nor may the package of a broker start one on the machine's own addresses.
policy=/usr/sbin/policy-rc.d
if [ -e "$policy" ]; then
    policy=
else
    printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
    $root chmod 755 "$policy"
fi
trap 'rm -f "$log"; [ -z "$policy" ] || $root rm -f "$policy"' EXIT
# shellcheck disable=SC2086  # words are meant to be split
if ! { $root apt-get -q update && $root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o Dpkg::Options::=--force-confold install --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    exit 1
fi
