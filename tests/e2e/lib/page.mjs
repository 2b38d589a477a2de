// The real agent page in a browser: signing in, calling, recording both directions.
import { RATE } from './audio.mjs';
import { ofBoth, ofGateway, since } from './counts.mjs';
import { checkEcho } from './echo.mjs';

// Runs in the page before its own scripts. Audio processing is switched off: it would change what the test measures. The connections are
// kept for their figures, and a recorder may wait for a track: from its first sample on.
function watchPeers() {
    localStorage.setItem('dngate.settings', JSON.stringify({ echoCancellation: false, noiseSuppression: false, autoGainControl: false }));
    window.peers = [];
    window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(...args) {
            super(...args);
            window.peers.push(this);
            this.addEventListener('track', ({ track }) => window.newTrack?.(track));
        }
    };
}

export class AgentPage {
    // context: a browser context of one's own. recordTracks: what records in the page, where it is not Chromium.
    static async open(context, server, dn, { recordTracks = record } = {}) {
        await context.addInitScript(watchPeers);
        const page = await context.newPage();
        page.setDefaultTimeout(30000);
        await page.goto(`https://${server.host ?? 'localhost'}:${server.ports.https}/index-agent-dn.html`);
        return Object.assign(new AgentPage(page, dn), { server, recordTracks });
    }

    constructor(page, dn) {
        this.page = page;
        this.dn = dn;
    }

    async signIn(password = `lab${this.dn}`) {
        await this.page.fill('#dn', this.dn);
        await this.page.fill('#password', password);
        await this.page.click('#sign-in');
    }

    async startShift(password) {
        await this.signIn(password);
        await this.page.click('#start-shift');
        await this.registration('registered');
    }

    // After whatever took it off its shift: the other page that did gives way at once when it has no call on.
    async backOnShift() {
        const key = this.page.locator('#start-shift:visible');
        await this.page.locator('#registration[data-state=registered]').or(key).first().waitFor();
        if (await key.count()) await key.click();
        await this.registration('registered');
    }

    registration(state) {
        return this.page.locator(`#registration[data-state=${state}]`).waitFor();
    }

    pill(words) {
        return this.page.locator('#registration', { hasText: words }).waitFor();
    }

    // Runs steps(), and says how they looked on the page's own clock: was it Offline while still registered, and did it get out of that before it
    // gives a connection up (which a slow machine may be too slow for)?
    async seenSilent(steps) {
        await this.page.evaluate(() => {
            const pill = document.getElementById('registration');
            const note = () => window.pills.push({ said: pill.textContent.trim(), state: pill.dataset.state, at: performance.now() });
            window.pills = [];
            window.pillObserver?.disconnect();
            window.pillObserver = new MutationObserver(note);
            window.pillObserver.observe(pill, { subtree: true, characterData: true, childList: true, attributes: true });
        });
        await steps();
        const pills = await this.page.evaluate(() => window.pills);
        const silent = pills.findIndex(({ said, state }) => said === 'Offline' && state === 'registered');
        const next = pills.slice(silent + 1).find(({ said }) => said !== 'Offline');
        return { silent: silent >= 0, soon: silent >= 0 && next?.at - pills[silent].at < 7000, pills: JSON.stringify(pills) };
    }

    async dial(number) {
        await this.page.fill('#dial-number', number);
        await this.page.click('#dial');
    }

    call(state) {
        return this.page.locator(`#call[data-state=${state}]`).waitFor();
    }

    async outcome(words) {
        await this.page.locator('#call[data-state=ended] #call-state', { hasText: words }).waitFor();
    }

    async answer() {
        await this.call('incoming');
        await this.page.click('#answer');
        await this.call('connected');
    }

    async hangup() {
        await this.lastHangup();
        await this.call('idle');
    }

    // The page is not used any more, so that nobody waits until the outcome is gone.
    async lastHangup() {
        await this.page.click('#hangup');
        await this.call('ended');
    }

