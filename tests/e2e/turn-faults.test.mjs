// What goes wrong at the TURN server's doors: connections that stop half-way, those that speak something else, floods on every transport, ports
// and descriptors that run out. In each, who uses it rightly is served, what happened is counted, and nothing stays.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { binary, start } from './dngate.mjs';
import { parse, scrape } from './lib/metrics.mjs';
import { ALLOCATE, allocated, attribute, BINDING, by, CHANNEL_BIND, message, once, peerAddress, REFRESH, TRANSPORT_UDP } from './lib/turnclient.mjs';
import { until } from './lib/wait.mjs';

const WAIT_MS = 60000; // for what certainly comes
const credentials = { user: 'tester', password: 'of-the-fault-tests' };
const options = [`turn.user=${credentials.user}:${credentials.password}`, 'http.rate=100000'];
const release = fileURLToPath(new URL('../../build/dngate', import.meta.url));
const named = process.env.DNGATE_BIN ?? process.env.TEST_BINARY;
const program = !named && existsSync(release) ? release : binary(); // memory is that of the real one
let server;

before(async () => (server = await start({ lab: false, program, options })));
after(() => server?.stop());

const sums = async (...series) => {
    const m = parse(await scrape(server));
    return series.map(([name, labels]) => m.sum(name, labels));
};
const sum = async (name, labels) => (await sums([name, labels]))[0];
const raw = async (port, localAddress) => {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress }).on('error', () => {});
    const self = { socket, over: false };
    socket.resume().on('close', () => (self.over = true));
    await once(socket, 'connect');
    return self;
};
const shaken = async (port, { from, ...more } = {}) => {
    const { socket } = await raw(port, from);
    const secure = tls.connect({ socket, rejectUnauthorized: false, ...more }).on('error', () => {});
    const self = { socket, secure, over: false, said: '' };
    socket.on('close', () => (self.over = true));
    secure.on('data', (data) => (self.said += data.toString('latin1')));
    await once(secure, 'secureConnect');
    return self;
};
const half = () => message(BINDING, []).subarray(0, 10);
// A ClientHello up to its first bytes, and a record of which nearly all is missing.
const hello = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...randomBytes(32)]);
const record = Buffer.from([0x17, 3, 3, 1, 0, 1, 2, 3]);

// Somebody who uses it rightly, on each transport, through all of it.
async function users(t) {
    const all = await Promise.all([by.udp(server.ports.turn, credentials), by.tcp(server.ports.turn, credentials), by.tls(server.ports.https, credentials)]);
    const nonces = await Promise.all(all.map(allocated));

    t.after(() => all.forEach((c) => c.close()));
    return { served: async () => assert.deepEqual(await Promise.all(all.map(async (c, i) => (await c.ask(REFRESH, [], { nonce: nonces[i] })).code)), [0, 0, 0]) };
}

test('at the doors', { concurrency: true }, async (t) => {
    // ---------------------------------------------------------------- half-way
    const halves = {
        'TCP: nothing': () => raw(server.ports.turn),
        'TCP: half a message': async () => { const c = await raw(server.ports.turn); c.socket.write(half()); return c; },
        'HTTPS: nothing': () => raw(server.ports.https),
        'HTTPS: half a handshake': async () => { const c = await raw(server.ports.https); c.socket.write(hello); return c; },
        'TLS of its own port: nothing': () => raw(server.ports.turns),
        'TLS of its own port: half a handshake': async () => { const c = await raw(server.ports.turns); c.socket.write(hello); return c; },
        'HTTPS: a handshake and nothing': () => shaken(server.ports.https),
        'HTTPS: a handshake and half a record': async () => { const c = await shaken(server.ports.https); c.socket.write(record); return c; },
        'HTTPS: STUN by name, and nothing': () => shaken(server.ports.https, { ALPNProtocols: ['stun.turn'] }),
        'HTTPS: STUN by name, and half a record': async () => {
            const c = await shaken(server.ports.https, { ALPNProtocols: ['stun.turn'] });
            c.socket.write(record);
            return c;
        },
        'HTTPS: half a message': async () => { const c = await shaken(server.ports.https); c.secure.write(half()); return c; },
        'HTTPS: half a message, and half a record': async () => {
            const c = await shaken(server.ports.https);
            c.secure.write(half(), () => c.socket.write(record));
            return c;
        },
    };
    const waits = t.test('connections that stop half-way end by themselves, and others are served meanwhile', async (t) => {
        const them = await users(t);
        const all = await Promise.all(Object.entries(halves).map(async ([name, open]) => [name, await open()]));

        await them.served();
        await until(async () => all.every(([, c]) => c.over), WAIT_MS, 'their end').catch((error) => {
            throw new Error(`open still: ${all.filter(([, c]) => !c.over).map(([name]) => name)}`, { cause: error });
        });
        await them.served();
        await until(async () => (await sum('dngate_turn_streams_cut_total', { reason: 'silent' })) >= 2, WAIT_MS, 'it to be counted');
    });

    // ---------------------------------------------------------------- something else
    const languages = { SMTP: 'EHLO localhost\r\n\r\n', RTP: Buffer.from([0x80, 0, 0, 1, ...randomBytes(40)]), noise: Buffer.concat([Buffer.from([0xff]), randomBytes(500)]),
        SIP: 'OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TLS a\r\n\r\n', 'STUN without its cookie': Buffer.from('000100000000000000000000000000000000000000', 'hex') };
    const foreign = t.test('a TLS connection that speaks neither HTTP nor STUN ends, on TURN’s port without a word, on the page’s with HTTP’s', async () => {
        const cut = () => sums(['dngate_turn_streams_cut_total', { reason: 'not_turn' }], ['dngate_web_dropped_total', { reason: 'not_turn' }]);
        const before = await cut();

        await Promise.all(Object.entries(languages).flatMap(([name, said]) => [server.ports.https, server.ports.turns].map(async (port) => {
            const c = await shaken(port);
            c.secure.write(said);
            await until(async () => c.over, WAIT_MS, `the end of ${name}`);
            if (port === server.ports.turns) assert.equal(c.said, '');
            else assert.match(c.said, /^(HTTP\/1\.1 (400|408|505) |$)/, name);
        })));
        await until(async () => { // by TURN's own parser, by its first byte; counted when the connection is taken down
            const now = await cut();
            return now[0] > before[0] && now[1] - before[1] >= 4;
        }, WAIT_MS, 'what was cut to be counted');
    });
    await Promise.all([waits, foreign]);
});

