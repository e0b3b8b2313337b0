#!/bin/sh
# Makes the servers of the integration tests available in .servers/: Debian's packages, fetched and unpacked, never
# installed, so that no root is needed and no service starts. Does nothing where they are there already, and says in
# one line how to get them where they cannot be had (the tests then skip, or fail with CI=true).
set -eu

packages="prometheus prometheus-alertmanager"
target=.servers

works() { "$1" --version >/dev/null 2>&1; }
works "$target/usr/bin/prometheus" && works "$target/usr/bin/prometheus-alertmanager" && exit 0
works prometheus && works prometheus-alertmanager && exit 0

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    echo "make servers: no apt here; put prometheus and alertmanager on PATH for the integration tests" >&2
    exit 0
fi

scratch=$(mktemp -d "$PWD/.servers.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial" "$scratch/root" "$scratch/debs"
apt() { apt-get -qq -o APT::Sandbox::User="$(id -un)" "$@"; }
own_lists() { apt -o Dir::State::Lists="$scratch/lists" -o Dir::Cache="$scratch/cache" "$@"; }

# The machine's package lists may be empty or old: then fresh ones of our own, which touch nothing of the machine's.
fetch() {
    cd "$scratch/debs"
    # shellcheck disable=SC2086
    apt download $packages >/dev/null 2>&1 && return
    own_lists update >/dev/null 2>&1 || true
    # shellcheck disable=SC2086
    own_lists download $packages >/dev/null
}
if ! (fetch); then
    echo "make servers: could not fetch $packages; with root: apt-get update && apt-get install $packages" >&2
    exit 0
fi

for deb in "$scratch"/debs/*.deb; do dpkg-deb -x "$deb" "$scratch/root"; done
# Debian's Alertmanager reads its templates from a fixed path, where only an installed package puts them. The copy
# reads them from its working folder instead (a path of the same length); tests/servers.py puts them there.
alertmanager="$scratch/root/usr/bin/prometheus-alertmanager"
LC_ALL=C sed 's#/usr/share/prometheus/alertmanager#./././././././././././././././././#g' "$alertmanager" >"$scratch/patched"
cat "$scratch/patched" >"$alertmanager"
for server in $packages; do
    if ! works "$scratch/root/usr/bin/$server"; then
        echo "make servers: $server does not run here: $("$scratch/root/usr/bin/$server" --version 2>&1 | head -n 1)" >&2
        exit 0
    fi
done
rm -rf "$target"
mv "$scratch/root" "$target"
