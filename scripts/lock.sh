#!/bin/sh
# Writes constraints.txt: every dependency, for running, testing, linting and building, on every supported Python,
# pinned with hashes. It names no registry, so that any mirror serves.
set -eu

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if ! command -v uv >/dev/null; then
    .venv/bin/python -m venv "$scratch/uv"
    "$scratch/uv/bin/pip" install -q uv
    PATH="$scratch/uv/bin:$PATH"
fi
uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes --no-header \
    --no-emit-index-url --no-emit-find-links "$@" --output-file constraints.txt pyproject.toml

if grep -nE '://|^ *-|/(home|root|work|tmp|opt)/' constraints.txt | grep -vE '^[0-9]+: +--hash=sha256:'; then
    echo "constraints.txt names a registry or a path of this machine" >&2
    exit 1
fi
