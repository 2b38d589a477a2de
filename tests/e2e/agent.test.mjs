// The real page in Chromium against the real server in lab mode: what is said arrives, both ways, and the records agree.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launchChromium } from '../ui/lib/chromium.mjs';
import { binary, start } from './dngate.mjs';
import { bars } from '../../admin-ui/agent/quality.js';
import { level, makeSpeech } from './lib/audio.mjs';
import { withoutTrace } from './lib/calls.mjs';
import { watchCdr } from './lib/cdr.mjs';
import { ofBrowser } from './lib/counts.mjs';
import { G711, OPUS, checkEcho, checkNotes, checkNotesOnce } from './lib/echo.mjs';
import { AgentPage } from './lib/page.mjs';
import { checkRowQuality } from './lib/quality.mjs';
import { until } from './lib/wait.mjs';

const MELODY = [[523, 300], [659, 300], [784, 400], [0, 200], [1047, 300], [784, 300], [0, 200], [659, 300], [523, 500]]; // Hz, ms
const PAUSE = [0, 400]; // before it comes again
const MELODY_DB = -16; // the lab's notes are sines of 8000, a fifth is pauses

let dir, server, browser, agent, nextCdr;
const contexts = [];

async function newAgent(dn) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
    contexts.push(context);
    return AgentPage.open(context, server, dn);
}

before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'dngate-e2e-'));
    server = await start();
    browser = await launchChromium({ microphone: makeSpeech(dir) });
    agent = await newAgent('5001');
    await agent.startShift();
});
after(async () => {
    await browser?.close();
    if (dir) rmSync(dir, { recursive: true, force: true });
    await server?.stop();
});

// A test that starts with no call on, and leaves none, and no other page.
function check(name, steps) {
    test(name, (t) => withoutTrace(t, { server: () => server, agent: () => agent }, async () => {
        t.after(async () => { for (const context of contexts.splice(1)) await context.close(); });
        await agent.call('idle');
        nextCdr = await watchCdr(server);
        await steps(t);
    }));
}

const times = ({ start_ms, ring_ms, answer_ms, end_ms }) => [start_ms, ring_ms, answer_ms, end_ms].filter(Boolean);

// Hangs up, and compares the record with what was counted.
async function hangUp(who, talked, expected) {
    await who.hangup();
    const [row] = await nextCdr();
    await checkAnswered(row, talked, expected);
    return row;
}

async function checkAnswered(row, talked, expected) {
    for (const [key, value] of Object.entries({ code: 200, ...expected })) assert.equal(row[key], value, `${key} of ${JSON.stringify(row)}`);
    await checkRowQuality(server, row, talked);
    assert.ok(row.answer_ms, 'has a time of answer');
    assert.deepEqual(times(row), times(row).sort((a, b) => a - b), 'times are in order');
}

check('a gateway that stands still: the pill says so while the call goes on, and takes it back on the same connection', async () => {
    const registers = () => server.log.filter((line) => / registered/.test(line)).length;
    const before = registers();
    await agent.dial('600');
    await agent.call('connected');
    const { silent, soon, pills } = await agent.seenSilent(async () => {
        server.child.kill('SIGSTOP');
        await agent.pill('Offline').finally(() => server.child.kill('SIGCONT'));
        await agent.pill('On a call');
    });
    assert.ok(silent, pills);
    if (soon) assert.equal(registers(), before, pills);
    await agent.call('connected');
    await agent.hears();
    await agent.hangup();
});

check('600: what is said comes back (Opus)', async (t) => {
    await agent.dial('600');
    await agent.call('connected');
    const talked = await agent.checkEcho(t, OPUS);
    await agent.page.waitForFunction(() => window.dngate.stats?.bars >= 0);
    const stats = await agent.page.evaluate(() => window.dngate.stats);
    assert.equal(stats.bars, bars(stats), JSON.stringify(stats));
    assert.equal(stats.codec, 'opus');
    const row = await hangUp(agent, talked, { direction: 'outbound', dn: '5001', callee: '600', hangup: 'agent', trunk: 'lab' });
    assert.match(row.browser_codec, /opus/i);
});

check('600 by a DN that is set to PCMU while the server runs', async (t) => {
    execFileSync(binary(), ['dn', 'add', '5077', '--password', 'a long one', '--codec', 'pcmu', '--data', server.dir]);
    const other = await newAgent('5077');
    await other.startShift('a long one');
    await other.dial('600');
    await other.call('connected');
    const talked = await other.checkEcho(t, G711);
    await other.page.waitForFunction(() => window.dngate.stats?.codec === 'PCMU');
    const row = await hangUp(other, talked, { direction: 'outbound', dn: '5077', callee: '600', hangup: 'agent' });
    assert.match(row.browser_codec, /pcmu/i);
});

check('601: the announcement is heard, note by note', async (t) => {
    await agent.dial('601');
    await agent.call('connected');
    await agent.hears();
    const recorded = await checkNotes(t, () => agent.record(5), [...MELODY, PAUSE]);
    assert.ok(Math.abs(level(recorded.heard) - MELODY_DB) < 2.5, `level ${level(recorded.heard)} dB`);
    await hangUp(agent, recorded.counts, { callee: '601' });
});

