#!/bin/sh
# Make or update the environment with a real Mistral, which only tests use: mistral-environment.sh PYTHON DIRECTORY
# About 110 packages, which would not fit into Embank's own; a minute or two when it is new.
set -eu

python=$1
directory=$2
constraints=$(dirname "$0")/mistral-constraints.txt

echo "setting up $directory (OpenStack Mistral; a minute or two) …"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
[ -x "$directory/bin/python" ] || "$python" -m venv "$directory"
# [openstack]: executors run the plugins for OpenStack, too; psycopg2-binary: for a Mistral on PostgreSQL
if ! "$directory/bin/python" -m pip --disable-pip-version-check --no-input install --quiet --constraint "$constraints" \
    --editable '.[openstack]' mistral python-mistralclient psycopg2-binary >"$log" 2>&1; then
    tail -20 "$log" >&2
    if grep -qiE 'connection|max retries|name resolution|timed out|no matching distribution' "$log"; then
        echo "the package index was not reached, or lacks a package: the tests with a real Mistral need about 110 from it" >&2
    fi
    exit 1
fi
"$directory/bin/python" -m pip --disable-pip-version-check check >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
