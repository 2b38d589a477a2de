// The front end of the real binary, seen by clients that are not ours: curl, openssl, bare sockets, Node's TLS.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync, renameSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { binary, freePort, start } from './dngate.mjs';

const run = promisify(execFile);
let server, base;

before(async () => {
    server = await start({ options: [`wss.port=${await freePort()}`] });
    base = `https://localhost:${server.ports.https}`;
});
after(() => server?.stop());

const curl = async (...args) => (await run('curl', ['-ksS', '--max-time', '20', ...args])).stdout;

const connect = (port = server.ports.https, options = {}) =>
    new Promise((resolve, reject) => {
        const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false, ...options });
        socket.once('secureConnect', () => resolve(socket)).once('error', reject);
    });

// Everything until the server closes.
const drain = (socket) =>
    new Promise((resolve) => {
        let text = '';
        socket.on('data', (data) => (text += data.toString('latin1')));
        socket.on('error', () => {}).on('close', () => resolve(text));
    });

test('curl gets the pages, compressed, once', async () => {
    assert.match(await curl('-I', `${base}/`), new RegExp(`^HTTP/1.1 301 [^]*Location: (${base})?/admin/\r`, 'i'));
    for (const path of ['/admin/', '/index-agent-dn.html', '/app-agent-dn.js']) {
        const head = await curl('-o', '/dev/null', '-D', '-', '--compressed', base + path);
        assert.match(head, /^HTTP\/1.1 200 /);
        assert.match(head, /content-security-policy: default-src 'none'/i);
        const etag = /etag: (\S+)/i.exec(head)[1];
        assert.match(await curl('-D', '-', '--compressed', '-H', `If-None-Match: ${etag}`, base + path), /^HTTP\/1.1 304 /);
        const plain = await curl(base + path);
        assert.equal(await curl('--compressed', base + path), plain);
    }
});

test('readyz, healthz and metrics', async () => {
    assert.equal(JSON.parse(await curl(`${base}/readyz`)).ready, true);
    assert.equal(await curl(`http://localhost:${server.ports.http}/healthz`), 'ok\n');
    const text = await curl(`${base}/metrics`);
    assert.match(text, /^dngate_web_connections \d+$/m);
    assert.match(await curl('-I', `http://localhost:${server.ports.http}/a?b`), new RegExp(`Location: ${base}/a\\?b\r`, 'i'));
});

test('openssl finds TLS 1.2 and 1.3 and nothing older', async () => {
    for (const [version, works] of [['tls1_1', false], ['tls1_2', true], ['tls1_3', true]]) {
        const args = ['s_client', '-connect', `localhost:${server.ports.https}`, `-${version}`];
        const child = run('openssl', args);
        child.child.stdin.end();
        const out = await child.then((r) => r.stdout, (e) => e.stdout + e.stderr);
        assert.equal(/Cipher is (TLS|ECDHE)/.test(out), works, version);
    }
});

test('the agent signs in, a wrong password is told', async () => {
    const post = (body) => curl('-w', '\n%{http_code}', '--json', JSON.stringify(body), `${base}/api/agent/v1/config`);
    const ok = (await post({ dn: '5001', password: 'lab5001' })).split('\n');
    assert.equal(ok.at(-1), '200');
    const config = JSON.parse(ok[0]);
    assert.equal(config.sip.ws, `wss://localhost:${server.ports.https}/ws`);
    assert.equal(config.sip.uri, 'sip:5001@localhost');
    const wrong = (await post({ dn: '5001', password: 'nonsense' })).split('\n');
    assert.equal(wrong.at(-1), '401');
    assert.match(JSON.parse(wrong[0]).detail, /password/);
});

test('a head that never ends, and silence before TLS, end after 10 s', async () => {
    const began = Date.now();
    const silent = drain(net.connect(server.ports.https, '127.0.0.1'));
    const slow = await connect();
    slow.write('GET / HTTP/1.1\r\n');
    const drip = setInterval(() => slow.write('X: y\r\n'), 500);
    const text = await drain(slow);
    clearInterval(drip);
    await silent;
    assert.match(text, /^HTTP\/1.1 408 /);
    assert.ok(Date.now() - began < 30000);
});

function frame(text) {
    const body = Buffer.from(text), mask = randomBytes(4);
    const head = body.length < 126 ? [0x81, 0x80 | body.length] : [0x81, 0x80 | 126, body.length >> 8, body.length & 255];
    return Buffer.concat([Buffer.from(head), mask, body.map((byte, i) => byte ^ mask[i & 3])]);
}

