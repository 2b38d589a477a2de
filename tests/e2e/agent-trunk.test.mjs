// The real page in Chromium against the real server in normal mode, with a trunk that is not ours: sipp, or a far end of our own where
// the test must see or send what sipp cannot.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { launchChromium } from '../ui/lib/chromium.mjs';
import { binary, freePort, start } from './dngate.mjs';
import { makeSpeech } from './lib/audio.mjs';
import { withoutTrace } from './lib/calls.mjs';
import { watchCdr } from './lib/cdr.mjs';
import { G711, OPUS, checkNotes } from './lib/echo.mjs';
import { FarEnd } from './lib/farend.mjs';
import { AgentPage } from './lib/page.mjs';
import { checkRowQuality } from './lib/quality.mjs';
import { cue, sipp } from './lib/sipp.mjs';
import { until } from './lib/wait.mjs';

const MOH = 440; // Hz, what the far end plays to who waits

let dir, server, browser, agent, nextCdr, port, mediaPort;
const frames = []; // SIP as agent's page receives it

const cli = (...args) => execFileSync(binary(), [...args, '--data', dir]);

async function newAgent(t, dn) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
    t?.after(() => context.close());
    await context.addInitScript(() => {
        window.WebSocket = class extends WebSocket {
            constructor(...how) {
                super(...how);
                window.newestSocket = this;
            }
        };
    });
    return AgentPage.open(context, server, dn);
}

const serve = (options = []) => start({ lab: false, dir, options });

before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'dngate-e2e-'));
    server = await serve([`https.port=${await freePort()}`]); // it is started again there
    [port, mediaPort] = [await freePort(), await freePort()];
    cli('dn', 'add', '5001', '--password', 'secret5001');
    cli('dn', 'add', '5002', '--password', 'secret5002', '--codec', 'pcmu');
    cli('trunk', 'add', 'genesys', '--address', `127.0.0.1:${port}`, '--ping', '0');
    browser = await launchChromium({ microphone: makeSpeech(dir) });
    agent = await newAgent(null, '5001');
    agent.page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => frames.push(String(payload))));
    await agent.startShift('secret5001');
});
after(async () => {
    await browser?.close();
    try {
        await server?.stop();
    } finally {
        if (dir) rmSync(dir, { recursive: true, force: true });
    }
});

// A test that starts with no call on, and leaves none.
function check(name, steps) {
    test(name, (t) => withoutTrace(t, { server: () => server, agent: () => agent }, async () => {
        await agent.call('idle');
        nextCdr = await watchCdr(server);
        await steps(t);
    }));
}

async function farEnd(t) {
    const far = await FarEnd.open(port);
    t.after(() => far.close());
    return far;
}

const talk = (t, name, args = []) => sipp(t, name, { server, port, mediaPort, args, seconds: 300 });

async function checkRow(row, talked, expected) {
    for (const [key, value] of Object.entries(expected)) assert.equal(row[key], value, `${key} of ${JSON.stringify(row)}`);
    await checkRowQuality(server, row, talked);
    assert.ok(row.start_ms <= row.ring_ms && row.ring_ms <= row.answer_ms && row.answer_ms < row.end_ms, `times in ${JSON.stringify(row)}`);
}

async function dialAndHear(t, who, codec, quality) {
    const { done } = await talk(t, 'uas_talk');

    await who.dial('4711');
    await who.call('connected');
    const talked = await who.checkEcho(t, quality);
    await who.page.waitForFunction((name) => window.dngate.stats?.codec.toLowerCase() === name, codec);
    await who.hangup();
    await done;
    const [row] = await nextCdr();
    await checkRow(row, talked, { direction: 'outbound', dn: who.dn, callee: '4711', trunk: 'genesys', code: 200, hangup: 'agent', call_uuid: 'E2E-OUT' });
    assert.match(row.browser_codec, new RegExp(codec, 'i'));
    assert.match(row.trunk_codec, /pcmu/i);
}

check('the page dials the trunk: what is said comes back (Opus)', (t) => dialAndHear(t, agent, 'opus', OPUS));

check('the page dials the trunk: what is said comes back (PCMU)', async (t) => {
    const other = await newAgent(t, '5002');
    await other.startShift('secret5002');
    await dialAndHear(t, other, 'pcmu', G711);
});

check('the trunk calls: the page shows who, answers, hears; the trunk hangs up', async (t) => {
    frames.length = 0;
    const id = 'E2E-talk';
    const { done } = await talk(t, 'uac_talk', ['-s', '5001', '-cid_str', id]);
    await agent.call('incoming');
    assert.match(await agent.page.textContent('#caller'), /Ada Lovelace/);
    assert.match(await agent.page.textContent('#caller'), /\+4930123456/);
    const invite = frames.find((frame) => frame.startsWith('INVITE'));
    assert.match(invite, /^X-Genesys-CallUUID: E2E-IN\r$/m);
    assert.match(invite, /^User-to-User: 48656c6c6f;encoding=hex\r$/m);
    await agent.answer();
    const talked = await agent.checkEcho(t, OPUS);
    await cue(port, id);
    await agent.outcome('The other side hung up');
    assert.match(frames.find((frame) => frame.startsWith('BYE')), /^Reason: .*Far end left/m);
    await done;
    const [row] = await nextCdr();
    await checkRow(row, talked, { direction: 'inbound', dn: '5001', caller: '+4930123456', trunk: 'genesys', code: 200, hangup: 'trunk', call_uuid: 'E2E-IN' });
    assert.equal(row.reason, 'Far end left');
});

