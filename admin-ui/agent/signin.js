// Checks DN and password with the gateway and makes the identity that the phone registers with.
import { Utils } from 'jssip';
import { Trouble } from '../shared/words.js';
import { words } from './words.js';

const REALM = 'dngate';

/** @param {{ dn: string, password?: string, renew?: string }} what */
async function ask(what) {
    try {
        return await fetch('/api/agent/v1/config', {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify(what),
            cache: 'no-store',
        });
    } catch {
        throw new Trouble(navigator.onLine ? words.unreachable : words.offline);
    }
}

async function refusal(response) {
    const problem = await response.json().catch(() => ({}));

    if (response.status === 401) return words.wrongPassword;
    if (response.status === 429 || response.status === 403) return words.tooManyAttempts(response.headers.get('Retry-After'));
    return problem.detail || words.serverError(response.status);
}

// How audio gets through from here, and what the DN is set to; renewAt: when half of the credentials' time is over.
/** @param {{ iceServers?: RTCIceServer[], iceServersTtl: number, renew?: string, features?: { autoAnswer?: boolean } }} config */
function ways({ iceServers = [], iceServersTtl, renew, features }) {
    return { iceServers, renew, renewAt: renew ? Date.now() + (iceServersTtl * 1000) / 2 : null, autoAnswer: features?.autoAnswer === true };
}

// The same again before it ends, or null: with what the gateway gave for it, as the password is not kept. Once that is refused it always
// will be, and each time counts as a wrong password of everybody's at this address.
/** @param {{ dn: string, renew?: string, iceServers: RTCIceServer[], autoAnswer?: boolean }} identity */
export async function renewWays({ dn, renew, iceServers, autoAnswer }) {
    const response = renew ? await ask({ dn, renew }).catch(() => null) : null;

    if (response?.status === 401) return ways({ iceServers, iceServersTtl: 0, features: { autoAnswer } });
    return response?.ok ? response.json().then(ways, () => null) : null;
}

// The password is not kept: digest authentication needs HA1 alone. Throws Trouble.
export async function signIn(dn, password) {
    const response = await ask({ dn, password });

    if (!response.ok) throw new Trouble(await refusal(response));
    const config = await response.json();
    const realm = config.sip?.realm ?? REALM;

    return {
        dn,
        realm,
        ha1: Utils.calculateMD5(`${dn}:${realm}:${password}`),
        displayName: config.displayName ?? '',
        ...ways(config),
        instanceId: uuid(),
        shift: false,
    };
}

// crypto.randomUUID() is missing on pages that were not reached by HTTPS.
function uuid() {
    const b = crypto.getRandomValues(new Uint8Array(16));
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    const hex = [...b].map((x) => x.toString(16).padStart(2, '0')).join('');
    return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
}