// ---------------------------------------------------------------- floods

const rss = () => Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))[1]);
const NOISE_KB = 256, STREAMS_KB = 1024; // what /metrics takes, and handshakes under way; the least that 10,000 who were remembered would take
const ELSEWHERE = '127.2.0.1'; // where who has overheard a request sends it from: a nonce is for one address

// What a stranger says. signed: a request of somebody who uses it, that was overheard.
const words = (signed) => {
    const binding = message(BINDING, []), allocate = message(ALLOCATE, [TRANSPORT_UDP]);
    const bad = Buffer.from(binding);
    bad.writeUInt32BE(0xdeadbeef, 4);
    const long = message(ALLOCATE, [TRANSPORT_UDP, attribute(0x0006, Buffer.alloc(600, 'u')), attribute(0x8022, Buffer.alloc(700, 's')), attribute(0x8030, Buffer.alloc(1200))]);
    const overlong = attribute(0x0006, Buffer.alloc(8));
    overlong.writeUInt16BE(60000, 2);
    return {
        malformed: [bad, message(ALLOCATE, [overlong]), Buffer.from([0x40, 0, 0xff, 0xff, 1]), randomBytes(60)],
        truncated: [allocate.subarray(0, 21), binding.subarray(0, 19), Buffer.from([0])],
        oversized: [long],
        asked: [binding, allocate],
        replayed: [signed],
    };
};

async function overheard() {
    const c = await by.udp(server.ports.turn, credentials);
    const nonce = Buffer.from((await c.ask(ALLOCATE, [TRANSPORT_UDP])).attributes.get(0x0015));

    c.close();
    return message(ALLOCATE, [TRANSPORT_UDP], { nonce, ...credentials });
}

// 127.1.0.1 and on: each a source of its own.
async function udpFlood(count, first) {
    const all = Object.values(words(await overheard())).flat();
    const kinds = { came: ['dngate_turn_client_packets_total', { transport: 'udp', direction: 'in' }] };
    const [before] = await sums(kinds.came);
    let sent = 0;

    for (let i = 0; i < count; i++) {
        const socket = dgram.createSocket('udp4'), source = first + i;
        await new Promise((resolve) => socket.bind(0, `127.1.${source >> 8}.${source & 0xff}`, resolve));
        await new Promise((resolve) => socket.send(all[i % all.length], server.ports.turn, '127.0.0.1', resolve));
        sent++;
        socket.close();
        if (i % 500 === 499) await until(async () => (await sum(...kinds.came)) - before >= sent - 20, WAIT_MS, 'all of it to be read');
    }
}

async function streamFlood(open, count) {
    const all = Object.values(words(await overheard())).flat();

    for (let i = 0; i < count; i += 25)
        await Promise.all(Array.from({ length: 25 }, async (_, k) => {
            const c = await open();
            await new Promise((resolve) => (c.secure ?? c.socket).write(all[(i + k) % all.length], resolve));
            c.socket.destroy();
        }));
}

