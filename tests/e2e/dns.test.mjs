// DNs as an administrator has them in the console and by the command line: thousands with their live state, ranges, selections, CSV, comparison.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { Agent } from './agent.mjs';
import { binary, start } from './dngate.mjs';
import { adminOption, signIn } from './lib/admin.mjs';
import { until } from './lib/wait.mjs';

const csv = { 'content-type': 'text/csv' };
let server, admin;

before(async () => {
    server = await start({ options: [adminOption] });
    admin = await signIn(server);
});
after(() => server?.stop());

const cli = (...words) => spawnSync(binary(), [...words, '--data', server.dir], { encoding: 'utf8', timeout: 30000 });
const json = (...words) => JSON.parse(cli(...words, '--json').stdout);

// The answer's body, after its status was as it should be.
async function got(answer, status = 200) {
    const { status: is, text, body } = await answer;
    assert.equal(is, status, text);
    return body;
}
const dnsOf = (page) => page.items.map((row) => row.dn);

test('a DN is added, changed, given a password and removed; what is wrong is named at its field', async () => {
    const made = await got(admin.post('/dns', { dn: '6001', name: '<b>Ada</b> "\'; DROP TABLE dn', auto_answer: true, call_limit: 1 }), 201);
    assert.match(made.password, /^[A-HJ-NP-Za-km-z2-9]{4}(-[A-HJ-NP-Za-km-z2-9]{4}){2}$/);
    assert.equal(made.name, '<b>Ada</b> "\'; DROP TABLE dn');
    (await new Agent(server, '6001', made.password).open()).close();

    const { status, headers } = await admin.get('/dns/6001');
    assert.equal(status, 200);
    assert.equal((await got(admin.patch('/dns/6001', { call_limit: 2 }, { 'if-match': headers.etag }))).call_limit, 2);
    await got(admin.patch('/dns/6001', { call_limit: 3 }, { 'if-match': headers.etag }), 412);
    assert.deepEqual(json('dn', 'show', '6001').call_limit, 2);

    const wrong = await got(admin.patch('/dns/6001', { call_limit: 11, codec: 'mp3', colour: 'red' }), 422);
    assert.deepEqual(wrong.errors.map((e) => e.field).sort(), ['call_limit', 'codec', 'colour']);
    await got(admin.post('/dns', { dn: '6001', password: 'secret1' }), 409);
    await got(admin.post('/dns', { dn: '60 01', password: 'secret1' }), 422);
    assert.deepEqual(await got(admin.post('/dns/6001/password', { password: 'another1' })), { dn: '6001' });
    assert.match((await got(admin.post('/dns/6001/password', {}))).password, /^.{4}-.{4}-.{4}$/);
    await got(admin.delete('/dns/6001'), 204);
    await got(admin.delete('/dns/6001'), 404);
    await got(admin.get('/dns/6001'), 404);
});

test('a range of 5,000 is added in one go, listed by pages, and searched in 30 ms', async () => {
    const { items } = await got(admin.post('/dns/range', { from: '10001', to: '15000', name: 'Agent #' }), 201);
    assert.equal(items.length, 5000);
    assert.equal(new Set(items.map((item) => item.password)).size, 5000);
    assert.match((await got(admin.post('/dns/range', { from: '14999', to: '15001' }), 409)).detail, /14999 exists already/);
    await got(admin.get('/dns/15001'), 404);
    await got(admin.post('/dns/range', { from: '10001', to: '1' }), 422);
    (await new Agent(server, '10777', items[776].password).open()).close();

    const all = [];
    for (let cursor = ''; cursor !== undefined;) {
        const page = await got(admin.get(`/dns?limit=500&sort=dn&order=desc${cursor && `&cursor=${encodeURIComponent(cursor)}`}`));
        assert.equal(page.total, 5005);
        all.push(...dnsOf(page));
        cursor = page.next || undefined;
    }
    assert.equal(all.length, 5005);
    assert.deepEqual([all[0], all[4999], all[5004]], ['15000', '10001', '5001']);

    let best = Infinity;
    for (const q of ['77', 'agent 12', '5001', 'lab']) {
        const began = performance.now();
        await got(admin.get(`/dns?q=${encodeURIComponent(q)}&sort=name`));
        best = Math.min(best, performance.now() - began);
    }
    assert.ok(best < 60, `${best} ms, with sanitizers`);
    assert.deepEqual(dnsOf(await got(admin.get('/dns?q=AGENT%2010777'))), ['10777']);
    await got(admin.get('/dns?sort=colour'), 422);
    await got(admin.get('/dns?cursor=rubbish'), 422);
});

test('who is signed in and who is on a call stands in the list, and in full at the DN', async () => {
    const agent = await new Agent(server, '5001', 'lab5001').open();
    const state = async (dn) => (await got(admin.get(`/dns?q=${dn}`))).items[0];

    await until(async () => (await state('5001')).state === 'ready');
    const row = await state('5001');
    assert.match(row.address, /^127\.0\.0\.1:\d+$/);
    assert.ok(row.since_ms > 0);
    const call = agent.call('600');
    agent.ack(call, await agent.wait(200, 'INVITE'));
    await until(async () => (await state('5001')).state === 'on_call');
    assert.deepEqual(dnsOf(await got(admin.get('/dns?state=on_call'))), ['5001']);
    const live = await got(admin.get('/dns/5001/live'));
    assert.deepEqual([live.state, live.registrations.length, live.calls.length, live.ban], ['on_call', 1, 1, null]);
    assert.equal(live.calls[0].callee, '600');
    await got(admin.get('/dns/59999/live'), 404);
    agent.close();
});

