#!/bin/sh
# usage: unpack.sh DIR PACKAGE...: Debian packages' files below DIR, without installing them: what they bring would start
# as a service of this machine.
set -eu

dir=$(realpath -m "$1")
shift
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cd "$root"
apt-get download -q "$@" >/dev/null 2>&1 || {
	as_root=
	[ "$(id -u)" = 0 ] || as_root=sudo
	$as_root apt-get update -q >/dev/null
	apt-get download -q "$@"
}
mkdir -p "$dir/versions"
for package in *.deb; do
	dpkg-deb -x "$package" "$dir"
	dpkg-deb -f "$package" Version >"$dir/versions/$(dpkg-deb -f "$package" Package)"
done
