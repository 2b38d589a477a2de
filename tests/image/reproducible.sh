#!/bin/bash
# Builds the checked-out commit twice, in two places, under different locales, time zones, umasks and degrees of
# parallelism; both binaries must be the same, byte for byte.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d /tmp/dngate-repro.XXXXXX)
trap 'rm -rf "$work"' EXIT

build() { # DIRECTORY UMASK VARIABLE=VALUE...
    local dir=$1
    mkdir -p "$(dirname "$dir")"
    umask "$2"
    if [ -d .git ]; then git clone -q . "$dir"; else mkdir "$dir" && tar -c --exclude=./build --exclude=node_modules . | tar -C "$dir" -x; fi
    if [ -d admin-ui/node_modules ]; then cp -a admin-ui/node_modules "$dir/admin-ui/"; touch "$dir/admin-ui/node_modules/.package-lock.json"; fi
    (cd "$dir" && env -u MAKEFLAGS -u MAKELEVEL "${@:3}" make >make.log 2>&1) || { tail -20 "$dir/make.log"; return 1; }
}

(build "$work/one" 022 LC_ALL=C TZ=UTC)
(build "$work/a/rather/longer/place" 077 LC_ALL=C.UTF-8 TZ=Asia/Tokyo MAKEFLAGS=-j1)
sha256sum "$work/one/build/dngate" "$work/a/rather/longer/place/build/dngate"
cmp "$work/one/build/dngate" "$work/a/rather/longer/place/build/dngate"
