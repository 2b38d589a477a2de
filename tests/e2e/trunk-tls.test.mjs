// SIP over TLS with trunks: whose certificate is taken and whose is not, in words everywhere; who may call by it; what becomes of connections.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { after, afterEach, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Agent } from './agent.mjs';
import { binary, freePort, start } from './dngate.mjs';
import { adminOption, signIn } from './lib/admin.mjs';
import { watchCdr } from './lib/cdr.mjs';
import { parse, scrape } from './lib/metrics.mjs';
import { opened, play } from './lib/sipp.mjs';
import { TlsFront, makeCa } from './lib/tlsfront.mjs';
import { until } from './lib/wait.mjs';

const NAME = 'sip.example', ELSEWHERE = '127.0.0.9';
let dir, server, admin, ca, stranger, good;
const closing = [];

const cli = (...words) => promisify(execFile)(binary(), [...words, '--data', server.dir], { encoding: 'utf8', timeout: 60000 })
    .then(({ stdout }) => ({ status: 0, stdout, stderr: '' }), ({ code, stdout, stderr }) => ({ status: code, stdout, stderr }));
const keep = (thing) => (closing.push(thing), thing);
const front = async (options) => keep(await TlsFront.open(options));
const handshakes = async (result) => parse(await scrape(server)).sum('dngate_sip_tls_handshakes_total', { result });
const optionsText = (n = 1) => ['OPTIONS sip:gw@127.0.0.1 SIP/2.0', `Via: SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bKo${n};rport`, 'From: <sip:t@h>;tag=a', 'To: <sip:gw@127.0.0.1>',
                                `Call-ID: o${n}`, 'CSeq: 1 OPTIONS', 'Content-Length: 0', '', ''].join('\r\n');

async function addTrunk(name, port, more = {}) {
    const { status, text } = await admin.post('/trunks', { name, host: '127.0.0.1', port, transport: 'tls', tls_ca: ca.file, ...more });
    assert.equal(status, 201, text);
}
async function live(name, state) {
    let trunk;
    await until(async () => (trunk = (await admin.get('/status')).body.trunks.find((t) => t.name === name))?.state === state, 20000, `${name} is ${state}`);
    return trunk;
}
async function tested(name) {
    let body;
    assert.equal((await admin.post(`/trunks/${name}/test`)).status, 202);
    await until(async () => !({ body } = await admin.get(`/trunks/${name}/test`)).body.running, 40000, `the test of ${name}`);
    return Object.fromEntries(body.steps.map((step) => [step.name, step]));
}

before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'dngate-tls-'));
    [ca, stranger] = [makeCa(dir, 'Site CA'), makeCa(dir, 'Nobody')];
    good = ca.sign(`DNS:${NAME}`);
    server = await start({ lab: false, options: [adminOption] });
    admin = await signIn(server);
});
after(async () => {
    for (const thing of closing) thing.close();
    await server?.stop();
    rmSync(dir, { recursive: true, force: true });
});

afterEach(async () => {
    for (const { name } of (await admin.get('/trunks')).body.items) await admin.delete(`/trunks/${name}`);
});

