// Kinds of networks between a browser and the gateway, for files that run in a network namespace of their own (lib/netns.mjs). That one is
// the Internet, and the host of a Docker-like bridge, on which the gateway is a container with its ports published:
//
//   gateway 172.17.0.2 ─┐ bridge                                 ┌─ routers (nat.c) ─ browser of lane 0
//                       ├ 172.17.0.1 ── Internet, 198.51.100.1 ──┼─ routers ───────── browser of lane 1
//   (a lane's browser) ─┘                                        └─ …
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CHROMIUM, launchChromium } from '../../ui/lib/chromium.mjs';
import { binary, freePort, start } from '../dngate.mjs';
import { makeSpeech } from './audio.mjs';
import { ADDRESS, Namespace } from './netns.mjs';
import { AgentPage } from './page.mjs';

export const BOX_IPV6 = '2001:db8:17::2'; // the gateway's own, routed: no NAT there
export const BY_NAT64 = '64:ff9b::198.51.100.1'; // ADDRESS as DNS64 would give it
export const OTHER_ADDRESS = '198.51.100.9'; // somebody else in the Internet
// How page and record call the way that audio takes.
export const WAYS = {
    direct: { page: 'direct', record: 'direct' },
    udp: { page: 'by relay (UDP)', record: 'relay-udp' },
    tcp: { page: 'by relay (TCP)', record: 'relay-tcp' },
    tls: { page: 'by relay (TLS)', record: 'relay-tls' },
};
const ROUTED_BY_BRIDGE = '/proc/sys/net/bridge/bridge-nf-call-iptables'; // there a bridge takes what a rule sends back to it past the router
const BOX = '172.17.0.2', BRIDGE = '172.17.0.1';

const run = (...words) => execFileSync(words[0], words.slice(1), { encoding: 'utf8' });
const ip = (line) => run('ip', ...line.split(' '));
export const nft = (text) => execFileSync('nft', ['-f', '-'], { input: text });

// At the browser's end, with the address that a lane has there.
export const v4 = (n) => `10.0.${n}.2`;
export const v6 = (n) => `2001:db8:c:${n + 1}::2`;
const clat = (n) => `2001:db8:c:${n + 1}::c1a7`;
// Where the lane's routers are in the Internet.
export const outside = (n) => `203.0.113.${n + 1}`;
const CLAT_INSIDE = '192.0.0.1';

// [addresses, routers] of a lane: RFC 4787's terms are <mapping>-dependent mapping and <filtering>-dependent filtering.
const nat = (mapping, filtering) => (n) => ({ addresses: [`${v4(n)}/24`], routers: `nat44,${outside(n)},${mapping},${filtering}` });
export const NETWORKS = {
    fullCone: nat('endpoint', 'endpoint'),
    restricted: nat('endpoint', 'address'),
    portRestricted: nat('endpoint', 'port'),
    symmetric: nat('port', 'port'),
    double: (n) => ({ addresses: [`${v4(n)}/24`], routers: `nat44,100.64.${n}.2,endpoint,port nat44,${outside(n)},port,port` }),
    lan: () => ({ addresses: [], routers: '', plugged: true }), // beside the gateway, that is reached by its outside address all the same
    none: (n) => ({ addresses: [`${outside(n)}/32`], routers: '' }),
    ipv6: (n) => ({ addresses: [`${v6(n)}/64`], routers: '' }),
    nat64: (n) => ({ addresses: [`${v6(n)}/64`], routers: `nat64,${outside(n)},endpoint,address` }), // as RFC 6146 would have it
    nat64Strict: (n) => ({ addresses: [`${v6(n)}/64`], routers: `nat64,${outside(n)},port,port` }),
    xlat464: (n) => ({ addresses: [`${CLAT_INSIDE}/29`, `${v6(n)}/64`], routers: `clat,${CLAT_INSIDE},${clat(n)} nat64,${outside(n)},endpoint,address` }),
};

// A namespace's cable to the bridge, and its default route.
function plug(space, name, address) {
    ip(`link add ${name} type veth peer name eth0 netns ${space.pid}`);
    ip(`link set ${name} addrgenmode none master docker0 up`);
    ip(`link set ${name} type bridge_slave isolated on`); // who is on the bridge reaches the others by the router alone
    space.run('ip', 'link', 'set', 'eth0', 'addrgenmode', 'none');
    space.run('ip', 'addr', 'add', `${address}/16`, 'dev', 'eth0');
    space.run('ip', 'link', 'set', 'eth0', 'up');
    space.run('ip', 'route', 'replace', 'default', 'via', BRIDGE);
}

