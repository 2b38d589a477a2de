// The agent's page: joins the parts.
import { Audio } from '../shared/audio.js';
import { Ringer } from '../shared/ringer.js';
import { loadSettings, saveSettings } from '../shared/settings.js';
import { createTicker } from '../shared/ticker.js';
import { Calls } from './calls.js';
import { $ } from './dom.js';
import { listenToHeadset, tellHeadset } from './headset.js';
import { followLinks, openPhoneLinks } from './link.js';
import { Ways } from '../shared/ice.js';
import { loadIdentity, loadMissed, saveIdentity } from './memory.js';
import { Drain, messageIn, readNotice } from './notices.js';
import { askToNotify } from './notify.js';
import { Phone, droppedWords } from './phone.js';
import { renewWays, signIn } from './signin.js';
import { IDLE_CALL, createStore, initialState } from './store.js';
import { View } from './view.js';
import { thenWords, words } from './words.js';

const store = createStore(initialState);
const settings = loadSettings();
const ticker = createTicker('/ticker-agent-dn.js');
/** @type {import('./types').Identity | null} */
let identity = null;

const LEVEL_MS = 100;

// One message for each source at a time; text null takes it away.
/** @type {import('./types').Say} */
function say(source, kind, text = null) {
    if ((store.get().messages[source]?.text ?? null) === text) return;
    const messages = { ...store.get().messages };

    delete messages[source];
    if (text && kind) messages[source] = { kind, text };
    store.set({ messages });
}

const soundEvents = {
    devices: (devices) => store.set({ devices: { ...devices, ringSpeaker: settings.ringSpeaker } }),
    microphone(text) {
        if (store.get().microphoneMissing !== Boolean(text)) store.set({ microphoneMissing: Boolean(text) });
        say('microphone', 'error', text);
        if (text) calls.microphoneGone();
    },
    trouble: (text) => say('audio', 'warn', text),
    speaker: (text) => say('speaker', 'warn', text),
    silent: (text) => say('silent', 'warn', text),
    locked: () => awaitClick(),
};
const audio = new Audio(document.getElementById('remote-audio'), settings, ticker, soundEvents, thenWords);
const ringer = new Ringer(audio, settings);
const drain = new Drain(ticker, (text) => {
    store.set({ draining: text !== null });
    say('drain', 'warn', text);
});
const phone = new Phone(ticker, {
    registration(state) {
        if (state !== 'registered') drain.forget();
        if (state !== 'registered') say('upstream', 'warn', null);
        store.set({ registration: { state } });
    },
    online: (reached) => store.set({ offline: !reached }),
    trouble: (text) => say('phone', 'warn', text),
    session: (session, request) => calls.offered(session, request),
    message: (request) => noticed(readNotice(request)),
    elsewhere: () => stopShift('warn', words.elsewhere(store.get().dn)),
    inCallElsewhere() {
        stopShift('warn', words.inCallElsewhere(store.get().dn));
        store.set({ elsewhere: true });
    },
    takenOver: () => noticed({ elsewhere: true }),
    leaving: (reason) => noticed({ leaving: { reason } }),
    signedOut: (text) => forget('error', text),
    reconnected() {
        calls.reconnected();
        ways.look();
    },
    inCall: () => calls.busy,
    inNeed: () => calls.inNeed,
});
const ways = new Ways(ticker, async () => {
    const asked = identity;
    const fresh = asked && (await renewWays(asked));

    if (!fresh || identity?.instanceId !== asked.instanceId) return null; // signed out meanwhile, or in again
    remember(fresh);
    return fresh;
});
const calls = new Calls({ store, phone, audio, ringer, ticker, settings, say, over, ways });

let dropped = null; // what an administrator did to the DN while a call was on

function noticed(notice) {
    const message = messageIn(notice);

    if (message) say('administrator', 'warn', words.fromAdministrator(message));
    drain.heard(notice);
    if (notice.upstream) say('upstream', 'warn', notice.upstream.state === 'refused' ? words.noCallsHere(store.get().dn, Number(notice.upstream.code)) : null);
    if (notice.elsewhere) {
        store.set({ elsewhere: true });
        say('elsewhere', 'warn', words.takenOver(store.get().dn));
    } else if (typeof notice.leaving?.reason === 'string') {
        dropped = droppedWords(notice.leaving.reason);
        say('elsewhere', 'warn', words.leaving(dropped));
    } else {
        return;
    }
    phone.release();
    over();
}

// No call is on any more: a page whose DN is another's, or nobody's, has no more to do.
function over() {
    if (!phone.released || calls.busy) return;
    phone.leave();
    if (dropped) forget('error', dropped);
    else stopShift('warn', words.elsewhere(store.get().dn));
}

// After a reload the browser may want a click before it lets anything sound.
function awaitClick() {
    say('sound', 'warn', words.soundLocked);
    const unlock = () => {
        say('sound', null);
        audio.unlock();
        if (calls.remoteStream) audio.play(calls.remoteStream);
    };
    // On click, not before: a message that goes while a button is held down would move the button away.
    for (const event of ['click', 'keydown']) document.addEventListener(event, unlock, { once: true });
}

function remember(patch) {
    identity = { ...identity, ...patch };
    saveIdentity(identity);
    store.set({ autoAnswer: identity?.autoAnswer === true });
}

function welcome(who, view) {
    identity = who;
    ways.use(who);
    store.set({ view, busy: false, dn: who.dn, displayName: who.displayName, autoAnswer: who.autoAnswer === true });
}