// A peer, what the trunk says of it, and the result that is counted.
const cases = [
    { name: 'right', peer: () => good, state: 'up' },
    { name: 'by-address', peer: () => ca.sign('IP:127.0.0.1'), trunk: { tls_name: '' }, state: 'up' },
    { name: 'by-uri', peer: () => ca.sign(`URI:sip:${NAME}`), state: 'up' },
    { name: 'common-name', peer: () => ca.sign(''), trunk: { tls_name: 'peer' }, state: 'up' },
    { name: 'wildcard-asked', peer: () => ca.sign('DNS:*.example'), trunk: { tls_name: '*.example' }, state: 'up' },
    { name: 'tls12', peer: () => ({ ...good, maxVersion: 'TLSv1.2' }), state: 'up' },
    { name: 'pem-text', peer: () => good, trunk: () => ({ tls_ca: execFileSync('cat', [ca.file], { encoding: 'utf8' }) }), state: 'up' },
    { name: 'wildcard', peer: () => ca.sign('DNS:*.example'), why: /its certificate is for \*\.example, not sip\.example/, advice: /tls_name/ },
    { name: 'wrong-name', peer: () => ca.sign('DNS:other.example,IP:192.0.2.1'), why: /its certificate is for other\.example, 192\.0\.2\.1, not sip\.example/, advice: /tls_name/ },
    { name: 'unknown-ca', peer: () => stranger.sign(`DNS:${NAME}`), why: /its certificate is signed by nobody we know \(CN=Nobody\)/, advice: /tls_ca/ },
    { name: 'expired', peer: () => ca.sign(`DNS:${NAME}`, { when: '2021-03-04 00:00:00' }), why: /its certificate ended on 2021-03-14/, advice: /new certificate/ },
    { name: 'system-ca', peer: () => good, trunk: { tls_ca: '' }, why: /signed by nobody we know|no list of trusted CAs/, advice: /tls_ca/ },
    { name: 'not-for-servers', peer: () => ca.sign(`DNS:${NAME}`, { more: 'extendedKeyUsage=clientAuth\n' }), why: /is not for servers/ },
    { name: 'old-tls', peer: () => ({ ...good, maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }), why: /neither TLS 1\.2 nor 1\.3/, counts: 'failed' },
    { name: 'refuses-ours', peer: () => ({ ...good, ca: [execFileSync('cat', [stranger.file])], rejectUnauthorized: true, maxVersion: 'TLSv1.2' }), why: /refuses our certificate|closed the connection/, counts: 'failed' },
    { name: 'refuses-ours-later', peer: () => ({ ...good, ca: [execFileSync('cat', [stranger.file])], rejectUnauthorized: true }), why: /refuses our certificate|closed the connection/, counts: 'failed', accepts: true },
    { name: 'plain', plain: (socket) => socket.once('data', () => socket.write('SIP/2.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n')), why: /speaks no TLS/, counts: 'failed' },
    { name: 'silent', plain: () => {}, why: /does not end the handshake|no answer to OPTIONS/, step: /does not end the handshake/ },
];

test('a trunk is up by TLS when its certificate is right, and says why when it is not', async () => {
    const before = { certificate: await handshakes('certificate'), failed: await handshakes('failed'), ok: await handshakes('ok') };

    await Promise.all(cases.map(async ({ name, peer, plain, trunk = {}, state = 'down', why, step, advice, accepts }) => {
        let port;
        if (plain) {
            const sockets = new Set();
            const listener = net.createServer((socket) => (sockets.add(socket), socket.on('error', () => {}), plain(socket))).listen(0, '127.0.0.1');
            await once(listener, 'listening');
            keep({ close: () => (listener.close(), sockets.forEach((s) => s.destroy())) });
            ({ port } = listener.address());
        } else ({ port } = await front(peer()));
        await addTrunk(name, port, { tls_name: NAME, ...(typeof trunk === 'function' ? trunk() : trunk) });
        const found = await live(name, state);
        if (why) assert.match(found.detail, why, name);
        const steps = await tested(name);
        assert.deepEqual(Object.keys(steps), ['dns', 'reach', 'certificate', 'options', 'invite'], name);
        assert.equal(steps.certificate.result, state === 'up' || accepts ? 'ok' : 'failed', `${name}: ${steps.certificate.detail}`);
        assert.match(steps.certificate.detail, why && !accepts ? (step ?? why) : /it is for .*, signed by CN=Site CA, good until \d{4}-\d\d-\d\d; TLSv1\.[23]/, name);
        if (advice) assert.match(steps.certificate.advice, advice, name);
        assert.equal(steps.options.result, state === 'up' ? 'ok' : accepts ? 'failed' : 'skipped', `${name}: ${steps.options.detail}`);
        if (state === 'down') assert.ok(server.log.some((line) => line.includes(` trunk=${name} `) && why.test(line)), `${name} is in the log`);
    }));
    assert.ok((await handshakes('certificate')) >= before.certificate + cases.filter((c) => c.why && !c.counts && !c.plain).length);
    assert.ok((await handshakes('failed')) >= before.failed + cases.filter((c) => c.counts).length);
    assert.ok((await handshakes('ok')) >= before.ok + cases.filter((c) => c.state === 'up').length);
    const shown = await cli('trunk', 'test', 'wrong-name');
    assert.equal(shown.status, 1);
    assert.match(shown.stdout, /^certificate +failed .*its certificate is for other\.example/m);
});

