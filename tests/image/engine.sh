# shellcheck shell=bash disable=SC2034,SC2154 # sourced by run.sh
# A Docker engine for one test run, sourced by tests/image/run.sh: its own socket, networks and storage, so that it meets
# no other engine of the machine. Images stay in the cache, for the next run; nothing else does.
#
#   engine_start    0 when an engine runs; otherwise $engine_why says what is missing
#   engine_base     makes debian:trixie-slim by debootstrap when the engine lacks it: no image registry is needed
#   engine_stop     stops what engine_start started

engine_cache=${DNGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dngate}/engine
engine_dir=$(mktemp -d /tmp/dngate-engine.XXXXXX)
engine_pid=
engine_why=
export DOCKER_HOST=unix://$engine_dir/docker.sock DOCKER_BUILDKIT=1

missing_commands() {
    local c
    for c in docker dockerd docker-compose debootstrap; do command -v "$c" >/dev/null || echo "$c"; done
}

engine_start() {
    [ "$(id -u)" -eq 0 ] || { engine_why="not root"; return 1; }
    docker/packages.sh engine >"$engine_dir/apt.log" 2>&1
    [ -z "$(missing_commands)" ] || { engine_why="there is no $(missing_commands | xargs)"; return 1; }
    # The client that came with the engine: another one, earlier on PATH, may lack its half of BuildKit.
    mkdir -p "$engine_cache" "$engine_dir/bin" && ln -s /usr/bin/docker "$engine_dir/bin/" && PATH=$engine_dir/bin:$PATH
    exec 8>"$engine_cache/lock"
    flock -w 300 8 || { engine_why="another run holds $engine_cache"; return 1; }
    dockerd --data-root "$engine_cache/data" --exec-root "$engine_dir/exec" --pidfile "$engine_dir/pid" \
        -H "$DOCKER_HOST" --bridge none >"$engine_dir/log" 2>&1 8>&- &
    engine_pid=$!
    for _ in $(seq 150); do
        if docker version >/dev/null 2>&1; then
            engine_unpacks && return 0
            break
        fi
        kill -0 $engine_pid 2>/dev/null || break
        sleep 0.2
    done
    engine_why=${engine_why:-dockerd does not start: $(grep -aE 'level=(error|fatal)|^failed' "$engine_dir/log" | tail -2)}
    engine_stop
    return 1
}

# In a chroot whose root is no mount point an engine starts, but unpacks nothing: it can't make a root of its own there.
engine_unpacks() {
    local said
    said=$(tar -C "$engine_dir" -c bin | docker import - dngate-test:unpacks 2>&1) && docker image rm dngate-test:unpacks >/dev/null && return
    engine_why="an engine starts here, but unpacks no image: $said"
    return 1
}

engine_stop() {
    if [ -n "$engine_pid" ]; then
        kill "$engine_pid" 2>/dev/null
        for _ in $(seq 150); do kill -0 "$engine_pid" 2>/dev/null || break; sleep 0.2; done
        wait "$engine_pid" 2>/dev/null
        engine_pid=
        umount "$engine_dir"/exec/netns/* 2>/dev/null
    fi
    rm -rf "$engine_dir"
}

# The mirror is the one deps.sh would take; the machine's own settings of apt and certificate authorities come along,
# since what reaches the mirrors from here should do so from inside a build.
engine_base() {
    local root=$engine_dir/root mirror f
    docker image inspect debian:trixie-slim >/dev/null 2>&1 && return 0
    mirror=${DNGATE_MIRROR:-$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
        awk '$2 ~ /^(trixie|bookworm)$/ && !n++ { print $1 }')}
    debootstrap --variant=minbase trixie "$root" "$mirror" >"$engine_dir/debootstrap.log" 2>&1 ||
        { tail -5 "$engine_dir/debootstrap.log"; return 1; }
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    for f in /etc/apt/apt.conf.d/*; do
        grep -qE '^ *Acquire::' "$f" 2>/dev/null && cp "$f" "$root/etc/apt/apt.conf.d/"
    done
    cp -r /usr/local/share/ca-certificates "$root/usr/local/share/" 2>/dev/null
    tar -C "$root" -c . | docker import - debian:trixie-slim >/dev/null
}
