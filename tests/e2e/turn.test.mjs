// STUN and TURN as coturn's clients use them, on every transport and through the server itself, and what those clients cannot say: by a
// client of our own.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { freePort, start } from './dngate.mjs';
import { ALLOCATE, allocated, attribute, BINDING, by as clientBy, CHANNEL_BIND, message, once, peerAddress, peerAddress6, PERMIT, REFRESH, TRANSPORT_UDP } from './lib/turnclient.mjs';
import { until } from './lib/wait.mjs';

const WAIT_MS = 60000; // for what certainly comes
const USER = 'tester', PASSWORD = 'of-the-turn-tests';
const run = promisify(execFile);

let server, peer, peerPort;

before(async () => {
    server = await start({
        options: ['turn.allow_loopback_peers=yes', 'turn.allow_peers=127.0.0.0/8', 'turn.user_kbps=0', `turn.user=${USER}:${PASSWORD}`],
    });
    peerPort = await freePort();
    peer = spawn('turnutils_peer', ['-L', '127.0.0.1', '-p', `${peerPort}`], { stdio: 'ignore' });
});
after(async () => {
    peer?.kill('SIGKILL');
    await server?.stop();
});

// ---------------------------------------------------------------- coturn's clients

const tools = (name, args) => run(name, args, { timeout: 120000 }).then(({ stdout, stderr }) => stdout + stderr);

// How much is lost on a busy machine is nobody's fault; that it goes both ways is what is asked.
async function uclient(port, ...args) {
    const said = await tools('turnutils_uclient', [...args, '-u', USER, '-w', PASSWORD, '-p', `${port}`, '-n', '20', '-l', '170', '127.0.0.1']);
    const [, sent, got] = [...said.matchAll(/tot_send_msgs=(\d+), tot_recv_msgs=(\d+)/g)].at(-1) ?? [];

    assert.ok(Number(sent) > 0 && Number(got) > 0, said.slice(-2000));
}

const toPeer = () => ['-m', '2', '-e', '127.0.0.1', '-r', `${peerPort}`];

const ways = {
    'a peer by UDP, with EVEN-PORT and a reserved port': () => uclient(server.ports.turn, ...toPeer()),
    'a peer by UDP, by Send indications': () => uclient(server.ports.turn, '-s', '-c', ...toPeer()),
    'a peer by TCP': () => uclient(server.ports.turn, '-t', ...toPeer()),
    'a peer by TLS on a port of its own': () => uclient(server.ports.turns, '-t', '-S', ...toPeer()),
    'a peer by TLS on the page’s port': () => uclient(server.ports.https, '-t', '-S', ...toPeer()),
    'clients with each other by UDP': () => uclient(server.ports.turn, '-y', '-m', '4'),
    'clients with each other by TLS, with DONT-FRAGMENT': () => uclient(server.ports.turns, '-y', '-g', '-t', '-S', '-m', '4'),
};
// At once: most of their time is waiting.
test('turnutils_uclient', { concurrency: true }, (t) => Promise.all(Object.entries(ways).map(([name, way]) => t.test(name, way))));

test('turnutils_uclient: a wrong password gets nothing', async () => {
    const args = ['-u', USER, '-w', 'another-one', '-p', `${server.ports.turn}`, '-n', '1', '-m', '1', ...toPeer().slice(2), '127.0.0.1'];

    // It tries until it is answered no more, and then waits for ever: what it has said by then counts.
    await assert.rejects(run('stdbuf', ['-oL', 'turnutils_uclient', '-v', ...args], { timeout: 3000 }), ({ stdout, stderr }) => {
        assert.match(stdout + stderr, /allocate response received/);
        assert.doesNotMatch(stdout + stderr, /success|tot_recv_msgs=[1-9]/);
        return true;
    });
});

test('turnutils_stunclient and turnutils_natdiscovery are told their address', async () => {
    for (const [name, args] of [['turnutils_stunclient', []], ['turnutils_natdiscovery', ['-m', '-f']]]) {
        const said = await tools(name, [...args, '-p', `${server.ports.turn}`, '127.0.0.1']);

        assert.match(said, /UDP reflexive addr: 127\.0\.0\.1:\d+/);
    }
});

// ---------------------------------------------------------------- a client of our own