    // Until audio from the far end flows. (What is polled must not be async: a promise counts as true.)
    async hears() {
        await this.page.waitForFunction(
            () => {
                const stream = window.dngate.remoteStream;
                if (!stream?.getAudioTracks().length) return false; // on hold it has none
                if (window.heard?.stream !== stream) {
                    const context = new AudioContext();
                    const analyser = new AnalyserNode(context, { fftSize: 2048 });
                    context.createMediaStreamSource(stream).connect(analyser);
                    window.heard?.context.close();
                    window.heard = { stream, context, analyser };
                }
                const samples = new Float32Array(2048);
                window.heard.analyser.getFloatTimeDomainData(samples);
                return samples.some((v) => Math.abs(v) > 0.02);
            },
            null,
            { polling: 100 },
        );
    }

    // What the page says comes back. Resolves with what was counted meanwhile.
    async checkEcho(t, codec) {
        await this.hears();
        return checkEcho(t, () => this.record(6), codec);
    }

    // Both directions for so many seconds: {sent, heard} at RATE, and what was counted before, now, and meanwhile.
    async record(seconds) {
        return this.#record(seconds, await ofBoth(this));
    }

    // The same from the first sample of the next call on.
    async recordNext(seconds) {
        return this.#record(seconds, await ofGateway(this.server));
    }

    async #record(seconds, before) {
        const { sent, heard, offset } = await this.page.evaluate(this.recordTracks, { seconds, rate: RATE });
        const now = await ofBoth(this);
        const counts = { ...since(before, now), gatewayBufferMs: Math.max(before.gatewayBufferMs, now.gatewayBufferMs) };

        return { sent: decode(sent), heard: decode(heard), offset, before, now, counts };
    }
}

function decode(base64) {
    const bytes = Buffer.from(base64, 'base64');

    return Float32Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readInt16LE(2 * i) / 32768);
}

// Runs in the page. All that the encoder is given and all that the jitter buffer gives: nothing gets lost on the way to here however
// slow the machine. offset: ms from the first sample sent to the first one heard.
async function record({ seconds, rate }) {
    const tracks = [window.dngate.localStream.getAudioTracks()[0],
                    window.dngate.remoteStream?.getAudioTracks()[0] ?? (await new Promise((resolve) => (window.newTrack = resolve)))];
    const [sent, heard] = await Promise.all(tracks.map(tap));

    return { sent: await pack(sent), heard: await pack(heard), offset: (heard.begin - sent.begin) / 1000 };

    async function tap(track) {
        const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 100 * (seconds + 30) }).readable.getReader();
        const tapped = { chunks: [], from: 0, begin: 0 };
        const giveUp = setTimeout(() => reader.cancel(), (seconds + 30) * 1000);

        for (let left = seconds; left > 0; ) {
            const { value: data, done } = await reader.read();
            if (done) break;
            const chunk = new Float32Array(data.numberOfFrames);
            data.copyTo(chunk, { planeIndex: 0, format: 'f32-planar' });
            if (!tapped.chunks.length) Object.assign(tapped, { from: data.sampleRate, begin: data.timestamp });
            tapped.chunks.push(chunk);
            left -= chunk.length / data.sampleRate;
            data.close();
        }
        clearTimeout(giveUp);
        await reader.cancel();
        return tapped;
    }

    async function pack({ chunks, from }) {
        const length = chunks.reduce((n, c) => n + c.length, 0);
        const offline = new OfflineAudioContext(1, Math.floor((length * rate) / from), rate);
        const buffer = offline.createBuffer(1, length, from);
        let at = 0;
        for (const chunk of chunks) {
            buffer.getChannelData(0).set(chunk, at);
            at += chunk.length;
        }
        const source = new AudioBufferSourceNode(offline, { buffer });
        source.connect(offline.destination);
        source.start();
        const pcm = Int16Array.from((await offline.startRendering()).getChannelData(0), (v) => Math.max(-1, Math.min(1, v)) * 32767);
        const bytes = new Uint8Array(pcm.buffer);
        let text = '';
        for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
        return btoa(text);
    }
}
