// Is what was said what is heard?
import assert from 'node:assert/strict';
import { compare } from './audio.mjs';

export const OPUS = 0.6, G711 = 0.85; // least correlation: Opus changes the wave, a busy machine's jitter buffer stretches it

// t: the test, which shows how well; record(seconds) resolves with {sent, heard}, or with several; all must be good in one of three recordings, since a busy machine
// tears holes into some. lags: [least, most] delay in ms; gain: dB at most, up or down.
export async function checkEcho(t, record, { least = OPUS, lags = [20, 900], gain = 4, seconds = 6 } = {}) {
    const good = (match) => match.pieces >= 4 && match.r >= least && Math.abs(match.gain) < gain;
    const tried = [];

    for (let i = 0; i < 3; i++) {
        const matches = [await record(seconds)].flat().map(({ sent, heard }) => compare(sent, heard, lags));
        tried.push(...matches.map((match) => JSON.stringify(match)));
        t.diagnostic(`echo ${JSON.stringify(matches)}`);
        if (matches.every(good)) return;
    }
    assert.fail(`what is heard is not what was said; r at least ${least}, gain at most ${gain}: ${tried}`);
}