const opened = (how, port, options) => clientBy[how](port, { user: USER, password: PASSWORD, ...options });
const by = {
    udp: (port = server.ports.turn) => opened('udp', port),
    tcp: (port = server.ports.turn) => opened('tcp', port),
    tls: (port = server.ports.https, options = {}) => opened('tls', port, options),
};

for (const how of ['udp', 'tcp', 'tls'])
    test(`by ${how}: binding, challenge, allocation, permissions, refresh and end`, async () => {
        const c = await by[how]();

        assert.equal((await c.ask(BINDING)).type, 0x0101);
        const nonce = await allocated(c);
        assert.equal((await c.ask(PERMIT, [peerAddress('127.0.0.1', peerPort)], { nonce })).code, 0);
        for (const ip of ['10.1.2.3', '169.254.169.254', '0.0.0.0', '224.0.0.1', '255.255.255.255', '203.0.113.5'])
            assert.equal((await c.ask(PERMIT, [peerAddress(ip, 80)], { nonce })).code, 403, ip);
        assert.equal((await c.ask(ALLOCATE, [TRANSPORT_UDP], { nonce })).code, 437);
        assert.equal((await c.ask(REFRESH, [], { nonce: Buffer.from('0123456789abcdef') })).code, 438);
        assert.equal((await c.ask(REFRESH, [], { nonce, password: 'another-one' })).code, 401);
        assert.equal((await c.ask(REFRESH, [attribute(0x000d, Buffer.alloc(4))], { nonce })).code, 0);
        assert.equal((await c.ask(PERMIT, [peerAddress('127.0.0.1', peerPort)], { nonce })).code, 437);
        c.close();
    });

test('messages that come in pieces, and several at once', async () => {
    const c = await by.tcp();
    const bytes = message(BINDING, []);

    for (const byte of bytes.subarray(0, 10)) c.write(Buffer.from([byte]));
    c.write(Buffer.concat([bytes.subarray(10), message(BINDING, []), message(BINDING, [])]));
    assert.equal((await c.ask(BINDING)).type, 0x0101);
    c.close();
});

test('the page’s port knows TURN by its protocol’s name, too, and still is the page’s', async () => {
    const c = await by.tls(server.ports.https, { ALPNProtocols: ['stun.turn'] });

    assert.equal(c.alpn, 'stun.turn');
    assert.equal((await c.ask(BINDING)).type, 0x0101);
    const page = await fetchText('/healthz');
    assert.match(page, /^HTTP\/1\.1 200/);
    c.close();
});

async function fetchText(path) {
    const socket = tls.connect({ port: server.ports.https, host: '127.0.0.1', rejectUnauthorized: false });
    let said = '', over = false;

    socket.on('data', (data) => (said += data)).on('error', () => {}).on('close', () => (over = true));
    await once(socket, 'secureConnect');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    await until(async () => over, WAIT_MS, path);
    return said;
}

test('who speaks something else on turn.port is cut off, others go on', async () => {
    const c = await by.tcp();
    const other = await by.tcp();
    const nonce = await allocated(c);

    other.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(async () => other.ended, WAIT_MS, 'its end');
    assert.equal((await c.ask(REFRESH, [], { nonce })).code, 0);
    c.close();
});

// What waits for a network that does not take it is dropped, whole: bytes of TLS and messages stay in order.
for (const how of ['tcp', 'tls'])
    test(`by ${how}: who does not read for a while loses sound, and nothing else`, async () => {
        const c = await by[how]();
        const nonce = await allocated(c), far = dgram.createSocket('udp4');
        const dropped = async () => Number(/^dngate_turn_dropped_total\{reason="slow_reader"\} (\d+)/m.exec(await fetchText('/metrics'))[1]);

        await new Promise((resolve) => far.bind(0, '127.0.0.1', resolve));
        const channel = attribute(0x000c, Buffer.from([0x40, 0x01, 0, 0]));
        assert.equal((await c.ask(CHANNEL_BIND, [channel, peerAddress('127.0.0.1', far.address().port)], { nonce })).code, 0);
        const before = await dropped();
        c.socket.pause();
        await until(async () => {
            for (let i = 0; i < 200; i++) far.send(Buffer.alloc(1200, i), c.relayed, '127.0.0.1');
            return (await dropped()) > before + 50;
        }, WAIT_MS, 'something dropped');
        c.socket.resume();
        assert.equal((await c.ask(BINDING)).type, 0x0101);
        assert.ok(c.heard > 0 && !c.torn && !c.ended);
        far.close();
        c.close();
    });

