// How browsers learn of the TURN server and get in, what the doctor says of it, and that it is no reason not to start.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { request } from 'node:https';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { binary, freePort, start } from './dngate.mjs';

let server, ports;

before(async () => {
    ports = { turn: await freePort(), turns: await freePort(), https: await freePort() };
    server = await start({ options: Object.entries(ports).map(([key, port]) => `${key}.port=${port}`) });
});
after(() => server?.stop());

const config = (at, { dn = '5001', password = 'lab5001', host } = {}) =>
    new Promise((resolve, reject) => {
        const body = JSON.stringify({ dn, password });
        const req = request({ host: '127.0.0.1', port: at.ports.https, path: '/api/agent/v1/config', method: 'POST', rejectUnauthorized: false,
                              headers: { 'Content-Type': 'application/json', 'Content-Length': body.length, ...(host && { Host: host }) } }, (res) => {
            let text = '';
            res.on('data', (data) => (text += data)).on('end', () => resolve({ status: res.statusCode, ...JSON.parse(text) }));
        });
        req.on('error', reject).end(body);
    });

test('iceServers name the box as the browser does, with credentials of its DN', async () => {
    const { iceServers: [stun, turn, ...more], iceServersTtl } = await config(server);

    assert.deepEqual(more, []);
    assert.deepEqual(stun, { urls: [`stun:127.0.0.1:${ports.turn}`] });
    assert.deepEqual(turn.urls, [`turn:127.0.0.1:${ports.turn}?transport=udp`, `turn:127.0.0.1:${ports.turn}?transport=tcp`,
        `turns:127.0.0.1:${ports.https}?transport=tcp`, `turns:127.0.0.1:${ports.turns}?transport=tcp`]);
    const [, expiry, dn] = /^(\d+):(.+)$/.exec(turn.username);
    assert.equal(dn, '5001');
    const left = Number(expiry) - Date.now() / 1000;
    assert.ok(left > 0 && left <= iceServersTtl + 1, `${left}`);
    assert.ok(iceServersTtl >= 3600);
    assert.ok(!server.log.some((line) => line.includes(turn.credential)), 'a password in the log');
});

test('behind a port that a router has changed, and by an IPv6 address', async () => {
    const urls = async (host) => (await config(server, { host })).iceServers[1].urls;

    assert.ok((await urls('localhost:8443')).includes('turns:localhost:8443?transport=tcp'));
    assert.ok((await urls('localhost')).includes('turns:localhost:443?transport=tcp'));
    assert.ok((await urls('[::1]:8443')).includes(`turn:[::1]:${ports.turn}?transport=udp`));
});

test('who does not know the password gets none', async () => {
    const { status, ...problem } = await config(server, { password: 'another-one' });

    assert.equal(status, 401);
    assert.ok(!JSON.stringify(problem).includes('credential'));
});

test('the doctor gets an answer and a relayed address on every way', () => {
    const { stdout } = spawnSync(binary(), ['check', '--data', server.dir], { encoding: 'utf8', timeout: 60000 });

    for (const [topic, port] of [['TURN, UDP', ports.turn], ['TURN, TCP', ports.turn], ['TURN, HTTPS', ports.https], ['TURN, TLS', ports.turns]])
        assert.match(stdout, new RegExp(`ok +${topic} +127\\.0\\.0\\.1:${port}: seen as 127\\.0\\.0\\.1:\\d+, relayed at 127\\.0\\.0\\.1:\\d+`));
});

test('credentials outlive a restart', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'dngate-turn-'));
    const first = await start({ dir });
    const { username, credential } = (await config(first)).iceServers[1];
    await first.stop();
    const again = await start({ dir });
    const { stdout } = spawnSync('turnutils_uclient', ['-u', username, '-w', credential, '-p', `${again.ports.turn}`, '-y', '-n', '5', '-m', '2',
        '127.0.0.1'], { encoding: 'utf8', timeout: 60000 });

    assert.match(stdout, /error 403/); // it is let in, and then not to a stranger
    assert.doesNotMatch(stdout, /error 401/);
    await again.stop();
    rmSync(dir, { recursive: true, force: true });
});

test('turned off it is not named, and nothing listens', async () => {
    const off = await start({ options: ['turn.enabled=no'] });
    const { iceServers } = await config(off);

    assert.deepEqual(iceServers, []);
    assert.equal(off.ports.turn, undefined);
    assert.equal(off.ports.turns, undefined);
    await off.stop();
});

test('a page’s port may be TURN’s over TLS, too', async () => {
    const port = await freePort();
    const one = await start({ options: [`https.port=${port}`, `turns.port=${port}`] });

    assert.equal((await config(one)).iceServers[1].urls.filter((url) => url.startsWith('turns:')).length, 1);
    await one.stop();
});
