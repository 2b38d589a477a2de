// The flows of a SIP Server as it is on the wire (lib/genesys.mjs) with real pages in Chromium and the real server: side by side on several
// DNs, then all of them again while one SIP message in ten is lost, one comes twice and one too late.
// CROWD: many pages at a time
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launchChromium } from '../ui/lib/chromium.mjs';
import { binary, start } from './dngate.mjs';
import { makeSpeech } from './lib/audio.mjs';
import { SipServer, callUuid } from './lib/genesys.mjs';
import { OTHERS_HEADERS, conference, crossings, hold, inbound, lead, makeCall, outbound, press, retrieve, transfer } from './lib/genesysflows.mjs';
import { parse, scrape } from './lib/metrics.mjs';
import { AgentPage } from './lib/page.mjs';
import { RtpEnd, read } from './lib/rtpend.mjs';
import { until } from './lib/wait.mjs';

const DNS = ['5021', '5022', '5023', '5024'];
const WAIT_MS = 90000; // of a page on a busy machine
const ONLY = process.env.FLOW ?? ''; // part of a flow's name, while one looks into it
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

let dir, server, browser, sip;
const free = []; // pages on their shift with nothing on

const cli = (...args) => execFileSync(binary(), [...args, '--data', dir]);

before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'dngate-e2e-'));
    for (const dn of DNS) cli('dn', 'add', dn, '--password', `secret${dn}`);
    sip = await SipServer.open();
    cli('trunk', 'add', 'genesys', '--address', `127.0.0.1:${sip.port}`, '--ping', '0');
    server = await start({ lab: false, dir });
    sip.gateway = { address: '127.0.0.1', port: server.ports['sip-udp'] };
    browser = await launchChromium({ microphone: makeSpeech(dir) });
    for (const dn of DNS) {
        const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
        const agent = await AgentPage.open(context, server, dn);
        agent.page.setDefaultTimeout(WAIT_MS);
        agent.frames = [];
        agent.page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => agent.frames.push(String(payload))));
        await agent.startShift(`secret${dn}`);
        free.push(agent);
    }
});
after(async () => {
    await browser?.close();
    sip?.close();
    try {
        await server?.stop();
    } finally {
        if (dir) rmSync(dir, { recursive: true, force: true });
    }
});

async function lease(t, steps) {
    await until(() => free.length, 10 * WAIT_MS, 'a page is free');
    const agent = free.shift();
    const ends = [];
    const end = async (how) => ends[ends.push(await RtpEnd.open(how)) - 1];
    const from = server.log.length;
    agent.frames.length = 0;
    try {
        await steps({ agent, end, over: (expected, count = 1) => over(agent, from, expected, count) });
    } catch (error) {
        t.diagnostic(server.log.slice(from).filter((line) => line.includes(` dn=${agent.dn}`)).join('\n'));
        t.diagnostic(sip.losses);
        if (await agent.page.isEnabled('#hangup')) await agent.page.click('#hangup');
        throw error;
    } finally {
        for (const one of ends) one.close();
        await agent.backOnShift();
        await agent.call('idle');
        free.push(agent);
    }
}

