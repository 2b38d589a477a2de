// Speech to send, and comparison of what arrived with what was sent. PCM is Float32Array at RATE.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export const RATE = 8000;

// A WAV file that Chromium plays as microphone: about ten seconds of speech, 48 kHz mono, trimmed of silence.
export function makeSpeech(dir) {
    const spoken = join(dir, 'spoken.wav');
    const file = join(dir, 'speech.wav');
    const text =
        'The quick brown fox jumps over the lazy dog. One, two, three, four, five, six, seven, eight, nine, ten. ' +
        'Pack my box with five dozen liquor jugs, and tell the caller that help is on the way.';

    execFileSync('espeak-ng', ['-v', 'en', '-s', '160', '-w', spoken, text]);
    execFileSync('sox', [spoken, '-r', '48000', '-c', '1', '-b', '16', file, 'norm', '-6']);
    return file;
}

const power = (x) => x.reduce((sum, v) => sum + v * v, 0) / (x.length || 1);

// dB relative to full scale.
export const level = (x) => 10 * Math.log10(power(x) + 1e-12);

function correlation(a, b, at) {
    let ab = 0;
    let aa = 0;
    let bb = 0;

    for (let i = 0; i < a.length; i++) {
        const y = b[at + i];
        ab += a[i] * y;
        aa += a[i] * a[i];
        bb += y * y;
    }
    return aa && bb ? ab / Math.sqrt(aa * bb) : 0;
}

// Where in `heard`, between the lags (samples, relative to `from`), this piece is found best. `from` may be near the ends.
function find(piece, heard, from, [least, most]) {
    let best = { r: 0, lag: 0 };

    for (let lag = least; lag <= most; lag++) {
        const at = from + lag;
        if (at < 0 || at + piece.length > heard.length) continue;
        const r = correlation(piece, heard, at);
        if (Math.abs(r) > Math.abs(best.r)) best = { r, lag };
    }
    return best;
}

const median = (values) => values.sort((x, y) => x - y)[Math.floor(values.length / 2)];

/*
 * Compares what was sent with what was heard, in half-second pieces, since a jitter buffer may stretch time in between.
 * lags: [least, most] in ms. Returns {r, delay (ms), gain (dB), pieces}: medians over the pieces that hold speech.
 */
export function compare(sent, heard, lags = [0, 800]) {
    const size = RATE / 2;
    const bounds = lags.map((ms) => Math.round((ms * RATE) / 1000));
    const found = [];

    for (let from = 0; from + size <= sent.length; from += size) {
        const piece = sent.subarray(from, from + size);
        if (level(piece) < -45 || from + size + bounds[1] > heard.length) continue;
        const best = find(piece, heard, from, bounds);
        const at = from + best.lag;
        found.push({ ...best, gain: level(heard.subarray(at, at + size)) - level(piece) });
    }
    if (!found.length) return { r: 0, delay: 0, gain: 0, pieces: 0 };
    return {
        r: median(found.map((f) => f.r)),
        delay: (median(found.map((f) => f.lag)) * 1000) / RATE,
        gain: median(found.map((f) => f.gain)),
        pieces: found.length,
    };
}

// The share of the power that is at this frequency (Goertzel), 0..1.
function tone(x, hz) {
    const k = 2 * Math.cos((2 * Math.PI * hz) / RATE);
    let [s1, s2] = [0, 0];

    for (const v of x) [s1, s2] = [v + k * s1 - s2, s1];
    return (2 * (s1 * s1 + s2 * s2 - k * s1 * s2)) / (x.length * x.length * power(x) + 1e-12);
}

// Which of these notes are heard for at least `ms` in all.
export function notes(x, hertz, ms = 150) {
    const size = RATE / 20;
    const heard = new Map(hertz.map((hz) => [hz, 0]));

    for (let at = 0; at + size <= x.length; at += size) {
        const frame = x.subarray(at, at + size);
        if (level(frame) < -45) continue;
        for (const hz of hertz) if (tone(frame, hz) > 0.7) heard.set(hz, heard.get(hz) + 50);
    }
    return hertz.filter((hz) => heard.get(hz) >= ms);
}
