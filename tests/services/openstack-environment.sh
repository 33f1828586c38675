#!/bin/sh
# Make the environment with a real OpenStack, which only tests use: openstack-environment.sh PYTHON DIRECTORY
#
# About 170 packages, which would not fit into Embank's own. They are installed once for all checkouts: in the user's
# cache, in a directory whose name changes with them, to which DIRECTORY leads. Two minutes when they are new.
set -eu

python=$1
directory=$2
requirements=$(dirname "$0")/openstack-requirements.txt
cache=${XDG_CACHE_HOME:-$HOME/.cache}/embank-tests
interpreter=$("$python" -c 'import platform, sys; print(sys.base_prefix, sys.version, platform.machine())')
packages=$cache/openstack-$({ echo "$interpreter"; cat "$requirements"; } | sha256sum | cut -c 1-16)

log=$(mktemp)
trap 'rm -f "$log"' EXIT

well() {
    "$@" >"$log" 2>&1 && return
    tail -20 "$log" >&2
    if grep -qiE 'connection|max retries|name resolution|timed out|no matching distribution' "$log"; then
        echo "the package index was not reached, or lacks a package: the tests with a real OpenStack need about 170 from it" >&2
    fi
    exit 1
}

mkdir -p "$cache"
exec 9>"$packages.lock"
flock 9 # another checkout may be about the same
if [ ! -e "$packages/.ready" ]; then
    echo "setting up $packages (OpenStack; two minutes) …"
    rm -rf "$packages" # what was left half-way; a virtual environment cannot be moved, so it is made in its place
    well "$python" -m venv "$packages"
    # Four at a time, since most of it is waiting for the index, and not compiled: a quarter of it is ever imported.
    grep -v '^#' "$requirements" | well xargs -P 4 -n 44 "$packages/bin/python" -m pip --disable-pip-version-check \
        --no-input install --quiet --no-deps --no-compile --prefer-binary
    well "$packages/bin/python" -m pip --disable-pip-version-check check
    touch "$packages/.ready"
fi
[ -L "$directory" ] || rm -rf "$directory"
ln -sfn "$packages" "$directory"

# What no checkout has asked for in two weeks, and no cloud runs from.
touch "$packages.used"
find "$cache" -maxdepth 1 -name 'openstack-*.used' -mtime +14 | while read -r used; do
    flock --nonblock "$used" rm -rf "${used%.used}" "$used" || true
done
