// Who changed what: in the audit, the log and at a syslog server; settings that go back; the server that starts again.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { Agent } from './agent.mjs';
import { binary, freePort, start } from './dngate.mjs';
import { adminOption, signIn, stranger } from './lib/admin.mjs';
import { parse, scrape } from './lib/metrics.mjs';
import { sql } from './lib/sql.mjs';
import { until } from './lib/wait.mjs';

const work = mkdtempSync(join(tmpdir(), 'dngate-audit-'));
let server;

const run = (words, input) => spawnSync(binary(), [...words, '--data', server.dir], { encoding: 'utf8', timeout: 30000, input });
function ok(...words) {
    const done = run(words);
    assert.equal(done.status, 0, `dngate ${words.join(' ')}: ${done.err}${done.stdout}${done.stderr}`);
    return done.stdout;
}
// A resource beside the REST.
const callRoot = (who, path, headers = {}) => who.call('GET', `/${path}`, { headers });
const json = (...words) => JSON.parse(ok(...words, '--json'));

before(async () => { server = await start({ options: ['log.format=json', adminOption] }); });
after(async () => {
    await server.stop();
    rmSync(work, { recursive: true });
});

test('a change is in the audit with what was before and after, without its secret, and in the log', async () => {
    ok('dn', 'add', '6001', '--password', 'secret-6001', '--name', 'Ada <b>"x"</b>');
    ok('dn', 'passwd', '6001', '--password', 'secret-6002', '--reason', 'forgotten');
    ok('dn', 'remove', '6001');
    const [removed, passwd, added] = json('audit', '--key', '6001');
    assert.deepEqual([added.what, passwd.what, removed.what], ['dn 6001 added', 'dn 6001 password changed', 'dn 6001 removed']);
    assert.deepEqual([added.reason, passwd.reason, removed.reason], ['', 'forgotten', '']);
    assert.equal(added.before, null);
    assert.deepEqual([added.after.name, added.after.enabled, added.after.password], ['Ada <b>"x"</b>', true, 'set']);
    assert.deepEqual([passwd.before.password, passwd.after.password], ['set', 'changed']);
    assert.equal(removed.after, null);
    assert.deepEqual([added.who, added.via, added.noun, added.key], [process.getuid() ? `uid=${process.getuid()}` : 'root', 'cli', 'dn', '6001']);
    assert.match(await server.says(/ audit .*key=6001 .*dn 6001 removed/), /^\S+ info {2}audit id=\d+ who=\S+ via=cli/);
    assert.match(ok('audit', '--key', '6001'), /dn 6001 password changed +password set → changed/);
    assert.equal(ok('audit', 'export', '--key', '6001').trim().split('\r\n').length, 4);
    assert.equal(run(['audit', '--from', 'tomorrow']).status, 2);
    assert.match(run(['audit', '--from', '1h', '--to', '2h']).stderr, /ends before it begins/);
});

test('dngate audit --follow tells each entry as it comes', async () => {
    const child = spawn(binary(), ['audit', '--follow', '--json', '--data', server.dir]);
    const lines = [];
    child.stdout.on('data', (data) => lines.push(...String(data).trim().split('\n')));
    await new Promise((resolve) => setTimeout(resolve, 700)); // what comes before it looks is not its to tell
    ok('dn', 'disable', '5003');
    ok('dn', 'enable', '5003');
    await until(() => lines.length >= 2, 10000, 'two entries');
    child.kill();
    assert.deepEqual(lines.map((line) => JSON.parse(line).what), ['dn 5003 disabled', 'dn 5003 enabled']);
});

test('settings: what people changed, why, and back again', () => {
    ok('settings', 'call.ring_seconds', '77', '--reason', 'the night shift is slow');
    ok('settings', 'call.ring_seconds', '88');
    const history = json('settings', 'history', 'call.ring_seconds');
    assert.deepEqual(history.map(({ before, after, reason }) => [before, after, reason]), [['77', '88', ''], [null, '77', 'the night shift is slow']]);
    ok('settings', 'revert', String(history[0].id));
    assert.equal(json('settings', 'call.ring_seconds').value, 77);
    ok('settings', 'revert', String(history[1].id), '--reason', 'enough');
    assert.deepEqual([json('settings', 'call.ring_seconds').source, json('settings', 'history', 'call.ring_seconds')[0].reason], ['default', 'enough']);
    const refused = run(['settings', 'revert', '1']);
    assert.deepEqual([refused.status, refused.stderr], [1, 'dngate: there is no change of a setting with number 1\n']);
});

