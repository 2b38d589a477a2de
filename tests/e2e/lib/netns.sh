#!/bin/sh
# netns.sh COMMAND...: runs it in a network namespace of its own, where besides loopback there is dn0 with an address (RFC 5737), and dn1
# at the other end of its cable. The namespace goes when its processes have gone. As root. No link-local IPv6 addresses: they come a moment
# late, and Chromium drops its requests when an address comes.
exec unshare --net sh -euc '
    ip link set lo up
    ip link add dn0 type veth peer name dn1
    ip link set dn0 addrgenmode none 2>/dev/null || true # a kernel without IPv6
    ip link set dn1 addrgenmode none 2>/dev/null || true
    ip addr add 198.51.100.1/24 dev dn0
    ip link set dn0 up
    ip link set dn1 up
    exec "$@"
' sh "$@"
