#!/bin/sh
# Creates .venv with a Python that the console runs on. Where Debian has split the venv module off, it says so in
# one line, and installs it when run as root.
set -eu

for python in "${PYTHON:-python3}" python3.13 python3.12 python3.11 none; do
    "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && break
done
if [ "$python" = none ]; then
    echo "oncall needs Python 3.11, 3.12 or 3.13: install one, or name it: make PYTHON=/path/to/python3" >&2
    exit 1
fi

if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        echo "Python's venv module is missing: installing $package" >&2
        apt-get install -qq -y --no-install-recommends "$package" >/dev/null 2>&1 ||
            { apt-get update -qq && apt-get install -qq -y --no-install-recommends "$package" >/dev/null; }
    else
        echo "Python's venv module is missing: install it (Debian, Ubuntu: sudo apt-get install $package)" >&2
        exit 1
    fi
fi

exec "$python" -m venv --clear .venv