// So many calls of the DN are over since then, the last of them as expected: fields of the log's line.
async function over(agent, from, expected, count) {
    const ended = () => server.log.slice(from).filter((line) => new RegExp(` dn=${agent.dn} .* ended$`).test(line));

    await until(() => ended().length >= count, WAIT_MS, `the call of ${agent.dn} is over`);
    assert.equal(ended().length, count);
    const fields = Object.fromEntries([...ended().at(-1).matchAll(/(\w+)=("[^"]*"|\S+)/g)].map(([, name, value]) => [name, value.replaceAll('"', '')]));
    for (const [name, value] of Object.entries(expected)) assert.equal(fields[name], String(value), `${name} in ${ended().at(-1)}`);
}

// The page hears this tone, and nothing else that is as loud.
async function hearsTone(agent, hz) {
    await agent.hears();
    await until(async () => {
        const heard = await agent.page.evaluate(() => {
            const { analyser, context } = window.heard;
            const bins = new Float32Array(analyser.frequencyBinCount);
            analyser.getFloatFrequencyData(bins);
            const top = bins.reduce((best, v, i) => (v > bins[best] ? i : best), 0);
            return { hz: (top * context.sampleRate) / analyser.fftSize, db: bins[top] };
        });
        return Math.abs(heard.hz - hz) < 40 && heard.db > -60;
    }, WAIT_MS, `${agent.dn} hears ${hz} Hz`);
}

// What calls take, and give back.
async function left() {
    const metrics = parse(await scrape(server));

    return ['sip_dialogs', 'media_paths', 'rtp_port_pairs', 'calls'].map((name) => metrics.sum('dngate_limit_used', { name }));
}

// From now on the page notes whether the beep is heard in its next call.
const listenForBeep = (agent) => agent.page.evaluate(() => {
    const before = window.dngate.remoteStream;
    let analyser;

    window.beep = 0;
    const timer = setInterval(() => {
        const stream = window.dngate.remoteStream;
        if (!stream || stream === before) return;
        if (!analyser) {
            const context = new AudioContext();
            analyser = new AnalyserNode(context, { fftSize: 1024, smoothingTimeConstant: 0 });
            context.createMediaStreamSource(stream).connect(analyser);
        }
        const bins = new Float32Array(analyser.frequencyBinCount);
        analyser.getFloatFrequencyData(bins);
        const top = bins.reduce((best, v, i) => (v > bins[best] ? i : best), 0);
        if (bins[top] > -60 && Math.abs((top * analyser.context.sampleRate) / analyser.fftSize - 1000) < 80) window.beep++;
    }, 20);
    setTimeout(() => clearInterval(timer), 20000);
});
const beeped = (agent) => agent.page.evaluate(() => window.beep > 1);

const says = (agent, text) => agent.page.locator('#call-state', { hasText: text }).waitFor();

const flows = {
    // First: it takes 32 s.
    async 'MakeCall: the far end never answers'({ agent, end, over }) {
        await makeCall(sip, agent.dn, await end(), { outcome: 'silent', patience: 31700 });
        await over({ direction: 'in', code: 200 });
    },
    async 'inbound, answered in the page'({ agent, end, over }) {
        const caller = await end();
        const { leg, ringing, ok } = await inbound(sip, agent.dn, caller, { headers: OTHERS_HEADERS, ring: () => agent.answer() });
        for (const msg of [ringing, ok]) assert.match(msg.get('Allow-Events'), /^talk, hold/);
        const invite = agent.frames.find((frame) => frame.startsWith('INVITE'));
        for (const [name, value] of [...OTHERS_HEADERS, ['X-Genesys-CallUUID', leg.uuid]]) assert.ok(invite.includes(`${name}: ${value}\r\n`), `${name} in ${invite}`);
        caller.play(700);
        await hearsTone(agent, 700);
        await caller.hears();
        await leg.bye({ reason: 'SIP;cause=200;text="Caller left"' });
        await over({ direction: 'in', code: 200, hangup: 'trunk', reason: 'Caller left' });
    },
    async 'inbound, the re-INVITE overtakes the ACK'({ agent, end, over }) {
        const caller = await end();
        const { leg } = await inbound(sip, agent.dn, caller, { overtakes: true, ring: () => agent.answer() });
        caller.play(900);
        await hearsTone(agent, 900);
        await agent.lastHangup();
        await leg.next('bye');
        await over({ direction: 'in', code: 200, hangup: 'agent' });
    },
    async 'hold with music, retrieve, transfer, conference'({ agent, end, over }) {
        const [caller, music, third, mixer] = [await end(), await end(), await end(), await end()];
        const { leg } = await inbound(sip, agent.dn, caller, { ring: () => agent.answer() });
        caller.play(500);
        await hearsTone(agent, 500);
        await hold(leg, music);
        music.play(1000);
        await hearsTone(agent, 1000);
        await lead(leg, music, { direction: 'inactive', zero: true });
        await retrieve(leg, caller, { sdp: false });
        await hearsTone(agent, 500);
        await caller.hears();
        const uuid = callUuid();
        await transfer(leg, third, uuid);
        third.play(1300);
        await hearsTone(agent, 1300);
        await third.hears();
        await conference(leg, mixer);
        mixer.play(1600);
        await hearsTone(agent, 1600);
        await mixer.hears();
        await leg.bye();
        await over({ direction: 'in', code: 200, hangup: 'trunk' });
    },
    async 'inbound, answered, held and retrieved from the desktop'({ agent, end, over }) {
        const caller = await end();
        const { leg } = await inbound(sip, agent.dn, caller, { desktop: true });
        await says(agent, 'answered from the desktop');
        caller.play(700);
        await hearsTone(agent, 700);
        await caller.hears();
        for (const event of ['conference', 'x-genesys-gvp-tenant-ports', '']) {
            const answer = await leg.notify(event);
            assert.equal(answer.status, 489);
            assert.match(answer.get('Allow-Events'), /^talk, hold, dtmf, beep/);
        }
        for (const [event, text, direction] of [['hold', 'On hold, from the desktop', 'sendonly'], ['talk', 'Connected', ''], ['HOLD;id=1', 'On hold', 'sendonly'], ['Talk', 'Connected', '']]) {
            const told = once(leg, 'invite', { signal: AbortSignal.timeout(WAIT_MS) });
            assert.equal((await leg.notify(event, { state: event === 'Talk' ? null : 'active;expires=3600' })).status, 200);
            await says(agent, text);
            const [offer] = await told;
            assert.equal(read(offer.body).direction.replace('sendrecv', ''), direction, `what the trunk is told of ${event}`);
        }
        assert.equal((await leg.notify('beep')).status, 200);
        await hearsTone(agent, 700);
        await press(leg, '159*0#A');
        await caller.hearsDigits('159*0#A');
        assert.equal((await leg.notify('dtmf', { body: 'x' })).status, 400);
        await leg.bye();
        await over({ direction: 'in', code: 200, hangup: 'trunk' });
    },
    async 'held, retrieved and transferred by the agent, refused once'({ agent, end, over }) {
        const caller = await end();
        const { leg } = await inbound(sip, agent.dn, caller, { ring: () => agent.answer() });
        caller.play(700);
        for (const [text, direction] of [['On hold', 'sendonly'], ['Connected', '']]) {
            const told = once(leg, 'invite', { signal: AbortSignal.timeout(WAIT_MS) });
            await agent.page.click('#hold');
            await says(agent, text);
            assert.equal(read((await told)[0].body).direction.replace('sendrecv', ''), direction, `what the trunk is told: ${text}`);
        }
        await hearsTone(agent, 700);
        for (const [line, text] of [['486 Busy Here', 'Connected'], ['200 OK', 'Transferred to 4712']]) {
            const asked = once(leg, 'refer', { signal: AbortSignal.timeout(WAIT_MS) });
            await agent.page.keyboard.press('t');
            await agent.page.fill('#dial-number', '4712');
            await agent.page.keyboard.press('Enter');
            assert.match((await asked)[0].get('Refer-To'), /^<sip:4712@127\.0\.0\.1/);
            await says(agent, 'Transferring to 4712');
            assert.equal((await leg.notify('refer', { state: 'terminated;reason=noresource', type: 'message/sipfrag', body: `SIP/2.0 ${line}\r\n` })).status, 200);
            await says(agent, text);
            if (text === 'Connected') await hearsTone(agent, 700);
        }
        await leg.next('bye');
        await over({ direction: 'in', code: 200, hangup: 'agent' });
    },
    async 'MakeCall: ringback made here, the far end answers'({ agent, end, over }) {
        const far = await end();
        const { leg, ok } = await makeCall(sip, agent.dn, far, { rings: 1000, up: () => hearsTone(agent, 425) });
        assert.ok(read(ok.body).codecs.includes(0) && read(ok.body).codecs.includes(8), 'a full offer');
        far.play(800);
        await hearsTone(agent, 800);
        await far.hears();
        await lead(leg, far, { sdp: false });
        await agent.lastHangup();
        await leg.next('bye');
        await over({ direction: 'in', code: 200, hangup: 'agent' });
    },
    async 'MakeCall: the re-INVITE overtakes the ACK with the answer'({ agent, end, over }) {
        const far = await end();
        const { leg } = await makeCall(sip, agent.dn, far, { rings: 300, overtakes: true });
        far.play(800);
        await hearsTone(agent, 800);
        await leg.bye();
        await over({ direction: 'in', code: 200, hangup: 'trunk' });
    },
    async 'MakeCall: a media server rings, then the far end answers'({ agent, end, over }) {
        const [far, ringback] = [await end(), await end()];
        const { leg } = await makeCall(sip, agent.dn, far, { rings: 3000, ringback, up: () => hearsTone(agent, 425), rung: () => hearsTone(agent, 400) });
        far.play(800);
        await hearsTone(agent, 800);
        await far.hears();
        await leg.bye();
        await over({ direction: 'in', code: 200, hangup: 'trunk' });
    },
    async 'MakeCall: the far end refuses, and our own offer comes back'({ agent, end, over }) {
        const { leg, ok } = await makeCall(sip, agent.dn, await end(), { outcome: 'refuses' });
        assert.ok(leg.ended);
        assert.equal(read(ok.body).address, '127.0.0.1');
        await over({ direction: 'in', code: 200, hangup: 'trunk', trunk_packets: 0 });
    },
    async 'an own offer that comes back without BYE: nobody talks to himself'({ agent, end, over }) {
        const far = await end();
        const { leg, ok } = await makeCall(sip, agent.dn, far, { outcome: 'nobody' });
        leg.ack(ok.body);
        await agent.page.waitForTimeout(1500);
        assert.equal((await lead(leg, far)).status, 200); // afterwards it can be led anywhere
        far.play(600);
        await hearsTone(agent, 600);
        await far.hears();
        await leg.bye();
        await over({ direction: 'in', code: 200, hangup: 'trunk' });
    },
    async 'answered by itself, as the call wants it, with a beep first'({ agent, end, over }) {
        const ways = [['Alert-Info', '<http://www.notused.com>;info=alert-autoanswer;delay=0'], ['Call-Info', '<sip:127.0.0.1>;answer-after=0'], ['Answer-Mode', 'Auto']];
        for (const [n, way] of ways.entries()) {
            const caller = await end();
            const { leg } = await inbound(sip, agent.dn, caller, { headers: [way] });
            await says(agent, 'answered by itself');
            caller.play(700);
            if (n === 0) await agent.hears();
            await hearsTone(agent, 700);
            await leg.bye();
            await over({ direction: 'in', code: 200 }, n + 1);
            await agent.call('idle');
        }
    },
    async 'answered by itself, as its DN is set, from the next call on'({ agent, end, over }) {
        cli('dn', 'set', agent.dn, '--auto-answer', 'yes');
        const caller = await end();
        await listenForBeep(agent);
        const { leg } = await inbound(sip, agent.dn, caller);
        caller.play(700);
        await says(agent, 'answered by itself');
        await hearsTone(agent, 700);
        assert.ok(await beeped(agent), 'a beep, before the caller');
        await leg.bye();
        await over({ direction: 'in', code: 200 });
        cli('dn', 'set', agent.dn, '--auto-answer', 'no');
        await agent.call('idle');
        const second = await inbound(sip, agent.dn, caller, { ring: () => agent.answer() });
        await second.leg.bye();
        await over({ direction: 'in', code: 200 }, 2);
    },
    ...Object.fromEntries(Object.entries(crossings).map(([name, cross]) => [name, async ({ agent, end, over }) => {
        await cross(sip, agent.dn, await end(), () => agent.page.evaluate(() => document.getElementById('answer').click())); // now or never
        await over({ direction: 'in' });
    }])),
    async 'outbound, early media, then the answer'({ agent, end, over }) {
        const [early, far] = [await end(), await end()];
        const number = `9${agent.dn}`;
        const done = outbound(sip, far, { early, rung: () => hearsTone(agent, 400), wanted: (leg) => leg.invitation.uri.includes(number) });
        await agent.dial(number);
        const { leg } = await done;
        await agent.call('connected');
        far.play(800);
        await hearsTone(agent, 800);
        await agent.lastHangup();
        await leg.next('bye');
        await over({ direction: 'out', code: 200, hangup: 'agent' });
    },
    async 'outbound, refused'({ agent, end, over }) {
        const number = `8${agent.dn}`;
        const done = outbound(sip, await end(), { code: 486, reason: 'Busy Here', wanted: (leg) => leg.invitation.uri.includes(number) });
        await agent.dial(number);
        await done;
        await agent.outcome('Busy');
        await over({ direction: 'out', code: 486, hangup: 'trunk' });
    },
};

for (const [network, seed] of [['a good network', null], ['SIP is lost, copied and overtaken', SEED]])
    test(network, { concurrency: DNS.length, timeout: 900000 }, async (t) => {
        sip.lose(seed);
        if (seed !== null) t.diagnostic(`SEED=${seed}`);
        await Promise.all(Object.entries(flows).filter(([name]) => name.includes(ONLY)).map(([name, steps]) => t.test(name, (tt) => lease(tt, steps))));
        sip.lose(null);
        t.diagnostic(sip.losses);
        await until(async () => (await left()).every((n) => n === 0), WAIT_MS, 'no dialog, port or call is left');
    });
