// What the gateway gives for a self-test, and where its result goes.
import { Trouble } from '../shared/words.js';
import { words } from './words.js';

const ANSWER_MS = 30000; // the gateway's latest, when it slows somebody down, and more

// Where packets vanish a browser would wait for minutes. Rejects after ms.
export async function fetchWithin(ms, url, what) {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ms);

    try {
        return await fetch(url, { ...what, cache: 'no-store', signal: late.signal });
    } finally {
        clearTimeout(timer);
    }
}

async function post(path, what) {
    try {
        return await fetchWithin(ANSWER_MS, `/api/selftest/v1/${path}`, {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify(what),
        });
    } catch {
        throw new Trouble(navigator.onLine ? words.unreachable : words.offline);
    }
}

// Why a start was refused; again: with a password it may go.
class Refused extends Trouble {
    constructor(text, again) {
        super(text);
        this.again = again;
    }
}

async function refusal(response, { link, renew }) {
    const { detail } = await response.json().catch(() => ({}));

    if (response.status === 410) return new Refused(detail || words.linkOver, true);
    if (response.status === 401) return new Refused(renew ? words.again : link ? detail || words.linkOver : words.wrongPassword, true);
    if (response.status === 429 || response.status === 403) return new Refused(detail || words.tooManyAttempts(response.headers.get('Retry-After')), false);
    return new Refused(detail || words.serverError(response.status), false);
}

// what: {link}, {dn, renew} or {dn, password}. Throws Trouble; with `again` it may be tried by DN and password.
/** @returns {Promise<import('./types').Session>} */
export async function start(what) {
    const response = await post('start', what);

    if (!response.ok) throw await refusal(response, what);
    const { expires_s: seconds, ...session } = await response.json();
    return { ...session, endsAt: Date.now() + seconds * 1000 };
}

// Throws Trouble.
export async function send(session, report) {
    const response = await post('result', { session, report });

    if (!response.ok) throw new Trouble((await response.json().catch(() => ({}))).detail || `error ${response.status}`);
}
