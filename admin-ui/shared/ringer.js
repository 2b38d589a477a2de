// Tones made on the spot: ring, ringback, a second call, a beep before automatic answer, one to try a speaker with. Looped buffers need no
// timers, so they sound in hidden tabs too. It may ring on a device of its own, as loudspeakers beside a headset.
const RATE = 24000;

// parts: [[hertz…], from second, to second, gain] on a buffer of `seconds`.
function render(context, seconds, parts) {
    const buffer = context.createBuffer(1, Math.round(RATE * seconds), RATE);
    const out = buffer.getChannelData(0);

    for (const [tones, from, to, gain] of parts) {
        const first = Math.round(from * RATE);
        const last = Math.round(to * RATE);
        for (let i = first; i < last; i++) {
            const edge = Math.min(1, (i - first) / 240, (last - i) / 960); // no clicks
            let x = 0;
            for (const hz of tones) x += Math.sin((2 * Math.PI * hz * i) / RATE);
            out[i] += (gain * edge * x) / tones.length;
        }
    }
    return buffer;
}

const patterns = {
    test: (c) => render(c, 1.8, [[[523], 0, 0.3, 0.3], [[659], 0.4, 0.7, 0.3], [[784], 0.8, 1.2, 0.3]]),
    ring: (c) =>
        render(c, 3.6, [
            [[659, 1318], 0.0, 0.28, 0.5],
            [[784, 1568], 0.28, 0.56, 0.5],
            [[988, 1976], 0.56, 0.95, 0.5],
            [[659, 1318], 1.1, 1.38, 0.5],
            [[784, 1568], 1.38, 1.66, 0.5],
            [[988, 1976], 1.66, 2.05, 0.5],
        ]),
    ringback: (c) => render(c, 5, [[[425], 0, 1, 0.12]]),
    waiting: (c) => render(c, 4, [[[425], 0, 0.2, 0.12], [[425], 0.4, 0.6, 0.12]]),
    beep: (c) => render(c, 0.45, [[[880], 0, 0.15, 0.3], [[1175], 0.2, 0.4, 0.3]]),
    busy: (c) => render(c, 1.6, [[[425], 0, 0.3, 0.12], [[425], 0.6, 0.9, 0.12], [[425], 1.2, 1.5, 0.12]]),
};

export class Ringer {
    #audio;
    #settings;
    /** @type {AudioBufferSourceNode | null} */
    #playing = null;
    #name = ''; // of what plays
    /** @type {{ element: HTMLAudioElement, node: MediaStreamAudioDestinationNode } | null} */
    #own = null; // the way to a device that is not the speaker

    constructor(audio, settings) {
        this.#audio = audio;
        this.#settings = settings;
    }

    ring() {
        return this.#play('ring', true, this.#settings.ringVolume, this.#settings.ringSpeaker || this.#speaker);
    }

    ringback() {
        this.#play('ringback', true, 1);
    }

    waiting() {
        this.#play('waiting', true, 1);
    }

    beep() {
        this.#play('beep', false, 1);
    }

    busy() {
        this.#play('busy', false, 1);
    }

    test() {
        this.#play('test', true, this.#settings.volume);
    }

    // The speaker is another one now: what is tried with it goes on there. (Chromium leads the whole context; others lead no more than an element.)
    follow() {
        if (this.#playing && this.#name === 'test') this.test();
    }

    stop() {
        this.#playing?.stop();
        this.#playing = null;
        if (this.#own) this.#own.element.srcObject = null;
    }

    // Where calls are heard: '' when the context is led there itself (Chromium).
    get #speaker() {
        const { speaker } = this.#settings;

        return this.#audio.context?.setSinkId || speaker === 'default' ? '' : speaker;
    }

    // Resolves whether it sounds where it was asked to; where it can't, it sounds at the speaker.
    async #play(name, loop, gain, device = this.#speaker) {
        const { context } = this.#audio;

        this.stop();
        if (!context) return false;
        const source = new AudioBufferSourceNode(context, { buffer: patterns[name](context), loop });
        const out = new GainNode(context, { gain });

        source.connect(out);
        source.start();
        this.#playing = source;
        this.#name = name;
        if (device && (await this.#lead(device, out, source))) return true;
        if (source === this.#playing) out.connect(context.destination);
        return !device;
    }

    // Not by a second AudioContext: Firefox gives none a device.
    async #lead(device, out, source) {
        const own = (this.#own ??= { element: new window.Audio(), node: new MediaStreamAudioDestinationNode(this.#audio.context) });

        try {
            await own.element.setSinkId(device);
            if (source !== this.#playing) return true; // stopped meanwhile
            out.connect(own.node);
            own.element.srcObject = own.node.stream;
            await own.element.play();
            return true;
        } catch {
            out.disconnect();
            own.element.srcObject = null;
            return source !== this.#playing;
        }
    }
}
