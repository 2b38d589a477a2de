// 500 legs that are relayed by TLS on the page's port while pages are loaded in a loop. What does not depend on the machine's speed: every leg
// has its relay, every datagram has arrived, in order, or is counted where it was dropped, and every page came. How long things took is
// measured by the bench (tests/bench/turnpages).
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { existsSync, readFileSync } from 'node:fs';
import https from 'node:https';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { binary, start } from './dngate.mjs';
import { parse, scrape } from './lib/metrics.mjs';
import { allocated, attribute, by, CHANNEL_BIND, once, peerAddress } from './lib/turnclient.mjs';
import { until } from './lib/wait.mjs';

const LEGS = 500, ROUNDS = 20, PAYLOAD = 172, AT_ONCE = 50, PEERS = 4, LOADERS = 4;
const PAGES = ['/admin/', '/index-agent-dn.html', '/app-agent-dn.js'];
const WAIT_MS = 60000; // for what certainly comes
const USER = 'tester', PASSWORD = 'of-the-load-test';
const release = fileURLToPath(new URL('../../build/dngate', import.meta.url));
const CHANNEL = Buffer.from([0x40, 0x00, PAYLOAD >> 8, PAYLOAD & 0xff]);
let server, peers;

before(async () => {
    const named = process.env.DNGATE_BIN ?? process.env.TEST_BINARY;

    server = await start({
        lab: false, program: !named && existsSync(release) ? release : binary(),
        options: ['turn.allow_loopback_peers=yes', 'turn.allow_peers=127.0.0.0/8', 'turn.user_kbps=0', `turn.user_allocations=${LEGS}`,
            `turn.user=${USER}:${PASSWORD}`, 'turn.source_requests=100000', 'http.rate=100000'],
    });
    peers = await Promise.all(Array.from({ length: PEERS }, peer));
});
after(async () => {
    peers?.forEach(({ socket }) => socket.close());
    await server?.stop();
});

// Sends back what comes, and knows what that was: heard.get(leg) has the numbers.
async function peer() {
    const socket = dgram.createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
    const self = { socket, heard: new Map(), unsent: 0 };

    socket.on('message', (p, from) => {
        const leg = p.readUInt32BE(0);

        if (!self.heard.has(leg)) self.heard.set(leg, []);
        self.heard.get(leg).push(p.readUInt32BE(4));
        socket.send(p, from.port, from.address, (error) => (self.unsent += error ? 1 : 0));
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return self;
}

async function leg(i) {
    const self = { i, heard: [], peer: peers[i % PEERS] };
    const c = await by.tls(server.ports.https, { user: USER, password: PASSWORD, onData: (p) => {
        assert.equal(p.readUInt32BE(0), i); // nobody hears another's
        self.heard.push(p.readUInt32BE(4));
    } });
    const nonce = await allocated(c);
    const channel = attribute(0x000c, Buffer.from([0x40, 0, 0, 0]));

    assert.equal((await c.ask(CHANNEL_BIND, [channel, peerAddress('127.0.0.1', self.peer.socket.address().port)], { nonce })).code, 0);
    self.send = (number) => {
        const p = Buffer.alloc(CHANNEL.length + PAYLOAD);

        CHANNEL.copy(p);
        p.writeUInt32BE(i, 4);
        p.writeUInt32BE(number, 8);
        c.write(p);
    };
    return Object.assign(self, { c });
}

// Loads pages until it is told to stop: { loaded, wrong } then.
function loader() {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
    const self = { loaded: 0, wrong: [], stop: false };
    const get = (path) => new Promise((resolve) => {
        https.get({ agent, host: '127.0.0.1', port: server.ports.https, path }, (response) => {
            response.resume().on('end', () => resolve(response.statusCode));
        }).on('error', (error) => resolve(`${error}`));
    });

    self.done = (async () => {
        while (!self.stop) {
            const path = PAGES[self.loaded++ % PAGES.length], status = await get(path);
            if (status !== 200) self.wrong.push(`${path}: ${status}`);
        }
        agent.destroy();
    })();
    return self;
}

// What the kernel dropped at these UDP ports for want of room in a socket.
function kernelDropped(ports) {
    const of = new Map(readFileSync('/proc/net/udp', 'utf8').split('\n').slice(1).filter(Boolean).map((line) => {
        const words = line.trim().split(/\s+/);
        return [parseInt(words[1].split(':')[1], 16), Number(words.at(-1))];
    }));
    return ports.reduce((all, port) => all + (of.get(port) ?? 0), 0);
}

const ascends = (numbers) => numbers.every((n, at) => !at || numbers[at - 1] < n);

test(`${LEGS} legs by TLS beside the pages: each has its relay, and each datagram arrives in order or is counted`, async (t) => {
    const legs = [];

    for (let i = 0; i < LEGS; i += AT_ONCE) legs.push(...await Promise.all(Array.from({ length: AT_ONCE }, (_, k) => leg(i + k))));
    assert.equal(legs.length, LEGS);
    assert.equal(new Set(legs.map(({ c }) => c.relayed)).size, LEGS);
    const loaders = Array.from({ length: LOADERS }, loader);

    for (let number = 0; number < ROUNDS; number++) {
        legs.forEach((l) => l.send(number));
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const heard = () => legs.reduce((all, l) => all + l.heard.length, 0);
    const dropped = async () => parse(await scrape(server)).sum('dngate_turn_dropped_total')
        + kernelDropped([...legs.map(({ c }) => c.relayed), ...peers.map(({ socket }) => socket.address().port)])
        + peers.reduce((all, { unsent }) => all + unsent, 0);
    let counted;
    await until(async () => {
        counted = await dropped();
        return heard() + counted === LEGS * ROUNDS;
    }, WAIT_MS, 'every datagram to arrive or to be counted').catch((error) => {
        throw new Error(`${LEGS * ROUNDS} sent, ${heard()} heard, ${counted} counted`, { cause: error });
    });
    for (const l of loaders) l.stop = true;
    await Promise.all(loaders.map(({ done }) => done));

    for (const l of legs) {
        const there = l.peer.heard.get(l.i) ?? [];

        assert.ok(ascends(there), `leg ${l.i}, at its peer: ${there}`);
        assert.ok(ascends(l.heard), `leg ${l.i}, back: ${l.heard}`);
        assert.ok(l.heard.every((n) => there.includes(n)));
        assert.ok(!l.c.ended);
    }
    assert.deepEqual(loaders.flatMap(({ wrong }) => wrong), []);
    const loaded = loaders.reduce((all, l) => all + l.loaded, 0);
    assert.ok(loaders.every((l) => l.loaded > 0));
    const m = parse(await scrape(server));
    assert.equal(m.sum('dngate_turn_allocations'), LEGS);
    assert.equal(m.sum('dngate_turn_streams', { transport: 'tls' }), LEGS);
    t.diagnostic(`${loaded} pages beside it; ${counted} of ${LEGS * ROUNDS} datagrams dropped and counted`);
    legs.forEach(({ c }) => c.close());
    await until(async () => parse(await scrape(server)).sum('dngate_turn_allocations') === 0, WAIT_MS, 'the end of all legs');
});
