// Every trouble in words that say what to do. An agent reads them while somebody waits on the line: short.
import { words as shared } from '../shared/words.js';

export const words = {
    ...shared,
    serverError: (status) => `The gateway could not sign you in (error ${status}). Try again; if it stays, tell your administrator.`,
    socketBlocked:
        'The gateway answers, but the phone connection (WebSocket) is blocked. A proxy or firewall may be in the way: tell your administrator.',
    reconnecting: 'Connection to the gateway lost. Reconnecting by itself…',
    draining: 'The gateway is restarting. The phone reconnects by itself.',
    stopping: (left) => `The gateway will be restarted. A call can go on for ${left}; new calls are not possible until it is back.`,
    elsewhere: (dn) => `DN ${dn} was signed in on another page or computer, so this page stopped. Press Start shift to take it back.`,
    removed: 'The administrator removed this DN.',
    disabled: 'The administrator disabled this DN.',
    passwordChanged: 'The password of this DN was changed. Sign in with the new one.',
    refused: 'The gateway no longer takes this sign-in. Sign in again.',
    registrationRetry: (why) => `The gateway did not register the phone (${why}). Trying again…`,
    noRoom: 'The test of the set-up cannot be loaded. Check the network, or reload this page.',
    asSpeaker: 'The same speaker',
    soundLocked: 'Click anywhere on this page to switch the sound on again.',
    noAudioPath:
        'No audio path to the gateway. A firewall may block UDP and the gateway’s relay: tell your administrator that the browser reaches neither.',
    path: (path) => ({ '': '', direct: ' · direct', relay: ' · by relay' })[path] ?? ` · by relay (${path.toUpperCase()})`,
    noAddress:
        'The browser may not use the network for audio: a VPN or a browser policy (WebRTC) forbids it. Tell your administrator.',
    audioInterrupted: 'The audio connection is interrupted. Trying to restore it…',
    noSoundYet: 'No sound has come from the other side yet. If you hear nothing, hang up and call again; if it stays so, tell your administrator.',
    soundStopped: 'No sound comes from the other side any more. You may be on hold; if they do not hear you either, hang up and call again.',
    poorSound: 'The connection loses sound. A network cable instead of Wi-Fi helps, and closing what loads much.',
    fromAdministrator: (text) => `Your administrator writes: ${text}`,
    messageRead: 'I have read it',
    notReady: 'The phone is not ready. Wait for “Ready”.',
    inCallElsewhere: (dn) =>
        `DN ${dn} is in a call elsewhere. Take over: that call goes on to its end there, new calls come here. Take over with the call: it goes on here.`,
    goesOn: 'The call goes on',
    leaving: (why) => `${why} This call goes on to its end; no new one comes here.`,
    noCallsHere: (dn, code) =>
        `Genesys ${code === 404 ? `does not know DN ${dn}` : code === 401 || code === 407 ? `does not take the password of DN ${dn}` : `refuses DN ${dn}`}: no call reaches you. Tell your administrator.`,
    takenOver: (dn) => `DN ${dn} was taken over by another page or computer. This call goes on to its end; new calls go there.`,
    numberRefused: (character) => `“${character}” cannot be dialled.`,
    numberTooLong: (length, longest) => `${length} characters are too many: at most ${longest}.`,
    numberDialled: (number, dropped) => `Dials ${number}${dropped.length ? `, without ${dropped.map((part) => `“${part}”`).join(' and ')}` : ''}`,
    withheld: 'Number withheld',
    called: (number) => `called: ${number}`,
    ringing: (who) => `Incoming call from ${who}`,
    waiting: (who) => `Second call from ${who}`,
    calling: (name) => `${name} is calling`,
    callingNow: 'Calling…',
    connected: (by) => ({ desktop: 'Connected, answered from the desktop', header: 'Connected, answered by itself', dn: 'Connected, answered by itself' })[by] ?? 'Connected',
    onHold: (by) => (by === 'desktop' ? 'On hold, from the desktop' : 'On hold'),
    farHolds: 'Held by the other side',
    bothHold: 'On hold, and held by the other side',
    moving: (number) => `Transferring to ${number}…`,
    movingRings: (number) => `Transferring to ${number}: it rings there`,
    transferred: (number) => `Transferred to ${number}`,
    notTransferred: (number, why) => `Not transferred to ${number}: ${why}. The call is still yours.`,
    otherOver: (name, why) => `${name}, who was on hold: ${why}.`,
    stillHeld: (name, why) => `${name}: ${why}. The other call is still on hold: press Retrieve.`,
    hold: 'Hold',
    retrieve: 'Retrieve',
    numberFor: { '': 'Number to call', transfer: 'Transfer to', consult: 'Ask first, then transfer' },
    dialFor: { '': 'Call', transfer: 'Go', consult: 'Call' },
};

export const nameOf = ({ name, number, withheld }) => (withheld ? words.withheld : name || number || 'Unknown number');

// A caller in one line.
export const who = ({ name, number, withheld }) => (withheld ? words.withheld : [name, number].filter(Boolean).join(', ') || 'an unknown number');

const byStatus = {
    403: 'Not allowed',
    404: 'No such number',
    408: 'No answer',
    410: 'Number no longer in use',
    415: 'The other side speaks no common codec',
    480: 'Not available',
    484: 'Number incomplete',
    486: 'Busy',
    487: 'Cancelled',
    488: 'The other side speaks no common codec',
    500: 'The telephone system reports an error',
    502: 'The telephone system reports an error',
    503: 'The telephone system cannot be reached',
    504: 'The telephone system does not answer',
    600: 'Busy',
    603: 'Declined',
    604: 'No such number',
};

const byCause = {
    'RTP Timeout': 'Audio connection lost',
    'Connection Error': 'Connection to the gateway lost',
    'Dialog Error': 'The connection was lost for too long',
    'Request Timeout': 'The gateway does not answer',
    'User Denied Media Access': 'Microphone blocked',
    'WebRTC Error': 'The browser could not set up the audio',
    'No Answer': 'Not answered',
    Expires: 'Not answered',
    Canceled: 'Cancelled',
    Rejected: 'Declined',
};

// Why a call is not transferred, from the answer's status (0: there was none) and JsSIP's cause.
export function moveWords(status, cause = '') {
    if (status === 501) return 'the telephone system takes no transfers here';
    if (status === 481) return 'one of the calls is over';
    return lower(byStatus[status] ?? byCause[cause] ?? (status ? `error ${status}` : cause || 'no answer'));
}

const lower = (text) => text.charAt(0).toLowerCase() + text.slice(1);

// How a call that is up stands.
export function courseOf({ moving, held, heldBy, farHeld, by }) {
    if (moving) return words.moving(moving);
    if (held) return farHeld ? words.bothHold : words.onHold(heldBy);
    return farHeld ? words.farHolds : words.connected(by);
}

// Why a call ended, from JsSIP's `ended` and `failed` events.
export function endWords({ originator, cause, message }, incoming, answered) {
    if (byCause[cause] && (originator !== 'remote' || cause !== 'Rejected')) {
        if (cause === 'Canceled' && incoming) return 'Missed call';
        return byCause[cause];
    }
    if (answered) return originator === 'local' ? 'You hung up' : 'The other side hung up';
    return byStatus[message?.status_code] ?? (message?.reason_phrase || cause || 'Call ended');
}

// What follows the words about a microphone that can't be opened. on: the shift has started, and the page tries again by itself.
export const thenWords = (on) => (on ? '; the phone is ready again then.' : ', then press Start shift.');
