// Is what was said what is heard? Piece by piece: each must come at its level and in its order. What is not found where the one before
// lets it be expected must be among what browser and gateway counted as made up, left out, stretched or lost: a slow machine is excused
// by figures, a gateway that changes what it carries has none.
import assert from 'node:assert/strict';
import { FRAME_MS, RATE, band, find, frames, level } from './audio.mjs';
import { disturbances, disturbedMs } from './counts.mjs';

const BAND = [120, 1000]; // Hz: there Opus keeps the wave
// Least correlation of a piece, and the most that its level changes, in dB.
export const OPUS = { r: 0.7, gain: 3 }, G711 = { r: 0.9, gain: 1.5 };

const SPEECH_DB = -36, PIECE_MS = 100, PIECE = (RATE * PIECE_MS) / 1000;
const STEADY_MS = 2, STEADY = (RATE * STEADY_MS) / 1000; // Opus moves the wave by less
const ENOUGH = 15; // pieces
const RECORDINGS = 10;
const DELAY_MS = 300; // from microphone to ear but for the browser's jitter buffer: 200 in the gateway's, the rest in codecs and packets
const SLACK_MS = 1000; // how far the delay is followed at most
const toMs = (samples) => (samples * 1000) / RATE;
const toSamples = (ms) => Math.ceil((ms * RATE) / 1000);

function speech(sent) {
    const pieces = [];

    for (let from = 0; from + PIECE <= sent.length; from += PIECE) {
        const wave = sent.subarray(from, from + PIECE);
        if (level(wave) > SPEECH_DB) pieces.push({ from, wave });
    }
    return pieces;
}

// The loudest pieces show where to begin: how late in `heard` what was sent is found.
function anchor(pieces, heard, lags) {
    const inside = pieces.filter(({ from }) => from + lags[1] + PIECE <= heard.length);
    const loudest = inside.sort((a, b) => level(b.wave) - level(a.wave)).slice(0, 8);

    return loudest.map(({ from, wave }) => find(wave, heard, from, lags)).reduce((a, b) => (b.r > a.r ? b : a), { r: -1, lag: 0 }).lag;
}

// Finds one piece after the other: {pieces, bad: those that are not found, lags of the others, moves: how often the lag changed}. slack: by
// how many samples the lag may move in all.
function follow(sent, heard, codec, lags, slack) {
    const good = ({ r, gain }) => r >= codec.r && Math.abs(gain) <= codec.gain;
    const all = speech(sent);
    const begin = anchor(all, heard, lags);
    const pieces = all.filter(({ from }) => from + begin - slack >= 0 && from + begin + slack + PIECE <= heard.length);
    const path = { pieces: pieces.length, bad: [], lags: [], moves: 0, least: 1 };
    let [last, left] = [begin, slack];

    for (const { from, wave } of pieces) {
        const search = (reach) => find(wave, heard, from, [last - reach, last + reach]);
        const near = search(STEADY);
        const match = good(near) ? near : search(left);
        if (!good(match)) {
            path.bad.push(`${toMs(from)} ms: r ${match.r.toFixed(2)}, ${match.gain.toFixed(1)} dB`);
            continue;
        }
        const moved = Math.abs(match.lag - last);
        if (moved > STEADY && path.lags.length) {
            path.moves++;
            left -= moved;
        }
        last = match.lag;
        path.lags.push(toMs(last));
        path.least = Math.min(path.least, match.r);
    }
    return path;
}

// A piece for each time that something was counted, and those that lie within what it took.
const spoilt = (counts, times = 0) => Math.max(disturbances(counts), times) + disturbedMs(counts) / PIECE_MS;

function judge({ from, to, counts, offset }, codec, lags) {
    const disturbed = disturbedMs(counts);
    const path = follow(from, to, codec, lags.map(toSamples), toSamples(Math.min(disturbed + STEADY_MS, SLACK_MS)));
    const excused = spoilt(counts, path.moves);
    const delay = path.lags.reduce((a, b) => a + b, 0) / path.lags.length + offset - (1000 * counts.bufferSeconds) / counts.bufferedSamples;
    const told = JSON.stringify({ ...path, lags: [Math.min(...path.lags), Math.max(...path.lags)], excused, delay, disturbed, counts });

    assert.ok(path.bad.length <= excused, `what is heard is not what was said: ${told}`);
    assert.ok(path.lags.length >= ENOUGH, `too little is heard: ${told}`);
    if (offset !== undefined) assert.ok(delay <= DELAY_MS + disturbed, `it is heard late, and no jitter buffer says why: ${told}`);
    return told;
}

// t: the test, which shows how well. record() resolves with {sent, heard, counts, offset}, or with several; lags: [least, most] in ms, by
// what the recordings began apart. The first recording whose counts leave enough to judge by is the one that is judged; resolves with what
// was counted then.
export async function checkEcho(t, record, codec, lags = [-500, 1500]) {
    for (let i = 0; i < RECORDINGS; i++) {
        const recorded = [await record()].flat().map(({ sent, heard, ...rest }) => ({ from: band(sent, ...BAND), to: band(heard, ...BAND), ...rest }));
        if (recorded.some(({ from, counts }) => spoilt(counts) > speech(from).length / 2)) {
            t.diagnostic(`echo: too much was disturbed: ${JSON.stringify(recorded.map(({ counts }) => counts))}`);
            continue;
        }
        for (const one of recorded) t.diagnostic(`echo ${judge(one, codec, lags)}`);
        return recorded[0].counts;
    }
    assert.fail('the machine is too slow, or the gateway throws too much away, to hear what was said');
}

// How many frames must be changed, left out or added so that `heard` becomes a part of `expected`.
function edits(heard, expected) {
    let row = expected.map(() => 0).concat(0);

    for (const label of heard) {
        const next = [row[0] + 1];
        for (let j = 1; j < row.length; j++)
            next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (label === expected[j - 1] ? 0 : 1)));
        row = next;
    }
    return Math.min(...row);
}

// Whether notes, [[hz, ms], …] with 0 for a pause, are heard again and again, in their order and each as long as it is; or, once: up to the
// last one's end, after which there may be anything, and from where the call's audio was up. A frame may hold one's end and another's begin.
export function checkNotes(t, { heard, counts }, notes, { once = false } = {}) {
    const all = frames(heard, notes.map(([hz]) => hz).filter(Boolean));
    const melody = notes.flatMap(([hz, ms]) => Array(ms / FRAME_MS).fill(hz));
    const [hz, ms] = notes.at(-1), ending = Math.floor(ms / FRAME_MS / 2);
    const end = once ? all.findLastIndex((_, i) => i >= ending && all.slice(i - ending, i).every((label) => label === hz)) : all.length;
    const labels = all.slice(all.findIndex((label) => label > 0), Math.max(0, end));
    const wrong = edits(labels, once ? melody : Array(Math.ceil(labels.length / melody.length) + 1).fill(melody).flat());
    const excused = disturbedMs(counts) / FRAME_MS + Math.ceil((notes.length * labels.length) / melody.length);
    const told = `${wrong} of ${labels.length} frames are wrong, ${excused.toFixed(1)} excused: ${all.join(' ')} ${JSON.stringify(counts)}`;

    t.diagnostic(told);
    const least = once ? ending : melody.length;
    assert.ok(labels.length >= Math.max(least / 2, least - excused), `too little is heard: ${told}`);
    assert.ok(wrong <= Math.min(labels.length / 2, excused), told);
}
