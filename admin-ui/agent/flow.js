// Whether audio has stopped coming in, from how many packets had come at each look: pure. A browser takes 6 s and more to find that a relay
// does not know it any more, as after a NAT's restart. Audio that stops may mean that, or a caller who is on hold without music.
const STOPPED_MS = 1800; // looked at once a second
const REST_MS = 30000; // a silent caller is no reason to look for a new way again and again

export class Flow {
    #received = 0;
    #at = 0; // when the last packets were seen
    #askedAt = -Infinity;
    #asked = false; // in this silence
    stopped = false;

    look(received, now) {
        if (received !== this.#received) {
            this.#received = received;
            this.#at = now;
            this.#asked = false;
        }
        this.stopped = received > 0 && now - this.#at >= STOPPED_MS;
    }

    // Is it time to ask for a new path because of that?
    due(now) {
        return this.stopped && !this.#asked && now - this.#askedAt >= REST_MS;
    }

    asked(now) {
        this.#askedAt = now;
        this.#asked = true;
    }
}
