// When to stop gathering: there is no trickle, so the offer waits for candidates, and the caller waits for the offer.
const SETTLE_MS = 60; // after a host candidate: its siblings come at once
const PATIENCE_MS = 500; // for a STUN or TURN server's answer
const NO_ADDRESS_MS = 8000; // a TURN server over TCP may take long

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

// Calls none() when the browser finds no address of its own to send audio from: it would gather for ever (no network) or make an offer
// that nobody can answer (a policy or VPN that keeps it from UDP).
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
        else if (pc.iceGatheringState === 'gathering') timer = setTimeout(check, NO_ADDRESS_MS);
    });
}
