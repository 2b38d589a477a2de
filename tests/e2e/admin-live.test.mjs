// What goes on in a running server by the console's REST and its live push, with real SIP: status, calls, registrations, history, bans, and
// that the command line says the same.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { Agent } from './agent.mjs';
import { binary, start } from './dngate.mjs';
import { adminOption, call as request, signIn, stranger } from './lib/admin.mjs';
import { listen } from './lib/events.mjs';
import { parse, scrape } from './lib/metrics.mjs';
import { until } from './lib/wait.mjs';

const BAN_AFTER = 3;
let server, admin;

before(async () => {
    server = await start({ options: [adminOption, `guard.ban_after=${BAN_AFTER}`, `guard.slow_after=${BAN_AFTER}`] });
    admin = await signIn(server);
});
after(() => server?.stop());

const cli = (...words) => JSON.parse(spawnSync(binary(), [...words, '--json', '--data', server.dir], { encoding: 'utf8', timeout: 30000 }).stdout);

async function get(path) {
    const { status, body, text } = await admin.get(path);
    assert.equal(status, 200, `${path}: ${text}`);
    return body;
}

async function calling(agent, number = '600') {
    const call = agent.call(number);
    agent.ack(call, await agent.wait(200, 'INVITE'));
    return call;
}

test('status: parts with their times, what needs attention, agents by state, trunks, the box', async () => {
    const status = await get('/status');

    assert.deepEqual([status.ready, status.lab, status.calls, status.registrations, status.dns], [true, true, 0, 0, 5]);
    assert.deepEqual(status.agents, { off: 5, ready: 0, ringing: 0, on_call: 0 });
    assert.deepEqual(status.trunks.map(({ name, state }) => [name, state]), [['lab', 'up']]);
    assert.ok(status.trunks[0].rtt_ms > 0 && status.trunks[0].since_ms >= status.started_ms - 5000);
    for (const part of status.parts) assert.ok(Math.abs(part.since_ms - status.now_ms) < 60000, JSON.stringify(part));
    assert.ok(['store', 'web', 'sip', 'media', 'trunk'].every((name) => status.parts.some((part) => part.name === name)));
    assert.deepEqual(status.attention, [], 'a lab is no fault');
    assert.ok(status.box.cpus >= 1 && status.box.rss_bytes > 1e6 && status.box.disk_free_bytes > 0);
    assert.ok(status.certificate.own && status.certificate.days > 700);
    const said = cli('status');
    assert.deepEqual(said.trunks.map(({ name }) => name), ['lab']);
    assert.deepEqual([said.dns, said.agents, said.certificate], [status.dns, status.agents, status.certificate]);
});

test('a call as it runs: both legs, who hears what, the page\'s own report; hung up; in the hour and in the history', async () => {
    const agent = await new Agent(server, '5001', 'lab5001').open();
    const call = await calling(agent);
    const [shown, ...others] = (await get('/calls')).items;

    assert.deepEqual(others, []);
    assert.deepEqual([shown.dn, shown.direction, shown.callee, shown.trunk, shown.state, shown.codec_browser, shown.codec_trunk],
        ['5001', 'out', '600', 'lab', 'answered', 'opus', 'PCMU']);
    assert.ok(shown.answer_ms >= shown.start_ms && shown.name);
    assert.equal(shown.quality.browser, null);

    const report = async (body, code, type = 'application/vnd.dngate.report+json') => {
        agent.request(call, 'INFO', [], body, type);
        await agent.wait(code, 'INFO');
    };
    await report('{"mos":4.3,"loss":0.5,"jitter":3,"rtt":14,"far":0}', 200);
    await report('{"mos":99}', 400);
    await report('{"loss":0.5,"jitter":3}', 200);
    assert.deepEqual((await get('/calls')).items[0].quality.browser, { mos: null, loss_percent: 0.5, jitter_ms: 3 }, 'what it does not say is not 0');
    await report('{"mos":4.3,"loss":0.5,"jitter":3,"rtt":14,"far":0}', 200);
    await report('[', 400);
    const { browser, browser_rtt_ms: rtt } = (await get('/calls')).items[0].quality;
    assert.deepEqual([browser, rtt], [{ mos: 4.3, loss_percent: 0.5, jitter_ms: 3 }, 14]);
    assert.deepEqual(cli('calls')[0].quality.browser, browser);

    assert.deepEqual((await get('/status')).agents, { off: 4, ready: 0, ringing: 0, on_call: 1 });
    assert.equal((await get('/registrations')).items[0].state, 'on_call');
    const live = await get('/dns/5001/live');
    assert.deepEqual([live.state, live.calls.length, live.registrations.length, live.ban], ['on_call', 1, 1, null]);

    assert.equal((await admin.delete('/calls/nosuch')).status, 404);
    assert.equal((await admin.delete(`/calls/${shown.id}`)).status, 204);
    agent.reply(await agent.wait('BYE'), 200, 'OK');
    await until(async () => (await get('/calls')).items.length === 0, 10000, 'the call is over');
    await until(async () => (await get('/status')).hour.answered, 10000, 'the hour knows it');
    const { hour } = await get('/status');
    assert.deepEqual([hour.inbound, hour.outbound, hour.answered, hour.abandoned, hour.failed], [0, 1, 1, 0, 0]);
    agent.close();
});

