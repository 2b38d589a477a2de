// The gateway is about to stop and lets calls end first: says how much time is left. It tells by a SIP MESSAGE with
// {"drain":{"seconds":N}} (appliance/call/drain.h).
import { words } from './words.js';

const LONGEST_S = 86400;

export class Drain {
    #endsAt = 0;
    #say;

    // say(text or null)
    constructor(ticker, say) {
        this.#say = say;
        ticker.every(1000, () => this.#endsAt && this.#show());
    }

    heard(request) {
        if (!/^application\/json\b/i.test(request.getHeader('Content-Type') ?? '')) return;
        const seconds = secondsOf(request.body);
        if (seconds === null) return;
        this.#endsAt = performance.now() + seconds * 1000;
        this.#show();
    }

    // The connection has gone, and with it what was said.
    forget() {
        this.#endsAt = 0;
        this.#say(null);
    }

    #show() {
        this.#say(words.stopping(coarse(Math.max(0, (this.#endsAt - performance.now()) / 1000))));
    }
}

function secondsOf(body) {
    try {
        const seconds = JSON.parse(body)?.drain?.seconds;
        return Number.isFinite(seconds) && seconds >= 0 && seconds <= LONGEST_S ? seconds : null;
    } catch {
        return null;
    }
}

// Not every second: whoever has the page read aloud would hear nothing else.
function coarse(seconds) {
    if (seconds > 90) return `${Math.round(seconds / 60)} minutes`;
    if (seconds > 10) return `${Math.ceil(seconds / 10) * 10} seconds`;
    return 'a few seconds';
}
