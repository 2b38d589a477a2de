// JsSIP's WebSocket with a pulse: a connection that died without a word (sleep, NAT, pulled cable, a gateway that hangs) is noticed at once by
// who looks at the page, and not when the next call fails. The pulse is the double CRLF of RFC 7118 6.
import { WebSocketInterface } from 'jssip';
import { Pulse } from './pulse.js';

const CONNECT_MS = 10000; // then a new try: TCP waits longer and longer before it repeats a lost SYN

export class LiveSocket extends WebSocketInterface {
    #pulse = new Pulse();
    #began = 0;
    #onsilence;

    // onsilence(silent): nothing is heard any more, or something again. The connection stays, until it is given up as any that broke.
    constructor(url, onsilence) {
        super(url);
        this.#onsilence = onsilence;
    }

    get silent() {
        return this.#pulse.silent;
    }

    connect() {
        this.#began = performance.now();
        super.connect();
    }

    _onOpen() {
        this.#heard();
        // @ts-expect-error: JsSIP's own, and not in its types
        super._onOpen();
    }

    _onMessage(event) {
        this.#heard();
        // @ts-expect-error: JsSIP's own, and not in its types
        super._onMessage(event);
    }

    // Asks now, whatever was heard before; the answer is awaited by pulse().
    probe() {
        if (!this.isConnected() || this.#pulse.asked) return;
        this.#ping(performance.now());
    }

    // Whether the other side was heard just now; if not it is asked, and the next look tells.
    answers() {
        if (this.isConnected() && this.#pulse.fresh(performance.now())) return true;
        this.probe();
        return false;
    }

    // To be called with each tick of the clock; often: somebody looks at the page, or speaks; urgent: and is not heard any more.
    pulse(often, urgent) {
        const now = performance.now();

        if (this.isConnecting() && now - this.#began > CONNECT_MS) this.#drop();
        if (!this.isConnected()) return;
        const due = this.#pulse.due(now, often);
        const { silent } = this;
        if (this.#pulse.judge(now, urgent)) this.#drop();
        else if (due) this.#ping(now);
        if (this.silent !== silent) this.#onsilence(this.silent);
    }

    #ping(now) {
        this.#pulse.pinged(now);
        this.send('\r\n\r\n');
    }

    #heard() {
        const { silent } = this;

        this.#pulse.heard(performance.now());
        if (silent) this.#onsilence(false);
    }

    // close() alone would wait a minute for the dead peer's answer.
    #drop() {
        this.disconnect();
        this.ondisconnect(true, 1006, 'no answer');
    }
}
