// Backups of the console: made, kept, downloaded, sent back; what is wrong with one is said; copies by themselves.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Agent } from './agent.mjs';
import { binary, start } from './dngate.mjs';
import { adminOption, base, signIn } from './lib/admin.mjs';
import { parse, scrape } from './lib/metrics.mjs';
import { sql } from './lib/sql.mjs';
import { until } from './lib/wait.mjs';

const work = mkdtempSync(join(tmpdir(), 'dngate-backups-'));
const passphrase = 'secret-8001 of many wörds, 100%';
let server, admin, file, traced;

const run = (words, dir = server.dir) => spawnSync(binary(), [...words, '--data', dir], { encoding: 'utf8', timeout: 30000 });
function ok(...words) {
    const done = run(words);
    assert.equal(done.status, 0, `dngate ${words.join(' ')}: ${done.stderr}${done.stdout}`);
    return done.stdout;
}

// An answer's bytes.
const bytes = (method, path, body) => new Promise((resolve, reject) => {
    const request = https.request({
        host: '127.0.0.1', port: server.ports.https, method, path: base + path, rejectUnauthorized: false,
        headers: { cookie: admin.cookie, 'x-csrf-token': admin.csrf, ...(body ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } : {}) },
    }, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, data: Buffer.concat(chunks) }));
    });
    request.on('error', reject);
    request.end(body);
});
const send = (data, secret = passphrase, more = {}) =>
    admin.post('/restore', data, { 'content-type': 'application/octet-stream', ...(secret ? { 'x-passphrase': encodeURIComponent(secret) } : {}), ...more });

before(async () => {
    server = await start({ options: [adminOption, 'trace.sample=100'] });
    admin = await signIn(server);
});
after(async () => {
    await server.stop();
    rmSync(work, { recursive: true });
});

test('a backup is made, is the answer, stays in the list, and holds nothing that can be read', async () => {
    assert.equal((await admin.post('/backup', { passphrase: 'short' })).status, 422);
    assert.equal((await admin.post('/backup', {})).status, 422);
    ok('dn', 'add', '6001', '--password', 'secret-6001', '--name', 'Findable Name');
    const agent = await new Agent(server, '5002', 'lab5002').open(), dialog = agent.call('600');
    agent.ack(dialog, await agent.wait(200, 'INVITE'));
    agent.request(dialog, 'BYE');
    await agent.wait(200, 'BYE');
    agent.close();
    await until(async () => (traced = (await admin.get('/cdr')).body.items.find((item) => item.traced)?.id), 20000, 'the trace of a call to be kept');
    const made = await bytes('POST', '/backup', JSON.stringify({ passphrase }));
    assert.equal(made.status, 200);
    file = made.data;
    const [, name] = /filename="(hand-[\w.-]+\.db\.enc)"/.exec(made.headers['content-disposition']);
    const { items } = (await admin.get('/backups')).body;
    assert.deepEqual(items.map((item) => [item.name, item.bytes, item.why, item.encrypted]), [[name, file.length, 'hand', true]]);
    assert.ok(Math.abs(items[0].time_ms - Date.now()) < 60000);
    assert.equal(statSync(join(server.dir, 'backups', name)).mode & 0o777, 0o600);
    assert.deepEqual((await bytes('GET', `/backups/${name}`)).data, file);
    assert.equal(file.includes('Findable Name'), false);
    assert.equal(file.includes('SQLite'), false);
    assert.deepEqual(readdirSync(join(server.dir, 'backups')), [name]);
});

test('what is wrong with one is said, and nothing is changed', async () => {
    const detail = async (answer, status, pattern) => {
        const { body, status: got } = await answer;
        assert.deepEqual([got, pattern.test(body.detail)], [status, true], JSON.stringify(body));
    };
    await detail(send(file, null), 422, /is encrypted: its passphrase is needed; nothing was changed/);
    await detail(send(file, 'secret-8002 of many words'), 422, /is encrypted with another passphrase/);
    assert.equal((await send(file, 'secret-8002 of many words')).body.errors[0].field, 'passphrase');
    await detail(send(file.subarray(0, 70000)), 422, /is damaged or cut short/);
    const torn = Buffer.from(file);
    torn[50000] ^= 1;
    await detail(send(torn), 422, /is damaged or cut short/);
    const newer = Buffer.from(file);
    newer[14] = 9;
    await detail(send(newer), 501, /newer dngate/);
    await detail(send(Buffer.from('hello'.repeat(1000))), 422, /is not a backup of dngate/);
    await detail(send(Buffer.alloc(0)), 422, /Send the backup/);
    await detail(send(file, passphrase, { 'content-type': 'text/plain' }), 415, /application\/octet-stream/);
    await detail(send(file, passphrase, { 'x-csrf-token': 'no' }), 403, /X-CSRF-Token/);
    await detail(admin.get('/backups/dngate.db'), 404, /there is no backup/);
    await detail(admin.get('/backups/..%2fdngate.db'), 400, /not valid HTTP/);
    await detail(admin.delete('/backups/hand-none.db'), 404, /there is no backup/);
    assert.match(ok('dn', 'list'), /6001/);
    assert.equal(readdirSync(join(server.dir, 'backups')).length, 1, 'no upload is left');
});

