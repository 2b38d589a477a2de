#!/bin/bash
# The image as operators use it: built by a real Docker engine from this tree, run as compose.yml says, on the host's
# network and on a bridge, with a call by Chromium through each. Where no engine can be had it says so, and chroot.sh
# tests the same binary with the same user, capabilities and read-only root instead.
#
#   tests/image/run.sh             as root; its last line is "N passed, N failed"
#   IMAGE_ENGINE=no                only the chroot
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/image/box.sh
. tests/image/engine.sh
. tests/image/chroot.sh

work=$(mktemp -d /tmp/dngate-image.XXXXXX)
finish() {
    if [ -n "$engine_pid" ]; then compose down -v --remove-orphans -t 1 >/dev/null 2>&1; fi
    if [ -n "${chroot_pid:-}" ]; then kill -9 "$chroot_pid" 2>/dev/null; fi
    chroot_clean
    engine_stop
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# ---------------------------------------------------------------- compose.yml, with ports that are free on this machine

# 943 and 980 instead of 443 and 80: below 1024 they need the same capability. The lab keeps its own ports. The
# bridge's media gets others, fewer, and the same on both sides, as they stand in the SDP: of 200 some test may hold one.
address=$(ip -4 -o route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p')
address=${address:-$(ip -4 -o addr show scope global | awk '{ sub("/.*", "", $4); print $4; exit }')}
export COMPOSE_PROJECT_NAME=dngate-test DNGATE_IMAGE=dngate:test DNGATE_PUBLIC_ADDRESS=$address
sed -e 's/"80:80"/"18080:80"/; s/"443:443"/"18443:443"/; s/"8089:8089"/"18089:8089"/; s/"5060:5060/"15061:5060/' \
    -e 's/10000-10001/28000-28001/g; s/10100/28100/g; s/10299/28119/g' -e "s|build: \.|build: $PWD|" compose.yml >"$work/compose.yml"
cat >"$work/test.yml" <<YML
services:
  dngate:
    environment:
      {DNGATE_HTTP_PORT: 980, DNGATE_HTTPS_PORT: 943, DNGATE_WSS_PORT: 0, DNGATE_SIP_PORT: 15070, DNGATE_ICE_PORT: 21000,
       DNGATE_RTP_PORT_MIN: 21100, DNGATE_RTP_PORT_MAX: 21199}
  bridge:
    command: ["serve", "--lab"]
    environment: {DNGATE_ICE_PORT: 28000}
YML
compose() { docker-compose --project-directory "$work" -f "$work/compose.yml" -f "$work/test.yml" "$@"; }

# ---------------------------------------------------------------- the image

build() {
    timeout -k 5 1200 docker build --network host --progress plain --build-arg DNGATE_MIRROR="${DNGATE_MIRROR:-}" \
        --build-arg VERSION=test --build-arg REVISION="$(docker/revision.sh)" -t dngate:test . >"$work/build.log" 2>&1 ||
        { tail -40 "$work/build.log"; return 1; }
}

inspect() { docker image inspect -f "$1" dngate:test; }

small() {
    local size
    size=$(inspect '{{.Size}}')
    echo "image: $size bytes" >&3
    [ "$size" -le 15728640 ]
}

described() {
    local is
    is=$(inspect '{{.Config.User}} {{.Config.StopSignal}} {{.Config.Entrypoint}} {{.Config.Cmd}} {{.Config.Volumes}} {{.Config.Healthcheck.Test}}')
    echo "$is"
    [ "$is" = '10001:10001 SIGTERM [/dngate] [serve] map[/data:{}] [CMD /dngate healthcheck]' ] &&
        [ "$(inspect '{{index .Config.Labels "org.opencontainers.image.licenses"}}')" = BSD-3-Clause ]
}

# Nothing but the binary, its bill of materials and two directories; the rest is Docker's own.
bare() {
    local id rc=0
    id=$(docker create dngate:test) || return 1
    docker export "$id" | tar -C "$work" -x --one-top-level=rootfs || rc=1
    docker rm -v "$id" >/dev/null
    (cd "$work/rootfs" && rm -rf dev etc proc sys .dockerenv && find . -mindepth 1 -printf '%P %M %U\n' | LC_ALL=C sort) >"$work/files"
    cat "$work/files"
    diff "$work/files" - <<'LIST' || rc=1
data drwxr-xr-x 10001
dngate -rwxr-xr-x 0
tmp drwxrwxrwt 0
usr drwxr-xr-x 0
usr/share drwxr-xr-x 0
usr/share/sbom drwxr-xr-x 0
usr/share/sbom/dngate.spdx.json -rw-r--r-- 0
LIST
    docker run --rm --network none dngate:test version --sbom | cmp - "$work/rootfs/usr/share/sbom/dngate.spdx.json" || rc=1
    return $rc
}

# ---------------------------------------------------------------- containers

pid_of() { docker inspect -f '{{.State.Pid}}' "$1"; }
healthy() { [ "$(docker inspect -f '{{.State.Health.Status}}' "$1")" = healthy ]; }
in_box() { docker exec "$1" /dngate "${@:2}"; }

up() { # SERVICE CONTAINER
    compose up -d --no-build "$1" || return 1
    until_true 60 healthy "$2" || { docker logs --tail 30 "$2"; return 1; }
}

starts_without_capability() { docker run --rm --network none --cap-drop ALL --read-only dngate:test version; }

# At once when there are no calls. (Not the time that `docker stop` takes: it puts away hundreds of published ports.)
stopped_cleanly() { # CONTAINER
    local asked took
    asked=$(date +%s%3N)
    docker stop -t 60 "$1" || return 1
    took=$(($(date -d "$(docker inspect -f '{{.State.FinishedAt}}' "$1")" +%s%3N) - asked))
    [ "$(docker inspect -f '{{.State.ExitCode}}' "$1")" = 0 ] && [ $took -lt 20000 ] && return
    echo "exit status $(docker inspect -f '{{.State.ExitCode}}' "$1") after $took ms"
    docker logs --tail 30 "$1"
    return 1
}

keeps_dns() { # CONTAINER: through stop and start, and through being made anew
    in_box "$1" dn add 5100 --password 'a long one' --name Ada || return 1
    stopped_cleanly "$1" && docker start "$1" && until_true 30 healthy "$1" && in_box "$1" dn list | grep '5100.*Ada' || return 1
    compose up -d --no-build --force-recreate dngate && until_true 30 healthy "$1" && in_box "$1" dn list | grep '5100.*Ada'
}

gone() { compose rm -s -f "$1" >/dev/null 2>&1; }

call() { # HOST PORT [COMMAND]
    [ -d admin-ui/node_modules/playwright-core ] ||
        npm ci --no-audit --no-fund --loglevel=error --prefix admin-ui || return 1
    timeout -k 5 300 node tests/image/call.mjs "$@"
}

drains() { # CONTAINER HOST PORT: docker stop leaves a running call alone until it ends
    call "$2" "$3" "docker stop -t 240 $1" && [ "$(docker inspect -f '{{.State.ExitCode}}' "$1")" = 0 ] && return
    docker logs --tail 30 "$1"
    return 1
}

test_image() {
    check "size, at most 15 MiB" small
    check "user, volume, health check, labels" described
    check "files" bare
    check "licences and bill of materials" materials docker run --rm --network none dngate:test
    check "starts without any capability" starts_without_capability
}

test_host() {
    check "host network: ports are free" free_ports 943 980 15070 21000 &&
        check "host network: healthy" up dngate dngate || return
    check "host network: not root, one capability, read-only root" confined "$(pid_of dngate)" 0x400
    check "host network: the page, on a port below 1024" page_served localhost:943
    check "host network: DNs outlive stop, start and a new container" keeps_dns dngate
    gone dngate
}

test_lab() {
    check "lab: ports are free" free_ports 8080 8443 15060 20010 &&
        check "lab: healthy" up lab dngate-lab || return
    check "lab: not root, no capability, read-only root" confined "$(pid_of dngate-lab)" 0
    check "lab: a call with audio" call localhost 8443
    check "lab: docker stop waits for a running call" drains dngate-lab localhost 8443
    gone lab
}

test_bridge() {
    check "bridge: ports are free" free_ports 18080 18443 18089 15061 28000 28001 $(seq 28100 28119) &&
        check "bridge: healthy" up bridge dngate-bridge || return
    check "bridge: not root, no capability, read-only root" confined "$(pid_of dngate-bridge)" 0
    check "bridge: a call with audio" call "$address" 18443
    check "bridge: stops" stopped_cleanly dngate-bridge
    gone bridge
}

exec 3>&1
if [ "${IMAGE_ENGINE:-}" != no ] && engine_start; then
    echo "engine: Docker $(docker version -f '{{.Server.Version}}'), $(docker-compose version --short)"
    compose down -v --remove-orphans -t 1 >/dev/null 2>&1 # what a run has left that was killed
    if check "debian:trixie-slim by debootstrap" engine_base && check "image builds" build; then
        test_image
        test_host
        test_lab
        test_bridge
    fi
    docker image prune -f >/dev/null 2>&1
    docker builder prune -f --keep-storage 4GB >/dev/null 2>&1
else
    echo "**** NO DOCKER ENGINE: ${engine_why:-switched off}. The image itself is NOT tested, only its binary in a chroot. ****"
    test_chroot
fi
check "reproducible: another build in another place is the same" tests/image/reproducible.sh
summary
