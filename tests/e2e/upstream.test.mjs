// DNs that are registered at SIP Server while their agents are signed in here: what goes over the wire, who is told what, and that a
// thousand of them come back in time without ever going faster than is set.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Agent } from './agent.mjs';
import { binary, start } from './dngate.mjs';
import { adminOption, signIn } from './lib/admin.mjs';
import { metricsOfNow } from './lib/metrics.mjs';
import { Registrar } from './lib/registrar.mjs';
import { until } from './lib/wait.mjs';

const run = promisify(execFile);
const release = fileURLToPath(new URL('../../build/dngate', import.meta.url));
const program = existsSync(release) && !process.env.DNGATE_BIN && !process.env.TEST_BINARY ? release : binary();
const SOON_MS = 60000;
const genesys = new Registrar(), agents = new Set();
let server, signedIn;

const cli = (...args) => run(binary(), [...args, '--data', server.dir]).then(({ stdout }) => stdout);
const came = async (dn) => {
    const agent = await new Agent(server, dn, `secret${dn}`).open();
    agents.add(agent);
    return agent;
};
const upstream = async (dn) => JSON.parse(await cli('registrations', '--json')).find((r) => r.dn === dn)?.upstream;
const state = (dn, want) => until(async () => (await upstream(dn))?.state === want, SOON_MS, `DN ${dn} ${want}`);
const attention = async () => (await signedIn.get('/status')).body.attention.find(({ kind }) => kind === 'upstream')?.text;
const left = (dn) => (h) => h.dn === dn && h.method === 'REGISTER' && h.expires === 0;

before(async () => {
    await genesys.open();
    server = await start({ lab: false, options: [adminOption, 'sip.unregister_seconds=2'] });
    signedIn = await signIn(server);
    const rows = Array.from({ length: 9 }, (_, i) => `50${i + 10},secret50${i + 10},${i === 1 ? 'Gsx-upstream-1' : i === 2 ? 'Gsx-upstream-other' : ''}`);
    const imported = run(binary(), ['dn', 'import', '-', '--data', server.dir]);
    imported.child.stdin.end(['dn,password,trunk_password', ...rows, ''].join('\n'));
    await imported;
    await cli('trunk', 'add', 'genesys', '--address', `127.0.0.1:${genesys.port}`, '--register', '--ping', '1');
    for (let i = 0; i < 9; i++) genesys.dns.set(`50${i + 10}`, {});
    genesys.dns.set('5011', { password: 'Gsx-upstream-1' });
    genesys.dns.set('5012', { password: 'Gsx-upstream-wanted' });
    genesys.dns.delete('5013');
});
after(async () => {
    agents.forEach((agent) => agent.close());
    genesys.close();
    await server?.stop();
});

test('a DN is registered with our address, and everybody can see it', async () => {
    await came('5010');
    const got = await genesys.hears((h) => h.dn === '5010' && h.code === 200);
    assert.equal(got.contact, `sip:5010@127.0.0.1:${server.ports['sip-udp']}`);
    assert.match(got.uri, new RegExp(`^sip:127\\.0\\.0\\.1:${genesys.port}(;|$)`));
    assert.equal(got.expires, 3600);
    await state('5010', 'registered');
    const { until_ms, ...what } = await upstream('5010');
    assert.ok(until_ms > Date.now() + 3000000);
    assert.deepEqual([what.trunk, what.code, what.text], ['genesys', 200, 'registered']);
    assert.match(await cli('registrations'), /5010 .* at genesys/);
    const { body } = await signedIn.get('/registrations');
    assert.equal(body.items.find((r) => r.dn === '5010').upstream.state, 'registered');
    assert.equal((await signedIn.get('/dns/5010/live')).body.registrations[0].upstream.trunk, 'genesys');
    const { sum } = await metricsOfNow(server);
    assert.ok(sum('dngate_upstream_registrations', { state: 'registered' }) >= 1);
    assert.ok(sum('dngate_upstream_registration_requests_total', { outcome: 'ok' }) >= 1);
});

