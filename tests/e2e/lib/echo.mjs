// Is what was said what is heard? Piece by piece, all of them: where the one before lets it be expected, and at its level. A codec spreads
// and a jitter buffer stretches, so that a single piece decides nothing: the middle one must be as good as the codec allows, four of five
// must be, and nine of ten recognizable (after an outage a browser sends with few bits for a while). Beyond that only those are excused that browser and gateway have counted as made up, left
// out, stretched or lost: a slow machine is excused by figures, a gateway that changes what it carries has none.
import assert from 'node:assert/strict';
import { FRAME_MS, RATE, band, correlation, correlations, find, frames, level } from './audio.mjs';
import { disturbances, disturbedMs, missing, since } from './counts.mjs';

const BAND = [120, 1000]; // Hz: there Opus keeps the wave
// Least correlation, and the most that the level changes, in dB: of a good piece, and of the middle one.
export const OPUS = { r: 0.7, gain: 3, middle: { r: 0.85, gain: 2 } };
export const G711 = { r: 0.9, gain: 1.5, middle: { r: 0.98, gain: 0.5 } };
const RECOGNIZABLE = 0.5; // correlation
const SHARE_GOOD = 0.8, SHARE_RECOGNIZABLE = 0.9;

const SPEECH_DB = -36, PIECE_MS = 100, PIECE = (RATE * PIECE_MS) / 1000;
const STEADY_MS = 2, STEADY = (RATE * STEADY_MS) / 1000; // Opus moves the wave by less
const ENOUGH = 15; // pieces
const RECORDINGS = 5;
const UNDER_WAY = 10; // packets: what the gateway's jitter buffer holds at most
// From mouth to ear (ITU-T G.114), but for what jitter buffers hold. How late packets are on a machine with little time is told by how long
// the browser's buffer had to become: for the latest of them, three times what the middle one is late.
const DELAY_MS = 150, LATENESS = 1 / 3;
const SLACK_MS = 500; // how far the delay is followed at most
const MOVE = 0.3; // correlation that another lag must bring
const within = ({ r, gain }, limit) => r >= limit.r && Math.abs(gain) <= limit.gain;
const toMs = (samples) => (samples * 1000) / RATE;
const toSamples = (ms) => Math.ceil((ms * RATE) / 1000);

function median(values) {
    const sorted = [...values].sort((a, b) => a - b), half = (sorted.length - 1) / 2;

    return (sorted[Math.floor(half)] + sorted[Math.ceil(half)]) / 2;
}

function speech(sent) {
    const pieces = [];

    for (let from = 0; from + PIECE <= sent.length; from += PIECE) {
        const wave = sent.subarray(from, from + PIECE);
        if (level(wave) > SPEECH_DB) pieces.push({ from, wave });
    }
    return pieces;
}

// The loudest pieces show how late in `heard`, about, what was sent is found.
function anchor(pieces, heard, lags) {
    const inside = pieces.filter(({ from }) => from + lags[0] >= 0 && from + lags[0] + PIECE <= heard.length);
    const loudest = inside.sort((a, b) => level(b.wave) - level(a.wave)).slice(0, 8);

    return loudest.map(({ from, wave }) => find(wave, heard, from, lags)).reduce((a, b) => (b.r > a.r ? b : a), { r: -1, lag: 0 }).lag;
}

// The best that one piece more makes of each lag: from one that is as good as the same, or from any other at a price.
function step(scores, rs) {
    const best = scores.indexOf(Math.max(...scores));
    const came = rs.map((_, lag) => {
        let near = lag;
        for (let at = Math.max(0, lag - STEADY); at <= Math.min(rs.length - 1, lag + STEADY); at++) if (scores[at] > scores[near]) near = at;
        return scores[near] > scores[best] - MOVE ? near : best;
    });

    return { came, scores: rs.map((r, lag) => r + scores[came[lag]] - (Math.abs(came[lag] - lag) > STEADY ? MOVE : 0)) };
}

// Where all pieces together are found best, in their order: [{at, r, gain, good, lag}]. slack: by how many samples the lag may move.
function follow(sent, heard, codec, lags, slack) {
    const all = speech(sent);
    const least = anchor(all, heard, lags) - slack;
    const pieces = all.filter(({ from }) => from + least >= 0 && from + least + 2 * slack + PIECE <= heard.length);
    const steps = [];
    let scores = new Float32Array(2 * slack + 1);

    for (const { from, wave } of pieces) {
        const { came, scores: next } = step(scores, correlations(wave, heard, from + least, 2 * slack + 1));
        steps.push(came);
        scores = next;
    }
    let at = scores.indexOf(Math.max(...scores));
    return pieces.map((piece, i) => ({ piece, came: steps[i] })).reverse().map(({ piece: { from, wave }, came }) => {
        const found = from + least + at, part = heard.subarray(found, found + PIECE);
        const r = correlation(wave, part), gain = level(part) - level(wave), lag = toMs(least + at);
        at = came[at];
        return { at: toMs(from), r, gain, lag, good: within({ r, gain }, codec) };
    }).reverse();
}

// A piece for each time that something was counted, and those that lie within what it took.
const spoilt = (counts) => Math.ceil(disturbances(counts) + disturbedMs(counts) / PIECE_MS);

