// What a call leaves of itself: its trace by REST and the command line, as a capture file, a bundle and at a Homer server; and calls that are broken
// on purpose get the right sentence. The real page, a trunk that misbehaves.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launchChromium } from '../ui/lib/chromium.mjs';
import { Agent } from './agent.mjs';
import { binary, start } from './dngate.mjs';
import { adminOption, signIn } from './lib/admin.mjs';
import { makeSpeech } from './lib/audio.mjs';
import { BadTrunk } from './lib/badtrunk.mjs';
import { watchCdr } from './lib/cdr.mjs';
import { IcePeer } from './lib/icepeer.mjs';
import { AgentPage } from './lib/page.mjs';
import { until } from './lib/wait.mjs';

const SECRET = 'geheim5002';
const SLOW = { 5004: 'deaf', 5005: 'no handshake', 5006: 'wrong fingerprint', 5007: 'gone' }; // calls that are over by themselves, side by side with the rest
let dir, server, admin, trunk, agent, browser, homer, nextCdr;
const broken = {}; // DN → {agent, call, peer}
const packets = []; // at the Homer server

const cli = (...words) => execFileSync(binary(), [...words, '--data', dir], { encoding: 'utf8' });

before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'dngate-trace-'));
    homer = createSocket('udp4').on('message', (data) => packets.push(data));
    homer.bind(0, '127.0.0.1');
    await once(homer, 'listening');
    trunk = await BadTrunk.open();
    for (const dn of ['5001', '5002', '5003', ...Object.keys(SLOW)]) cli('dn', 'add', dn, '--password', `geheim${dn}`);
    cli('trunk', 'add', 'genesys', '--address', `127.0.0.1:${trunk.port}`, '--ping', '0');
    server = await start({ lab: false, dir, options: [adminOption, 'trace.sample=0', 'turn.enabled=no', 'media.rtp_timeout=0'] });
    cli('settings', 'trace.hep', `127.0.0.1:${homer.address().port}`);
    admin = await signIn(server);
    await breakCalls();
    [agent, browser] = await Promise.all([new Agent(server, '5002', SECRET).open(), launchChromium({ microphone: makeSpeech(dir) })]);
    nextCdr = await watchCdr(server, ({ dn }) => !SLOW[dn]);
    await until(() => { // the setting is looked at each second
        trunk.pings(server.ports['sip-udp']);
        return packets.length;
    }, 20000, 'the Homer server to be told of something');
});
after(async () => {
    agent?.close();
    for (const { agent: its, peer } of Object.values(broken)) {
        its.close();
        peer?.close();
    }
    await browser?.close();
    trunk?.close();
    homer?.close();
    await server?.stop();
    if (dir) rmSync(dir, { recursive: true, force: true });
});

