// The page's state: one plain object, replaced on each change; the view listens and draws.

/** @param {State} initial */
export function createStore(initial) {
    let state = Object.freeze({ ...initial });
    /** @type {Set<(state: State) => void>} */
    const listeners = new Set();

    return {
        get: () => state,
        /** @param {Partial<State>} patch */
        set(patch) {
            state = Object.freeze({ ...state, ...patch });
            for (const listener of listeners) listener(state);
        },
        /** @param {(state: State) => void} listener */
        subscribe(listener) {
            listeners.add(listener);
            listener(state);
        },
    };
}

/** @typedef {import('./types').State} State */

// state: idle, calling, ringing, incoming, connected, ended. called: a number that is not our own. Times are performance.now()'s.
/** @type {Readonly<import('./types').CallData>} */
export const IDLE_CALL = Object.freeze({
    state: 'idle',
    name: '',
    number: '',
    withheld: false,
    called: '',
    answeredAt: 0,
    endedAt: 0,
    text: '',
    digits: '',
    by: '',
    held: false,
    heldBy: '',
    farHeld: false,
    moving: '',
});

/** @type {Readonly<State>} */
export const initialState = {
    view: 'signin', // signin, shift, check, phone
    busy: false,
    dn: '',
    displayName: '',
    autoAnswer: false, // as the DN is set; the person's own choice is a setting
    registration: { state: 'offline' }, // or connecting, registered, failed, replaced
    offline: false, // nothing is heard: not connected, and it has been or has been tried; or connected, and silent
    draining: false,
    microphoneMissing: false,
    elsewhere: false, // another page has the DN: a call goes on to its end here, or the other's does there
    call: IDLE_CALL,
    waiting: null, // a second call
    other: null, // the call that is held while the one on the line is asked
    picking: '', // what the number that is typed is for: transfer or consult
    missed: [], // {at, name, number, withheld, called}, newest first
    muted: false,
    quality: null,
    devices: { microphones: [], speakers: [], microphone: '', speaker: '', ringSpeaker: '', speakerChoice: false },
    messages: {}, // by source: what a person should know now, {kind, text}
};
