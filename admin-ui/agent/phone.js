// The connection and registration with the gateway, on JsSIP: comes up, stays up, and says what it is doing.
import { UA } from 'jssip';
import { browserHere, systemOf } from '../shared/browser.js';
import { LiveSocket } from './socket.js';
import { words } from './words.js';

const REGISTER_SECONDS = 300;
const RETRY_MS = 4000;
// JsSIP's own timers back off to 10 s, and may be a minute late while the page is hidden. So much and up to twice as long between tries
// brings a page back in 3 s, and a thousand pages not all at once.
const RECONNECT_MS = 1000;
const TICK_MS = 200; // each tick of the page's clock
const SLEPT_MS = 10000; // a pulse that comes so late was asleep with the computer

// Why the gateway closed the WebSocket (appliance/sip/registrar.c).
const CLOSE_ELSEWHERE = 4001;
const CLOSE_REPLACED = 4002; // by a connection with our own instance id: a duplicated tab
const CLOSE_DROPPED = 4003;
const CLOSE_GOING_AWAY = 1001;

export class Phone {
    /** @type {import('./types').Agent | null} */
    #ua = null;
    /** @type {LiveSocket | null} */
    #socket = null;
    #ticker;
    #events;
    #downSince = 0;
    #wasUp = false;
    #lastPulse = 0;
    #released = false;
    #served = false; // requests are taken: registered, or for the sake of a call that is on

