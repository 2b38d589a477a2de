// When to stop gathering: there is no trickle, so the offer waits for candidates, and the caller waits for the offer.
const SETTLE_MS = 60; // after a host candidate: its siblings come at once
const PATIENCE_MS = 500; // for a STUN or TURN server's answer

// Handler of JsSIP's `icecandidate` event for one session. The gateway does full ICE, so one candidate that reaches it is enough.
export function gatherBriefly(iceServers) {
    const waits = iceServers?.length ? PATIENCE_MS : SETTLE_MS;
    let asked = null;

    return ({ candidate, ready }) => {
        if (candidate.type === 'relay') {
            setTimeout(ready, SETTLE_MS);
        } else if (asked !== ready) {
            asked = ready; // JsSIP makes a new one for each description
            setTimeout(ready, waits);
        }
    };
}