async function websocket(port = server.ports.https) {
    const socket = await connect(port);
    const key = randomBytes(16).toString('base64');
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(
        `GET /ws HTTP/1.1\r\nHost: localhost:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\n` +
            `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\nOrigin: ${base}\r\n\r\n`,
    );
    const answer = await new Promise((resolve) => socket.once('data', (data) => resolve(data.toString('latin1'))));
    assert.match(answer, /^HTTP\/1.1 101 /);
    assert.ok(answer.includes(`Sec-WebSocket-Accept: ${accept}\r\n`));
    return socket;
}

const register = (n) =>
    'REGISTER sip:localhost SIP/2.0\r\nVia: SIP/2.0/WSS a.invalid;branch=z9hG4bK' + n + '\r\nMax-Forwards: 69\r\n' +
    `To: <sip:5001@localhost>\r\nFrom: <sip:5001@localhost>;tag=t\r\nCall-ID: e2e\r\nCSeq: ${n} REGISTER\r\n` +
    'Contact: <sip:x@a.invalid;transport=ws>\r\nContent-Length: 0\r\n\r\n';

const sipAnswer = (socket, request) =>
    new Promise((resolve) => {
        socket.once('data', (data) => resolve(data.toString('latin1')));
        socket.write(frame(request));
    });

test('SIP over WebSocket on both ports, and a certificate that changes under it', async () => {
    for (const port of [server.ports.https, server.ports.wss]) {
        const socket = await websocket(port);
        assert.match(await sipAnswer(socket, register(1)), /SIP\/2.0 401 /);
        socket.destroy();
    }
    const open = await websocket();
    const fingerprint = async () => {
        const socket = await connect();
        const shown = socket.getPeerX509Certificate().fingerprint256;
        socket.destroy();
        return shown;
    };
    const before = await fingerprint();
    const dir = join(server.dir, 'tls');
    const args = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -days 30'.split(' ');
    await run('openssl', [...args, '-keyout', join(dir, 'new.key'), '-out', join(dir, 'new.crt')]);
    const wanted = new X509Certificate(readFileSync(join(dir, 'new.crt'))).fingerprint256;
    renameSync(join(dir, 'new.key'), join(dir, 'key.pem'));
    renameSync(join(dir, 'new.crt'), join(dir, 'cert.pem'));
    let shown = before;
    for (const until = Date.now() + 15000; Date.now() < until && shown !== wanted; ) {
        shown = await fingerprint();
        await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.equal(shown, wanted);
    assert.match(await sipAnswer(open, register(2)), /SIP\/2.0 401 /);
    open.destroy();
});

// Whoever guesses too often is told for how long he is locked out, by the page as by the API, until an administrator lifts it.
test('a banned address can load a page that says so', async () => {
    const other = await start({ options: ['guard.slow_after=3', 'guard.ban_after=3', 'guard.ban_seconds=600'] });
    const at = `https://localhost:${other.ports.https}`;
    const post = (password) =>
        curl('-D', '-', '--json', JSON.stringify({ dn: '5001', password }), '-H', 'Expect:', `${at}/api/agent/v1/config`);
    const dngate = (...words) => run(binary(), [...words, '--data', other.dir]);

    try {
        assert.match(await post('lab5001'), /^HTTP\/1.1 200 /);
        for (let i = 0; i < 3; i++) assert.match(await post('nonsense'), /^HTTP\/1.1 401 /);
        const page = await curl('-i', '-H', 'Accept: text/html', `${at}/index-agent-dn.html`);
        assert.match(page, /^HTTP\/1.1 429 /);
        assert.match(page, /content-type: text\/html/i);
        const left = Number(/retry-after: (\d+)/i.exec(page)[1]);
        assert.ok(left > 500 && left <= 600, `${left} s`);
        assert.match(page, /locked for another 10 minutes/);
        const problem = await post('lab5001');
        assert.match(problem, /^HTTP\/1.1 429 /);
        assert.match(problem, /content-type: application\/problem\+json/i);
        assert.match(problem, /retry-after: \d+/i);
        assert.match((await dngate('ban', 'list')).stdout, /127\.0\.0\.1|::1/);
        await dngate('ban', 'clear');
        assert.match(await post('lab5001'), /^HTTP\/1.1 200 /);
    } finally {
        await other.stop();
    }
});
