// Whether the other end of a connection lives, from when it was asked and when it was heard: pure. Times are performance.now()'s.
//
// Asked once a second, whatever is still unanswered, a living end is heard once a second, however long the way is: so what tells is the time
// since it was last heard, and a link that takes 1.5 s there and back is no more silent than one that takes 1 ms.
const OFTEN_MS = 900; // between two pings: the fourth tick of the page's clock
const RARELY_MS = 20000; // while nobody looks
const SILENT_MS = 1700; // with a tick of the clock within 2 s
const DEAD_MS = 10000;
const DEAD_URGENT_MS = 4000; // audio has stopped, too: it waits for a connection that lives
const STOOD_MS = 1000; // a look so late: the page itself stood still, and has not read yet what came meanwhile

export class Pulse {
    #heard = 0;
    #pinged = -Infinity;
    #asked = false; // since it was last heard
    #since = 0; // silence does not count from before this
    #looked = 0;
    silent = false;

    heard(now) {
        this.#heard = now;
        this.#asked = false;
        this.silent = false;
    }

    // A ping is sent. One after a pause is the first that can be answered.
    pinged(now) {
        if (!this.#asked && now - this.#pinged > 2 * OFTEN_MS) this.#since = now;
        this.#pinged = now;
        this.#asked = true;
    }

    get asked() {
        return this.#asked;
    }

    fresh(now) {
        return now - this.#heard < SILENT_MS;
    }

    // To be called with each tick of the clock. often: somebody looks, or speaks. Is it time for a ping?
    due(now, often) {
        if (now - this.#looked > STOOD_MS) this.#since = now;
        this.#looked = now;
        return now - this.#pinged >= (often ? OFTEN_MS : RARELY_MS);
    }

    // Says whether it is dead, and sets `silent`.
    judge(now, urgent = false) {
        const quiet = this.#asked ? now - Math.max(this.#heard, this.#since) : 0;

        this.silent = quiet > SILENT_MS;
        return quiet > (urgent ? DEAD_URGENT_MS : DEAD_MS);
    }
}