test('what cannot work is refused when it is given', async () => {
    for (const [values, field] of [[{ tls_ca: 'ca.pem' }, 'tls_ca'], [{ tls_ca: '/nowhere/ca.pem' }, 'tls_ca'], [{ tls_ca: '-----BEGIN CERTIFICATE-----\nx\n' }, 'tls_ca'],
                                  [{ tls_name: 'a b' }, 'tls_name'], [{ tls_cert: '/nowhere/box.pem' }, 'tls_cert'], [{ tls_cert: ca.file }, 'tls_cert']]) {
        const { status, body } = await admin.post('/trunks', { name: 'bad', host: '127.0.0.1', transport: 'tls', ...values });
        assert.equal(status, 422, JSON.stringify(values));
        assert.equal(body.errors[0].field, field, JSON.stringify(body));
    }
    const added = await cli('trunk', 'add', 'cli', '--address', '192.0.2.1', '--transport', 'tls', '--tls-ca', ca.file, '--tls-name', NAME, '--ping', '0', '--json');
    assert.deepEqual([JSON.parse(added.stdout).port, JSON.parse(added.stdout).tls_ca, JSON.parse(added.stdout).tls_name], [5061, ca.file, NAME]);
    const port = (await cli('network', '--json')).stdout;
    const sips = JSON.parse(port).ports.find((p) => p.way === 'sips');
    assert.deepEqual([sips.port, sips.needed, sips.listening], [server.ports.sips, true, true]);
    assert.equal((await cli('trunk', 'remove', 'cli')).status, 0);
    assert.equal(JSON.parse((await cli('network', '--json')).stdout).ports.find((p) => p.way === 'sips').needed, false);
});

