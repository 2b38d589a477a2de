// The same page in Firefox: calls to 600, direct and by each kind of relay, audio compared, and the keypad of a call that came in. Firefox
// offers no loopback candidates, so that server and browser run in a network namespace with an address of its own.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { binary, freePort, start } from './dngate.mjs';
import { makeSpeech } from './lib/audio.mjs';
import { watchCdr } from './lib/cdr.mjs';
import { OPUS, checkEcho } from './lib/echo.mjs';
import { FarEnd } from './lib/farend.mjs';
import { Firefox } from './lib/firefox.mjs';
import { ADDRESS, inNamespace } from './lib/netns.mjs';
import { AgentPage } from './lib/page.mjs';
import { checkRowQuality } from './lib/quality.mjs';
import { relayOnly } from './lib/relayonly.mjs';

const NAME = 'dngate.test'; // Firefox takes no address for TURN over TLS

let dir, server, firefox, agent;

// Firefox's own fake microphone hums; speech is put in its place. Without a sound card its AudioContext does not run, elements do.
function speak(wav) {
    navigator.mediaDevices.getUserMedia = async () => {
        const bytes = Uint8Array.from(atob(wav), (c) => c.charCodeAt(0));
        const player = new Audio(URL.createObjectURL(new Blob([bytes], { type: 'audio/flac' })));
        await player.play();
        return player.mozCaptureStream();
    };
}

// In the page: both directions by MediaRecorder, which takes all that the microphone and the jitter buffer give. They start one after the
// other, by an unknown time.
async function recordTracks({ seconds, rate }) {
    const record = async (stream) => {
        const recorder = new MediaRecorder(new MediaStream(stream.getAudioTracks()), { audioBitsPerSecond: 128000 });
        const done = new Promise((resolve) => recorder.addEventListener('dataavailable', (event) => resolve(event.data), { once: true }));
        recorder.start();
        setTimeout(() => recorder.stop(), seconds * 1000);
        const buffer = await new OfflineAudioContext(1, rate, rate).decodeAudioData(await (await done).arrayBuffer());
        const bytes = new Uint8Array(Int16Array.from(buffer.getChannelData(0), (v) => Math.max(-1, Math.min(1, v)) * 32767).buffer);
        let text = '';
        for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
        return btoa(text);
    };
    const [sent, heard] = await Promise.all([record(window.dngate.localStream), record(window.dngate.remoteStream)]);

    return { sent, heard };
}

// Almost five minutes of speech: the microphone stays open from call to call, and recordings may have to be taken again.
function longSpeech(dir) {
    const file = join(dir, 'long.flac');

    execFileSync('sox', [makeSpeech(dir), '-r', '16000', file, 'repeat', '19']);
    return readFileSync(file).toString('base64');
}

// The page, signed in as 5001.
async function setUp() {
    dir = mkdtempSync(join(tmpdir(), 'dngate-e2e-'));
    server = await start({ options: ['bind.address=0.0.0.0', `public.address=${ADDRESS}`] });
    server.host = ADDRESS;
    firefox = await Firefox.launch({ 'network.dns.forceResolve': ADDRESS });
    const page = await firefox.newPage();
    await page.addInitScript(speak, longSpeech(dir));
    await page.addInitScript(relayOnly, null);
    agent = await AgentPage.open({ addInitScript: (fn) => page.addInitScript(fn), newPage: () => page }, { ...server, host: NAME }, '5001', { recordTracks });
    agent.server = server;
    await agent.startShift();
}

async function tearDown() {
    await firefox?.close();
    rmSync(dir, { recursive: true, force: true });
    await server?.stop();
}

async function telling(t, steps) {
    try {
        await steps();
    } catch (error) {
        t.diagnostic(server.log.slice(-15).join('\n'));
        throw error;
    }
}

// by: what the relay's URL has; null: any way. way: how page and record call it.
async function callEcho(t, by, way) {
    const nextCdr = await watchCdr(server);
    let talked;

    await telling(t, async () => {
        await agent.page.evaluate((part) => void (window.relayBy = part), by);
        await agent.dial('600');
        await agent.call('connected');
        await agent.page.waitForFunction(() => window.dngate.stats?.received > 50);
        talked = await checkEcho(t, () => agent.record(6), OPUS);
        await agent.page.locator('#quality-detail', { hasText: way[0] }).waitFor();
        await agent.hangup();
    });
    const [row] = await nextCdr();
    assert.equal(row.code, 200);
    assert.equal(row.callee, '600');
    assert.equal(row.path, way[1]);
    assert.match(row.remote_ice, new RegExp(`^${ADDRESS.replaceAll('.', '\\.')}:`));
    await checkRowQuality(server, row, talked);
}

// The trunk calls; what is pressed on the page arrives there, each digit once.
async function pressDigits(t) {
    const port = await freePort();
    const far = await FarEnd.open(port);

    t.after(() => far.close());
    execFileSync(binary(), ['trunk', 'add', 'far', '--address', `127.0.0.1:${port}`, '--ping', '0', '--data', server.dir]);
    await telling(t, async () => {
        await agent.page.evaluate(() => void (window.relayBy = null));
        const answered = far.call('5001', { address: '127.0.0.1', port: server.ports['sip-udp'] });
        await agent.answer();
        await answered;
        far.play(440);
        await agent.page.waitForFunction(() => window.dngate.stats?.received > 50);
        for (const digit of '159*0#') await agent.page.click(`[data-digit="${digit}"]`);
        await far.hears('159*0#');
        await agent.hangup();
    });
}

inNamespace(import.meta.url, 'Firefox', () => {
    const echo = (name, by, way) => test(`600: what is said comes back, in Firefox, ${name}`, { timeout: 400000 }, (t) => callEcho(t, by?.() ?? null, way));

    before(setUp);
    after(tearDown);
    echo('direct', null, ['direct', 'direct']);
    echo('by TURN over UDP', () => `:${server.ports.turn}?transport=udp`, ['by relay (UDP)', 'relay-udp']);
    echo('by TURN over TCP', () => `:${server.ports.turn}?transport=tcp`, ['by relay (TCP)', 'relay-tcp']);
    echo('by TURN over TLS', () => `:${server.ports.https}?transport=tcp`, ['by relay (TLS)', 'relay-tls']);
    test('keypad digits of a call that came in arrive as telephone events, from Firefox', { timeout: 400000 }, pressDigits);
});
