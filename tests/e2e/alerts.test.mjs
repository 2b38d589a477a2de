// What a webhook is told: a test, what begins and what ends, again until it is taken, by TLS with its name checked; and nothing of its URL in the log.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { binary, freePort, start } from './dngate.mjs';
import { adminOption, signIn } from './lib/admin.mjs';
import { until } from './lib/wait.mjs';

const work = mkdtempSync(join(tmpdir(), 'dngate-alerts-'));
const posts = []; // {path, type, body}
let server, admin, hook, answer = () => 204;

const took = (request, response) => {
    let text = '';
    request.on('data', (chunk) => { text += chunk; }).on('end', () => {
        const code = answer();
        if (code < 300) posts.push({ path: request.url, type: request.headers['content-type'], body: JSON.parse(text) });
        response.writeHead(code).end();
    });
};
const listen = (on) => new Promise((resolve) => on.listen(0, '127.0.0.1', () => resolve(on.address().port)));
const ok = (...words) => {
    const done = spawnSync(binary(), [...words, '--data', server.dir], { encoding: 'utf8', timeout: 30000 });
    assert.equal(done.status, 0, `${words.join(' ')}: ${done.stderr}`);
    return done.stdout;
};
const told = (fits, what) => until(() => posts.some(fits), 30000, what).then(() => posts.find(fits).body);

before(async () => {
    hook = http.createServer(took);
    server = await start({ options: [adminOption] });
    admin = await signIn(server);
    ok('settings', 'alerts.webhook', `http://127.0.0.1:${await listen(hook)}/hook/SECRETWORD?key=SECRETWORD`);
});
after(async () => {
    hook.close();
    await server?.stop();
    rmSync(work, { recursive: true, force: true });
});

test('a test: sent, and asked after', async () => {
    const sent = await admin.post('/alerts/test');

    assert.equal(sent.status, 202);
    const { source, event, state, text, time_ms: at } = await told(({ body }) => body.event === 'test', 'the test');
    assert.deepEqual([source, event, state, posts[0].path, posts[0].type], ['dngate', 'test', 'test', '/hook/SECRETWORD?key=SECRETWORD', 'application/json']);
    assert.match(text, /: This is a test of the webhook\.$/);
    assert.ok(Math.abs(at - Date.now()) < 30000);
    await until(async () => (await admin.get('/alerts')).body.last.ok, 10000, 'how it went');
    assert.match(ok('alerts'), /webhook: set; .*\nlast: .* ok test test: sent/);
    assert.match(ok('alerts', 'test'), /on its way/);
});

test('a trunk that goes down begins once and ends once, however often it is asked; one who does not take it is told again', async () => {
    let refuse = 1;
    answer = () => (refuse-- > 0 ? 500 : 200);
    ok('trunk', 'add', 'far', '--address', `127.0.0.1:${await freePort()}`);
    const down = await told(({ body }) => body.event === 'trunk' && body.state === 'begins', 'the trunk is down');
    assert.deepEqual([down.name, down.level], ['far', 'warn']);
    assert.match(down.text, /Trunk far is down: /);
    assert.ok(down.advice);
    assert.ok((await admin.get('/status')).body.attention.some(({ kind, text }) => kind === 'trunk' && /Trunk far is down/.test(text)));
    ok('trunk', 'remove', 'far');
    await told(({ body }) => body.event === 'trunk' && body.state === 'ends' && /Over: Trunk far/.test(body.text), 'the trunk is no more');
    assert.equal(posts.filter(({ body }) => body.event === 'trunk').length, 2);
    assert.ok(server.log.some((line) => / alerts .*error="127\.0\.0\.1 answers 500" again in 1 s/.test(line)));
});

test('by TLS only to who is who it should be', async () => {
    const cert = join(work, 'cert.pem'), key = join(work, 'key.pem');
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '9', '-keyout', key, '-out', cert,
        '-subj', '/CN=hook', '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' });
    const safe = https.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, took), port = await listen(safe);
    answer = () => 200;
    posts.length = 0;
    ok('settings', 'alerts.webhook', `https://127.0.0.1:${port}/safe`);
    ok('alerts', 'test');
    await until(async () => /not signed by a CA|certificate/.test((await admin.get('/alerts')).body.last.detail), 15000, 'its CA is not known');
    assert.equal((await admin.get('/alerts')).body.last.ok, false);
    assert.deepEqual(posts, []);
    ok('settings', 'alerts.ca', cert);
    ok('alerts', 'test');
    await until(() => posts.length === 2, 10000, 'both are sent at once when the CA is known'); // not when the pause is over
    assert.deepEqual(posts.map(({ path }) => path), ['/safe', '/safe']);
    safe.close();
    safe.closeAllConnections?.();
});

test('what is no URL is refused; without one nothing is sent; nothing of it is in the log', async () => {
    for (const url of ['ftp://x/', 'https://user:pw@x/', 'hooks.example/x'])
        assert.equal(spawnSync(binary(), ['settings', 'alerts.webhook', url, '--data', server.dir]).status, 1, url);
    assert.equal(spawnSync(binary(), ['settings', 'alerts.events', 'trunk, moon', '--data', server.dir]).status, 1);
    ok('settings', 'alerts.webhook', '');
    assert.equal((await admin.post('/alerts/test')).status, 422);
    assert.deepEqual(server.log.filter((line) => /SECRETWORD/.test(line)), []);
});
