# shellcheck shell=bash disable=SC2034,SC2154 # sourced by run.sh
# What can be shown of the container without an engine, sourced by run.sh: the same binary, user and capabilities in a
# root file system of its own that is read-only. Needs root.

chroot_pid=

chroot_make() {
    docker/packages.sh image && mkdir -p "$work"/jail/{data,tmp,proc,etc,dev} "$work/data" &&
        touch "$work"/jail/dev/{null,random,urandom} || return 1
    chown 10001:10001 "$work/data" && cp /etc/resolv.conf /etc/hosts "$work/jail/etc/" &&
        install -m 755 build/dngate "$work/jail/dngate" && setcap cap_net_bind_service=p "$work/jail/dngate"
}

# Becomes dngate, in mounts of its own: the bounding set loses everything but the one capability, then root becomes 10001.
# Where this script itself runs in a chroot its root is no mount point, and cannot be made private: then the mounts may be
# seen outside, and chroot_clean takes them away.
chroot_exec() { # ARGUMENT...
    local all propagation=private
    unshare --mount --propagation private true 2>/dev/null || propagation=unchanged
    all=$(capsh --print | sed -n 's/^Bounding set =//p' | tr , '\n' | grep -vx cap_net_bind_service | paste -sd,)
    exec unshare --mount --propagation "$propagation" sh -c '
        root=$1 data=$2 drop=$3
        shift 3
        mount --bind "$root" "$root" && mount --bind "$data" "$root/data" && mount -t tmpfs tmpfs "$root/tmp" &&
            mount -t proc proc "$root/proc" || exit
        for dev in null random urandom; do mount --bind /dev/$dev "$root/dev/$dev" || exit; done
        mount -o remount,bind,ro "$root" || exit
        exec env -i "$(command -v capsh)" --chroot="$root" --drop="$drop" --groups=10001 --gid=10001 --uid=10001 \
            --shell=/dngate -- "$@"
    ' sh "$work/jail" "$work/data" "$all" "$@"
}

chroot_run() { (chroot_exec "$@"); }

chroot_clean() { while umount -R "$work/jail" 2>/dev/null; do :; done; }

chroot_start() {
    (chroot_exec serve --lab -o http.port=980 -o https.port=943 -o wss.port=0 -o sip.port=15070 -o ice.port=21000 \
        -o rtp.port_min=21100 -o rtp.port_max=21199) >"$work/serve.log" 2>&1 &
    chroot_pid=$!
    until_true 30 chroot_run healthcheck || { tail -30 "$work/serve.log"; return 1; }
}

chroot_stop() {
    local rc=0
    kill -TERM "$chroot_pid" && wait "$chroot_pid" || rc=$?
    chroot_pid=
    [ $rc -eq 0 ] || { echo "exit status $rc"; tail -30 "$work/serve.log"; return 1; }
}

# Not in a subshell, as check would run them: they leave a process behind.
chroot_step() { "$1" >"$work/step.log" 2>&1; echo $? >"$work/step"; }
chroot_result() { cat "$work/step.log"; return "$(cat "$work/step")"; }

test_chroot() {
    if [ "$(id -u)" -ne 0 ]; then echo "**** NOT ROOT: the chroot is not tested either. ****"; return; fi
    check "chroot: ports are free" free_ports 943 980 15070 21000 && check "chroot: made" chroot_make || return
    check "chroot: licences and bill of materials" materials chroot_run
    chroot_step chroot_start
    check "chroot: healthy" chroot_result || return
    check "chroot: not root, one capability, read-only root" confined "$chroot_pid" 0x400
    check "chroot: a DN is added while it runs" chroot_run dn add 5100 --password 'a long one' --name Ada
    check "chroot: a call with audio, by a port below 1024" call localhost 943
    chroot_step chroot_stop
    check "chroot: stops with exit status 0" chroot_result
    chroot_step chroot_start
    check "chroot: starts again" chroot_result || return
    check "chroot: DNs are kept" eval 'chroot_run dn list | grep 5100.*Ada'
    chroot_step chroot_stop
    check "chroot: stops again" chroot_result
}
