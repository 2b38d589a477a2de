// Tones made on the spot: ring, ringback, a second call, a beep before automatic answer. Looped buffers need no timers, so they
// sound in hidden tabs too.
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

    constructor(audio, settings) {
        this.#audio = audio;
        this.#settings = settings;
    }

    ring() {
        this.#play('ring', true, this.#settings.ringVolume);
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

    stop() {
        this.#playing?.stop();
        this.#playing = null;
    }

    #play(name, loop, gain) {
        const context = this.#audio.context;

        this.stop();
        if (!context) return;
        const source = new AudioBufferSourceNode(context, { buffer: patterns[name](context), loop });
        source.connect(new GainNode(context, { gain })).connect(context.destination);
        source.start();
        this.#playing = source;
    }
}