check('keypad digits arrive as telephone events, once each', async (t) => {
    const far = await farEnd(t);
    await agent.dial('4711');
    await agent.call('connected');
    await agent.hears();
    for (const digit of '50#') await agent.page.click(`[data-digit="${digit}"]`);
    await agent.page.keyboard.press('7');
    await far.hears('50#7');
    await agent.hangup();
    assert.ok(!far.methods.includes('INFO'));
    await nextCdr();
});

check('keypad digits of a call that came in arrive as telephone events, once each', async (t) => {
    const far = await farEnd(t);
    const answered = far.call('5001', { address: '127.0.0.1', port: server.ports['sip-udp'] });
    await agent.answer();
    await answered;
    far.play(MOH);
    await agent.hears();
    for (const digit of '159*0#') await agent.page.click(`[data-digit="${digit}"]`);
    await far.hears('159*0#');
    await agent.hangup();
    await nextCdr();
});

check('the page shows which number was called, and that a number is withheld', async (t) => {
    const far = await farEnd(t);
    const called = ['P-Called-Party-ID', '<tel:+49800123456>'];
    for (const [headers, who] of [[[called], /Ada Lovelace.*7001.*called: \+49800123456/], [[called, ['Privacy', 'id']], /^\s*Number withheld\s*called: \+49800123456\s*$/]]) {
        const answered = far.call('5001', { address: '127.0.0.1', port: server.ports['sip-udp'] }, headers);
        await agent.call('incoming');
        assert.match((await agent.page.textContent('#caller')).replace(/\s+/g, ' '), who);
        await agent.page.keyboard.press('Escape');
        assert.equal((await answered).status, 486);
        await agent.call('idle');
    }
    await nextCdr(2);
});

check('the trunk holds and resumes: the page stays connected, audio comes back', async (t) => {
    const far = await farEnd(t);
    await agent.dial('4711');
    await agent.call('connected');
    await agent.hears();
    far.echo = false;
    assert.match((await far.reinvite('sendonly')).body, /a=recvonly/);
    far.play(MOH);
    await checkNotes(t, () => agent.record(3), [[MOH, 1000]]); // once it has begun
    far.play(null);
    assert.match((await far.reinvite('inactive')).body, /a=inactive/);
    let before = -1;
    for (let i = 0; i < 10 && before !== far.received; i++) { // what was on its way
        before = far.received;
        await sleep(1000);
    }
    assert.equal(far.received, before, 'nothing is sent to who does not listen');
    assert.equal(await agent.page.getAttribute('#call', 'data-state'), 'connected');
    far.echo = true;
    assert.doesNotMatch((await far.reinvite('sendrecv')).body, /a=(sendonly|recvonly|inactive)/);
    await agent.checkEcho(t, OPUS);
    await agent.hangup();
    assert.equal((await nextCdr())[0].hangup, 'agent');
});

check('a second page in mid-call: it is told, takes over, and who talks goes on to the end, over blips of the network', async (t) => {
    const saying = (who, text) => who.page.locator('#message p', { hasText: text }).waitFor();
    const far = await farEnd(t);

    await agent.dial('4711');
    await agent.call('connected');
    const other = await newAgent(t, '5001');
    await other.signIn('secret5001');
    await other.page.click('#start-shift');
    await saying(other, 'DN 5001 is in a call elsewhere');
    await other.page.click('#take-over');
    await other.registration('registered');
    await saying(agent, 'This call goes on to its end');
    for (let blips = 1; blips <= 2; blips++) {
        await agent.page.evaluate(() => window.newestSocket.close());
        await until(() => frames.filter((frame) => /^X-Dngate-Elsewhere: signed-in\r$/m.test(frame)).length === blips, 30000, 'the page is back for its call');
    }
    await agent.checkEcho(t, OPUS);
    await other.registration('registered');
    assert.equal(await other.page.locator('#message p').count(), 0, 'nobody threw it out');
    await agent.page.click('#hangup');
    await agent.page.locator('#start-shift').waitFor();
    await saying(agent, 'signed in on another page');
    assert.equal((await nextCdr())[0].hangup, 'agent');
    const answered = far.call('5001', { address: '127.0.0.1', port: server.ports['sip-udp'] });
    await other.call('incoming');
    await other.page.keyboard.press('Escape');
    assert.equal((await answered).status, 486);
    await other.call('idle');
    await nextCdr();
    await agent.page.click('#start-shift'); // an idle page gives way at once
    await agent.registration('registered');
    await saying(other, 'signed in on another page');
});

check('a server that crashed and is back: the page registers by itself', async (t) => {
    const { https } = server.ports;
    await server.kill();
    await agent.registration('connecting');
    server = await serve([`https.port=${https}`]);
    const begin = Date.now();
    let tries = 0;
    const tried = () => tries++;
    agent.page.on('websocket', tried);
    await agent.registration('registered');
    agent.page.off('websocket', tried);
    t.diagnostic(`registered ${Date.now() - begin} ms after the server was ready`);
    assert.ok(tries <= 1, `the first attempt that could succeed did, no later one: ${tries}`);
    await farEnd(t);
    await agent.dial('4711');
    await agent.call('connected');
    await agent.hears();
    await agent.hangup();
    await nextCdr();
});

check('a server that drains says so on the page, with the time left', async (t) => {
    await farEnd(t);
    await agent.dial('4711');
    await agent.call('connected');
    const notice = agent.page.locator('#message [data-source=drain]');
    server.child.kill('SIGTERM');
    await notice.waitFor();
    assert.match(await notice.textContent(), /\d+ (seconds|minutes)/);
    await agent.page.click('#hangup');
    assert.equal((await server.exited).code, 0);
    await notice.waitFor({ state: 'detached' });
});
