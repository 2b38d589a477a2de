// Buttons of the headset and the system that the browser hands on (Media Session): hang up or decline, and the microphone. A browser that
// knows none of them leaves things as they are.

// state(): the page's; actions as the view has them.
export function listenToHeadset(state, actions, session = navigator.mediaSession ?? null) {
    const on = (action, run) => {
        try {
            session?.setActionHandler(action, run);
        } catch {
            // Unknown to this browser.
        }
    };

    on('hangup', () => !['idle', 'ended'].includes(state().call.state) && actions.hangup());
    on('togglemicrophone', () => state().call.state === 'connected' && actions.setMuted(!state().muted));
}

// What its light should show.
export function tellHeadset({ muted }, session = navigator.mediaSession ?? null) {
    /** @type {any} */ (session)?.setMicrophoneActive?.(!muted);
}
