// The keyboard: Enter answers, Escape declines or cancels, m mutes, h holds, t transfers, c consults, s swaps, digits are tones; and what is pressed twice by mistake is done once.
import { asking } from './ask.js';

const AGAIN_MS = 700;

export const typing = (target) => target instanceof HTMLElement && target.matches('input:not([type=checkbox], [type=range]), select, textarea');

const control = (element) => element instanceof HTMLElement && element.matches('input, select, textarea, button, a');
const resting = (element) => element.id === 'dial-number' && element.value === ''; // where the focus is when nothing is done

// A control that the agent may be about to use: a call that comes in leaves it the focus.
export const inUse = (element) => asking() || (control(element) && !resting(element));

// Where Enter has a meaning of its own. A button that was clicked with the mouse is done with.
const takesEnter = (element) =>
    inUse(element) && (asking() || typing(element) || element.matches('button:focus-visible, a:focus-visible'));

// A key that is held down, and Enter or Escape again before anything else was done: it would meet what the first one made of the page.
function guard() {
    let last = { key: '', at: -AGAIN_MS };

    const forget = () => (last = { key: '', at: -AGAIN_MS });
    for (const event of ['pointerdown', 'input']) document.addEventListener(event, forget, true);
    document.addEventListener(
        'keydown',
        (event) => {
            const { key, repeat, target, timeStamp } = event;
            const element = target instanceof Element ? target : document.body;
            const acts = key === 'Enter' || key === 'Escape' || (key === ' ' && element.matches('button'));

            if (!acts) {
                if (!repeat) forget();
                return;
            }
            const again = key === last.key && timeStamp - last.at < AGAIN_MS && !element.closest('[data-digit]');
            if (!repeat && !again) last = { key, at: timeStamp };
            if (!repeat && !again) return;
            event.preventDefault();
            event.stopImmediatePropagation();
        },
        true,
    );
}

const inCall = {
    m: (actions, { muted }) => actions.setMuted(!muted),
    h: (actions, { call }) => actions.hold(!call.held),
    t: (actions, { other }) => (other ? actions.join() : actions.pick('transfer')),
    c: (actions) => actions.pick('consult'),
    s: (actions) => actions.swap(),
};

// state(): the page's; actions as the view has them.
export function listenToKeys(state, actions) {
    guard();
    document.addEventListener('keydown', (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented || asking()) return;
        const { call, waiting, other, picking, muted } = state();
        const done = () => event.preventDefault();

        if (event.key === 'Enter' && call.state === 'incoming' && !takesEnter(event.target)) {
            done();
            actions.answer();
        } else if (event.key === 'Escape' && waiting) {
            done();
            actions.declineWaiting();
        } else if (event.key === 'Escape' && picking) {
            done();
            actions.pick('');
        } else if (event.key === 'Escape' && ['incoming', 'calling', 'ringing'].includes(call.state)) {
            done();
            actions.hangup();
        } else if (call.state === 'connected' && !event.repeat && !typing(event.target)) {
            const act = inCall[event.key.toLowerCase()];
            if (act) {
                done(); // a field that it opens would take it as text
                act(actions, { call, other, muted });
            } else if (/^[0-9*#]$/.test(event.key)) actions.digit(event.key);
        }
    });
}
