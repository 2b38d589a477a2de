// What goes on in a running server, seen and changed from the command line: status, calls, registrations, bans; and that each says so
// when no server runs.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { Agent } from './agent.mjs';
import { binary, start } from './dngate.mjs';
import { sql } from './lib/sql.mjs';
import { until } from './lib/wait.mjs';

const WRONG = 'nonsense', BAN_AFTER = 3;
let server;

before(async () => { server = await start({ options: [`guard.ban_after=${BAN_AFTER}`, `guard.slow_after=${BAN_AFTER}`] }); });
after(() => server?.stop());

const run = (words, dir = server.dir) => spawnSync(binary(), [...words, '--data', dir], { encoding: 'utf8', timeout: 30000 });

function ok(...words) {
    const done = run(words);
    assert.equal(done.status, 0, `dngate ${words.join(' ')}: ${done.stderr}${done.stdout}`);
    return done.stdout;
}
const json = (...words) => JSON.parse(ok(...words, '--json'));

function refused(pattern, words, dir) {
    const done = run(words, dir);
    assert.equal(done.status, 1, words.join(' '));
    assert.match(done.stderr, pattern);
    assert.match(done.stderr, /^dngate: [^\n]+\n$/);
}

test('a call is listed and hung up, on both sides and in the record', async () => {
    const agent = await new Agent(server, '5001', 'lab5001').open();
    const call = agent.call('600');
    agent.ack(call, await agent.wait(200, 'INVITE'));

    const [shown, ...others] = json('calls');
    assert.deepEqual(others, []);
    assert.deepEqual([shown.dn, shown.direction, shown.caller, shown.callee, shown.trunk, shown.state],
        ['5001', 'out', '5001', '600', 'lab', 'answered']);
    assert.equal(typeof shown.seconds, 'number');
    assert.match(ok('calls'), new RegExp(`^ID .*\n${shown.id} +5001 +out +5001 +600 +lab +answered`));
    assert.deepEqual([json('status').calls, json('status').registrations], [1, 1]);

    refused(/call nosuch does not run/, ['calls', 'hangup', 'nosuch']);
    const ended = server.says(new RegExp(` call id=${shown.id} .* ended$`));
    ok('calls', 'hangup', shown.id);
    agent.reply(await agent.wait('BYE'), 200, 'OK');
    assert.match(await ended, /hangup=gateway reason="Ended by the administrator"/);
    assert.deepEqual(json('calls'), []);
    assert.match(ok('calls'), /No call runs/);
    agent.close();
});

test('a registration is listed and dropped; its page may sign in again', async () => {
    const agent = await new Agent(server, '5002', 'lab5002').open();
    const shown = json('registrations').find((row) => row.dn === '5002');

    assert.match(shown.source, /^127\.0\.0\.1:\d+$/);
    assert.ok(Date.parse(shown.registered) <= Date.now() && Date.parse(shown.expires) > Date.now());
    assert.match(ok('registrations'), /^DN .*\n(.*\n)*5002 +127\.0\.0\.1:/);
    refused(/DN 5003 is not registered/, ['registrations', 'drop', '5003']);
    ok('registrations', 'drop', '5002');
    assert.equal(json('registrations').some((row) => row.dn === '5002'), false);
    agent.close();
    (await new Agent(server, '5002', 'lab5002').open()).close();
});

test('status says how the server is; --watch says it again and again', async () => {
    const { version, pid, uptime_seconds: uptime, ready, parts } = json('status');

    assert.equal(pid, server.child.pid);
    assert.ok(version && uptime >= 0 && ready && parts.trunk.state === 'up');
    assert.equal(json('healthcheck').ready, true);
    assert.match(ok('status'), /ready to take calls\nlab mode: .*\n\d+ calls, \d+ DNs registered\n\n(.*\n)*trunk +up/);

    const watching = spawn(binary(), ['status', '--watch', '--json', '--data', server.dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: watching.stdout })[Symbol.asyncIterator]();
    const uptimes = [];
    while (uptimes.length < 3) uptimes.push(JSON.parse((await lines.next()).value).uptime_seconds);
    assert.deepEqual(uptimes, [...uptimes].sort((a, b) => a - b));
    watching.kill('SIGINT');
    assert.equal((await once(watching, 'exit'))[1], 'SIGINT');
});

