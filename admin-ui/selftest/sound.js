// What the person hears and says: speaker, ring tone, microphone. The page plays and shows, the person judges.
import { words } from './words.js';

/** @typedef {import('./types').Test} Test */
/** @typedef {import('./types').Context} Context */
/** @typedef {import('./types').Result} Result */

const RECORD_MS = 4000;
const LEVEL_MS = 50;
const QUIET_DB = -45; // of the loudest tenth of what was said
const SILENT_DB = -62;

/** @returns {Result} */
const skipped = () => ({ result: 'skipped', detail: words.skipped });

// kind: what is chosen while it is tested.
/** @param {Context} ctx @returns {Promise<Result>} */
async function listen(ctx, kind, advice) {
    const answer = await ctx.ask(kind);
    const device = ctx.device(kind);

    ctx.ringer.stop();
    if (answer === 'skip') return skipped();
    if (answer === 'yes') return { result: 'good', detail: words.soundHeard(device) };
    return { result: 'bad', detail: words.soundNotHeard(device), advice };
}

/** @type {Test} */
export const speaker = {
    name: 'speaker',
    async run(ctx) {
        if (!ctx.audio.context) return { result: 'bad', detail: words.noSound, advice: words.speakerAdvice };
        ctx.ringer.test();
        return listen(ctx, 'speaker', words.speakerAdvice);
    },
};

/** @type {Test} */
export const ring = {
    name: 'ring',
    async run(ctx) {
        ctx.ringer.ring();
        return listen(ctx, 'ring', words.ringAdvice);
    },
};

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// {db, blob}: how loud it was, and what was recorded; null where the browser can't.
async function record(audio) {
    const parts = [];
    const levels = [];
    const recorder = window.MediaRecorder && audio.stream ? new MediaRecorder(audio.stream) : null;
    const stopped = recorder && new Promise((resolve) => (recorder.onstop = resolve));

    if (recorder) recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder?.start();
    for (const end = performance.now() + RECORD_MS; performance.now() < end; await pause(LEVEL_MS)) levels.push(audio.decibels());
    if (recorder?.state === 'recording') recorder.stop();
    await stopped;
    const measured = levels.filter((db) => db !== null).sort((a, b) => b - a);
    const db = measured.length ? Math.round(measured[Math.floor(measured.length / 10)]) : null;
    return { db, blob: parts.length ? new Blob(parts, { type: recorder?.mimeType }) : null };
}

/** @returns {Result} */
function judge(ctx, db, answer) {
    const device = ctx.device('microphone');
    const figures = db === null ? {} : { level_db: db };
    const silent = db !== null && db < SILENT_DB;

    if (silent) return { result: 'bad', detail: words.microphoneSilence(device), advice: words.silenceAdvice, figures };
    if (answer === 'no') return { result: 'bad', detail: words.microphoneUnheard, advice: words.unheardAdvice, figures };
    if (db !== null && db < QUIET_DB) return { result: 'fair', detail: words.microphoneQuiet(device, db), advice: words.quietAdvice, figures };
    return { result: 'good', detail: words.microphoneGood(device, db), figures };
}

/** @type {Test} */
export const microphone = {
    name: 'microphone',
    async run(ctx) {
        const { audio } = ctx;

        if (ctx.microphoneError && !audio.alive) return { result: 'bad', detail: ctx.microphoneError };
        for (;;) {
            if ((await ctx.ask('record')) === 'skip') return skipped();
            ctx.show('recording');
            const { db, blob } = await record(audio);
            ctx.signal.throwIfAborted();
            const stop = blob && audio.playRecording(blob);
            const answer = await ctx.ask('heard').finally(() => stop?.());
            if (answer !== 'again') return judge(ctx, db, answer);
        }
    },
};