test('an agent whose page is away while a call runs is on a call, and counted once', async () => {
    const agent = await new Agent(server, '5003', 'lab5003').open();
    await calling(agent);
    const [{ id }] = (await get('/calls')).items;

    agent.close();
    await until(async () => (await get('/status')).registrations === 0, 10000, 'the page is gone');
    const { calls, agents } = await get('/status');
    assert.deepEqual([calls, agents], [1, { off: 4, ready: 0, ringing: 0, on_call: 1 }]);
    assert.deepEqual((await get('/dns?state=on_call')).items.map(({ dn }) => dn), ['5003']);
    assert.equal((await get('/dns/5003/live')).state, 'on_call');
    assert.equal((await admin.delete(`/calls/${id}`)).status, 204);
    await until(async () => (await get('/calls')).items.length === 0, 40000, 'the call is over');
});

test('a registration: message to its page, dropped, and all of it in the DN\'s history', async () => {
    const agent = await new Agent(server, '5002', 'lab5002').open();

    assert.equal((await admin.post('/registrations/5002/message', { text: 'Lunch <b>at</b> "12"' })).status, 204);
    const message = await agent.wait('MESSAGE');
    assert.deepEqual(JSON.parse(message.body), { message: { text: 'Lunch <b>at</b> "12"' } });
    agent.reply(message, 200, 'OK');
    for (const [dn, body, status] of [['5002', { text: '' }, 422], ['5002', { text: 'x'.repeat(501) }, 422], ['5002', {}, 422], ['5003', { text: 'x' }, 404]])
        assert.equal((await admin.post(`/registrations/${dn}/message`, body)).status, status, JSON.stringify(body));

    assert.equal((await admin.delete('/registrations/5002')).status, 204);
    assert.equal((await admin.delete('/registrations/5002')).status, 404);
    agent.close();
    const again = await new Agent(server, '5002', 'lab5002').open();
    const third = await new Agent(server, '5002', 'lab5002').open();
    third.close();
    again.close();
    const wrong = { body: { dn: '5002', password: 'wrong' }, headers: { origin: `https://127.0.0.1:${server.ports.https}` } };
    for (let i = 0; i < BAN_AFTER - 1; i++) assert.equal((await request(server, 'POST', '/api/agent/v1/config', wrong)).status, 401);
    let items = [];
    await until(async () => (items = (await get('/dns/5002/history')).items)[0].times === BAN_AFTER - 1, 10000, 'the history has the last of it');
    assert.deepEqual(items.map(({ event }) => event).reverse(), ['signed_in', 'dropped', 'signed_in', 'taken_over', 'signed_out', 'refused']);
    assert.deepEqual([items[0].detail, items[0].address], ['wrong password', '127.0.0.1']);
    assert.deepEqual((await get('/bans')).items, []);
    assert.match(items.find(({ event }) => event === 'dropped').detail, /administrator/);
    assert.deepEqual((await get('/trunks/lab/history')).items.map(({ state }) => state), ['up']);
    assert.equal((await get('/trunks/lab/live')).addresses.length, 1);
    assert.equal((await admin.get('/trunks/nosuch/live')).status, 404);
    assert.deepEqual(cli('trunk', 'history', 'lab').map(({ state }) => state), ['up']);
    await until(async () => parse(await scrape(server)).sum('dngate_admin_sessions') === 1, 30000, 'the gauge of sessions');
    assert.ok(cli('registrations', 'history', '5002').some(({ event }) => event === 'taken_over'));
});

