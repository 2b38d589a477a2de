#!/bin/bash
# shellcheck disable=SC2034 # the groups are named by the arguments
# Makes sure that the Debian packages a part of the work needs are there; quick and silent when they are.
#
#   docker/packages.sh GROUP...     groups: build lint test bench, image (in its builder), engine (to build and run images)
#
# As root it installs what is missing; otherwise it names it and exits 1. Debian 12 and 13.
set -euo pipefail

# package, or package:command for what may have come from elsewhere and counts as present when on PATH
build="gcc:gcc libc6-dev make:make cmake:cmake patch:patch tcl:tclsh xz-utils:xz bzip2:bzip2 ca-certificates
    debian-archive-keyring nodejs:node npm:npm"
lint="clang-format:clang-format clang-tidy:clang-tidy shellcheck:shellcheck"
test="clang:clang libclang-rt-dev sip-tester:sipp chromium:chromium firefox-esr:firefox-esr espeak-ng:espeak-ng
    sox:sox sqlite3:sqlite3 curl:curl coturn:turnutils_uclient nftables:nft openssl:openssl iproute2:ip procps:ps faketime:faketime tshark:tshark"
bench="coturn:turnserver"
image="libcap2-bin:setcap"
engine="docker.io:dockerd docker-compose:docker-compose debootstrap:debootstrap iptables:iptables"
# Debian 13 has the client and BuildKit in packages of their own.
if [[ " $* " == *" engine "* ]] && apt-cache show docker-cli >/dev/null 2>&1; then
    engine+=" docker-cli:docker docker-buildx"
fi

missing=()
for group in "$@"; do
    case $group in
    build | lint | test | bench | image | engine) ;;
    *) echo "usage: docker/packages.sh build|lint|test|bench|image|engine..." >&2; exit 2 ;;
    esac
    for entry in ${!group}; do
        package=${entry%%:*}
        command=${entry#"$package"}
        if [ -n "$command" ] && command -v "${command#:}" >/dev/null; then continue; fi
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ]; then continue; fi
        missing+=("$package")
    done
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "missing packages; as root: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi
echo "installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    exit 1
fi