// ---------------------------------------------------------------- who is nobody's peer

const v4hex = (ip) => Buffer.from(ip.split('.').map(Number)).toString('hex');
const spellings = {
    mapped: (v4) => `00000000000000000000ffff${v4}`,
    compatible: (v4) => `000000000000000000000000${v4}`,
    translated: (v4) => `0000000000000000ffff0000${v4}`,
    NAT64: (v4) => `0064ff9b0000000000000000${v4}`,
    'NAT64 of a network': (v4) => `0064ff9b0001000000000000${v4}`,
    '6to4': (v4) => `2002${v4}00000000000000000001`,
    Teredo: (v4) => `20010000${v4}0000000000000000`,
    ISATAP: (v4) => `20010db90000000000005efe${v4}`,
};
const special4 = ['127.0.0.1', '127.0.0.2', '0.0.0.0', '0.0.0.1', '10.0.0.1', '100.64.0.1', '169.254.169.254', '172.16.0.1', '192.168.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'];
const special6 = ['0'.repeat(32), `${'0'.repeat(31)}1`, `fe80${'0'.repeat(27)}1`, `fec0${'0'.repeat(27)}1`, `fd00${'0'.repeat(27)}1`, `ff02${'0'.repeat(27)}1`];

// Listens at every address of this machine; heard: what came.
async function canary() {
    const four = dgram.createSocket('udp4'), six = dgram.createSocket({ type: 'udp6', ipv6Only: true });
    const heard = [];

    for (const socket of [four, six]) socket.on('message', (m) => heard.push(String(m)));
    await new Promise((resolve) => four.bind(0, resolve));
    const port = four.address().port;
    await new Promise((resolve) => six.once('error', resolve).bind(port, resolve)); // a machine may have no IPv6
    return { heard, port, close: () => [four, six].forEach((socket) => socket.close()) };
}

test('every special address in every spelling is refused by every way, whatever is allowed; a canary hears nothing', async () => {
    const strict = await start({ options: ['turn.allow_peers=0.0.0.0/0,::/0', `turn.user=${USER}:${PASSWORD}`] });
    const bird = await canary();
    const c = await by.udp(strict.ports.turn);
    const nonce = Buffer.from((await c.ask(ALLOCATE, [TRANSPORT_UDP])).attributes.get(0x0015));
    const both = attribute(0x8000, Buffer.from([2, 0, 0, 0])); // ADDITIONAL-ADDRESS-FAMILY
    const peers = special6.map((hex) => [hex, peerAddress6(hex, bird.port)]);

    for (const ip of special4) {
        peers.push([ip, peerAddress(ip, bird.port)]);
        for (const [name, spell] of Object.entries(spellings)) peers.push([`${ip}, ${name}`, peerAddress6(spell(v4hex(ip)), bird.port)]);
    }
    assert.equal((await c.ask(ALLOCATE, [TRANSPORT_UDP, both], { nonce })).code, 0);
    assert.equal((await c.ask(PERMIT, [peerAddress('203.0.113.5', 80)], { nonce })).code, 0);
    for (const [name, peerIs] of peers) {
        const channel = attribute(0x000c, Buffer.from([0x40, 0x01, 0, 0]));

        // 443 where the machine has no relayed address of that family
        assert.ok([403, 443].includes((await c.ask(PERMIT, [peerIs], { nonce })).code), name);
        assert.ok([403, 443].includes((await c.ask(CHANNEL_BIND, [channel, peerIs], { nonce })).code), name);
        c.write(message(0x0016, [peerIs, attribute(0x0013, Buffer.from('by Send'))]));
        c.write(Buffer.from([0x40, 0x01, 0, 4, 0x64, 0x61, 0x74, 0x61]));
    }
    assert.equal((await c.ask(REFRESH, [], { nonce })).code, 0); // it has read all of it
    const last = dgram.createSocket('udp4');
    last.send('last', bird.port, '127.0.0.1');
    await until(async () => bird.heard.includes('last'), WAIT_MS, 'the canary to hear at all');
    assert.deepEqual(bird.heard.filter((m) => ['data', 'by Send'].includes(m)), []);
    last.close();
    bird.close();
    c.close();
    await strict.stop();
});
