// Speech to send, and comparison of what arrived with what was sent. PCM is Float32Array at RATE.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export const RATE = 8000;
export const FRAME_MS = 20;

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

// What lies between these frequencies (a windowed sinc), in place.
export function band(x, low, high) {
    const half = RATE / 50;
    const sinc = (n, hz) => (n ? Math.sin((2 * Math.PI * hz * n) / RATE) / (Math.PI * n) : (2 * hz) / RATE);
    const taps = Float32Array.from({ length: 2 * half + 1 }, (_, i) =>
        (sinc(i - half, high) - sinc(i - half, low)) * (0.5 + 0.5 * Math.cos((Math.PI * (i - half)) / (half + 1))));

    return x.map((_, at) => {
        let sum = 0;
        for (let i = Math.max(0, half - at); i <= 2 * half && at + i - half < x.length; i++) sum += taps[i] * x[at + i - half];
        return sum;
    });
}

export function correlation(a, b, at = 0) {
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

// Of the piece with each place in `heard`, so many from `from` on.
export const correlations = (piece, heard, from, count) => Float32Array.from({ length: count }, (_, i) => correlation(piece, heard, from + i));

// Where in `heard`, between the lags (samples, relative to `from`), this piece is found best: {r, lag}.
export function find(piece, heard, from, [least, most]) {
    const begin = Math.max(0, from + least);
    const rs = correlations(piece, heard, begin, Math.min(from + most, heard.length - piece.length) - begin + 1);
    const r = Math.max(...rs);

    return { r, lag: begin + rs.indexOf(r) - from };
}

// The share of the power that is at this frequency (Goertzel), 0..1.
function tone(x, hz) {
    const k = 2 * Math.cos((2 * Math.PI * hz) / RATE);
    let [s1, s2] = [0, 0];

    for (const v of x) [s1, s2] = [v + k * s1 - s2, s1];
    return (2 * (s1 * s1 + s2 * s2 - k * s1 * s2)) / (x.length * x.length * power(x) + 1e-12);
}

// What each frame holds: one of these notes (Hz), 0 for silence, -1 for anything else.
export function frames(x, hertz) {
    const size = (RATE * FRAME_MS) / 1000;

    return Array.from({ length: Math.floor(x.length / size) }, (_, i) => {
        const frame = x.subarray(i * size, (i + 1) * size);
        return level(frame) < -45 ? 0 : (hertz.find((hz) => tone(frame, hz) > 0.7) ?? -1);
    });
}
