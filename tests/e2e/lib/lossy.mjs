// A UDP socket whose network is bad: of what is sent and of what comes, one message in ten is lost, one is there twice, and one is
// overtaken by the next. Which ones a seed says, so that a failure can be looked at again.
import dgram from 'node:dgram';
import { once } from 'node:events';

const SHARE = 0.1;
const HELD_MS = 60; // what waits for a next one that does not come

// Mulberry32: numbers of [0, 1) that the seed decides.
export function numbers(seed) {
    let a = seed >>> 0;

    return () => {
        a = (a + 0x6d2b79f5) | 0;
        let t = Math.imul(a ^ (a >>> 15), 1 | a);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

class Way {
    next = null; // numbers(), while the network is bad
    #held = null;
    #timer;
    counts = { passed: 0, lost: 0, copied: 0, swapped: 0 };

    constructor(pass) {
        this.pass = pass;
    }

    take(...message) {
        const dice = this.next?.() ?? 1;

        this.counts.passed++;
        if (dice < SHARE) return this.#count('lost');
        if (dice < 2 * SHARE && !this.#held) {
            this.#count('swapped');
            this.#held = message;
            this.#timer = setTimeout(() => this.#release(), HELD_MS);
            return undefined;
        }
        this.pass(...message);
        if (dice >= 2 * SHARE && dice < 3 * SHARE) {
            this.#count('copied');
            this.pass(...message);
        }
        return this.#release();
    }

    #count(what) {
        this.counts[what]++;
    }

    #release() {
        const held = this.#held;

        clearTimeout(this.#timer);
        this.#held = null;
        if (held) this.pass(...held);
    }

    close() {
        clearTimeout(this.#timer);
    }
}

export class Lossy {
    #socket = dgram.createSocket('udp4');
    #out;
    #in;
    #closed = false;

    // seed null: the network is a good one. took(text, from): what comes.
    static async open({ address, port = 0, seed = null, took }) {
        const lossy = new Lossy();

        lossy.#out = new Way((text, to) => lossy.#closed || lossy.#socket.send(text, to.port, to.address));
        lossy.#in = new Way((text, from) => lossy.#closed || took(text, from));
        lossy.#socket.on('message', (data, from) => lossy.#in.take(String(data), from));
        lossy.#socket.bind(port, address);
        await once(lossy.#socket, 'listening');
        lossy.port = lossy.#socket.address().port;
        lossy.lose(seed);
        return lossy;
    }

    // From now on.
    lose(seed) {
        this.#out.next = this.#in.next = seed === null ? null : numbers(seed);
    }

    send(text, to) {
        this.#out.take(text, to);
    }

    // What became of the messages each way.
    get counts() {
        return { out: this.#out.counts, in: this.#in.counts };
    }

    close() {
        this.#closed = true;
        this.#out.close();
        this.#in.close();
        this.#socket.close();
    }
}
