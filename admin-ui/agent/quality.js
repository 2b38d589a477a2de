// How good a call is, from getStats: loss, jitter and round trip of the last interval, and what they mean in bars and words.
import { rating } from '../shared/emodel.js';
import { pick } from '../shared/stats.js';
import { words } from './words.js';

const SILENT_INTERVALS = 2; // so long without a packet is no audio
const PATIENT_INTERVALS = 3; // so long the first sound is awaited
const POOR_TIMES = 2; // so often in a row it is only a moment
const HEARD_LOSS = 0.03;

const qualityWords = ['No audio', 'Poor', 'Fair', 'Good', 'Excellent'];

/** @type {Readonly<import('./types').Reading>} */
export const NO_AUDIO_YET = Object.freeze({ loss: 0, heard: 0, far: 0, jitter: 0, rtt: 0, codec: '', path: '', received: 0, sent: 0, bars: -1, word: 'No audio yet', advice: null });

// Bars 0..4; loss 0..1 of the worse direction, jitter and rtt in ms.
export function bars({ loss, jitter, rtt }) {
    const r = rating({ loss, jitter, rtt });

    if (r >= 80) return 4;
    if (r >= 70) return 3;
    if (r >= 60) return 2;
    return 1;
}

// Turns successive reports of one call into readings: loss 0..1, jitter and rtt in ms, codec, packets received and sent, bars (-1 before
// the first sound), word, and an advice where the agent would ask for one.
export class Quality {
    #last = { received: 0, lost: 0, toldAt: 0 };
    #silent = 0; // intervals without a packet
    #poor = 0; // times in a row that it was found so; the far end tells every 5 s or so
    /** @type {import('./types').Reading} */
    #reading = NO_AUDIO_YET;

    read(report) {
        const now = pick(report);
        const last = this.#last;
        const received = now.received < last.received ? now.received : now.received - last.received; // a new stream counts from 0

        const told = now.toldAt !== last.toldAt;

        this.#last = now;
        this.#silent = received > 0 ? 0 : this.#silent + 1;
        this.#reading = received > 0 ? this.#flowing(now, received, Math.max(0, now.lost - last.lost), told) : this.#quiet(now);
        return this.#reading;
    }

    #quiet(now) {
        const before = { ...this.#reading, sent: now.sent, received: now.received };

        if (before.bars < 0) return { ...before, advice: this.#silent >= PATIENT_INTERVALS ? words.noSoundYet : null };
        return this.#silent < SILENT_INTERVALS ? before : { ...before, bars: 0, word: qualityWords[0], advice: words.soundStopped };
    }

    #flowing(now, received, lost, told) {
        const heard = lost / (received + lost);
        const reading = {
            loss: Math.max(heard, now.farLoss),
            heard,
            far: now.farLoss,
            jitter: now.jitter,
            rtt: now.rtt,
            codec: now.codec,
            path: now.path,
            received: now.received,
            sent: now.sent,
        };
        const n = bars(reading);

        if (n > 1) this.#poor = 0;
        else if (told || heard > HEARD_LOSS) this.#poor++;
        return { ...reading, bars: n, word: qualityWords[n], advice: this.#poor > POOR_TIMES ? words.poorSound : null };
    }
}
