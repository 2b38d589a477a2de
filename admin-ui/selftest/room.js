// The room in which a set-up is tested, in a page of its own and, before the shift, in the agent's page. Nothing of it is about a DN's
// registration or calls: it has an identity of its own at the gateway, for this test alone.
import { Audio } from '../shared/audio.js';
import { Ringer } from '../shared/ringer.js';
import { send, start } from './api.js';
import { browserHere, systemOf } from '../shared/browser.js';
import { make } from './dom.js';
import { reportOf, textOf, verdictOf } from './report.js';
import { noLines, runAll } from './runner.js';
import { RoomView } from './view.js';
import { words } from './words.js';

/** @typedef {import('./types').Kit} Kit */
/** @typedef {import('./types').Session} Session */

const STYLE = '/selftest-room.css';
const LEVEL_MS = 100;
const LEAST_MS = 3 * 60000; // a session with less time left is not begun with

async function dress() {
    if (document.querySelector(`link[href="${STYLE}"]`)) return;
    const link = make('link', { rel: 'stylesheet', href: STYLE });
    const loaded = new Promise((resolve) => (link.onload = link.onerror = resolve));

    document.head.append(link);
    await loaded;
}

class Room {
    #kit;
    #view;
    #element = make('audio', { autoplay: true, attr: { playsinline: '' } });
    #audio;
    #ringer;
    /** @type {Session | null} */
    #session;
    #lines = noLines();
    #running = new AbortController();
    /** @type {import('./types').Credentials} */
    #credentials = {};
    /** @type {((answer: string) => void) | null} */
    #answer = null;
    #microphoneError = null;
    #warnings = {}; // by what they are about: one that goes leaves the others
    #timer;
    #busy = false;
    #facts = {
        browser: browserHere(),
        system: systemOf(navigator.userAgent),
    };

    /** @param {Kit} kit */
    constructor(root, kit) {
        const { settings, ticker } = kit;

        this.#kit = kit;
        this.#session = kit.session ?? null;
        this.#view = new RoomView(root, {
            press: (answer) => this.#pressed(answer),
            submit: (what) => this.#begin(what),
            choose: (kind, id) => this.#choose(kind, id),
            back: kit.close && (() => this.close()),
        });
        root.append(this.#element);
        this.#audio = new Audio(
            this.#element,
            settings,
            ticker,
            {
                devices: (lists) => this.#devices(lists),
                microphone: (text) => (this.#microphoneError = text),
                trouble: (text) => this.#warn('microphone', text),
                speaker: (text) => this.#warn('speaker', text),
                silent: (text) => this.#warn('silent', text),
                locked: () => this.#element.play().catch(() => {}),
            },
            () => words.then,
        );
        this.#ringer = new Ringer(this.#audio, settings);
        this.#view.facts(`${this.#facts.browser} · ${this.#facts.system}`);
    }

    /** @param {import('./types').Credentials} credentials */
    enter(credentials) {
        if (credentials.dn && this.#session?.dn !== credentials.dn) this.#session = null;
        this.#credentials = credentials;
        this.#running = new AbortController();
        this.#busy = false;
        this.#view.note('error', '');
        this.#view.status('');
        this.#view.busy(false);
        this.#ready();
    }

    // Nothing goes on any more, whatever did.
    close() {
        this.#running.abort();
        this.#answer = null;
        this.#quiet();
        this.#kit.close?.();
    }

    #quiet() {
        clearInterval(this.#timer);
        this.#ringer.stop();
        this.#audio.silence();
        this.#audio.close();
        this.#audio.rest();
        this.#warn('ring', null);
        this.#view.level(0);
    }

    #warn(about, text) {
        this.#warnings[about] = text;
        this.#view.note('warn', Object.values(this.#warnings).filter(Boolean).join(' '));
    }

    // What the next test starts with: null when it has to be asked.
    get #start() {
        const { link, renew, dn } = this.#credentials;

        if (this.#session && this.#session.endsAt - Date.now() > LEAST_MS) return 'session';
        if (link) return { link };
        return renew ? { dn, renew } : null;
    }

    #ready() {
        this.#view.show('ready', { form: this.#start === null, dn: this.#credentials.dn ?? '' });
    }

    #pressed(answer) {
        if (answer === 'start') this.#begin(this.#start);
        else if (answer === 'copy') this.#copy();
        else this.#answer?.(answer);
    }

    // In a click, so that the browser lets it sound. what: credentials, or 'session'.
    async #begin(what) {
        const { signal } = this.#running;

        if (this.#busy) return;
        if (what === null) return this.#ready();
        this.#busy = true;
        this.#audio.unlock().catch(() => {});
        this.#view.busy(true);
        this.#view.note('error', '');
        this.#view.status('');
        this.#view.hideText();
        try {
            if (what !== 'session') await this.#open(what, signal);
            this.#view.busy(false);
            await this.#run(signal);
        } catch (error) {
            if (signal.aborted) return;
            this.#view.busy(false);
            if (error.again) this.#credentials = { dn: this.#credentials.dn };
            if (error.again && what.link) this.#kit.over?.();
            this.#ready();
            this.#view.note('error', error.message);
        } finally {
            if (!signal.aborted) this.#busy = false;
        }
    }

    async #open(what, signal) {
        const session = await start(what);

        signal.throwIfAborted();
        this.#session = session;
        if (what.link) this.#credentials = {}; // it is used
        this.#view.clearPassword();
        this.#kit.started?.(this.#session);
    }

    async #run(signal) {
        this.#lines = noLines();
        for (const name of Object.keys(this.#lines)) this.#line(name, this.#lines[name]);
        this.#view.show('opening');
        this.#microphoneError = null;
        await this.#audio.open().catch((error) => (this.#microphoneError = error.message));
        signal.throwIfAborted();
        await this.#audio.refresh();
        this.#timer = setInterval(() => this.#view.level(this.#audio.level()), LEVEL_MS);
        try {
            await runAll(this.#context(signal), (name, line) => signal.aborted || this.#line(name, line));
        } finally {
            if (!signal.aborted) this.#quiet();
        }
        this.#view.show(verdictOf(this.#lines));
        await this.#keep();
    }

    /** @returns {import('./types').Context} */
    #context(signal) {
        const room = this;

        return {
            session: /** @type {Session} */ (this.#session),
            ticker: this.#kit.ticker,
            audio: this.#audio,
            ringer: this.#ringer,
            settings: this.#kit.settings,
            signal,
            device: (kind) => this.#view.device(kind === 'ring' && !this.#kit.settings.ringSpeaker ? 'speaker' : kind),
            get microphoneError() {
                return room.#microphoneError;
            },
            get lines() {
                return room.#lines;
            },
            amend: (name, patch) => signal.aborted || this.#line(name, { ...this.#lines[name], ...patch }),
            show: (step) => signal.aborted || this.#view.show(step),
            ask: (step) => this.#ask(step, signal),
        };
    }

    #ask(step, signal) {
        signal.throwIfAborted();
        this.#view.show(step);
        return new Promise((resolve, reject) => {
            const gone = () => reject(signal.reason);
            signal.addEventListener('abort', gone, { once: true });
            this.#answer = (answer) => {
                signal.removeEventListener('abort', gone);
                this.#answer = null;
                resolve(answer);
            };
        });
    }

    #line(name, line) {
        this.#lines = { ...this.#lines, [name]: line };
        this.#view.line(name, line);
    }

    async #keep() {
        const session = /** @type {Session} */ (this.#session);

        this.#view.status(words.sending);
        try {
            await send(session.session, reportOf(this.#lines, this.#facts));
            this.#view.status(words.kept(session.dn));
        } catch (error) {
            this.#view.status(words.notKept(error.message));
        }
    }

    async #copy() {
        const { dn, name, version } = /** @type {Session} */ (this.#session);
        const who = [name, dn && `DN ${dn}`].filter(Boolean).join(', ');
        const text = textOf(this.#lines, { ...this.#facts, who, version, host: location.host, at: new Date() });

        try {
            await navigator.clipboard.writeText(text);
            this.#view.status(words.copied);
        } catch {
            this.#view.showText(text);
        }
    }

    #devices({ microphones, speakers, microphone, speaker, speakerChoice }) {
        const choice = speakerChoice ? speakers : [];

        this.#view.devices('microphone', microphones, microphone);
        this.#view.devices('speaker', choice, speaker);
        this.#view.devices('ring', choice.length ? [{ id: '', label: words.asSpeaker }, ...choice] : [], this.#kit.settings.ringSpeaker);
    }

    // What sounds goes on there.
    async #choose(kind, id) {
        const { settings, save } = this.#kit;

        if (kind === 'microphone') await this.#audio.chooseMicrophone(id).catch((error) => this.#view.note('error', error.message));
        else if (kind === 'speaker') {
            await this.#audio.chooseSpeaker(id);
            this.#ringer.follow();
        } else {
            settings.ringSpeaker = id;
            const there = await this.#ringer.ring();
            this.#warn('ring', there ? null : words.ringElsewhere);
        }
        save();
    }
}

/** @param {HTMLElement} root @param {Kit} kit */
export async function makeRoom(root, kit) {
    await dress();
    return new Room(root, kit);
}
