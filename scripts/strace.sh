#!/bin/sh
# Makes strace available in .servers/strace/ for the durability tests, where the machine has none: Debian's package and
# the library it needs, fetched and unpacked, never installed. Says in one line how to get it where it cannot be had.
set -eu

packages="strace libunwind8"
target=.servers/strace

command -v strace >/dev/null && exit 0
[ -x "$target/strace" ] && exit 0
lacking() {
    echo "make servers: $1; the traces of fsync need strace: apt-get install strace" >&2
    exit 0
}
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || lacking "no apt here"

mkdir -p .servers
scratch=$(mktemp -d "$PWD/.servers/strace.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial" "$scratch/root"
apt() { apt-get -qq -o APT::Sandbox::User="$(id -un)" "$@"; }
own_lists() { apt -o Dir::State::Lists="$scratch/lists" -o Dir::Cache="$scratch/cache" "$@"; }
fetch() {
    cd "$scratch"
    # shellcheck disable=SC2086
    apt download $packages >/dev/null 2>&1 && return
    own_lists update >/dev/null 2>&1 || true
    # shellcheck disable=SC2086
    own_lists download $packages >/dev/null 2>&1
}
(fetch) || lacking "could not fetch $packages"
for deb in "$scratch"/*.deb; do dpkg-deb -x "$deb" "$scratch/root"; done
cat >"$scratch/root/strace" <<'WRAPPER'
#!/bin/sh
# -E: the traced program does not get the library path.
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH=$(echo "$here"/usr/lib/*-linux-gnu) exec "$here/usr/bin/strace" -E LD_LIBRARY_PATH "$@"
WRAPPER
chmod +x "$scratch/root/strace"
"$scratch/root/strace" -V >/dev/null 2>&1 || lacking "Debian's strace does not run here"
rm -rf "$target"
mv "$scratch/root" "$target"
