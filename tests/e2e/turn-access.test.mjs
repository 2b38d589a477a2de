// How browsers learn of the TURN server and get in, what the doctor says of it, and that it is no reason not to start.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { request } from 'node:https';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { binary, freePort, start } from './dngate.mjs';
import { parse, scrape } from './lib/metrics.mjs';
import { ALLOCATE, allocated, by, message, REFRESH, TRANSPORT_UDP } from './lib/turnclient.mjs';
import { until } from './lib/wait.mjs';

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

const cli = (at, ...words) => {
    const done = spawnSync(binary(), [...words, '--data', at.dir], { encoding: 'utf8', timeout: 60000 });
    assert.equal(done.status, 0, done.stderr);
};
const clientOf = async (at, ice) => by.udp(at.ports.turn, { user: ice.username, password: ice.credential });
// The code of an allocation by these credentials; 0: it is there, and is given back.
async function code(at, ice) {
    const c = await clientOf(at, ice);
    const nonce = Buffer.from((await c.ask(ALLOCATE, [TRANSPORT_UDP])).attributes.get(0x0015));
    const answer = await c.ask(ALLOCATE, [TRANSPORT_UDP], { nonce });

    if (!answer.code) await c.ask(REFRESH, [Buffer.from('000d000400000000', 'hex')], { nonce });
    c.close();
    return answer.code;
}

// The page's credentials end with what they came by: not 12 hours later.
test('a DN that is disabled, gets another password or is removed has no relay any more, a later sign-in has', async () => {
    const revoked = async () => parse(await scrape(server)).sum('dngate_turn_allocations_total', { event: 'revoked' });
    const access = async (password) => (await config(server, { dn: '5900', password })).iceServers?.[1];

    cli(server, 'dn', 'add', '5900', '--password', 'secret5900');
    const first = await access('secret5900');
    const c = await clientOf(server, first);
    const nonce = await allocated(c);
    const before = await revoked();
    const second = Math.floor(Date.now() / 1000);
    await until(async () => Math.floor(Date.now() / 1000) > second, 5000, 'another second: what is given out in that of a change is of after it');
    cli(server, 'dn', 'disable', '5900');
    await until(async () => (await revoked()) > before, 20000, 'its allocation to end');
    assert.ok([401, 437].includes((await c.ask(REFRESH, [], { nonce })).code));
    assert.equal(await code(server, first), 401);
    assert.equal(await access('secret5900'), undefined);
    cli(server, 'dn', 'enable', '5900');
    assert.equal(await code(server, first), 401);
    assert.equal(await code(server, await access('secret5900')), 0);
    c.close();
    for (const words of [['passwd', '5900', '--password', 'another-5900'], ['remove', '5900']]) {
        const ice = (await access('secret5900')) ?? (await access('another-5900'));
        const given = Math.floor(Date.now() / 1000);

        assert.equal(await code(server, ice), 0);
        await until(async () => Math.floor(Date.now() / 1000) > given, 5000, 'another second');
        cli(server, 'dn', ...words);
        await until(async () => (await code(server, ice)) === 401, 20000, words.join(' '));
    }
});

test('credentials outlive a restart, not those of who was disabled before it', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'dngate-turn-'));
    const first = await start({ dir });
    cli(first, 'dn', 'add', '5901', '--password', 'secret5901');
    const { username, credential } = (await config(first, { dn: '5901', password: 'secret5901' })).iceServers[1];
    await first.stop();
    const again = await start({ dir });
    const { stdout } = spawnSync('turnutils_uclient', ['-u', username, '-w', credential, '-p', `${again.ports.turn}`, '-y', '-n', '5', '-m', '2',
        '127.0.0.1'], { encoding: 'utf8', timeout: 60000 });

    assert.match(stdout, /error 403/); // it is let in, and then not to a stranger
    assert.doesNotMatch(stdout, /error 401/);
    cli(again, 'dn', 'disable', '5901');
    await again.stop();
    const given = Number(username.split(':')[0]) - 12 * 3600;
    await until(() => Math.floor(Date.now() / 1000) > given, 5000, 'another second: the name counts in those');
    const third = await start({ dir });
    t.after(() => third.stop());
    await until(async () => (await code(third, { username, credential })) === 401, 20000, 'who was disabled before the start has none');
    rmSync(dir, { recursive: true, force: true });
});

test('several static users, and who tries passwords of one is answered no more', async (t) => {
    const site = await start({ lab: false, options: ['turn.user=anna:a-good-one, berta:another-one'] });
    t.after(() => site.stop());
    const anna = { username: 'anna', credential: 'a-good-one' };

    for (const ice of [anna, { username: 'berta', credential: 'another-one' }]) assert.equal(await code(site, ice), 0);
    assert.equal(await code(site, { username: 'anna', credential: 'another-one' }), 401);
    const guesser = await clientOf(site, { username: 'anna', credential: 'wrong' });
    const nonce = Buffer.from((await guesser.ask(ALLOCATE, [TRANSPORT_UDP])).attributes.get(0x0015));
    const unread = async () => parse(await scrape(site)).sum('dngate_turn_refused_total', { reason: 'guessing' });
    for (let i = 0; i < 50; i++) guesser.write(message(ALLOCATE, [TRANSPORT_UDP], { nonce, user: 'anna', password: `wrong ${i}` }));
    await until(async () => (await unread()) >= 40, 20000, 'most of 50 tries to meet silence');
    assert.equal(await code(site, { username: 'berta', credential: 'another-one' }), 0);
    assert.equal(await code(site, anna), 0); // its tries are repeated, as UDP's are, until one is looked at
    guesser.close();
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