// Opens the microphone and registers; what stands in the way is said, and Start shift stays.
async function openShift(how) {
    store.set({ busy: true });
    try {
        await audio.open();
        say('shift', null);
        remember({ shift: true });
        store.set({ view: 'phone', elsewhere: false });
        phone.start(identity, how);
        ways.look();
    } catch (error) {
        audio.close();
        if (!identity) return; // signed out meanwhile
        store.set({ view: 'shift' });
        say('shift', 'error', error.message);
    } finally {
        store.set({ busy: false });
    }
}

// Where a set-up is tried out before the shift; fetched when it is asked for first.
/** @type {Awaited<ReturnType<typeof import('/selftest-room.js').makeRoom>> | null} */
let room = null;

async function openCheck() {
    store.set({ busy: true, messages: {} });
    try {
        const { makeRoom } = await import('/selftest-room.js');
        room ??= await makeRoom($('check-view'), {
            ticker,
            settings,
            save: () => saveSettings(settings),
            close: () => store.get().view === 'check' && store.set({ view: 'shift' }),
        });
        if (!identity || store.get().view !== 'shift') return; // signed out meanwhile
        store.set({ view: 'check' });
        room.enter({ dn: identity.dn, renew: identity.renew });
    } catch {
        say('shift', 'error', words.noRoom);
    } finally {
        store.set({ busy: false });
    }
}

function closeShift(view) {
    room?.close();
    calls.hangupAll();
    phone.stop();
    audio.close();
    dropped = null;
    store.set({ view, messages: {}, elsewhere: false });
}

/** @param {'error' | 'warn' | null} [kind] @param {string} [text] */
function stopShift(kind = null, text) {
    remember({ shift: false });
    closeShift('shift');
    if (text) say('shift', kind, text);
}

/** @param {'error' | 'warn' | null} [kind] @param {string} [text] */
function forget(kind = null, text) {
    saveIdentity(null);
    closeShift('signin');
    identity = null;
    ways.use({});
    calls.clearMissed();
    store.set({ dn: '', displayName: '', call: IDLE_CALL, registration: { state: 'offline' } });
    if (text) say('signin', kind, text);
}

const actions = {
    async signIn(dn, password) {
        store.set({ busy: true, messages: {} });
        try {
            welcome(await signIn(dn, password), 'shift');
            saveIdentity(identity);
            view.clearPassword();
        } catch (error) {
            store.set({ busy: false });
            say('signin', 'error', error.message);
        }
    },
    startShift() {
        audio.unlock();
        askToNotify();
        return openShift({});
    },
    takeOver(how = 'yes') {
        audio.unlock();
        return openShift({ takeOver: how });
    },
    check: () => openCheck(),
    endShift: () => stopShift(),
    signOut: () => forget(),
    dial: (number) => calls.dial(number),
    answer: () => calls.answer(),
    hangup: () => calls.hangup(),
    takeWaiting: () => calls.takeWaiting(),
    declineWaiting: () => calls.declineWaiting(),
    clearMissed: () => calls.clearMissed(),
    messageRead: () => say('administrator', null),
    digit: (digit) => calls.digit(digit),
    openPhoneLinks: () => openPhoneLinks(),
    hold: (held) => calls.hold(held),
    pick: (what) => calls.pick(what),
    transfer: (number) => calls.transfer(number),
    consult: (number) => calls.consult(number),
    swap: () => calls.swap(),
    join: () => calls.join(),
    setMuted: (muted) => calls.setMuted(muted),
    setting(name, value) {
        settings[name] = value;
        saveSettings(settings);
        if (name === 'volume') audio.setVolume(value);
        else if (/^(echo|noise|auto)(Cancellation|Suppression|GainControl)$/.test(name) && audio.stream) reopen(audio.open());
    },
    chooseMicrophone: (id) => reopen(audio.chooseMicrophone(id)),
    chooseSpeaker: (id) => reopen(audio.chooseSpeaker(id)),
    chooseRingSpeaker(id) {
        settings.ringSpeaker = id;
        reopen(audio.refresh());
    },
};

// What an agent chose: why it can't be is said where the trouble with the microphone is.
async function reopen(promise) {
    await promise.catch((error) => audio.alive && say('audio', 'error', error.message));
    saveSettings(settings);
}

const view = new View(actions, settings);
store.subscribe((state) => view.render(state));
store.subscribe(tellHeadset);
listenToHeadset(store.get, actions);
followLinks((number) => view.fill(number));
ticker.every(1000, () => view.tick());
setInterval(() => store.get().view === 'phone' && view.level(audio.level()), LEVEL_MS);

window.addEventListener('online', () => ways.look());
window.addEventListener('beforeunload', (event) => {
    if (!calls.busy) return;
    event.preventDefault();
    event.returnValue = true; // browsers before 2024
});
window.addEventListener('pagehide', () => calls.leave());

async function resume() {
    const saved = loadIdentity();

    if (!saved) return;
    store.set({ missed: loadMissed() });
    welcome(saved, 'shift');
    if (!saved.shift) return;
    audio.unlock();
    await openShift({});
    if (audio.context?.state === 'suspended') awaitClick();
}
resume();

// For support and tests: look, don't touch.
window.dngate = Object.freeze({
    get state() {
        return store.get();
    },
    get stats() {
        return store.get().quality;
    },
    get remoteStream() {
        return calls.remoteStream;
    },
    get localStream() {
        return audio.stream;
    },
    get peerConnections() {
        return calls.connections;
    },
});