test('a call limit of its own stands above call.limit_per_dn', async () => {
    await got(admin.patch('/dns/5002', { call_limit: 1 }));
    const agent = await new Agent(server, '5002', 'lab5002').open();
    agent.ack(agent.call('600'), await agent.wait(200, 'INVITE'));
    agent.call('602');
    await agent.wait(486, 'INVITE');
    await got(admin.patch('/dns/5002', { call_limit: 0 })); // call.limit_per_dn: 2
    agent.ack(agent.call('600'), await agent.wait(200, 'INVITE'));
    agent.close();
});

test('the agent page is told whether it answers by itself', async () => {
    const features = async () => (await got(admin.call('POST', '/api/agent/v1/config', { body: { dn: '5003', password: 'lab5003' } }))).features;

    assert.deepEqual([(await features()).autoAnswer, (await features()).callLimit], [false, 0]);
    await got(admin.patch('/dns/5003', { auto_answer: true, call_limit: 4 }));
    assert.deepEqual([(await features()).autoAnswer, (await features()).callLimit], [true, 4]);
});

test('many are changed together or not at all', async () => {
    await got(admin.post('/dns/bulk', { action: 'disable', dns: ['10001', '10002', 'nobody'] }), 404);
    assert.equal((await got(admin.get('/dns/10001'))).enabled, true);
    assert.deepEqual(await got(admin.post('/dns/bulk', { action: 'disable', dns: ['10001', '10002'] })), { done: 2, items: [] });
    assert.deepEqual(dnsOf(await got(admin.get('/dns?enabled=false'))), ['10001', '10002']);
    const { items } = await got(admin.post('/dns/bulk', { action: 'reset', dns: ['10003', '10004'] }));
    assert.deepEqual(items.map((item) => [item.dn, item.name]), [['10003', 'Agent 10003'], ['10004', 'Agent 10004']]);
    (await new Agent(server, '10004', items[1].password).open()).close();
    assert.match(cli('dn', 'bulk', 'enable', '10001,10002').stdout, /^2 DNs enabled\n$/);
    const many = Array.from({ length: 4995 }, (_, i) => String(10006 + i));
    assert.equal((await got(admin.post('/dns/bulk', { action: 'remove', dns: many }))).done, 4995);
    assert.equal((await got(admin.get('/dns'))).total, 10);
    await got(admin.post('/dns/bulk', { action: 'burn', dns: ['10001'] }), 422);
    await got(admin.post('/dns/bulk', { action: 'remove', dns: [] }), 422);
});

test('CSV: a trial says what each row would do, an import does all or nothing, an export comes back unchanged', async () => {
    const file = 'dn,name,password,auto_answer,call_limit\n10001,Ada,,yes,3\n10002,Agent 10002,,,\n7001,New,secret1,,\n7002,Wrong,,,99\n';
    const trial = await got(admin.call('POST', '/dns/import?dry_run=true', { body: file, headers: csv }));
    assert.deepEqual([trial.added, trial.changed, trial.unchanged, trial.failed], [1, 1, 1, 1]);
    assert.deepEqual(trial.rows.map((row) => [row.line, row.dn, row.action]), [[2, '10001', 'change'], [3, '10002', 'same'], [4, '7001', 'add'], [5, '7002', 'error']]);
    assert.deepEqual(trial.rows[0].changes, [
        { field: 'name', before: 'Agent 10001', after: 'Ada' },
        { field: 'auto_answer', before: 'no', after: 'yes' },
        { field: 'call_limit', before: '0', after: '3' },
    ]);
    assert.match(trial.rows[3].detail, /^call_limit: 0 to 10/);
    assert.match((await got(admin.call('POST', '/dns/import', { body: file, headers: csv }), 422)).detail, /line 5: call_limit/);
    await got(admin.get('/dns/7001'), 404);
    const done = await got(admin.call('POST', '/dns/import', { body: file.replace('99', '9').replace('Wrong,', 'Right,secret2'), headers: csv }));
    assert.deepEqual([done.added, done.changed, done.failed], [2, 1, 0]);
    await got(admin.call('POST', '/dns/import', { body: '{}' }), 415);

    const exported = (await admin.get('/dns/export')).text;
    assert.match(exported, /^dn,name,password,enabled,codec,auto_answer,call_limit\r\n/);
    assert.match(exported, /\r\n10001,Ada,,yes,auto,yes,3\r\n/);
    assert.equal((await got(admin.call('POST', '/dns/import', { body: exported, headers: csv }))).changed, 0);
    assert.equal(exported, cli('dn', 'export').stdout);
});

test('a list from elsewhere is compared', async () => {
    const list = '\ufeff"Number";"Type";"State";"Name"\r\n10001;Extension;Enabled;Ada\r\n10002;Extension;Disabled;Agent 10002\r\n8001;Extension;Enabled;<i>Eve</i>\r\n';
    const told = await got(admin.call('POST', '/dns/compare', { body: list, headers: csv }));
    assert.equal(told.same, 1);
    assert.deepEqual(told.missing, [{ dn: '8001', name: '<i>Eve</i>' }]);
    assert.deepEqual(told.different, [{ dn: '10002', field: 'enabled', here: 'yes', there: 'no' }]);
    assert.equal(told.extra.length, 10);
    assert.match((await got(admin.call('POST', '/dns/compare', { body: 'no list\n', headers: csv }), 422)).detail, /line 1/);
});

test('each change stands in the audit with who and what', () => {
    const entries = json('audit', '--noun', 'dn', '--key', '10001');

    assert.ok(entries.some((entry) => entry.who === 'admin' && entry.via === 'console' && /10001 disabled/.test(entry.what)));
    assert.ok(entries.some((entry) => entry.via === 'cli' && /10001 enabled/.test(entry.what)));
});
