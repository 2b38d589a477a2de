// The flows of a SIP Server as it is on the wire (lib/genesys.mjs) with real pages in Chromium and the real server: side by side on several
// DNs, then all of them again while one SIP message in ten is lost, one comes twice and one too late.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launchChromium } from '../ui/lib/chromium.mjs';
import { binary, start } from './dngate.mjs';
import { makeSpeech } from './lib/audio.mjs';
import { SipServer, callUuid } from './lib/genesys.mjs';
import { conference, hold, inbound, lead, outbound, retrieve, transfer } from './lib/genesysflows.mjs';
import { parse, scrape } from './lib/metrics.mjs';
import { AgentPage } from './lib/page.mjs';
import { RtpEnd } from './lib/rtpend.mjs';
import { until } from './lib/wait.mjs';

const DNS = ['5021', '5022', '5023', '5024', '5025', '5026'];
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
    await Promise.all(DNS.map(async (dn) => {
        const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
        const agent = await AgentPage.open(context, server, dn);
        await agent.startShift(`secret${dn}`);
        free.push(agent);
    }));
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
    await until(() => free.length, 120000, 'a page is free');
    const agent = free.shift();
    const ends = [];
    const end = async (how) => ends[ends.push(await RtpEnd.open(how)) - 1];
    const from = server.log.length;
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

    await until(() => ended().length >= count, 40000, `the call of ${agent.dn} is over`);
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
    }, 15000, `${agent.dn} hears ${hz} Hz`);
}

// What calls take, and give back.
async function left() {
    const metrics = parse(await scrape(server));

    return ['sip_dialogs', 'media_paths', 'rtp_port_pairs', 'calls'].map((name) => metrics.sum('dngate_limit_used', { name }));
}

const flows = {
    async 'inbound, answered in the page'({ agent, end, over }) {
        const caller = await end();
        const { leg } = await inbound(sip, agent.dn, caller, { ring: () => agent.answer() });
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
    async 'outbound, early media, then the answer'({ agent, end, over }) {
        const [early, far] = [await end(), await end()];
        const number = `9${agent.dn}`;
        const done = outbound(sip, far, { early, rings: 1500, wanted: (leg) => leg.invitation.uri.includes(number) });
        await agent.dial(number);
        await hearsTone(agent, 400);
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
    test(network, { concurrency: DNS.length, timeout: 300000 }, async (t) => {
        sip.lose(seed);
        if (seed !== null) t.diagnostic(`SEED=${seed}`);
        await Promise.all(Object.entries(flows).map(([name, steps]) => t.test(name, (tt) => lease(tt, steps))));
        sip.lose(null);
        t.diagnostic(sip.losses);
        await until(async () => (await left()).every((n) => n === 0), 60000, 'no dialog, port or call is left');
    });
