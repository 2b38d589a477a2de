// A LAN behind a router, for files that run in a network namespace of their own (lib/netns.mjs), which is the Internet here:
//
//   box 192.168.1.5, 2001:db8:2::5 ── router 192.168.1.1 │ 198.51.100.2, 2001:db8:1::2 ── Internet 198.51.100.1, 2001:db8:1::1
//
// IPv4 is translated, IPv6 is not.
import { execFileSync } from 'node:child_process';
import { Namespace } from './netns.mjs';

export const BOX = '192.168.1.5', BOX6 = '2001:db8:2::5', ROUTER = '192.168.1.1';
export const OUTSIDE = '198.51.100.2'; // the router's, where agents in the Internet find the box
export const FAR = '198.51.100.1', FAR6 = '2001:db8:1::1';

// A namespace in which a line is run.
class Space extends Namespace {
    line(words, input) {
        const [program, ...args] = this.nsenter;
        return execFileSync(program, [...args, ...words.split(' ')], { encoding: 'utf8', input });
    }
}

export class Lan {
    async open() {
        const ip = (line) => execFileSync('ip', line.split(' '));
        const on = (space, device, ...addresses) => {
            for (const address of addresses) space.line(`ip addr add ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`);
            space.line(`ip link set ${device} up`);
        };
        this.box = await new Space().opened();
        this.router = await new Space().opened();
        ip(`link set dn1 netns ${this.router.pid}`);
        this.router.line(`ip link add lan type veth peer name eth0 netns ${this.box.pid}`);
        on(this.router, 'dn1', `${OUTSIDE}/24`, '2001:db8:1::2/64');
        on(this.router, 'lan', `${ROUTER}/24`, '2001:db8:2::1/64');
        on(this.box, 'eth0', `${BOX}/24`, `${BOX6}/64`);
        this.box.line(`ip route add default via ${ROUTER}`);
        this.box.line('ip route add default via 2001:db8:2::1');
        ip(`addr add ${FAR6}/64 dev dn0 nodad`);
        ip('route add 2001:db8:2::/64 via 2001:db8:1::2');
        this.router.line('sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1');
        return this;
    }

    // hairpin: packets from the LAN to the router's outer address are turned round. keeps: NAT keeps port numbers.
    route({ tcp, udp, hairpin = true, keeps = true }) {
        const from = hairpin ? '' : 'iifname "dn1" ';

        this.router.line('nft -f -', `table ip nat
            delete table ip nat
            table ip nat {
                chain in {
                    type nat hook prerouting priority dstnat
                    ${from}ip daddr ${OUTSIDE} tcp dport { ${tcp.join(', ')} } dnat to ${BOX}
                    ${from}ip daddr ${OUTSIDE} udp dport { ${udp.join(', ')} } dnat to ${BOX}
                }
                chain out {
                    type nat hook postrouting priority srcnat
                    oifname "dn1" ${keeps ? 'masquerade' : 'meta l4proto udp masquerade to :40000-49999'}
                    ip saddr 192.168.1.0/24 ip daddr ${BOX} masquerade
                }
            }`);
    }

    async close() {
        await this.box?.close();
        await this.router?.close();
    }
}