test('a restore into the running server, while a call is up', async () => {
    const agent = await new Agent(server, '5001', 'lab5001').open();
    const dialog = agent.call('600');
    agent.ack(dialog, await agent.wait(200, 'INVITE'));
    ok('dn', 'remove', '6001');
    ok('dn', 'add', '6009', '--password', 'secret-6009');
    sql(server.dir, 'DELETE FROM trace');
    assert.equal((await admin.get(`/cdr/${traced}/trace`)).status, 404);
    const done = await send(file);
    assert.equal(done.status, 202, done.text);
    assert.deepEqual([done.body.dns, done.body.users, done.body.notes], [6, 1, '']);
    assert.ok(Math.abs(done.body.made_ms - Date.now()) < 600000);
    const dns = JSON.parse(ok('dn', 'list', '--json')).map(({ dn }) => dn);
    assert.ok(dns.includes('6001') && !dns.includes('6009'));
    assert.equal((await admin.get('/session')).status, 401, 'everybody signs in again');
    admin = await signIn(server);
    assert.equal((await admin.get(`/cdr/${traced}/trace`)).status, 200, 'it is back');
    const entry = (await admin.get('/audit?noun=backup&q=restored')).body.items[0];
    assert.deepEqual([entry.who, entry.via], ['admin', 'console']);
    agent.request(dialog, 'BYE');
    await agent.wait(200, 'BYE');
    agent.close();
    const again = (await admin.get('/backups')).body.items.find(({ why }) => why === 'restore');
    assert.equal(again.name, 'dngate.db.before-restore');
    assert.equal((await admin.post(`/backups/${again.name}/restore`, {})).status, 202);
    admin = await signIn(server);
    assert.match(ok('dn', 'list'), /6009/);
});

test('the command line reads it, too', () => {
    const there = join(work, 'there'), copy = join(work, 'copy.enc'), words = join(work, 'words');
    writeFileSync(copy, file);
    writeFileSync(words, `${passphrase}\n`);
    const refused = run(['restore', copy], there);
    assert.deepEqual([refused.status, /is encrypted: its passphrase is needed \(--passphrase-file\); nothing was changed/.test(refused.stderr)], [1, true]);
    assert.equal(existsSync(join(there, 'dngate.db')), false);
    const done = run(['restore', copy, '--passphrase-file', words], there);
    assert.match(done.stdout, /^restored: 6 DNs/, done.stderr);
    const made = run(['backup', join(work, 'by-hand.enc'), '--passphrase-file', words, '--json'], there);
    assert.equal(JSON.parse(made.stdout).encrypted, true);
});

test('copies by themselves: encrypted when a passphrase is named, so many and no more', async () => {
    const folder = join(server.dir, 'backups'), copies = () => readdirSync(folder).filter((name) => name.startsWith('scheduled-')).sort();
    const words = join(work, 'schedule');

    ok('settings', 'backup.keep', '2');
    await until(() => copies().length === 1, 20000, 'the first copy');
    assert.match(copies()[0], /\.db$/);
    for (let i = 1; i <= 2; i++) {
        const old = new Date(Date.now() - 3 * 3600e3);
        for (const name of copies()) utimesSync(join(folder, name), old, old);
        writeFileSync(words, 'secret-8003 of the schedule\n');
        const newest = copies().at(-1);
        ok('settings', 'backup.every', String(i));
        if (i === 1) ok('settings', 'backup.passphrase_file', words);
        await until(() => copies().at(-1) !== newest, 20000, 'another copy');
        await until(() => copies().length <= 2, 20000, 'no more than two');
    }
    assert.match(copies().at(-1), /\.db\.enc$/);
    assert.equal(readFileSync(join(folder, copies().at(-1))).subarray(0, 14).toString(), 'dngate backup\n');
    assert.ok(Math.abs(parse(await scrape(server)).sum('dngate_backup_timestamp_seconds') - Date.now() / 1000) < 60);
    rmSync(words);
    for (const name of copies()) utimesSync(join(folder, name), 1, 1);
    ok('settings', 'backup.every', '5');
    await server.says(/ upkeep .*passphrase_file=.*could not be made/);
    assert.equal(parse(await scrape(server)).sum('dngate_backup_failures_total'), 1);
    const items = (await admin.get('/audit?who=schedule')).body.items;
    assert.ok(items.length >= 3 && items.every(({ via, what }) => via === 'system' && what.startsWith('backup made: scheduled-')));
    assert.equal((await admin.delete(`/backups/${copies()[0]}`)).status, 204);
    assert.equal(copies().length, 1);
});