check('602 rings, then answers', async () => {
    await agent.dial('602');
    await agent.call('ringing');
    await agent.call('connected');
    await agent.hears();
    await agent.hangup();
    const [row] = await nextCdr();
    assert.equal(row.code, 200);
    assert.ok(row.start_ms <= row.ring_ms && row.ring_ms < row.answer_ms, `rang from ${row.ring_ms} to ${row.answer_ms}`);
});

check('603 is busy, and says so', async () => {
    await agent.dial('603');
    await agent.outcome('Busy');
    const [row] = await nextCdr();
    assert.equal(row.code, 486);
    assert.equal(row.answer_ms, 0);
});

check('604 never answers; the agent gives up', async () => {
    await agent.dial('604');
    await agent.call('ringing');
    await agent.page.keyboard.press('Escape');
    await agent.outcome('Cancelled');
    const [row] = await nextCdr();
    assert.equal(row.code, 487);
    assert.equal(row.hangup, 'agent');
    assert.equal(row.answer_ms, 0);
});

check('700 calls back: melody first, then echo', async (t) => {
    await agent.dial('700');
    await agent.call('incoming');
    const recording = agent.recordNext(6);
    await agent.answer();
    assert.match(await agent.page.textContent('#caller'), /700/);
    const recorded = await recording;
    const talked = await agent.checkEcho(t, OPUS);
    const { heard } = await ofBrowser(agent);
    await agent.hangup();
    const [out, back] = (await nextCdr(2)).sort((a, b) => a.start_ms - b.start_ms);
    assert.equal(out.direction, 'outbound');
    assert.equal(out.hangup, 'trunk');
    await checkAnswered(back, talked, { direction: 'inbound', dn: '5001', hangup: 'agent' });
    checkNotesOnce(t, recorded, MELODY, back.trunk_packets - heard);
});

check('5001 calls 5002: each hears the other', async (t) => {
    const other = await newAgent('5002');
    await other.startShift();
    await agent.dial('5002');
    await other.answer();
    assert.match(await other.page.textContent('#caller'), /5001/);
    await agent.call('connected');
    await Promise.all([agent.hears(), other.hears()]);
    const both = async () => {
        const [a, b] = await Promise.all([agent.record(9), other.record(9)]); // they start one after the other
        return [[a, b], [b, a]].map(([from, { heard, counts }]) => ({ sent: from.sent, heard, counts }));
    };
    await checkEcho(t, both, OPUS, [-3000, 3000]);
    await other.page.click('#hangup');
    await agent.outcome('The other side hung up');
    const rows = await nextCdr(2);
    assert.deepEqual(rows.map((r) => r.direction).sort(), ['inbound', 'outbound']);
    for (const row of rows) assert.equal(row.code, 200);
    assert.equal(rows.find((r) => r.direction === 'inbound').hangup, 'agent');
    assert.equal(rows.find((r) => r.direction === 'outbound').hangup, 'trunk');
});

check('a second call waits, and is taken: the first one ends', async () => {
    const other = await newAgent('5002');
    await other.startShift();
    await agent.dial('600');
    await agent.call('connected');
    await other.dial('5001');
    await other.call('ringing');
    await agent.page.locator('#waiting', { hasText: '5002' }).waitFor();
    await agent.page.click('#waiting-take');
    await other.call('connected');
    await agent.call('connected');
    assert.match(await agent.page.textContent('#caller'), /5002/);
    await Promise.all([agent.hears(), other.hears()]);
    await agent.hangup();
    const rows = await nextCdr(3);
    assert.deepEqual(rows.map((r) => r.code), [200, 200, 200]);
});

check('a reload keeps the shift, and nothing is left behind', async () => {
    await agent.page.reload();
    await agent.registration('registered');
    await agent.dial('600');
    await agent.call('connected');
    await agent.hears();
    await agent.hangup();
    assert.equal(await agent.page.evaluate(() => window.dngate.peerConnections), 0);
    await nextCdr();
});

check('what the administrator sees of a call: both directions, and what the page itself hears; his message is on the page', async () => {
    const cli = (...words) => execFileSync(binary(), [...words, '--data', server.dir], { encoding: 'utf8' });
    let call;
    await agent.dial('600');
    await agent.call('connected');
    await until(() => (call = JSON.parse(cli('calls', '--json'))[0]).quality.browser !== null, 40000, 'the page reports');
    const { quality } = call;
    assert.deepEqual([call.dn, call.codec_browser, call.codec_trunk, call.path], ['5001', 'opus', 'PCMU', 'direct']);
    for (const name of ['to_trunk', 'to_browser', 'browser']) assert.ok(quality[name].mos > 1 && quality[name].mos <= 4.5, `${name}: ${JSON.stringify(quality)}`);
    const { state, browser: name } = JSON.parse(cli('registrations', '--json')).find(({ dn }) => dn === '5001');
    assert.deepEqual([state, /^Chrom\w+ \d+, Linux$/.test(name)], ['on_call', true], name);
    cli('registrations', 'message', '5001', 'Well done');
    await agent.page.locator('#message', { hasText: 'Your administrator writes: Well done' }).waitFor();
    await agent.hangup();
    await nextCdr();
});
