// What the pill says, in one word or two, from the whole state: pure. The first line that is true is said.
/** @type {[string, string, (state: import('./types').State) => boolean][]} */
const rows = [
    ['Signed out', 'off', (s) => s.view === 'signin'],
    ['Signed in elsewhere', 'bad', (s) => s.registration.state === 'replaced' || s.elsewhere],
    ['Off shift', 'off', (s) => s.view !== 'phone'],
    ['Connecting…', 'wait', (s) => s.registration.state === 'connecting' && !s.offline],
    ['Offline', 'bad', (s) => s.registration.state !== 'registered' || s.offline],
    ['No microphone', 'bad', (s) => s.microphoneMissing],
    ['Draining', 'wait', (s) => s.draining],
    ['Ringing', 'busy', (s) => s.call.state === 'incoming' || s.call.state === 'ringing'],
    ['Calling', 'busy', (s) => s.call.state === 'calling'],
    ['On a call', 'busy', (s) => s.call.state === 'connected'],
    ['No calls from Genesys', 'bad', (s) => Boolean(s.messages?.upstream)],
    ['Ready', 'good', () => true],
];

/** @param {import('./types').State} state */
// {text, kind}; kind is good, busy, wait, bad or off.
export function pill(state) {
    const [text, kind] = /** @type {typeof rows[0]} */ (rows.find(([, , holds]) => holds(state)));

    return { text, kind };
}

// Can a call be taken or made now?
export const isReady = (state) =>
    state.view === 'phone' && state.registration.state === 'registered' && !state.microphoneMissing && !state.elsewhere && !state.draining;
