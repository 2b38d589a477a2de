// Which ways there are from here to the gateway: its WebSocket, STUN, and TURN by each protocol for itself.
import { gather } from '../shared/gather.js';
import { fetchWithin } from './api.js';
import { serversOf } from './urls.js';
import { words } from './words.js';

/** @typedef {import('./types').Test} Test */
/** @typedef {import('./types').Result} Result */

const SOCKET_MS = 10000;
const ALIVE_MS = 3000;
const ANSWER_MS = 5000;
const SLOW_MS = 500; // for a SIP request and its answer
const STUN_MS = 6000;
const TURN_MS = 9000; // over TLS it may take long

export const socketUrl = () => `${location.protocol === 'http:' ? 'ws' : 'wss'}://${location.host}/ws`;
const pagePort = () => location.port || (location.protocol === 'http:' ? '80' : '443');
const pagePlace = () => `port ${pagePort()} of ${location.hostname}`;

const within = (ms, promise) => {
    let timer;
    return Promise.race([promise, new Promise((resolve) => (timer = setTimeout(resolve, ms, null)))]).finally(() => clearTimeout(timer));
};
const event = (target, ...names) => new Promise((resolve) => names.forEach((name) => target.addEventListener(name, resolve, { once: true })));

/** @returns {Promise<Result>} */
async function noSocket() {
    const alive = await fetchWithin(ALIVE_MS, '/healthz').then((r) => r.ok).catch(() => false);
    const [detail, advice] = alive ? [words.wssBlocked, words.wssBlockedAdvice] : [words.wssUnreachable, words.wssUnreachableAdvice];

    return { result: 'bad', detail, advice: advice(pagePlace()) };
}

/** @type {Test} */
export const wss = {
    name: 'wss',
    async run() {
        const since = performance.now();
        const socket = new WebSocket(socketUrl(), 'sip');

        try {
            const opened = await within(SOCKET_MS, event(socket, 'open', 'error', 'close'));
            if (opened?.type !== 'open') return await noSocket();
            const open = performance.now() - since;
            const asked = performance.now();
            const answer = event(socket, 'message', 'close');
            socket.send('\r\n\r\n'); // RFC 7118 6
            if ((await within(ANSWER_MS, answer))?.type !== 'message')
                return { result: 'bad', detail: words.wssSilent, advice: words.wssBlockedAdvice(pagePlace()) };
            return judgeAnswer(open, performance.now() - asked);
        } finally {
            socket.close();
        }
    },
};

/** @returns {Result} */
function judgeAnswer(open, answer) {
    const figures = { ms: Math.round(answer) };

    if (answer < SLOW_MS) return { result: 'good', detail: words.wssGood(open, answer), figures };
    return { result: 'fair', detail: words.wssSlow(answer), advice: words.wssSlowAdvice, figures };
}

/** @type {Test} */
export const stun = {
    name: 'stun',
    async run({ session }) {
        const servers = serversOf(session.iceServers, 'stun');
        const own = new Set(); // ports of our own sockets …
        const deaf = new Set(); // … and of those that got no answer

        if (!servers.length) return { result: 'skipped', detail: words.noServer };
        const since = performance.now();
        const found = await gather({ iceServers: servers.map(({ server }) => server) }, STUN_MS, ({ candidate, error, ms }) => {
            if (candidate?.type === 'srflx') return { address: candidate.address, ms };
            if (candidate?.type === 'host' && candidate.protocol === 'udp') own.add(candidate.port);
            if (error) deaf.add(error.port);
            return false;
        });
        const ms = found ? found.ms : performance.now() - since;

        if (found) return { result: 'good', detail: words.stunGood(found.address, ms), figures: { ms: Math.round(ms) } };
        // A public address that is our own is no news to the browser: it only comes to the end of its search.
        if (found === false && [...own].some((port) => !deaf.has(port)))
            return { result: 'good', detail: words.stunOwn(ms), figures: { ms: Math.round(ms) } };
        return { result: 'bad', detail: words.stunBad, advice: words.udpAdvice(servers) };
    },
};

// One server alone: {ms} or {code} of the refusal, or {}.
async function allocate({ server }) {
    let code = 0;
    const config = /** @type {RTCConfiguration} */ ({ iceServers: [server], iceTransportPolicy: 'relay' });
    const found = await gather(config, TURN_MS, ({ candidate, error, ms }) => {
        if (error && error.errorCode < 700) code = error.errorCode;
        return candidate?.type === 'relay' && { ms };
    });

    return found || { code };
}

/** @returns {Test} */
function turn(name, advice) {
    return {
        name,
        async run({ session }) {
            const servers = serversOf(session.iceServers, name);
            if (!servers.length) return { result: 'skipped', detail: words.noServer };
            const found = await Promise.all(servers.map(allocate));
            const times = found.flatMap(({ ms }) => (ms === undefined ? [] : [ms]));
            const lacking = servers.filter((_, i) => found[i].ms === undefined);
            const refused = found.find(({ code }) => code)?.code;

            if (times.length) {
                const ms = Math.min(...times);
                const detail = words.turnGood(ms) + (lacking.length ? words.turnPart(lacking) : '');
                return { result: 'good', detail, figures: { ms: Math.round(ms) } };
            }
            if (refused) return { result: 'bad', detail: words.turnRefused(refused), advice: words.turnRefusedAdvice };
            return { result: 'bad', detail: words.turnBad(servers), advice: advice(servers) };
        },
    };
}

export const turns = [turn('turn_udp', words.udpAdvice), turn('turn_tcp', words.tcpAdvice), turn('turn_tls', words.tlsAdvice)];