// Four calls whose audio does not come about or does not last. Each takes the time that the gateway waits.
async function breakCalls() {
    const files = { certificate: join(dir, 'page.crt'), key: join(dir, 'page.key') };
    execFileSync('openssl', [...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=page -days 30 -keyout'.split(' '), files.key, '-out', files.certificate], { stdio: 'ignore' });
    const { fingerprint256 } = new X509Certificate(readFileSync(files.certificate));
    const begin = async (dn, peer, fingerprint) => {
        const its = await new Agent(server, dn, `geheim${dn}`).open(), call = its.call('mute', [], peer?.offer(fingerprint)), answer = await its.wait(200, 'INVITE');
        its.ack(call, answer);
        peer?.begin(answer.body);
        broken[dn] = { agent: its, call, peer };
    };

    trunk.answers('mute', { address: '127.0.0.1' });
    await Promise.all([
        begin('5004'), // its candidates lead nowhere
        IcePeer.open().then((peer) => begin('5005', peer, fingerprint256)),
        IcePeer.open(files).then((peer) => begin('5006', peer, fingerprint256.replace(/^../, fingerprint256.startsWith('00') ? '01' : '00'))),
        IcePeer.open(files).then((peer) => begin('5007', peer, fingerprint256)),
    ]);
    const [{ id }] = (await get('/calls')).items.filter(({ dn }) => dn === '5007');
    await until(async () => (await get(`/calls/${id}/trace`)).events.some(({ kind }) => kind === 'dtls'), 20000, 'its audio to be encrypted');
    broken[5007].peer.silent = true;
}

async function get(path) {
    const { status, body, text } = await admin.get(path);
    assert.equal(status, 200, `${path}: ${text}`);
    return body;
}
const kept = (id) => until(async () => (await get('/cdr?limit=50')).items.find((item) => item.id === id)?.traced, 20000, `the trace of ${id} to be kept`);

// A call of the agent's that is refused: its record.
async function refused(number, code, more) {
    const call = agent.call(number, more);
    agent.ack(call, await agent.wait(code, 'INVITE'));
    return (await nextCdr())[0];
}

test('refused calls: the sentence says why, the list in short', async () => {
    trunk.refuses('480', 480, 'Temporarily Unavailable');
    trunk.refuses('488', 488, 'Not Acceptable Here', ['Warning: 305 sbc "Incompatible media format"']);
    trunk.refuses('403', 403, 'Forbidden');
    const expected = [
        ['404', 404, 'bad', /^The number 404 does not exist$/, /genesys answered 404 Not Found/, 'no_number', { number: '404', trunk: 'genesys', answer: '404 Not Found' }],
        ['480', 480, 'warn', /^Who was called is not available$/, /480/, 'called_away', { trunk: 'genesys', answer: '480 Temporarily Unavailable' }],
        ['488', 488, 'bad', /^No common codec$/, /Incompatible media format/, 'codec_trunk_warning', { warning: '305 sbc "Incompatible media format"' }],
        ['403', 403, 'bad', /^The trunk refuses our calls$/, /403 Forbidden/, 'trunk_refuses', { answer: '403 Forbidden' }],
    ];
    for (const [number, code, level, title, cause, what, params] of expected) {
        const { id } = await refused(number, code);
        const { verdict } = await get(`/cdr/${id}`);
        assert.equal(verdict.level, level, number);
        assert.match(verdict.title, title);
        assert.match(verdict.cause, cause);
        assert.deepEqual([verdict.code, verdict.params], [what, params]);
        await kept(id);
        const [row] = (await get(`/cdr?number=${number}`)).items;
        assert.deepEqual([row.verdict, row.verdict_code, row.verdict_params], [verdict.title, what, params]);
    }
});

test('calls of the trunk that reach nobody', async () => {
    for (const [dn, code, title] of [['5009', 404, /^DN 5009 does not exist here$/], ['5003', 480, /^The agent could not be reached$/]]) {
        assert.equal(await trunk.calls(server.ports['sip-udp'], dn), code);
        const [{ id }] = await nextCdr();
        const { verdict, direction } = await get(`/cdr/${id}`);
        assert.deepEqual([verdict.level, direction], ['bad', 'in']);
        assert.match(verdict.title, title);
    }
});

test('records by REST: found, added up, as CSV, page by page', async () => {
    const quick = (rows) => rows.filter(({ dn }) => !SLOW[dn]); // the others may get their records in the middle of this
    const items = quick((await get('/cdr?limit=100')).items);
    const only = async (query) => quick((await get(`/cdr?${query}`)).items).map(({ id }) => id);
    const ids = (wanted) => items.filter(wanted).map(({ id }) => id);

    assert.deepEqual(await only('direction=in'), ids((r) => r.direction === 'in'));
    assert.deepEqual(await only('q=genesys&dn=5002&number=40'), ids((r) => r.dn === '5002' && r.callee.includes('40')));
    assert.deepEqual(await only('result=no_answer&trunk=genesys&path=none'), ids((r) => r.result === 'no_answer'));
    assert.deepEqual(await only('min_s=1'), []);
    assert.deepEqual(await only(`to_ms=${items[1].start_ms}`), ids((r) => r.start_ms < items[1].start_ms));
    for (const wrong of ['result=odd', 'max_mos=9', 'direction=up', 'limit=0', 'nosuch=1']) assert.equal((await admin.get(`/cdr?${wrong}`)).status, 422, wrong);

    const whole = await get('/cdr?limit=100');
    assert.equal(whole.total, whole.items.length);
    const paged = [];
    for (let cursor = ''; ;) {
        const page = await get(`/cdr?limit=2${cursor && `&cursor=${cursor}`}`);
        assert.equal('total' in page, false, 'a page of many does not know how many there are');
        paged.push(...quick(page.items).map(({ id }) => id));
        if (!(cursor = page.next)) break;
    }
    assert.deepEqual(paged, items.map(({ id }) => id));
    const sum = await get('/cdr/summary?dn=5002');
    assert.deepEqual([sum.calls, sum.outbound, sum.answered, sum.since_ms], [ids((r) => r.dn === '5002').length, sum.calls, 0, 0]);
    const { text, headers } = await admin.get('/cdr/export?direction=out');
    assert.match(headers['content-disposition'], /calls\.csv/);
    assert.deepEqual(text.trimEnd().split('\r\n').slice(1).map((line) => line.split(',')[0]).filter((id) => ids(() => true).includes(id)), ids((r) => r.direction === 'out'));
    assert.equal((await admin.get('/cdr/nosuch')).status, 404);
});

test('a trace of both legs, with nothing secret in it: by REST, as a ladder, as a capture file', async () => {
    const { id } = await refused('404', 404, [1, 2, 3, 4, 5, 6].map((n) => `X-Long-${n}: ${'x'.repeat(900)}`)); // as long as one with many candidates
    await kept(id);
    const trace = await get(`/cdr/${id}/trace`);
    const messages = trace.events.filter(({ kind }) => kind === 'sip').map(({ leg, direction, title }) => `${leg} ${direction} ${title}`);

    assert.deepEqual(messages.filter((m) => m.startsWith('trunk')), ['trunk out INVITE', 'trunk in 404 Not Found (INVITE)', 'trunk out ACK']);
    assert.deepEqual(messages.filter((m) => m.startsWith('browser')),
                     ['browser in INVITE', 'browser out 100 Trying (INVITE)', 'browser out 404 Not Found (INVITE)', 'browser in ACK']);
    assert.equal(trace.complete, true);
    assert.ok(trace.log.some((line) => line.includes(id)));
    assert.doesNotMatch(JSON.stringify(trace), /P2uYro0UCOQ4zxjKXaWCBui1/, 'the password of ICE');
    assert.match(cli('trace', id), /^The number 404 does not exist\.\n[^]*│── INVITE SDP ─+►│ +│\n[^]*│ +│◄─ 404 Not Found/);
    assert.deepEqual(JSON.parse(cli('trace', id, '--json')), trace);

    for (const [words, status, said] of [[['nosuch'], 1, /^dngate: there is no trace of call nosuch/], [[], 2, /usage: dngate trace CALL/], [[id, '--pcap', '/nosuch/x'], 1, /^dngate: \/nosuch\/x: No such file/]]) {
        const done = spawnSync(binary(), ['trace', ...words, '--data', dir], { encoding: 'utf8' });
        assert.equal(done.status, status, words.join(' '));
        assert.match(done.stderr, said);
    }
    const file = join(dir, 'call.pcapng');
    cli('trace', id, '--pcap', file);
    const shown = spawnSync('tshark', ['-r', file, '-d', `udp.port==${trunk.port},sip`, '-d', `udp.port==${server.ports['sip-udp']},sip`, '-T', 'fields', '-e', 'ip.src', '-e', 'udp.dstport',
                                       '-e', 'sip.Method', '-e', 'sip.Status-Code', '-e', '_ws.malformed', '-e', 'udp.checksum.status'], { encoding: 'utf8' });
    assert.equal(shown.status, 0, shown.stderr);
    const rows = shown.stdout.trimEnd().split('\n').map((line) => line.split('\t'));
    assert.equal(rows.length, messages.length);
    assert.deepEqual(rows.find(([, port]) => port === String(trunk.port)).slice(0, 5), ['127.0.0.1', String(trunk.port), 'INVITE', '', '']);
    assert.ok(rows.every((row) => !row[4]), shown.stdout);
    const download = await admin.get(`/cdr/${id}/pcap`);
    assert.equal(download.headers['content-type'], 'application/x-pcapng');
});

test('the bundle has all that a helper needs, and no secret', async () => {
    assert.equal((await admin.call('PUT', '/settings/alerts.webhook', { body: { value: 'https://127.0.0.1:1/hook/geheim-token' } })).status, 200);
    const [{ id }] = (await get('/cdr?limit=1')).items;
    const { status, text } = await admin.get(`/cdr/${id}/bundle`), bundle = JSON.parse(text);

    assert.equal(status, 200);
    assert.equal(bundle.record.id, id);
    assert.equal(bundle.trace.id, id);
    assert.deepEqual([bundle.verdict.title, bundle.verdict.code], ['The number 404 does not exist', 'no_number']);
    assert.equal(bundle.settings['trace.sample'], '0');
    assert.match(bundle.metrics, /^dngate_traces_kept_total [1-9]/m);
    assert.equal(bundle.settings['alerts.webhook'], 'https://127.0.0.1:1/…');
    const password = 'a password of rita';
    assert.equal((await admin.post('/users', { name: 'rita', role: 'readonly', password })).status, 201);
    const rita = await signIn(server, { name: 'rita', password });
    for (const path of ['/settings', '/settings/alerts.webhook', '/settings/history?key=alerts.webhook']) {
        const seen = await rita.get(path);
        assert.match(seen.text, /https:\/\/127\.0\.0\.1:1\/…/, path);
        assert.doesNotMatch(seen.text, /geheim-token/, path);
    }
    assert.equal((await get('/settings/alerts.webhook')).value, 'https://127.0.0.1:1/hook/geheim-token');
    for (const secret of [SECRET, 'correct horse', 'geheim-token', 'P2uYro0UCOQ4zxjKXaWCBui1']) assert.ok(!text.includes(secret), secret);
});

test('a call that runs; what went well is not kept, unless its DN is under watch', async () => {
    trunk.on('ring', (request) => request.reply(180, 'Ringing'));
    const once = async () => {
        const call = agent.call('ring');
        await agent.wait(180, 'INVITE');
        const { id } = JSON.parse(cli('calls', '--json')).find(({ dn }) => dn === '5002');
        const trace = await get(`/calls/${id}/trace`);
        assert.equal(trace.complete, false);
        assert.equal(trace.events.at(-1).title, '180 Ringing (INVITE)');
        agent.cancel(call);
        agent.ack(call, await agent.wait(487, 'INVITE'));
        await nextCdr();
        const { verdict } = await get(`/cdr/${id}`);
        assert.deepEqual([verdict.level, verdict.title], ['good', 'The agent hung up before the answer']);
        return id;
    };
    const first = await once();
    assert.deepEqual((await admin.post('/traces/watch', { dn: '5002' })).body, { dn: '5002' });
    assert.deepEqual((await get('/traces/watch')).items, [{ dn: '5002' }]);
    assert.equal((await admin.post('/traces/watch', { dn: '5002' })).status, 409);
    await kept(await once());
    assert.equal((await get('/cdr?limit=50')).items.find(({ id }) => id === first).traced, false);
    assert.equal((await admin.get(`/cdr/${first}/trace`)).status, 404);
    assert.equal((await admin.delete('/traces/watch/5002')).status, 204);
    assert.equal((await admin.delete('/traces/watch/5002')).status, 404);
});

test('the Homer server got both legs of a call under one id, and no secret', async () => {
    const chunks = (packet) => {
        assert.equal(packet.subarray(0, 4).toString(), 'HEP3');
        assert.equal(packet.readUInt16BE(4), packet.length);
        const found = {};
        for (let at = 6; at < packet.length; at += packet.readUInt16BE(at + 4)) found[packet.readUInt16BE(at + 2)] = packet.subarray(at + 6, at + packet.readUInt16BE(at + 4));
        return found;
    };
    const [{ id }] = (await get('/cdr?number=404&limit=1')).items;
    const mine = packets.map(chunks).filter((c) => c[17]?.toString() === id);

    assert.ok(mine.length >= 5, `${mine.length} of ${packets.length}`);
    assert.ok(mine.some((c) => c[8].readUInt16BE() === trunk.port && c[15].toString().startsWith('INVITE ')));
    assert.ok(mine.some((c) => c[2][0] === 6), 'by WebSocket');
    assert.ok(packets.every((p) => !/response="[0-9a-f]|ice-pwd:P2u/.test(p.toString())));
});

test('a page that hears nothing or not well, and why', async (t) => {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
    t.after(() => context.close());
    const page = await AgentPage.open(context, server, '5001');
    await page.startShift('geheim5001');
    // Until its trace has figures of five moments, a second from one to the next (a verdict needs three), and the page was heard in one of them.
    const sum = (counts) => counts.reduce((a, b) => a + b, 0);
    const figures = async () => {
        const [{ id }] = (await get('/calls')).items.filter(({ dn }) => dn === '5001');
        let graphs;
        await until(async () => {
            ({ graphs } = await get(`/calls/${id}/trace`));
            return graphs.t_ms.length >= 5 && sum(graphs.to_trunk.packets) > 0;
        }, 30000, 'figures of five moments').catch(({ message }) => assert.fail(`${message}: ${JSON.stringify(graphs)}`));
    };
    const talk = async (number, steps = figures) => {
        await page.dial(number);
        await page.call('connected');
        await steps();
        await page.hangup();
        const [{ id }] = await nextCdr();
        await kept(id);
        return { id, ...(await get(`/cdr/${id}`)) };
    };

    trunk.answers('stranger', { address: '127.0.0.3', audio: '127.0.0.9' });
    const stranger = await talk('stranger');
    assert.deepEqual([stranger.verdict.level, stranger.verdict.title], ['bad', 'One-way audio: the agent heard nothing']);
    assert.match(stranger.verdict.cause, /^Its SDP named 127\.0\.0\.3:\d+, but \d+ packets came from 127\.0\.0\.9:\d+/);
    const { graphs, events } = await get(`/cdr/${stranger.id}/trace`);
    // Not of the last moment: the page sends no more once it hangs up, and a slow machine may need longer than a second for the rest.
    assert.ok(graphs.t_ms.length >= 5 && sum(graphs.to_trunk.packets) > 0 && sum(graphs.to_browser.packets) === 0, JSON.stringify(graphs));
    assert.deepEqual(events.filter(({ kind }) => kind === 'ice' || kind === 'dtls').map(({ kind }) => kind), ['ice', 'dtls']);

    trunk.answers('nat', { address: '10.255.255.3' });
    const nat = await talk('nat');
    assert.equal(nat.verdict.code, 'mute_trunk_nat');
    assert.match(nat.verdict.cause, /10\.255\.255\.3:\d+, a private address, while its SIP comes from 127\.0\.0\.1/);

    trunk.answers('uneven', { address: '127.0.0.1', audio: '127.0.0.1', late: 100 });
    let uneven;
    for (let n = 0; n < 3 && !uneven; n++) { // a machine that is so busy that the page itself is bad is told of that first
        const call = await talk('uneven'), { lost, packets, jitter_ms: jitter } = call.from_browser;
        assert.ok(call.from_trunk.jitter_ms > 40 && call.verdict.level === 'bad', JSON.stringify(call));
        if (jitter <= 40 && lost <= 0.03 * (packets + lost)) uneven = call;
        else assert.match(call.verdict.code, /^(jitter|loss)_browser$/);
    }
    if (!uneven) return t.diagnostic('the page was bad in all three calls');
    assert.deepEqual([uneven.verdict.code, uneven.verdict.title], ['jitter_trunk', 'The agent heard choppily'], JSON.stringify(uneven));
    assert.ok(uneven.verdict.params.ms > 40, JSON.stringify(uneven));
});

test('digits that the trunk takes in no way but tones', async () => {
    trunk.answers('digits', { address: '127.0.0.1' });
    const call = agent.call('digits');
    agent.ack(call, await agent.wait(200, 'INVITE'));
    agent.request(call, 'INFO', [], 'Signal=5\r\nDuration=160\r\n', 'application/dtmf-relay');
    await until(() => agent.queue.some((m) => m.method === 'INFO' && m.code >= 200), 10000, 'an answer');
    agent.request(call, 'BYE');
    await agent.wait(200, 'BYE');
    const [{ id }] = await nextCdr();
    await kept(id);
    const { verdict } = await get(`/cdr/${id}`);

    assert.deepEqual([verdict.level, verdict.title], ['bad', 'Digits did not get through']);
    assert.equal((await get('/cdr?limit=1')).items[0].verdict, verdict.title, 'the list knows it from the trace, too');
    assert.match(verdict.cause, /1 digits .* lists no telephone-event/);
    assert.doesNotMatch(JSON.stringify(await get(`/cdr/${id}/trace`)), /Signal=5/);
});

test('a trunk that says nothing', async () => {
    trunk.on('nothing', () => {});
    const { id } = await refused('nothing', 503).catch(async (error) => { throw new Error(`${error.message} ${JSON.stringify(await get('/cdr?limit=1'))}`); });
    const { verdict } = await get(`/cdr/${id}`);

    assert.deepEqual([verdict.level, verdict.title], ['bad', 'The trunk did not answer']);
    assert.ok(verdict.cause.includes(`127.0.0.1:${trunk.port}`), verdict.cause);
});

// The verdict of a call of breakCalls(), once the gateway has ended it, and its trace.
async function ended(dn) {
    const { agent: its } = broken[dn];
    its.reply(await its.wait('BYE', undefined, 120000), 200, 'OK');
    await until(async () => (await get(`/cdr?dn=${dn}`)).items.length, 20000, 'its record');
    const [{ id }] = (await get(`/cdr?dn=${dn}`)).items;
    await kept(id);
    return { ...(await get(`/cdr/${id}`)), trace: await get(`/cdr/${id}/trace`) };
}

test('a browser whose certificate is not the one it promised', async () => {
    const { verdict, reason, trace } = await ended('5006');

    assert.deepEqual([verdict.level, verdict.code, reason], ['bad', 'fingerprint', 'Media failed: fingerprint']);
    assert.equal(verdict.title, 'No audio: the browser showed another certificate than it had promised');
    assert.deepEqual(trace.events.filter(({ kind }) => kind === 'ice' || kind === 'dtls').map(({ title }) => title.replace(/ [\d.:]+ .*/, '')),
                     ['ICE: the browser is reached at', 'audio failed: fingerprint']);
});

test('a browser whose handshake gets no answer', async () => {
    const { verdict, address, trace } = await ended('5005');

    assert.deepEqual([verdict.level, verdict.code], ['bad', 'dtls']);
    assert.equal(verdict.title, 'No audio: the encryption with the browser did not come about');
    assert.match(verdict.advice, /MTU/);
    assert.equal(address, `127.0.0.1:${broken[5005].peer.socket.address().port}`);
    assert.ok(trace.events.some(({ kind, title }) => kind === 'dtls' && title === 'audio failed: dtls'));
});

test('a browser that no audio reaches', async () => {
    const { verdict, trace } = await ended('5004');

    assert.deepEqual([verdict.level, verdict.code], ['bad', 'ice']);
    assert.equal(verdict.title, 'No audio: the browser and the gateway found no way to each other');
    assert.match(verdict.advice, /UDP/);
    assert.ok(trace.events.some(({ kind, title }) => kind === 'ice' && title === 'audio failed: ice'));
});

test('a browser that is gone in the middle of a call', async () => {
    const { verdict, trace } = await ended('5007');

    assert.deepEqual([verdict.level, verdict.code, verdict.params], ['bad', 'consent_at', { address: `127.0.0.1:${broken[5007].peer.socket.address().port}` }]);
    assert.equal(verdict.title, "The connection to the agent's browser was lost");
    assert.ok(broken[5007].peer.checked > 0, 'it had answered before');
    assert.deepEqual(trace.events.filter(({ kind }) => kind === 'ice' || kind === 'dtls').map(({ title }) => title.replace(/ [\d.:]+ .*/, '')),
                     ['ICE: the browser is reached at', 'DTLS: audio is encrypted', 'audio failed: consent']);
});
