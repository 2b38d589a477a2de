// The real page in Chromium against the real server in lab mode: what is said arrives, both ways, and the records agree.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launchChromium } from '../ui/lib/chromium.mjs';
import { binary, start } from './dngate.mjs';
import { level, makeSpeech, notes } from './lib/audio.mjs';
import { watchCdr } from './lib/cdr.mjs';
import { G711, OPUS, checkEcho } from './lib/echo.mjs';
import { AgentPage } from './lib/page.mjs';

const MELODY = [523, 659, 784, 1047];

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

// A test that starts and ends with no call on, and shows the server's side of it when it failed.
function check(name, steps) {
    test(name, async (t) => {
        try {
            await agent.call('idle');
            nextCdr = await watchCdr(server);
            await steps(t);
        } catch (error) {
            t.diagnostic(server.log.slice(-15).join('\n'));
            if (await agent.page.isVisible('#hangup')) await agent.page.click('#hangup');
            throw error;
        } finally {
            for (const context of contexts.splice(1)) await context.close();
        }
    });
}

const times = ({ start_ms, ring_ms, answer_ms, end_ms }) => [start_ms, ring_ms, answer_ms, end_ms].filter(Boolean);

function checkAnswered(row, expected) {
    const { code, browser_packets, trunk_packets, browser_mos, trunk_mos } = row;

    for (const [key, value] of Object.entries(expected)) assert.equal(row[key], value, `${key} of ${JSON.stringify(row)}`);
    assert.equal(code, 200);
    assert.ok(browser_packets > 50 && trunk_packets > 50, `packets in ${JSON.stringify(row)}`);
    assert.ok(browser_mos > 1 && trunk_mos > 1, `MOS in ${JSON.stringify(row)}`); // how good depends on the machine
    assert.ok(row.answer_ms, 'has a time of answer');
    assert.deepEqual(times(row), times(row).toSorted((a, b) => a - b), 'times are in order');
}

check('600: what is said comes back (Opus)', async (t) => {
    await agent.dial('600');
    await agent.call('connected');
    await agent.checkEcho(t, OPUS);
    await agent.page.waitForFunction(() => window.dngate.stats?.bars >= 3);
    assert.equal(await agent.page.evaluate(() => window.dngate.stats.codec), 'opus');
    await agent.hangup();
    const [row] = await nextCdr();
    checkAnswered(row, { direction: 'outbound', dn: '5001', callee: '600', hangup: 'agent', trunk: 'lab' });
    assert.match(row.browser_codec, /opus/i);
});

check('600 by a DN that is set to PCMU while the server runs', async (t) => {
    execFileSync(binary(), ['dn', 'add', '5077', '--password', 'a long one', '--codec', 'pcmu', '--data', server.dir]);
    const other = await newAgent('5077');
    await other.startShift('a long one');
    await other.dial('600');
    await other.call('connected');
    await other.checkEcho(t, G711);
    await other.page.waitForFunction(() => window.dngate.stats?.codec === 'PCMU');
    await other.hangup();
    const [row] = await nextCdr();
    checkAnswered(row, { direction: 'outbound', dn: '5077', callee: '600', hangup: 'agent' });
    assert.match(row.browser_codec, /pcmu/i);
});

check('601: the announcement is heard, note by note', async () => {
    await agent.dial('601');
    await agent.call('connected');
    await agent.hears();
    const { heard } = await agent.record(5);
    assert.deepEqual(notes(heard, [...MELODY, 600, 900]), MELODY);
    assert.ok(level(heard) > -30 && level(heard) < -6, `level ${level(heard)} dB`);
    await agent.hangup();
    checkAnswered((await nextCdr())[0], { callee: '601' });
});

check('602 rings, then answers', async () => {
    await agent.dial('602');
    await agent.call('ringing');
    await agent.call('connected');
    await agent.hears();
    await agent.hangup();
    const [row] = await nextCdr();
    assert.equal(row.code, 200);
    const rang = row.answer_ms - row.ring_ms;
    assert.ok(rang > 2000 && rang < 6000, `rang for ${rang} ms`);
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
    await agent.answer();
    assert.match(await agent.page.textContent('#caller'), /700/);
    const { heard } = await agent.record(4); // the melody takes 3.2 s
    assert.ok(notes(heard, MELODY).length >= 2, 'some of the melody');
    await agent.checkEcho(t, OPUS);
    await agent.hangup();
    const [out, back] = (await nextCdr(2)).sort((a, b) => a.start_ms - b.start_ms);
    assert.equal(out.direction, 'outbound');
    assert.equal(out.hangup, 'trunk');
    checkAnswered(back, { direction: 'inbound', dn: '5001', hangup: 'agent' });
});

check('5001 calls 5002: each hears the other', async (t) => {
    const other = await newAgent('5002');
    await other.startShift();
    await agent.dial('5002');
    await other.answer();
    assert.match(await other.page.textContent('#caller'), /5001/);
    await agent.call('connected');
    await Promise.all([agent.hears(), other.hears()]);
    const both = async (seconds) => {
        const [a, b] = await Promise.all([agent.record(seconds), other.record(seconds)]); // they start one after the other
        return [{ sent: a.sent, heard: b.heard }, { sent: b.sent, heard: a.heard }];
    };
    await checkEcho(t, both, { lags: [-1200, 2000], seconds: 8 });
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