// What becomes of a connection to sips.port: 'taken' when OPTIONS are answered, else how it ends.
async function calls(options) {
    const socket = tls.connect({ port: server.ports.sips, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    let text = '';
    const end = new Promise((resolve) => {
        socket.on('error', (error) => resolve(error.code ?? error.message));
        socket.on('close', () => resolve('closed'));
        socket.on('data', (data) => ((text += data), /^SIP\/2\.0 200/.test(text) && resolve('taken')));
    });
    socket.on('secureConnect', () => socket.write(optionsText()));
    const how = await end;
    socket.destroy();
    return how;
}

test('who calls by TLS: from a trunk address without a certificate or with the right one, from elsewhere with the right one only', async () => {
    const mine = ca.sign(`DNS:${NAME}`), wrong = ca.sign('DNS:other.example'), foreign = stranger.sign(`DNS:${NAME}`);
    const before = await handshakes('certificate');

    assert.notEqual(await calls({ ...mine, localAddress: ELSEWHERE }), 'taken', 'no trunk is known by its certificate');
    await addTrunk('genesys', (await front(good)).port, { tls_name: NAME, ping_seconds: 0 });
    assert.equal(await calls({}), 'taken', 'from its address');
    assert.equal(await calls({ ...mine }), 'taken', 'from its address, with its certificate');
    assert.equal(await calls({ ...mine, localAddress: ELSEWHERE }), 'taken', 'known by its certificate');
    assert.equal(await calls({ ...mine, localAddress: ELSEWHERE, maxVersion: 'TLSv1.2' }), 'taken', 'known by its certificate');
    for (const [what, options] of [['somebody else', wrong], ['signed by nobody', foreign]])
        for (const localAddress of ['127.0.0.1', ELSEWHERE]) assert.notEqual(await calls({ ...options, localAddress }), 'taken', `${what} from ${localAddress}`);
    assert.notEqual(await calls({ localAddress: ELSEWHERE }), 'taken', 'no certificate from elsewhere');
    assert.notEqual(await calls({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }), 'taken');
    assert.equal(await handshakes('certificate'), before + 5);
    const old = execFile('openssl', ['s_client', '-connect', `127.0.0.1:${server.ports.sips}`, '-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0'], () => {});
    old.stdin.end();
    const [code] = await once(old, 'exit');
    assert.notEqual(code, 0, 'openssl s_client -tls1_1');

    // Handshakes that nobody goes on with are over in their time, and keep nobody waiting.
    const idle = await Promise.all(Array.from({ length: 8 }, async () => {
        const socket = net.connect({ port: server.ports.sips, host: '127.0.0.1' });
        await once(socket, 'connect');
        return socket;
    }));
    idle[0].write(Buffer.from('160301020001', 'hex'));
    idle[1].write('OPTIONS sip:x SIP/2.0\r\n\r\n');
    const ends = idle.map((socket) => (socket.on('error', () => {}), once(socket.resume(), 'close')));
    assert.equal(await calls({}), 'taken', 'beside them');
    await Promise.all(ends);
    await admin.delete('/trunks/genesys');
    assert.notEqual(await calls({ ...mine, localAddress: ELSEWHERE }), 'taken', 'its trunk is gone');
});

test('mutual: each side shows the certificate that the other wants; a renewed one is shown at the next connection', async () => {
    const box = join(dir, 'box.pem'), first = ca.sign('DNS:box.example'), second = ca.sign('DNS:box.example');
    copyFileSync(first.pem, box);
    const peer = await front({ ...good, ca: [execFileSync('cat', [ca.file])], rejectUnauthorized: true });
    const shown = [];
    peer.on('connection', (socket) => shown.push([Number.parseInt(socket.getPeerCertificate().serialNumber, 16), socket.servername, socket.authorized]));

    await addTrunk('mutual', peer.port, { tls_name: NAME, tls_cert: box, ping_seconds: 1 });
    await live('mutual', 'up');
    assert.deepEqual(shown[0], [first.serial, NAME, true]);
    copyFileSync(second.pem, box);
    const pings = peer.messages.length;
    await until(() => peer.messages.length > pings, 10000, 'the connection stays as it is');
    assert.equal(shown.length, 1);
    peer.drop();
    await until(() => shown.length === 2, 20000, 'it connects anew');
    assert.deepEqual(shown[1], [second.serial, NAME, true]);
    await live('mutual', 'up');
    await admin.patch('/trunks/mutual', { tls_name: 'other.example' });
    assert.match((await live('mutual', 'down')).detail, /is for sip\.example, not other\.example/, 'the connection that was is not used on');
});

test('calls by TLS both ways; a connection that ends in the middle is made anew for the BYE', async () => {
    const port = await freePort(), peer = await front(good), behind = { dir: server.dir, ports: { 'sip-udp': peer.udpPort } };
    const vias = [], contacts = [];

    peer.on('request', (text) => {
        vias.push(/^Via: (.*)/im.exec(text)[1]);
        contacts.push(/^Contact: (.*)/im.exec(text)?.[1]);
    });
    await addTrunk('genesys', peer.port, { tls_name: NAME, ping_seconds: 0 });
    await cli('dn', 'add', '5001', '--password', 'secret5001');
    const agent = keep(await new Agent(server, '5001', 'secret5001').open());
    const next = await watchCdr(server);
    peer.to = port;

    for (const drops of [false, true]) { // we call
        const done = play('uas_answer', { server: behind, port });
        await opened(port);
        const dialog = agent.call('600', ['User-to-User: E2E-UUID']), seen = peer.connections;
        const ok = await agent.wait(200, 'INVITE');
        agent.ack(dialog, ok);
        await until(() => peer.messages.at(-1).startsWith('ACK'), 10000, 'ACK');
        if (drops) {
            const gone = once(peer, 'closed');
            peer.drop();
            await gone;
        }
        agent.request(dialog, 'BYE');
        await agent.wait(200, 'BYE');
        await done;
        if (drops) assert.equal(peer.connections, seen + 1);
        const [row] = await next();
        assert.deepEqual([row.direction, row.trunk, row.code, row.hangup], ['outbound', 'genesys', 200, 'agent']);
    }
    for (const via of vias) assert.match(via, new RegExp(`^SIP/2\\.0/TLS 127\\.0\\.0\\.1:${server.ports.sips};branch=.*;alias`));
    for (const contact of contacts.filter(Boolean)) assert.match(contact, new RegExp(`@127\\.0\\.0\\.1:${server.ports.sips};transport=tls>`));

    for (const from of ['127.0.0.1', ELSEWHERE]) { // it calls, by the connection that it made
        await peer.connect(server.ports.sips, { from, ...(from === ELSEWHERE ? ca.sign(`DNS:${NAME}`) : {}) });
        const done = play('uac_call', { server: behind, port, args: ['-s', '5001'] });
        const invite = await agent.wait('INVITE');
        agent.reply(invite, 180, 'Ringing');
        agent.answer(invite);
        agent.reply(await agent.wait('BYE'), 200, 'OK');
        await done;
        const [row] = await next();
        assert.deepEqual([row.direction, row.trunk, row.code, row.hangup], ['inbound', 'genesys', 200, 'trunk'], from);
    }
});
