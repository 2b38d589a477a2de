// What the gateway tells a page outside of calls, by a SIP MESSAGE with a JSON body. {"drain":{"seconds":N}}: it is about to stop and lets
// calls end first (appliance/call/drain.h); how much time is left is said. {"elsewhere":true}, {"leaving":{"reason":…}}: the DN is another
// page's, or nobody's, and the call that is on goes on to its end (appliance/sip/session.h). {"message":{"text":…}}: an administrator wants
// the agent to read it (appliance/service/live.h). {"upstream":{"state":…,"code":N}}: SIP Server refuses the DN, or takes it again (appliance/sip/upreg.h).
import { words } from './words.js';

const LONGEST_S = 86400;
const LONGEST_TEXT = 500;

export class Drain {
    #endsAt = 0;
    #say;

    // say(text or null): also whether it drains
    constructor(ticker, say) {
        this.#say = say;
        ticker.every(1000, () => this.#endsAt && this.#show());
    }

    heard(notice) {
        const seconds = notice.drain?.seconds;

        if (!Number.isFinite(seconds) || seconds < 0 || seconds > LONGEST_S) return;
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

// The object in the body, {} when it is none.
export function readNotice(request) {
    try {
        const notice = /^application\/json\b/i.test(request.getHeader('Content-Type') ?? '') ? JSON.parse(request.body) : null;
        return notice instanceof Object ? notice : {};
    } catch {
        return {};
    }
}

// What an administrator says, or null.
export function messageIn(notice) {
    const text = notice.message?.text;
    return typeof text === 'string' && text.trim() ? text.slice(0, LONGEST_TEXT) : null;
}

// Not every second: whoever has the page read aloud would hear nothing else.
function coarse(seconds) {
    if (seconds > 90) return `${Math.round(seconds / 60)} minutes`;
    if (seconds > 10) return `${Math.ceil(seconds / 10) * 10} seconds`;
    return 'a few seconds';
}
