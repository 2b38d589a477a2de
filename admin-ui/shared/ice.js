// The ways that audio may take: the gateway's STUN and TURN servers with credentials that end, which of them work from here, and how long an
// offer waits for them. There is no trickle, so the offer waits for candidates, and the caller waits for the offer.
import { gather } from './gather.js';

const SETTLE_MS = 60; // after a candidate: its siblings come at once
const PROBE_MS = 8000; // a TURN server over TLS may take long
const SLOW = 3; // times what it took before
const PATIENCE_MS = 500; // least time for a relayed address that is known to come
const UNKNOWN_MS = 2500; // for one of which that is not known yet
const RETRY_MS = 60000; // after a renewal that failed

// The first relayed address that the servers give, in ms; null: none within PROBE_MS.
async function reach(iceServers) {
    const relayed = ({ candidate, ms }) => candidate?.type === 'relay' && { ms };
    const found = await gather({ iceServers, iceTransportPolicy: 'relay' }, PROBE_MS, relayed);

    return found ? found.ms : null;
}

export class Ways {
    /** @type {RTCIceServer[]} */
    servers = [];
    #ticker;
    #renew;
    /** @type {number | null} */
    #renewAt = null; // Date.now(): timers may stand still while a computer sleeps
    /** @type {Promise<void> | null} */
    #renewing = null;
    /** @type {(() => void) | null} */
    #later = null;
    #probe = 0; // counts them: an older one's result is of another network
    /** @type {number | null | undefined} */
    #relayMs = undefined; // null: no relayed address is to be had here; undefined: not known yet
    #direct = false; // a call went without a relay, on this network

    // renew(): resolves to what use() takes, or null
    constructor(ticker, renew) {
        this.#ticker = ticker;
        this.#renew = renew;
    }

    /** @param {{ iceServers?: RTCIceServer[], renewAt?: number | null }} what */
    use({ iceServers = [], renewAt = null }) {
        this.servers = iceServers;
        this.#renewAt = renewAt;
        this.#later?.();
        this.#later = renewAt ? this.#ticker.after(Math.max(0, renewAt - Date.now()), () => this.#again()) : null;
    }

    // One at a time: whoever needs the next credentials waits for it.
    #again() {
        this.#renewing ??= this.#ask().finally(() => {
            this.#renewing = null;
        });
        return this.#renewing;
    }

    async #ask() {
        this.#later?.();
        this.#later = this.#ticker.after(RETRY_MS, () => this.#again());
        const identity = await this.#renew();
        if (!identity) return;
        this.use(identity);
        if (this.#relayMs === null && !this.#direct) this.look(); // it may have been the old ones that got none
    }

    // Another network, or the first: what was known is not known any more.
    async look() {
        const mine = ++this.#probe;

        this.#direct = false;
        this.#relayMs = undefined;
        if (this.#renewAt && Date.now() >= this.#renewAt) await this.#again();
        if (mine !== this.#probe || !this.servers.length) return;
        const ms = await reach(this.servers).catch(() => null);
        if (mine === this.#probe) this.#relayMs = ms;
    }

    // A call's path, from its figures.
    took(path) {
        if (path) this.#direct = path === 'direct';
    }

    // A path was lost: the next one may need a relay.
    lost() {
        this.#direct = false;
    }

    // How long after its first candidate an offer waits for a relayed one. The gateway does full ICE, so where one direct candidate reaches
    // it, that is enough.
    get #patience() {
        if (!this.servers.length || this.#direct || this.#relayMs === null) return SETTLE_MS;
        return this.#relayMs === undefined ? UNKNOWN_MS : Math.max(PATIENCE_MS, SLOW * this.#relayMs);
    }

    // Handler of JsSIP's `icecandidate` event for one session.
    gathering() {
        let asked = null;

        return ({ candidate, ready }) => {
            if (candidate.type === 'relay') {
                setTimeout(ready, SETTLE_MS);
            } else if (asked !== ready) {
                asked = ready; // JsSIP makes a new one for each description
                setTimeout(ready, this.#patience);
            }
        };
    }
}

// Calls none() when the browser finds no address of its own to send audio from: it would gather for ever (no network) or make an offer
// that nobody can answer (a policy or VPN that keeps it from UDP, and no relay either).
export function onNoAddress(pc, none) {
    let found = false;
    let timer = null;

    pc.addEventListener('icecandidate', ({ candidate }) => {
        found ||= Boolean(candidate?.candidate);
    });
    pc.addEventListener('icegatheringstatechange', () => {
        const check = () => found || pc.signalingState === 'closed' || none();

        clearTimeout(timer);
        if (pc.iceGatheringState === 'complete') check();
        else if (pc.iceGatheringState === 'gathering') timer = setTimeout(check, PROBE_MS);
    });
}
