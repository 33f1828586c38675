#!/bin/sh
# Make or update the environment with a real OpenStack, which only tests use: openstack-environment.sh PYTHON DIRECTORY
# About 170 packages, which would not fit into Embank's own; two minutes when it is new.
set -eu

python=$1
directory=$2
requirements=$(dirname "$0")/openstack-requirements.txt

echo "setting up $directory (OpenStack; two minutes) …"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
[ -x "$directory/bin/python" ] || "$python" -m venv "$directory"
if ! "$directory/bin/python" -m pip --disable-pip-version-check --no-input install --quiet --no-deps --prefer-binary \
    --requirement "$requirements" >"$log" 2>&1; then
    tail -20 "$log" >&2
    if grep -qiE 'connection|max retries|name resolution|timed out|no matching distribution' "$log"; then
        echo "the package index was not reached, or lacks a package: the tests with a real OpenStack need about 170 from it" >&2
    fi
    exit 1
fi
"$directory/bin/python" -m pip --disable-pip-version-check check >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