test("the DN's own password answers SIP Server's challenges, of calls, too; nothing answers with it", async () => {
    const agent = await came('5011');
    await genesys.hears((h) => h.dn === '5011' && h.method === 'REGISTER' && h.code === 401);
    await genesys.hears((h) => h.dn === '5011' && h.method === 'REGISTER' && h.authorised && h.code === 200);
    const d = agent.call('600');
    await genesys.hears((h) => h.dn === '5011' && h.method === 'INVITE' && h.code === 407);
    await genesys.hears((h) => h.dn === '5011' && h.method === 'INVITE' && h.authorised);
    agent.ack(d, await agent.wait(486));
    const one = await signedIn.get('/dns/5011');
    assert.equal(one.body.trunk_password_set, true);
    for (const text of [one.text, (await signedIn.get('/dns/export')).text, await cli('dn', 'show', '5011', '--json'), await cli('dn', 'export')])
        assert.doesNotMatch(text, /Gsx-upstream/);
    assert.doesNotMatch((await signedIn.get('/audit?limit=200')).text, /Gsx-upstream/);
});

test('a wrong password is said, and the right one, once it is set, is used at once', async () => {
    await came('5012');
    await state('5012', 'refused');
    assert.match((await upstream('5012')).text, /does not take the DN's password/);
    const from = genesys.heard.length;
    const { status, body } = await signedIn.patch('/dns/5012', { trunk_password: 'Gsx-upstream-wanted' });
    assert.deepEqual([status, body.trunk_password_set], [200, true]);
    await genesys.hears((h) => h.dn === '5012' && h.authorised && h.code === 200, from);
    await state('5012', 'registered');
    assert.equal((await signedIn.patch('/dns/5012', { trunk_password: '' })).body.trunk_password_set, false);
    genesys.dns.set('5012', {});
});

test('a 404, though it carries what a 200 would, is none: the page, the list and an alert say so; then it is there', async () => {
    const agent = await came('5013');
    const told = JSON.parse((await agent.wait('MESSAGE')).body).upstream;
    assert.deepEqual([told.state, told.code, told.text], ['refused', 404, 'SIP Server does not know the DN']);
    const { state: is, code, until_ms } = await upstream('5013');
    assert.deepEqual([is, code, until_ms], ['refused', 404, 0]);
    assert.match(await cli('registrations'), /5013 .* refused: SIP Server does not know the DN \(404\)/);
    await until(async () => /5013.*does not know/.test(await attention()), SOON_MS, 'what needs attention');
    genesys.dns.set('5013', {});
    agent.close();
    agents.delete(agent);
    const again = await came('5013');
    assert.equal(JSON.parse((await again.wait('MESSAGE')).body).upstream.state, 'registered');
    await until(async () => !(await attention()), SOON_MS, 'nothing needs attention');
});

test('a page that is loaded anew is left alone, one that is gone is un-registered', async () => {
    const [reloads, goes] = [await came('5014'), await came('5015')];
    await Promise.all(['5014', '5015'].map((dn) => genesys.hears((h) => h.dn === dn && h.code === 200)));
    const from = genesys.heard.length, before = genesys.registers('5015').at(-1);
    reloads.close();
    goes.close();
    await came('5014');
    const end = await genesys.hears(left('5015'), from);
    assert.deepEqual([end.callId, end.cseq, end.code], [before.callId, before.cseq + 1, 200]); // nothing between
    await until(async () => !JSON.parse(await cli('registrations', '--json')).some((r) => r.dn === '5015'), SOON_MS, 'gone');
    await came('5015'); // by now the time of the other one is over, too
    const back = await genesys.hears((h) => h.dn === '5015' && h.expires > 0, from);
    assert.equal(back.callId, before.callId);
    assert.deepEqual(genesys.heard.slice(from).filter((h) => h.dn === '5014'), []);
});

test('whoever is disabled leaves at once; enabled and signed in, he is back', async () => {
    const agent = await came('5016');
    await genesys.hears((h) => h.dn === '5016' && h.code === 200);
    const from = genesys.heard.length;
    await cli('dn', 'disable', '5016');
    await genesys.hears(left('5016'), from);
    await cli('dn', 'enable', '5016');
    agent.close();
    await came('5016');
    await genesys.hears((h) => h.dn === '5016' && h.expires > 0, from);
});

test('SIP Server asks for another time, and for a rest', async () => {
    genesys.dns.get('5017').once = { code: 423, phrase: 'Interval Too Brief', more: ['Min-Expires: 7200'] };
    genesys.dns.get('5018').once = { code: 503, phrase: 'Service Unavailable', more: ['Retry-After: 1'] };
    await Promise.all([came('5017'), came('5018')]);
    assert.equal((await genesys.hears((h) => h.dn === '5017' && h.code === 200)).expires, 7200);
    await genesys.hears((h) => h.dn === '5018' && h.code === 200);
    await state('5018', 'registered');
});

test('SIP Server starts anew: all register again', async () => {
    const there = [...genesys.bindings.keys()], from = genesys.heard.length;
    assert.ok(there.length >= 8, String(there));
    genesys.silent = true;
    await server.says(/ trunk=genesys .* down/);
    genesys.forget();
    genesys.silent = false;
    for (const dn of there) await genesys.hears((h) => h.dn === dn && h.code === 200 && h.expires > 0, from, SOON_MS);
    await until(() => genesys.bindings.size === there.length, SOON_MS, 'all are registered');
});

test('dngate starts anew: nobody is un-registered, everybody is registered again in the same binding', async () => {
    const from = genesys.heard.length, old = new Map(genesys.bindings), there = [...agents].filter((a) => old.has(a.dn));
    const begun = server.says(/ ready$/, SOON_MS, server.log.length);
    await cli('restart', '--when', 'now');
    await begun;
    for (const a of there) a.close();
    for (const dn of new Set(there.map((a) => a.dn))) {
        await came(dn);
        const got = await genesys.hears((h) => h.dn === dn && h.code === 200, from);
        assert.equal(got.callId, old.get(dn).callId);
        assert.ok(got.cseq > old.get(dn).cseq, `${got.cseq} after ${old.get(dn).cseq}`);
    }
    assert.deepEqual(genesys.heard.slice(from).filter((h) => h.method === 'REGISTER' && h.expires === 0), []);
});

test('a planned end un-registers all', async () => {
    assert.ok(genesys.bindings.size >= 8);
    const how = await server.kill('SIGTERM');
    assert.equal(how.code, 0);
    assert.deepEqual([...genesys.bindings.keys()], []);
});

test('a thousand DNs: registered, and again when SIP Server has started anew, never faster than is set', async (t) => {
    const COUNT = 1000, RATE = 200, many = new Registrar(), first = 20000;
    const box = await start({ lab: false, program, options: [`sip.register_rate=${RATE}`, 'http.conns_per_ip=4000', 'http.rate=100000'] });
    const crowd = [];
    const faster = (begin, n) => (performance.now() - begin) / 1000 < (n - 1) / RATE - 0.1; // and what is saved up
    t.after(async () => {
        crowd.forEach((agent) => agent.close());
        many.close();
        await box.stop();
    });
    await many.open();
    const imported = run(program, ['dn', 'import', '-', '--data', box.dir]);
    imported.child.stdin.end(`dn,password\n${Array.from({ length: COUNT }, (_, i) => `${first + i},secret${first + i}`).join('\n')}\n`);
    await imported;
    await run(program, ['trunk', 'add', 'genesys', '--address', `127.0.0.1:${many.port}`, '--register', '--ping', '1', '--data', box.dir]);
    for (let i = 0; i < COUNT; i++) many.dns.set(String(first + i), {});

    const begin = performance.now();
    const some = async (from) => {
        for (let i = from; i < COUNT; i += 20) crowd.push(await new Agent(box, String(first + i), `secret${first + i}`).open());
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => some(i)));
    await until(() => many.bindings.size === COUNT, 180000, 'a thousand DNs are registered');
    assert.ok(!faster(begin, COUNT));
    assert.equal(many.registers().filter((h) => !h.again).length, COUNT, 'one REGISTER each');
    assert.equal(new Set(many.registers().map((h) => h.callId)).size, COUNT, 'a Call-ID each');

    many.silent = true;
    await box.says(/ trunk=genesys .* down/);
    many.forget();
    const from = many.heard.length, again = performance.now();
    many.silent = false;
    await until(() => many.bindings.size === COUNT, 180000, 'a thousand DNs are registered again');
    assert.ok(!faster(again, COUNT));
    assert.equal(many.heard.slice(from).filter((h) => h.method === 'REGISTER' && !h.again && h.code === 200).length, COUNT);
    t.diagnostic(`registered in ${Math.round(again - begin)} ms, again in ${Math.round(performance.now() - again)} ms`);
});