const signIn = () =>
    new Promise((resolve, reject) => {
        const { https: port } = server.ports;
        const headers = { 'Content-Type': 'application/json', Origin: `https://localhost:${port}` };
        https.request({ host: 'localhost', family: 4, port, path: '/api/agent/v1/config', method: 'POST', headers, rejectUnauthorized: false },
            (response) => response.resume().on('end', () => resolve(response.statusCode)))
            .on('error', reject).end(JSON.stringify({ dn: '5003', password: WRONG }));
    });

test('a ban is listed with its reason and time left, and lifted', async () => {
    assert.match(ok('ban', 'list'), /No address is banned/);
    for (let i = 0; i < BAN_AFTER; i++) assert.equal(await signIn(), 401);
    assert.equal(await signIn(), 429);

    const [ban] = json('ban', 'list');
    assert.equal(ban.address, '127.0.0.1');
    assert.ok(ban.seconds_left > 500 && ban.seconds_left <= 600, ban.seconds_left);
    assert.ok(Math.abs(Date.parse(ban.since) - Date.now()) < 60000, ban.since);
    assert.match(ban.why, /^3 failed sign-ins/);
    assert.match(ok('ban', 'list'), /^ADDRESS +SINCE +TIME LEFT +WHY\n127\.0\.0\.1 .* (9|10) min \d+ s +3 failed sign-ins/);

    refused(/192\.0\.2\.1 is not banned/, ['ban', 'clear', '192.0.2.1']);
    refused(/nobody is no IP address/, ['ban', 'clear', 'nobody']);
    ok('ban', 'clear', '127.0.0.1');
    assert.equal(await signIn(), 401);
    assert.deepEqual(json('ban', 'list'), []);
});

test('who did it stands in the audit', () => {
    const audit = sql(server.dir, "SELECT who, noun, what FROM audit WHERE via = 'cli'");

    for (const what of [/calls hangup: \w/, /registrations drop: 5002/, /ban clear: 127\.0\.0\.1, 1 lifted/]) assert.match(JSON.stringify(audit), what);
});

test('a box without trunk is ready and says what it lacks; one whose trunk is silent is not', async () => {
    const box = await start({ lab: false }), ask = (...words) => run(words, box.dir);
    const silent = dgram.createSocket('udp4').bind(0, '127.0.0.1');
    const readyz = () => {
        const done = spawnSync('curl', ['-ksS', '-w', ' %{http_code}', `https://localhost:${box.ports.https}/readyz`], { encoding: 'utf8' }).stdout;
        return [Number(done.slice(-3)), JSON.parse(done.slice(0, -4))];
    };

    await once(silent, 'listening');
    let [code, { ready, parts }] = readyz();
    assert.deepEqual([code, ready, parts.trunk.state], [200, true, 'degraded']);
    assert.match(parts.trunk.reason, /no trunk is configured: dngate trunk add/);
    assert.equal(ask('healthcheck').status, 0);
    assert.equal(ask('trunk', 'add', 'silent', '--address', `127.0.0.1:${silent.address().port}`).status, 0);
    await until(() => readyz()[0] === 503, 10000, '/readyz says no');
    [code, { ready, parts }] = readyz();
    assert.deepEqual([ready, parts.trunk.state], [false, 'down']);
    assert.equal(ask('healthcheck').status, 1);
    assert.equal(ask('status').status, 1);
    assert.equal(ask('trunk', 'remove', 'silent').status, 0);
    await until(() => readyz()[0] === 200, 10000, '/readyz says yes again');
    silent.close();
    await box.stop();
});

test('without a server each says so, and makes no data directory', () => {
    const parent = mkdtempSync(join(tmpdir(), 'dngate-live-'));

    for (const words of [['status'], ['calls'], ['calls', 'hangup', 'x'], ['registrations'], ['registrations', 'drop', '1'], ['ban', 'list'], ['ban', 'clear'],
                         ['status', '--watch']])
        refused(/no server runs on .*none/, words, join(parent, 'none'));
    assert.equal(run(['ban', 'frobnicate'], join(parent, 'none')).status, 2);
    rmSync(join(parent), { recursive: true });
});