describe('REST', () => {
    let admin, reader;

    before(async () => {
        admin = await signIn(server);
        assert.equal((await admin.post('/users', { name: 'rita', role: 'readonly', password: 'secret-7001' }, { 'x-reason': encodeURIComponent('wäre 100% gut') })).status, 201);
        reader = await signIn(server, { name: 'rita', password: 'secret-7001' });
    });

    test('the audit: who, from where, why; searched, in pages, as a table', async () => {
        const { body } = await admin.get('/audit?noun=user&key=rita');
        assert.equal(body.total, 1);
        const [entry] = body.items;
        assert.deepEqual([entry.who, entry.via, entry.address, entry.what, entry.reason, entry.before, entry.after.role, entry.after.password],
            ['admin', 'console', '127.0.0.1', 'user rita added as readonly', 'wäre 100% gut', null, 'readonly', 'set']);
        assert.ok(Math.abs(entry.time_ms - Date.now()) < 60000);
        const ids = [];
        for (let next = ''; ;) {
            const page = (await admin.get(`/audit?limit=3${next && `&cursor=${next}`}`)).body;
            ids.push(...page.items.map(({ id }) => id));
            if (!(next = page.next)) break;
        }
        assert.deepEqual(ids, [...ids].sort((a, b) => b - a));
        assert.equal(ids.length, (await admin.get('/audit')).body.total);
        assert.equal((await admin.get('/audit?q=night%20shift')).body.items.length, 1);
        const csv = await admin.get('/audit/export');
        assert.match(csv.headers['content-type'], /^text\/csv/);
        assert.equal(csv.text.trim().split('\r\n').length, ids.length + 1);
        assert.equal((await admin.get('/audit?from_ms=2&to_ms=1')).status, 422);
        assert.equal((await reader.get('/audit')).status, 403);
        assert.equal((await stranger(server).get('/audit/export')).status, 401);
    });

    test('settings: read, changed, refused at the field, put back', async () => {
        const all = (await reader.get('/settings')).body;
        assert.equal(all.total, all.items.length);
        const level = all.items.find(({ key }) => key === 'log.format');
        assert.deepEqual([level.type, level.choices, level.source, level.locked, level.value], ['enum', ['text', 'json'], 'option', true, 'json']);
        assert.equal(all.items.find(({ key }) => key === 'admin.password').value, '(set)');
        const ring = await admin.get('/settings/call.ring_seconds');
        assert.deepEqual([ring.body.value, ring.body.default, ring.body.min, ring.body.max, ring.body.unit, ring.body.restart, ring.body.pending], [180, 180, 5, 600, 's', true, false]);
        const changed = await admin.put('/settings/call.ring_seconds', { value: 99, reason: 'by REST' }, { 'if-match': ring.headers.etag });
        assert.deepEqual([changed.status, changed.body.value, changed.body.pending, changed.body.running], [200, 99, true, 180]);
        assert.equal((await admin.put('/settings/call.ring_seconds', { value: 98 }, { 'if-match': ring.headers.etag })).status, 412);
        const wrong = await admin.put('/settings/call.ring_seconds', { value: 4 });
        assert.deepEqual([wrong.status, wrong.body.errors[0].field], [422, 'value']);
        assert.match(wrong.body.errors[0].detail, /must be 5\.\.600/);
        assert.equal((await admin.put('/settings/call.ring_seconds', { value: { a: 1 } })).status, 422);
        assert.equal((await admin.put('/settings/log.format', { value: 'text' })).status, 403);
        assert.equal((await admin.put('/settings/no.such', { value: 1 })).status, 404);
        assert.equal((await reader.put('/settings/call.ring_seconds', { value: 98 })).status, 403);
        const history = (await reader.get('/settings/history?key=call.ring_seconds&limit=1')).body;
        assert.deepEqual([history.items[0].before, history.items[0].after, history.items[0].who, history.items[0].reason], [null, '99', 'admin', 'by REST']);
        const back = await admin.post(`/settings/history/${history.items[0].id}/revert`, { reason: 'no' });
        assert.deepEqual([back.status, back.body.value, back.body.source], [200, 180, 'default']);
        assert.equal((await admin.put('/settings/turn.enabled', { value: true })).body.value, true);
        assert.equal((await admin.delete('/settings/turn.enabled?reason=tidy%20up')).body.source, 'default');
        assert.equal((await admin.get('/settings/history?key=turn.enabled')).body.items[0].reason, 'tidy up');
        assert.equal((await admin.post('/settings/history/1/revert', {})).status, 404);
    });

    test('figures and reasons only for listed networks and who is signed in', async () => {
        const nobody = stranger(server);
        ok('settings', 'metrics.allow', '192.0.2.0/24, 2001:db8::/32');
        const metrics = await callRoot(nobody, '/metrics');
        assert.deepEqual([metrics.status, metrics.headers['content-type']], [401, 'application/problem+json']);
        assert.deepEqual((await callRoot(nobody, '/readyz')).body, { ready: true });
        assert.match((await callRoot(reader, '/metrics')).text, /^# HELP /);
        assert.equal((await callRoot(nobody, '/metrics', { authorization: 'Bearer nonsense' })).status, 401);
        assert.equal((await callRoot(nobody, '/healthz')).text, 'ok\n');
        ok('settings', 'metrics.allow', '192.0.2.0/24 127.0.0.0/8');
        assert.match((await callRoot(nobody, '/metrics')).text, /^# HELP /);
        assert.equal((await callRoot(nobody, '/readyz')).body.parts.store.state, 'up');
        assert.equal(run(['settings', 'metrics.allow', '192.0.2.1/24']).status, 1);
        ok('settings', 'metrics.allow', '--reset');
    });

    test('a restart is asked for and taken back', async () => {
        const agent = await new Agent(server, '5004', 'lab5004').open();
        const dialog = agent.call('600');
        agent.ack(dialog, await agent.wait(200, 'INVITE'));
        const asked = await admin.post('/restart', { when: 'idle' });
        assert.deepEqual([asked.status, asked.body.waiting, asked.body.calls], [202, true, 1]);
        assert.equal((await reader.get('/restart')).body.waiting, true);
        assert.equal((await admin.delete('/restart')).status, 204);
        assert.equal((await admin.delete('/restart')).status, 404);
        assert.equal((await admin.post('/restart', { when: 'tomorrow' })).status, 422);
        assert.equal((await reader.post('/restart', { when: 'now' })).status, 403);
        agent.request(dialog, 'BYE');
        await until(async () => (await reader.get('/restart')).body.calls === 0, 10000, 'the call is over');
        agent.close();
    });
});

test('old records and entries go as settings say', async () => {
    const columns = sql(server.dir, "SELECT group_concat(name) FROM pragma_table_info('cdr') WHERE name NOT IN ('id', 'start_ms')");
    const count = () => Number(sql(server.dir, 'SELECT count(*) FROM cdr'));
    await until(() => count() >= 1, 10000, 'a record');
    const old = Date.now() - 40 * 86400e3;
    sql(server.dir, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1700) INSERT INTO cdr (id, start_ms, ${columns})
        SELECT printf('%012x-%05d', CASE WHEN i <= 1200 THEN ${old} ELSE ${Date.now()} END, i), CASE WHEN i <= 1200 THEN ${old} ELSE ${Date.now()} END, ${columns}
        FROM n, (SELECT * FROM cdr LIMIT 1)`);
    const kept = count() - 1200;
    ok('settings', 'cdr.keep_days', '30');
    await until(() => count() === kept, 20000, 'the old ones are gone');
    ok('settings', 'cdr.keep_records', '100');
    await until(() => count() === 100, 20000, 'a hundred are left');
    assert.equal(Number(sql(server.dir, "SELECT count(*) FROM cdr WHERE id < (SELECT min(id) FROM (SELECT id FROM cdr ORDER BY id DESC LIMIT 100))")), 0);
    const newest = json('audit', '--limit', '1')[0].id;
    ok('settings', 'audit.keep_entries', '5');
    await until(() => json('audit').some(({ what }) => /^audit: \d+ old entries removed$/.test(what)), 20000, 'it is told');
    const left = json('audit');
    assert.ok(left.length >= 5 && left.length <= 6 && left[0].id > newest);
    assert.deepEqual([left[0].who, left[0].via], ['retention', 'system']);
    assert.ok(parse(await scrape(server)).sum('dngate_retention_removed_total', { what: 'cdr' }) >= kept + 1200 - 100);
    for (const key of ['cdr.keep_days', 'cdr.keep_records', 'audit.keep_entries']) ok('settings', key, '--reset');
});

describe('a syslog server', () => {
    const cert = join(work, 'cert.pem'), key = join(work, 'key.pem'), messages = [], sockets = new Set();
    let port, syslog;

    // RFC 5425: LENGTH SP MESSAGE, one after the other.
    function read(socket) {
        let rest = Buffer.alloc(0);
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('data', (data) => {
            rest = Buffer.concat([rest, data]);
            for (let head; (head = /^(\d+) /.exec(rest.toString('latin1'))) && rest.length >= head[0].length + Number(head[1]);) {
                messages.push(rest.subarray(head[0].length, head[0].length + Number(head[1])).toString());
                rest = rest.subarray(head[0].length + Number(head[1]));
            }
        });
    }
    const listen = () => new Promise((resolve) => {
        syslog = tls.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, read).listen(port, '127.0.0.1', resolve);
    });
    const close = () => new Promise((resolve) => {
        sockets.forEach((socket) => socket.destroy());
        sockets.clear();
        syslog.close(resolve);
    });
    const bodies = () => messages.map((message) => JSON.parse(message.slice(message.indexOf('{'))));
    const has = (what) => until(() => bodies().some((body) => body.what === what), 20000, what);
    const make = (name) => execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '9',
        '-keyout', key, '-out', cert, '-subj', '/CN=logs', '-addext', `subjectAltName=${name}`], { stdio: 'ignore' });

    before(async () => {
        port = await freePort();
        make('DNS:elsewhere.test');
        await listen();
    });
    after(close);

    test('one that is not who it should be gets nothing', async () => {
        ok('settings', 'audit.syslog_ca', cert);
        ok('settings', 'audit.syslog', `127.0.0.1:${port}`);
        await server.says(/ audit .*its certificate is not for 127\.0\.0\.1/);
        const health = JSON.parse(await scrape(server, '/readyz'));
        assert.equal(health.parts.audit.state, 'degraded');
        assert.equal(health.ready, true);
        await close();
        make('IP:127.0.0.1');
        await listen();
        ok('settings', 'audit.syslog_ca', server.dir + '/tls/cert.pem');
        await server.says(/ audit .*is not signed by a CA of/);
        assert.equal(messages.length, 0);
    });

    test('each entry is a message of RFC 5424', async () => {
        ok('settings', 'audit.syslog_ca', cert);
        await has('setting audit.syslog changed');
        ok('dn', 'add', '6002', '--password', 'secret-6002', '--name', 'Zoë');
        await has('dn 6002 added');
        const message = messages.at(-1);
        assert.match(message, /^<109>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ dngate \d+ audit - \{/);
        assert.deepEqual([bodies().at(-1).after.name, bodies().at(-1).after.password], ['Zoë', 'set']);
        assert.equal(messages.some((m) => m.includes('secret-6002')), false);
        assert.equal(parse(await scrape(server)).sum('dngate_audit_syslog_up'), 1);
    });

    test('what comes while it is away is sent when it is back, in order', async () => {
        await close();
        await server.says(/ audit .*syslog: it (has ended the connection|cannot be reached)/);
        for (const dn of ['6003', '6004', '6005']) ok('dn', 'add', dn, '--password', 'secret-6003');
        messages.length = 0;
        await listen();
        await has('dn 6005 added');
        const ids = [...new Set(bodies().map((body) => body.id))];
        assert.deepEqual(ids, [...ids].sort((a, b) => a - b));
        for (const dn of ['6003', '6004']) assert.ok(bodies().some((body) => body.what === `dn ${dn} added`), dn);
        assert.equal(parse(await scrape(server)).sum('dngate_audit_syslog_lost_total'), 0);
        ok('settings', 'audit.syslog', '--reset');
    });
});

test('a restart waits for the moment without calls, is the same process, and its settings hold', async () => {
    const agent = await new Agent(server, '5001', 'lab5001').open();
    const dialog = agent.call('600');
    agent.ack(dialog, await agent.wait(200, 'INVITE'));
    ok('settings', 'call.limit_total', '900');
    ok('restart', '--when', 'idle');
    assert.deepEqual(json('restart', '--show'), { waiting: true, when: 'idle', under_way: false, calls: 1, pending: ['call.limit_total'] });
    ok('restart', '--cancel');
    assert.equal(json('restart', '--show').waiting, false);
    ok('restart', '--when', 'idle');
    const from = server.log.length;
    agent.request(dialog, 'BYE');
    await server.says(/ app when=idle .*stopping, to start again/, 20000, from);
    agent.close();
    await server.says(/ app .* ready$/, 60000, from);
    await until(() => json('status').pid === server.child.pid, 20000, 'it answers');
    assert.deepEqual(json('restart', '--show'), { waiting: false, when: '', under_way: false, calls: 0, pending: [] });
    const [asked] = json('audit', '--noun', 'restart');
    assert.equal(asked.what, 'restart asked for: idle');
    const back = await new Agent(server, '5001', 'lab5001').open();
    back.close();
});

test('a restart now ends the calls that run, with their records', async () => {
    const agent = await new Agent(server, '5002', 'lab5002').open();
    const dialog = agent.call('600');
    agent.ack(dialog, await agent.wait(200, 'INVITE'));
    const from = server.log.length;
    ok('restart', '--when', 'now');
    await server.says(/ app .* ready$/, 60000, from);
    agent.close();
    await until(() => json('cdr', 'list', '--dn', '5002').length === 1, 20000, 'its record');
    assert.equal(json('cdr', 'list', '--dn', '5002')[0].result, 'answered');
    assert.equal(run(['restart', '--when', 'tomorrow']).status, 2);
});