test('10,000 strangers with malformed, truncated, oversized and replayed messages take no memory, and who is in is served', async (t) => {
    const them = await users(t);
    const streamsFlood = async (count) => {
        await streamFlood(() => raw(server.ports.turn, ELSEWHERE), count);
        await streamFlood(() => shaken(server.ports.turns, { from: ELSEWHERE }), count / 4);
        await streamFlood(() => shaken(server.ports.https, { from: ELSEWHERE }), count / 4);
    };
    const bad = [['dngate_turn_refused_total', { reason: 'malformed' }], ['dngate_turn_challenges_total'], ['dngate_turn_allocations'],
        ['dngate_turn_streams_cut_total', { reason: 'not_turn' }], ['dngate_turn_allocations_total', { event: 'made' }]];

    await udpFlood(1100, 256);
    await streamsFlood(200);
    await them.served();
    const before = await sums(...bad), was = rss();
    await udpFlood(10000, 2048);
    await them.served();
    const byUdp = rss() - was;
    await streamsFlood(400);
    await them.served();
    await until(async () => (await sum('dngate_turn_streams', { transport: 'tcp' })) <= 1, WAIT_MS, 'strangers to be gone');
    const now = await sums(...bad), grown = rss() - was;
    t.diagnostic(`memory: ${byUdp} kB by UDP, ${grown} in all, more than ${was}; malformed ${now[0] - before[0]}, challenged ${now[1] - before[1]}, cut ${now[3] - before[3]}`);
    if (program === release) assert.ok(byUdp <= NOISE_KB && grown <= STREAMS_KB, `${byUdp} kB, ${grown} kB`);
    assert.ok(now[0] - before[0] >= 10000 * 6 / 11, `${now} ${before}`); // six of the eleven things that are said
    assert.ok(now[1] - before[1] >= 10000 * 2 / 11);
    assert.ok(now[3] - before[3] > 0);
    assert.deepEqual([now[2], now[4]], [before[2], before[4]]); // nobody got anything
});

// ---------------------------------------------------------------- what runs out

async function code(c, nonce) {
    return (await c.ask(ALLOCATE, [TRANSPORT_UDP], { nonce })).code;
}
const challenge = async (c) => Buffer.from((await c.ask(ALLOCATE, [TRANSPORT_UDP])).attributes.get(0x0015));
const END = [attribute(0x000d, Buffer.alloc(4))];

test('quotas and ports answer 486 and 508, and are there again when they were given back', async (t) => {
    for (const [want, more] of [[486, ['turn.user_allocations=3']], [508, ['turn.relay_min=50000', 'turn.relay_max=50002']]]) {
        const own = await start({ lab: false, options: [...options, ...more] });
        t.after(() => own.stop());
        const all = await Promise.all(Array.from({ length: 4 }, (_, i) => (i % 2 ? by.udp(own.ports.turn, credentials) : by.tls(own.ports.https, credentials))));
        const nonces = await Promise.all(all.map(challenge));

        for (let i = 0; i < 3; i++) assert.equal(await code(all[i], nonces[i]), 0);
        assert.equal(await code(all[3], nonces[3]), want);
        assert.equal((await all[1].ask(REFRESH, END, { nonce: nonces[1] })).code, 0);
        assert.equal(await code(all[3], nonces[3]), 0);
        all[0].close(); // its connection's end is its allocation's
        await until(async () => (await code(all[1], nonces[1])) === 0, WAIT_MS, 'what a closed connection had');
        all.forEach((c) => c.close());
    }
});

test('without descriptors TCP waits and foreign peers get 508; with them both are served', async (t) => {
    const own = await start({ lab: false, options: [...options, 'turn.allow_loopback_peers=yes', 'turn.allow_peers=127.0.0.0/8'] });
    t.after(() => own.stop());
    const limit = (n) => execFileSync('prlimit', ['--pid', `${own.child.pid}`, `--nofile=${n}:`]);
    const most = /Max open files\s+(\d+)/.exec(readFileSync(`/proc/${own.child.pid}/limits`, 'utf8'))[1];
    const fds = readdirSync(`/proc/${own.child.pid}/fd`).map(Number);
    const udp = await by.udp(own.ports.turn, credentials);
    const nonce = await challenge(udp);
    const channel = attribute(0x000c, Buffer.from([0x40, 0, 0, 0]));
    const bound = async () => (await udp.ask(CHANNEL_BIND, [channel, peerAddress('127.0.0.1', 9)], { nonce })).code;

    // the lowest number that is free and above it nothing
    limit(Array.from({ length: fds.length + 1 }, (_, i) => i).find((i) => !fds.includes(i)));
    assert.equal(await code(udp, nonce), 0); // our own media are reached without
    assert.equal(await bound(), 508);
    const waiting = await by.tcp(own.ports.turn, credentials); // the kernel has it, the server not yet
    await own.says(/no file descriptor left for a TCP connection/, WAIT_MS);
    limit(most);
    assert.equal((await waiting.ask(BINDING)).type, 0x0101);
    assert.equal(await bound(), 0);
    const over = parse(await scrape(own));
    assert.equal(over.sum('dngate_turn_refused_total', { reason: 'capacity' }), 1);
    udp.close();
    waiting.close();
});
