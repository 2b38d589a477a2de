// Codecs of the trunk with real pages in Chromium: G.722 and Opus, how wide what one says comes back, keypad digits under the number that the
// trunk chose, what is refused. Side by side on several DNs; the trunk's end sends back what it gets.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launchChromium } from '../ui/lib/chromium.mjs';
import { binary, start } from './dngate.mjs';
import { RATE, band, find, level, makeSpeech } from './lib/audio.mjs';
import { SipServer } from './lib/genesys.mjs';
import { inbound } from './lib/genesysflows.mjs';
import { AgentPage } from './lib/page.mjs';
import { RtpEnd, read } from './lib/rtpend.mjs';
import { until } from './lib/wait.mjs';

const DNS = ['5041', '5042', '5043'];
const WIDE_DB = -40, NARROW_DB = -52; // what is above 4.6 kHz, of what is below 3.4 kHz
const PIECE = RATE / 10;

let dir, server, browser, sip;
const pages = {};

const cli = (...args) => execFileSync(binary(), [...args, '--data', dir], { encoding: 'utf8' });

before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'dngate-e2e-'));
    for (const dn of DNS) cli('dn', 'add', dn, '--password', `secret${dn}`);
    sip = await SipServer.open();
    cli('trunk', 'add', 'genesys', '--address', `127.0.0.1:${sip.port}`, '--ping', '0', '--codecs', 'opus,g722,pcma', '--ptime', '40');
    server = await start({ lab: false, dir });
    sip.gateway = { address: '127.0.0.1', port: server.ports['sip-udp'] };
    browser = await launchChromium({ microphone: makeSpeech(dir) });
    await Promise.all(DNS.map(async (dn) => {
        const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
        pages[dn] = await AgentPage.open(context, server, dn);
        await pages[dn].startShift(`secret${dn}`);
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

// The loudest that was heard between 4.6 and 6.8 kHz in four seconds, in dB of the loudest below 3.4 kHz.
async function width(agent) {
    await agent.hears();
    return agent.page.evaluate(async () => {
        const { analyser, context } = window.heard;
        const bins = new Float32Array(analyser.frequencyBinCount);
        const loudest = new Float32Array(bins.length).fill(-200);
        const top = (low, high) => loudest.filter((_, i) => {
            const hz = (i * context.sampleRate) / analyser.fftSize;
            return hz >= low && hz <= high;
        }).reduce((a, b) => Math.max(a, b));

        analyser.smoothingTimeConstant = 0;
        for (const end = performance.now() + 4000; performance.now() < end; await new Promise((resolve) => setTimeout(resolve, 30))) {
            analyser.getFloatFrequencyData(bins);
            bins.forEach((v, i) => (loudest[i] = Math.max(loudest[i], v)));
        }
        return top(4600, 6800) - top(200, 3400);
    });
}

// What the page says comes back, as far as the machine lets it: of the loudest pieces of 100 ms half are found again. (That nothing is missing or
// late is for agent-trunk.test.mjs to show, with one call at a time.)
async function comesBack(agent) {
    const { sent, heard } = await agent.record(5);
    const [said, back] = [sent, heard].map((x) => band(x, 120, 1000));
    const pieces = Array.from({ length: Math.floor(said.length / PIECE) - 20 }, (_, i) => ({ from: i * PIECE, wave: said.subarray(i * PIECE, (i + 1) * PIECE) }));
    const loudest = pieces.sort((a, b) => level(b.wave) - level(a.wave)).slice(0, 10);
    const found = loudest.map(({ from, wave }) => find(wave, back, from, [-500, 3000].map((ms) => (ms * RATE) / 1000)).r);

    assert.ok(found.filter((r) => r > 0.8).length >= 5, `what comes back is not what was said: ${found.map((r) => r.toFixed(2))}`);
}

// The last call of the DN in the records.
async function record(dn) {
    let rows = [];

    await until(() => (rows = JSON.parse(cli('cdr', 'list', '--dn', dn, '--json'))).length, 20000, `a record of ${dn}`);
    return rows.at(0);
}

async function talk(t, dn, { codecs, name, wide, call, brief = false }) {
    const agent = pages[dn];
    const end = await RtpEnd.open({ echo: true, speaks: codecs.slice(0, 1) });

    t.after(() => end.close());
    const leg = await call(agent, end);
    if (!brief) await comesBack(agent);
    const db = await width(agent);
    t.diagnostic(`${name}: above 4.6 kHz ${db.toFixed(1)} dB`);
    assert.ok(wide ? db > WIDE_DB : db < NARROW_DB, `above 4.6 kHz there is ${db} dB`);
    for (const key of brief ? '' : '15#') await agent.page.click(`[data-digit="${key}"]`, { delay: 120 });
    await end.hearsDigits(brief ? '' : '15#');
    if (name !== 'opus') assert.deepEqual([...end.lengths], [320], 'packets of 40 ms');
    await agent.lastHangup();
    await leg.next('bye');
    await agent.call('idle');
    const row = await record(dn);
    assert.equal(row.trunk_codec, name);
    assert.equal(row.browser_codec, 'opus');
}

const called = (codecs) => async (agent, end) => {
    const { leg, ok } = await inbound(sip, agent.dn, end, { offer: { codecs }, ring: () => agent.answer() });

    assert.deepEqual(read(ok.body).codecs, [codecs[0], 96]);
    assert.match(ok.body, /^a=ptime:40\r$/m);
    return leg;
};

test('G.722 and Opus are wide, G.711 is not; digits go under the number that the trunk chose', async (t) => {
    const cases = [
        ['5041', { name: 'G722', codecs: [9, 18, 97, 96], wide: true, call: called([9, 18, 97, 96]) }],
        ['5042', { name: 'opus', codecs: [100, 9, 96], wide: true, call: called([100, 9, 96]) }],
        ['5043', { name: 'PCMA', codecs: [8, 18, 96], wide: false, call: called([8, 18, 96]) }],
    ];

    await Promise.all(cases.map(([dn, how]) => t.test(how.name, (s) => talk(s, dn, how))));
});

test('the trunk is offered all that it may have, and may answer with any of it', async (t) => {
    const cases = [['5041', 9, 'G722'], ['5042', 107, 'opus']];

    await Promise.all(cases.map(([dn, pt, name]) => t.test(name, (s) => talk(s, dn, { name, codecs: [pt], wide: true, brief: true, call: async (agent, end) => {
        await agent.dial(`7${dn}`);
        const leg = await sip.call(({ invitation }) => invitation.get('To').includes(`7${dn}`));
        assert.deepEqual(read(leg.invitation.body).codecs, [107, 9, 8, 101, 102]);
        leg.reply(200, 'OK', end.answer(leg.invitation.body));
        await agent.call('connected');
        return leg;
    } }))));
});

test('an offer with nothing that we speak is refused with what is wrong', async () => {
    const end = await RtpEnd.open();
    const leg = sip.leg('5041');

    leg.invite(end.offer({ codecs: [18, 97, 0, 96] })); // PCMU is not this trunk's
    const answer = await leg.answered.catch((refused) => refused);
    end.close();
    assert.equal(answer.status, 488);
    assert.match(answer.get('Warning'), /^305 dngate "/);
});
