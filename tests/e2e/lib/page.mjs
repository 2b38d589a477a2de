// The real agent page in a browser: signing in, calling, recording both directions.
import { RATE } from './audio.mjs';
import { checkEcho } from './echo.mjs';

export class AgentPage {
    // context: a browser context of one's own. Audio processing is switched off: it would change what the test measures.
    static async open(context, server, dn) {
        await context.addInitScript(() => {
            localStorage.setItem(
                'dngate.settings',
                JSON.stringify({ echoCancellation: false, noiseSuppression: false, autoGainControl: false }),
            );
        });
        const page = await context.newPage();
        page.setDefaultTimeout(30000);
        await page.goto(`https://${server.host ?? 'localhost'}:${server.ports.https}/index-agent-dn.html`);
        return new AgentPage(page, dn);
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

    registration(state) {
        return this.page.locator(`#registration[data-state=${state}]`).waitFor();
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
        await this.page.click('#hangup');
        await this.call('ended');
        await this.call('idle');
    }

    // Until audio from the far end flows. (What is polled must not be async: a promise counts as true.)
    async hears() {
        await this.page.waitForFunction(
            () => {
                const stream = window.dngate.remoteStream;
                if (!stream) return false;
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

    // What the page says comes back.
    async checkEcho(t, least) {
        await this.hears();
        await checkEcho(t, (seconds) => this.record(seconds), { least, gain: 3 });
    }

    // Both directions on one clock for so many seconds: {sent, heard} at RATE.
    async record(seconds) {
        const [sent, heard] = await this.page.evaluate(recordInPage, { seconds, rate: RATE });

        return { sent: decode(sent), heard: decode(heard) };
    }
}

function decode(base64) {
    const bytes = Buffer.from(base64, 'base64');

    return Float32Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readInt16LE(2 * i) / 32768);
}

// Runs in the page.
async function recordInPage({ seconds, rate }) {
    // In the hardware's rate; it is the recording that is brought to `rate`.
    const context = new AudioContext();
    await context.resume();
    const merger = new ChannelMergerNode(context, { numberOfInputs: 2 });
    const directions = [window.dngate.localStream, window.dngate.remoteStream].map((stream, i) => {
        context.createMediaStreamSource(stream).connect(merger, 0, i);
        return [];
    });
    const tap = context.createScriptProcessor(4096, 2, 1);
    const wanted = seconds * context.sampleRate;
    let count = 0;

    await new Promise((resolve) => {
        tap.onaudioprocess = ({ inputBuffer }) => {
            directions.forEach((chunks, i) => chunks.push(inputBuffer.getChannelData(i).slice()));
            count += inputBuffer.length;
            if (count >= wanted) resolve();
        };
        merger.connect(tap).connect(context.destination);
    });
    tap.onaudioprocess = null;
    const recorded = await Promise.all(directions.map((chunks) => resample(chunks, context.sampleRate)));
    await context.close();
    return recorded;

    async function resample(chunks, from) {
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
