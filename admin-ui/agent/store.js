// The page's state: one plain object, replaced on each change; the view listens and draws.
export function createStore(initial) {
    let state = Object.freeze({ ...initial });
    const listeners = new Set();

    return {
        get: () => state,
        set(patch) {
            state = Object.freeze({ ...state, ...patch });
            for (const listener of listeners) listener(state);
        },
        subscribe(listener) {
            listeners.add(listener);
            listener(state);
        },
    };
}

export const IDLE_CALL = Object.freeze({ state: 'idle', name: '', number: '', answeredAt: 0, endedAt: 0, text: '', digits: '' });

export const initialState = Object.freeze({
    view: 'signin', // signin, shift, phone
    busy: false,
    dn: '',
    displayName: '',
    registration: { state: 'offline', text: 'Signed out' },
    call: IDLE_CALL,
    muted: false,
    quality: null,
    devices: { microphones: [], speakers: [], microphone: '', speaker: '', speakerChoice: false },
    messages: {}, // by source: what a person should know now, {kind, text}
});
