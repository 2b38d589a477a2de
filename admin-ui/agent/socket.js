// JsSIP's WebSocket with a pulse: a connection that died without a word (sleep, NAT, pulled cable) is noticed within half a minute,
// not when the next call fails. The pulse is the double CRLF of RFC 7118 6.
import { WebSocketInterface } from 'jssip';

const SILENCE_MS = 20000;
const ANSWER_MS = 6000;
const CONNECT_MS = 10000; // then a new try: TCP waits longer and longer before it repeats a lost SYN
const FRESH_MS = 2000;

export class LiveSocket extends WebSocketInterface {
    #heard = 0;
    #asked = 0;
    #began = 0;

    connect() {
        this.#began = performance.now();
        super.connect();
    }

    _onOpen() {
        this.#heard = performance.now();
        this.#asked = 0;
        // @ts-expect-error: JsSIP's own, and not in its types
        super._onOpen();
    }

    _onMessage(event) {
        this.#heard = performance.now();
        this.#asked = 0;
        // @ts-expect-error: JsSIP's own, and not in its types
        super._onMessage(event);
    }

    // Asks now, whatever was heard before; the answer is awaited by pulse().
    probe() {
        if (!this.isConnected() || this.#asked) return;
        this.#asked = performance.now();
        this.send('\r\n\r\n');
    }

    // Whether the other side was heard just now; if not it is asked, and the next look tells.
    answers() {
        if (this.isConnected() && performance.now() - this.#heard < FRESH_MS) return true;
        this.probe();
        return false;
    }

    // To be called every second or so.
    pulse() {
        const now = performance.now();

        if (this.isConnecting() && now - this.#began > CONNECT_MS) this.#drop();
        if (!this.isConnected()) return;
        if (this.#asked && now - this.#asked > ANSWER_MS) this.#drop();
        else if (now - this.#heard > SILENCE_MS) this.probe();
    }

    // close() alone would wait a minute for the dead peer's answer.
    #drop() {
        this.disconnect();
        this.ondisconnect(true, 1006, 'no answer');
    }
}