// The bridge with the gateway's namespace.
async function openBridge() {
    ip('link add docker0 type bridge');
    ip('link set docker0 addrgenmode none');
    ip(`addr add ${BRIDGE}/16 dev docker0`);
    for (const address of ['fe80::1', '2001:db8:17::1']) ip(`addr add ${address}/64 dev docker0 nodad`); // a router asks for neighbours from the first
    ip('link set docker0 up');
    const box = await new Namespace().opened();
    plug(box, 'box0', BOX);
    box.run('ip', 'addr', 'add', `${BOX_IPV6}/64`, 'dev', 'eth0', 'nodad');
    box.run('ip', 'route', 'add', 'default', 'via', '2001:db8:17::1');
    for (const name of ['ipv4/ip_forward', 'ipv6/conf/all/forwarding']) writeFileSync(`/proc/sys/net/${name}`, '1');
    if (existsSync(ROUTED_BY_BRIDGE)) writeFileSync(ROUTED_BY_BRIDGE, '0');
    return box;
}

// Ports are published under their own numbers, as Docker does it: a rule for each, and back through the router for who is on the bridge.
function publish(server) {
    const ice = server.log.map((line) => /proto=ice port=(\d+)/.exec(line)?.[1]).filter(Boolean);
    const { https, turn, turns } = server.ports;

    nft(`table ip docker {
        chain published { udp dport { ${[turn, ...ice].join(', ')} } dnat to ${BOX}; tcp dport { ${https}, ${turn}, ${turns} } dnat to ${BOX}; }
        chain in { type nat hook prerouting priority -100; ip daddr ${ADDRESS} jump published; }
        chain own { type nat hook output priority -100; ip daddr ${ADDRESS} jump published; }
        chain out { type nat hook postrouting priority 100; ip saddr 172.17.0.0/16 oifname != "docker0" masquerade;
                    ip saddr 172.17.0.0/16 ip daddr ${BOX} masquerade; }
    }`);
}

const serve = async (box, { dir = null, more = [] } = {}) =>
    Object.assign(await start({ dir, prefix: box.nsenter, options: ['bind.address=0.0.0.0,::', `public.address=${ADDRESS}`, ...more] }), { host: ADDRESS });

// A browser with routers of its own between it and the Internet.
class Lane {
    #nat;
    #chromium;
    #routers = '';
    #plugged = false;

    constructor(number) {
        this.number = number;
        this.dn = String(5001 + number);
        this.inner = `in${number}`; // the device at the browser's end
        this.outer = `nat${number}`;
    }

    async open(program, dir) {
        this.space = await new Namespace().opened();
        this.#nat = spawn(program, [String(this.space.pid), this.inner, this.outer], { stdio: ['pipe', 'pipe', 'inherit'] });
        await once(this.#nat.stdout, 'data');
        for (const device of [this.inner, this.outer]) this.#at(device, 'ip', 'link', 'set', device, 'addrgenmode', 'none', 'txqueuelen', '5000', 'up');
        for (const route of [outside(this.number), `2001:db8:c:${this.number + 1}::/64`]) ip(`route add ${route} dev ${this.outer}`);
        this.#chromium = this.space.wrap(join(dir, `chromium${this.number}`), CHROMIUM);
        return this;
    }

    #at(device, ...words) {
        return device === this.inner ? this.space.run(...words) : run(...words);
    }

