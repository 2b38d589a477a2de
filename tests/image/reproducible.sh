#!/bin/bash
# Builds the tree once more, in another place, under another locale, time zone, umask and degree of parallelism than build/dngate,
# which `make` has made: both must be the same, byte for byte.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d /tmp/dngate-repro.XXXXXX)
trap 'rm -rf "$work"' EXIT

other=$work/a/rather/longer/place
umask 077
mkdir -p "$other"
tar -c --exclude=./build --exclude=./data --exclude=node_modules . | tar -C "$other" -x --no-same-permissions
if [ -d admin-ui/node_modules ]; then cp -a admin-ui/node_modules "$other/admin-ui/"; touch "$other/admin-ui/node_modules/.package-lock.json"; fi
(cd "$other" && env -u MAKEFLAGS -u MAKELEVEL LC_ALL=C.UTF-8 TZ=Asia/Tokyo MAKEFLAGS="-j$(($(nproc) + 1))" make >make.log 2>&1) ||
    { tail -20 "$other/make.log"; exit 1; }
sha256sum build/dngate "$other/build/dngate"
cmp build/dngate "$other/build/dngate"
