#!/bin/sh
# Make or update the environment with a real Mistral, which only tests use: mistral-environment.sh PYTHON DIRECTORY
#
# Its packages, which would not fit into Embank's own environment, are installed once for all checkouts: in the user's
# cache, in a directory whose name changes with them. DIRECTORY is this checkout's: its Embank, and a way to those packages.
set -eu

python=$1
directory=$2
requirements=$(dirname "$0")/mistral-requirements.txt
cache=${XDG_CACHE_HOME:-$HOME/.cache}/embank-tests
interpreter=$("$python" -c 'import platform, sys; print(sys.base_prefix, sys.version, platform.machine())')
packages=$cache/mistral-$({ echo "$interpreter"; cat "$requirements"; } | sha256sum | cut -c 1-16)

log=$(mktemp)
trap 'rm -f "$log"' EXIT

well() {
    "$@" >"$log" 2>&1 && return
    tail -20 "$log" >&2
    if grep -qiE 'connection|max retries|name resolution|timed out|no matching distribution' "$log"; then
        echo "the package index was not reached, or lacks a package: the tests with a real Mistral need about 110 from it" >&2
    fi
    exit 1
}

pip="$packages/bin/python -m pip --disable-pip-version-check --no-input --python"

mkdir -p "$cache"
exec 9>"$packages.lock"
flock 9 # another checkout may be about the same
if [ ! -e "$packages/.ready" ]; then
    echo "setting up $packages (OpenStack Mistral; a minute or two) …"
    rm -rf "$packages" # what was left half-way; a virtual environment cannot be moved, so it is made in its place
    well "$python" -m venv "$packages"
    well $pip "$packages/bin/python" install --quiet --no-deps --prefer-binary --requirement "$requirements"
    touch "$packages/.ready"
fi

ready=$directory/.ready
[ "$(cat "$ready" 2>/dev/null)" = "$packages" ] && [ "$ready" -nt pyproject.toml ] && exit
echo "setting up $directory …"
rm -rf "$directory"
well "$python" -m venv --without-pip "$directory"
# Before it sees the packages: an old setuptools is among them.
well $pip "$directory/bin/python" install --quiet --no-deps --editable .
where='import sysconfig; print(sysconfig.get_path("purelib"))'
# addsitedir: some of the packages have .pth files of their own
echo "import site; site.addsitedir('$("$packages/bin/python" -c "$where")')" \
    >"$("$directory/bin/python" -c "$where")/packages.pth"
well $pip "$directory/bin/python" check
echo "$packages" >"$ready"