    async launch(options) {
        this.browser = await launchChromium({ program: this.#chromium, ...options });
    }

    // kind: a key of NETWORKS; addresses that stay are not touched.
    async connect(kind, mtu = 1500) {
        const { addresses, routers, plugged = false } = NETWORKS[kind](this.number);
        const has = JSON.parse(this.space.run('ip', '-j', 'addr', 'show', 'dev', this.inner))[0].addr_info.map((a) => `${a.local}/${a.prefixlen}`);

        if (this.#plugged && !plugged) ip(`link del lan${this.number}`);
        for (const device of [this.inner, this.outer]) this.#at(device, 'ip', 'link', 'set', device, 'mtu', String(mtu));
        for (const address of has.filter((a) => !addresses.includes(a))) this.space.run('ip', 'addr', 'del', address, 'dev', this.inner);
        for (const address of addresses) {
            if (!has.includes(address)) this.space.run('ip', 'addr', 'add', address, 'dev', this.inner, ...(address.includes(':') ? ['nodad'] : []));
            this.space.run('ip', 'route', 'replace', 'default', 'dev', this.inner, 'src', address.split('/')[0]);
        }
        if (plugged && !this.#plugged) plug(this.space, `lan${this.number}`, `172.17.0.${10 + this.number}`);
        this.#plugged = plugged;
        this.#routers = routers;
        await this.rebind();
    }

    // All that the routers knew is gone, as after their restart: what goes on gets new ports.
    async rebind() {
        this.#nat.stdin.write(`${this.#routers}\n`);
        await once(this.#nat.stdout, 'data');
    }

    // TCP connections to the port end with a reset, at both ends.
    reset(port) {
        this.space.run('ss', '-K', '-t', 'dport', '=', String(port));
    }

    // A firewall drops, without a word, all but TCP to the port.
    onlyTcp(port) {
        nft(`table inet firewall${this.number} {
            chain out { type filter hook forward priority 0; iifname "${this.outer}" tcp dport ${port} accept; iifname "${this.outer}" drop; }
            chain in { type filter hook forward priority 0; oifname "${this.outer}" tcp sport ${port} accept; oifname "${this.outer}" drop; }
        }`);
    }

    // Another address than the one of its network that it has.
    renumber(from, to) {
        this.space.run('ip', 'addr', 'del', from, 'dev', this.inner);
        this.space.run('ip', 'addr', 'add', to, 'dev', this.inner);
        this.space.run('ip', 'route', 'replace', 'default', 'dev', this.inner);
    }

    async close() {
        await this.browser?.close();
        this.#nat?.stdin.end();
        await this.space?.close();
    }
}

async function endCalls(server, dn) {
    const cli = async (...words) => (await promisify(execFile)(binary(), [...words, '--data', server.dir], { timeout: 30000 })).stdout;
    const calls = JSON.parse(await cli('calls', '--json')).filter((call) => call.dn === dn);

    for (const { id } of calls) await cli('calls', 'hangup', id).catch(() => {}); // it may be over by itself
}

// The page in the lane's browser, on its shift. close() ends its calls, too. host: the gateway, as this browser calls it; script, arg: for the page's beginning.
export async function openAgent(zoo, lane, { host = ADDRESS, script, arg } = {}) {
    const context = await lane.browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });

    if (script) await context.addInitScript(script, arg);
    const agent = await AgentPage.open(context, { ...zoo.server, host: host.includes(':') ? `[${host}]` : host }, lane.dn);
    agent.server = zoo.server; // whose figures are read from here
    agent.close = async () => {
        await endCalls(zoo.server, lane.dn).catch(() => {}); // the server may be gone
        await context.close();
    };
    await agent.startShift();
    return agent;
}

// Cases side by side, one for each lane: run(t, n, how, meet) for each [name, how]. meet() waits for the others to come as far, or to end:
// the gateway counts for all calls together, so that what is expected in one must be over when another is judged.
export function together(title, cases, run) {
    test(title, { timeout: 300000, concurrency: cases.length }, async (t) => {
        let missing = cases.length, open;
        const gate = new Promise((resolve) => (open = resolve));

        await Promise.all(cases.map(([name, how], n) => t.test(name, async (t) => {
            let came = false;
            const meet = () => {
                if (!came && !--missing) open();
                came = true;
                return gate;
            };
            try {
                await run(t, n, how, meet);
            } finally {
                meet();
            }
        })));
    });
}

// The gateway crashes, and is there again with its data, at the ports of the page and of TURN.
export async function restart(zoo) {
    const { dir, ports } = zoo.server;

    await zoo.server.kill('SIGKILL');
    zoo.server = await serve(zoo.box, { dir, more: ['https', 'turn', 'turns'].map((name) => `${name}.port=${ports[name]}`) });
    return zoo.server;
}

// { server, lanes: [Lane], box, dir, close() }: the gateway, and so many browsers.
export async function openZoo(count) {
    const zoo = { dir: mkdtempSync(join(tmpdir(), 'dngate-e2e-')), lanes: [] };
    const program = join(zoo.dir, 'nat');

    zoo.close = async () => {
        await Promise.all(zoo.lanes.map((lane) => lane.close()));
        try {
            await zoo.server?.stop();
        } finally { // or Node waits for the namespace
            await zoo.box?.close();
            rmSync(zoo.dir, { recursive: true, force: true });
        }
    };
    try {
        execFileSync('gcc', ['-O1', '-o', program, fileURLToPath(new URL('../nat.c', import.meta.url))]);
        ip(`addr add ${OTHER_ADDRESS}/32 dev dn0`);
        zoo.box = await openBridge();
        zoo.server = await serve(zoo.box, { more: [`https.port=${await freePort()}`, `turn.port=${await freePort()}`, `turns.port=${await freePort()}`] }); // it may be started again there
        publish(zoo.server);
        const microphone = makeSpeech(zoo.dir);
        for (let n = 0; n < count; n++) zoo.lanes.push(await new Lane(n).open(program, zoo.dir));
        await Promise.all(zoo.lanes.map(async (lane) => {
            await lane.connect('none');
            await lane.launch({ microphone, flags: ['--ignore-certificate-errors'] }); // TURN over TLS asks nobody whether to trust one
        }));
    } catch (error) {
        await zoo.close();
        throw error;
    }
    return zoo;
}