test('strangers get nothing; history of figures has its three spans', async () => {
    for (const path of ['/status', '/calls', '/registrations', '/bans', '/history', '/dns/5001/live', '/trunks/lab/live'])
        assert.equal((await stranger(server).get(path)).status, 401, path);
    for (const [span, step, count] of [['1h', 60, 60], ['24h', 300, 288], ['30d', 3600, 720]]) {
        const history = await get(`/history?span=${span}`);
        assert.equal(history.step_ms, step * 1000);
        for (const series of Object.values(history.series)) assert.equal(series.length, count);
        assert.deepEqual(Object.keys(history.series).sort(), ['abandoned', 'answered', 'bits_per_s', 'calls', 'cpu_percent', 'failed', 'inbound', 'jitter_ms',
            'loss_percent', 'mos', 'outbound', 'registrations', 'rss_bytes', 'turn_bits_per_s']);
    }
    assert.equal((await admin.get('/history?span=2h')).status, 422);
});

test('the push: a snapshot of each topic, then what changes; a call comes, is answered, goes; the session ends it', async () => {
    const events = await listen(server, admin);
    const first = [];
    for (let i = 0; i < 4; i++) first.push((await events.next(() => true)).topic);
    assert.deepEqual(first, ['status', 'calls', 'registrations', 'trunks']);
    assert.deepEqual([...events.topics.trunks.keys()], ['lab']);
    assert.equal(events.topics.calls.size, 0);

    const agent = await new Agent(server, '5004', 'lab5004').open();
    await events.next(({ topic, set }) => topic === 'registrations' && set?.some(({ dn, state }) => dn === '5004' && state === 'ready'));
    const call = await calling(agent);
    await events.next(({ topic, set }) => topic === 'calls' && set?.some(({ dn, state }) => dn === '5004' && state === 'answered'));
    await until(() => events.topics.registrations.get('5004').state === 'on_call', 10000, 'the agent is on a call'); // in a message of its own
    const [{ id }] = events.topics.calls.values();
    await events.next(({ topic, data }) => topic === 'status' && data.calls === 1 && data.agents.on_call === 1);

    const late = await listen(server, admin); // in the middle of a call: it is in the snapshot
    assert.deepEqual((await late.next(({ topic }) => topic === 'calls')).data.items.map((item) => item.id), [id]);
    late.close();

    agent.request(call, 'BYE');
    await agent.wait(200, 'BYE');
    await events.next(({ topic, gone }) => topic === 'calls' && gone?.includes(id));
    agent.close();
    await events.next(({ topic, gone }) => topic === 'registrations' && gone?.includes('5004'));
    assert.equal(events.topics.calls.size, 0);

    const other = await signIn(server), theirs = await listen(server, other);
    await theirs.next(({ topic }) => topic === 'status');
    assert.equal((await other.post('/logout')).status, 204);
    assert.equal(await theirs.end(), 4401);
    assert.equal(events.closed, null); // another session is not touched
    events.close();
});

test('the push is for who is signed in, on a page of this box', async () => {
    for (const cookie of ['', '__Host-dngate=nonsense', 'other=1']) assert.equal(await (await listen(server, { cookie })).end(), 4401, cookie);
    await assert.rejects(listen(server, { ...admin, origin: 'https://evil.example' }), { status: 403 });
    await assert.rejects(listen(server, { ...admin, origin: null }), { status: 403 });
    await assert.rejects(listen(server, { ...admin, protocol: 'sip' }), { status: 400 });
});