function judge({ from, to, counts, offset }, codec, lags) {
    const slack = toSamples(Math.min(disturbedMs(counts) + STEADY_MS, SLACK_MS));
    const pieces = follow(from, to, codec, lags.map(toSamples), slack);
    const [good, bad] = [true, false].map((which) => pieces.filter((piece) => piece.good === which).sort((a, b) => a.r - b.r));
    const excused = Math.min(spoilt(counts), bad.length);
    const middle = { r: median(pieces.map(({ r }) => r)), gain: median(pieces.map(({ gain }) => gain)) };
    const buffered = (1000 * counts.bufferSeconds) / counts.bufferedSamples;
    const delay = median(good.map(({ lag }) => lag)) + offset - buffered - counts.gatewayBufferMs;
    const told = JSON.stringify({ pieces: pieces.length, excused: spoilt(counts), middle, delay, buffered, bad, counts });

    assert.ok(pieces.length >= ENOUGH, `too little is heard: ${told}`);
    assert.ok(within(middle, codec.middle), `what is heard is not what was said: ${told}`);
    const judged = pieces.length - excused;
    const lost = bad.slice(excused).filter(({ r }) => r < RECOGNIZABLE).length;
    assert.ok(good.length >= SHARE_GOOD * judged, `too much of what is heard is not what was said: ${told}`);
    assert.ok(judged - lost >= SHARE_RECOGNIZABLE * judged, `some of what was said is not heard: ${told}`);
    if (offset !== undefined) assert.ok(delay <= DELAY_MS + LATENESS * buffered, `it is heard late, and no jitter buffer says why: ${told}`);
    return told;
}

// Why counts alone say that a recording is none to judge by. all: the counts since the first one, of who hears himself; what is missing
// may still be under way.
function unfit({ from, counts, all }) {
    if (all && missing(all) > UNDER_WAY) return `${missing(all)} packets are missing`;
    return spoilt(counts) > speech(from).length / 2 && 'too much was disturbed';
}

// t: the test, which shows how well. record() resolves with what AgentPage.record() does, or with several, of one direction each; lags:
// [least, most] in ms, by what the recordings began apart. Which recording is judged is told by its counts alone. On a machine where none
// is fit for that, all packets must have come, and no more is told. Resolves with what was counted.
export async function checkEcho(t, record, codec, lags = [-500, 3000]) {
    let first, recorded, why;

    for (let i = 0; i < RECORDINGS; i++) {
        recorded = [await record()].flat();
        first ??= recorded.map(({ before }) => before);
        for (const { counts } of recorded) assert.ok(counts.lost <= counts.gatewayLost, `packets to the browser are lost: ${JSON.stringify(counts)}`);
        recorded = recorded.map(({ sent, heard, now, ...rest }, n) =>
            ({ from: band(sent, ...BAND), to: band(heard, ...BAND), all: now && since(first[n], now), ...rest }));
        why = recorded.map(unfit).find(Boolean);
        if (!why) {
            for (const one of recorded) t.diagnostic(`echo ${judge(one, codec, lags)}`);
            break;
        }
        t.diagnostic(`echo: ${why}: ${JSON.stringify(recorded.map(({ counts }) => counts))}`);
    }
    for (const { all } of recorded)
        if (all) assert.ok(missing(all) <= UNDER_WAY + all.said / 20, `${missing(all)} packets are missing: ${JSON.stringify(all)}`);
    return recorded[0].counts;
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

// A frame may hold one note's end and another's begin, and a jitter buffer may move the border by one.
const BORDER = 2;

function judgeNotes(t, labels, expected, notes, { counts, least }) {
    const melody = notes.reduce((sum, [, ms]) => sum + ms / FRAME_MS, 0);
    const wrong = edits(labels, expected);
    const excused = disturbedMs(counts) / FRAME_MS + BORDER * Math.ceil((notes.length * labels.length) / melody);
    const told = `${wrong} of ${labels.length} frames are wrong, ${excused.toFixed(1)} excused: ${labels.join(' ')} ${JSON.stringify(counts)}`;

    t.diagnostic(told);
    assert.ok(labels.length >= least - excused, `too little is heard: ${told}`);
    assert.ok(wrong <= excused, told);
}

const hertz = (notes) => notes.map(([hz]) => hz).filter(Boolean);
const framesOf = (notes) => notes.flatMap(([hz, ms]) => Array(ms / FRAME_MS).fill(hz));
const fromFirstNote = (labels) => labels.slice(labels.findIndex((label) => label > 0));

// Whether notes, [[hz, ms], …] with 0 for a pause, are heard again and again, in their order and each as long as it is. Resolves with the
// recording that was judged, which its counts alone have chosen.
export async function checkNotes(t, record, notes) {
    const melody = framesOf(notes);
    let recorded;

    for (let i = 0; i < RECORDINGS; i++) {
        recorded = await record();
        const { heard, counts } = recorded;
        const labels = fromFirstNote(frames(heard, hertz(notes)));
        assert.ok(counts.lost <= counts.gatewayLost, `packets to the browser are lost: ${JSON.stringify(counts)}`);
        if (disturbedMs(counts) <= toMs(heard.length) / 4) {
            judgeNotes(t, labels, Array(Math.ceil(labels.length / melody.length) + 1).fill(melody).flat(), notes, { counts, least: melody.length });
            break;
        }
        t.diagnostic(`notes: too much was disturbed: ${JSON.stringify(counts)}`);
    }
    return recorded;
}

// Whether the notes are heard once, and then anything else. missed: how many frames were over before the call's audio was up.
export function checkNotesOnce(t, { heard, counts }, notes, missed) {
    const all = frames(heard, hertz(notes)), melody = framesOf(notes);
    const [hz, ms] = notes.at(-1), half = Math.floor(ms / FRAME_MS / 2);
    const end = all.findLastIndex((_, i) => i >= half && all.slice(i - half, i).every((label) => label === hz));
    const labels = fromFirstNote(all.slice(0, Math.max(0, end)));

    // A busy page begins to record when some of it has come already.
    const late = Math.max(0, counts.heard - Math.floor(toMs(heard.length) / FRAME_MS));
    judgeNotes(t, labels, melody, notes, { counts, least: melody.length - half - missed - late });
}