    // events: registration(state), online(whether the gateway can be reached), trouble(text or null), session(session, request),
    // message(request), elsewhere(), inCallElsewhere(), takenOver(), leaving(reason), signedOut(text), reconnected(); inCall() and inNeed() are asked.
    constructor(ticker, events) {
        this.#ticker = ticker;
        this.#events = events;
        ticker.every(TICK_MS, () => this.#pulse());
        window.addEventListener('online', () => this.#online());
        window.addEventListener('offline', () => this.#offline());
        document.addEventListener('visibilitychange', () => document.hidden || this.wake());
    }

    // Can a request be sent? Into a connection that is dead without knowing it would lose it: that one is asked, and later tells.
    answers() {
        return this.#served && Boolean(this.#socket?.answers());
    }

    // takeOver: also when the DN is in a call elsewhere, which then goes on to its end there ('yes') or comes here ('calls').
    start(identity, { takeOver = '' } = {}) {
        this.stop();
        const url = `${location.protocol === 'http:' ? 'ws' : 'wss'}://${location.host}/ws`;
        const socket = (this.#socket = new LiveSocket(url, (silent) => socket === this.#socket && this.#silence(silent)));
        const ua = /** @type {import('./types').Agent} */ (new UA({
            sockets: [socket],
            uri: `sip:${identity.dn}@${location.hostname}`,
            authorization_user: identity.dn,
            ha1: identity.ha1,
            realm: identity.realm,
            display_name: identity.displayName || null,
            instance_id: identity.instanceId,
            register_expires: REGISTER_SECONDS,
            session_timers: false,
            no_answer_timeout: 300, // how long it may ring is for the telephone system to say
            connection_recovery_min_interval: 1,
            connection_recovery_max_interval: 10,
            user_agent: `dngate agent page (${browserHere()}, ${systemOf(navigator.userAgent)})`,
        }));
        this.#ua = ua;
        const asks = takeOver ? [`X-Dngate-Take-Over: ${takeOver}`] : [];
        ua.registrator().setExtraHeaders(['X-Dngate-Calls: none', ...asks]); // what ran before this page was loaded is called anew
        ua.on('newRTCSession', () => this.#served || ua.registrator().setExtraHeaders(asks));
        this.#listen(ua);
        this.#wasUp = this.#released = this.#served = false;
        this.#downSince = performance.now();
        this.#events.online(true);
        this.#events.registration('connecting');
        ua.start();
    }

    stop() {
        const ua = this.#ua;

        if (!ua) return;
        this.#ua = null;
        ua.stop(); // unregisters and ends calls; closes when that is answered, after 2 s at the latest
        this.#events.trouble(null);
        this.#events.registration('offline');
    }

    // The DN is another page's: keeps the connection for the call that is on, but does not register again.
    release() {
        this.#released = true;
    }

    get released() {
        return this.#released;
    }

    // The call is over.
    leave() {
        this.#abandon('replaced');
    }

    call(number, options) {
        return this.#ua?.call(this.address(number), options);
    }

    address(number) {
        return `sip:${encodeURIComponent(number)}@${location.hostname}`;
    }

    #offline() {
        if (!this.#ua) return;
        this.#events.online(false);
        this.#events.trouble(words.offline);
    }

    #online() {
        this.#reached();
        this.wake();
    }

    #reached() {
        if (!this.#served || this.#socket?.silent) return;
        this.#events.online(true);
        this.#events.trouble(null);
    }

    // The connection is not given up yet, nor is a call on it.
    #silence(silent) {
        if (!silent) this.#reached();
        else if (this.#ua) this.#events.online(false);
    }

    // The network is back, the computer woke up, or the tab is looked at again: don't wait for a timer.
    wake() {
        if (!this.#ua) return;
        if (this.#ua.isConnected()) this.#socket?.probe();
        else this.#ua.transport.connect();
    }

    #listen(ua) {
        const on = (event, handler) => ua.on(event, (data) => ua === this.#ua && handler(data));

        on('connecting', () => this.#events.registration('connecting'));
        on('connected', () => this.#connected());
        on('disconnected', (data) => this.#disconnected(data));
        on('registered', () => this.#registered(ua));
        on('registrationExpiring', () => this.#released || ua.register());
        on('unregistered', () => ua.isConnected() && !this.#served && this.#events.registration('connecting'));
        on('registrationFailed', (data) => this.#failed(ua, data));
        on('newRTCSession', ({ originator, session, request }) => {
            if (originator === 'remote') this.#events.session(session, request);
        });
        on('newMessage', ({ originator, request }) => originator === 'remote' && this.#events.message(request));
    }

    #connected() {
        this.#downSince = 0;
        this.#events.registration('connecting');
    }

    #registered(ua) {
        ua.registrator().setExtraHeaders(['X-Dngate-Take-Over: no']); // from now on it asks by itself: appliance/sip/registrar.h
        this.#serve();
        this.#wasUp = true;
    }

    #serve() {
        this.#served = true;
        this.#events.trouble(null);
        this.#events.online(true);
        this.#events.registration('registered');
        if (this.#wasUp) this.#events.reconnected();
    }

    #disconnected({ code, reason }) {
        this.#served = false;
        if (code === CLOSE_ELSEWHERE || code === CLOSE_REPLACED) {
            this.#abandon('replaced');
            this.#events.elsewhere();
        } else if (code === CLOSE_DROPPED) {
            this.#abandon('failed');
            this.#events.signedOut(droppedWords(reason));
        } else {
            if (!this.#downSince) this.#downSince = performance.now();
            this.#events.online(false);
            this.#events.registration('connecting');
            this.#explain(code);
        }
    }

    async #explain(code) {
        const ua = this.#ua;

        if (!navigator.onLine) this.#events.trouble(words.offline);
        else if (code === CLOSE_GOING_AWAY) this.#events.trouble(words.draining);
        else if (this.#wasUp) this.#events.trouble(words.reconnecting);
        else {
            const alive = await fetch('/healthz', { cache: 'no-store' }).then((r) => r.ok).catch(() => false);
            if (ua === this.#ua && !ua?.isConnected()) this.#events.trouble(alive ? words.socketBlocked : words.unreachable);
        }
    }

    #failed(ua, { response, cause }) {
        const status = response?.status_code;
        const elsewhere = response?.getHeader('X-Dngate-Elsewhere'); // appliance/sip/registrar.h
        const leaving = response?.getHeader('X-Dngate-Leaving');

        this.#served = false;
        // Whoever just pressed Start shift is asked; so is one who has no call here, while one runs there.
        if (elsewhere === 'in-call' || (elsewhere && !this.#wasUp)) {
            this.#abandon('replaced');
            this.#events.inCallElsewhere();
            return;
        }
        if (elsewhere || leaving) {
            if (leaving) this.#events.leaving(leaving);
            else this.#events.takenOver();
            if (ua === this.#ua) this.#serve(); // for the call that is on
            return;
        }
        if (status === 401 || status === 403 || status === 407) {
            this.#abandon('failed');
            this.#events.signedOut(words.refused);
            return;
        }
        if (!ua.isConnected()) return; // the reconnect registers
        this.#events.registration('failed');
        this.#events.trouble(words.registrationRetry(status ? `${status} ${response.reason_phrase}` : cause));
        this.#ticker.after(RETRY_MS + Math.random() * RETRY_MS, () => ua === this.#ua && ua.isConnected() && ua.register());
    }

    // Ends for good: no reconnecting, no unregistering of what is no longer ours.
    #abandon(state) {
        const ua = this.#ua;

        this.#ua = null;
        ua?.transport.disconnect(); // first, or it would unregister
        ua?.stop();
        this.#events.trouble(null);
        this.#events.registration(state);
    }

    #pulse() {
        const now = performance.now();
        const slept = this.#lastPulse && now - this.#lastPulse > SLEPT_MS;

        this.#lastPulse = now;
        if (!this.#ua) return;
        if (slept) this.wake();
        this.#socket?.pulse(!document.hidden || this.#events.inCall(), this.#events.inNeed());
        if (this.#downSince && now - this.#downSince > RECONNECT_MS) {
            this.#downSince = now + Math.random() * RECONNECT_MS;
            if (!this.#ua.isConnected()) this.#ua.transport.connect();
        }
    }
}

export function droppedWords(reason) {
    if (/removed/.test(reason)) return words.removed;
    if (/disabled/.test(reason)) return words.disabled;
    if (/password/.test(reason)) return words.passwordChanged;
    return words.refused;
}
