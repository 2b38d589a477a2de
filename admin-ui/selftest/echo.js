// A call to the gateway, which sends the voice back: what a call would be like, measured both ways.
import { UA, WebSocketInterface } from 'jssip';
import { mos, rating } from '../shared/emodel.js';
import { Ways, onNoAddress } from '../shared/ice.js';
import { pick } from '../shared/stats.js';
import { socketUrl } from './network.js';
import { serversOf } from './urls.js';
import { words } from './words.js';

/** @typedef {import('./types').Test} Test */
/** @typedef {import('./types').Context} Context */
/** @typedef {import('./types').Result} Result */

const REGISTER_MS = 10000;
const ANSWER_MS = 20000; // with what the offer waits for
const PATH_MS = 12000;
const SILENT_MS = 4000; // with a path
const MEASURE_MS = 10000;
const TOLD_MS = 16000; // by when the far end has told how our voice arrives
const LOOK_MS = 500;
const R_GOOD = 70;
const R_FAIR = 60;
const LOSS_HEARD = 0.02;
const RTT_LONG = 300;
const JOINED = ['connected', 'completed']; // iceConnectionState
const GONE = ['failed', 'closed'];

class Failed extends Error {
    constructor(detail, advice = words.echoRefusedAdvice) {
        super(detail);
        this.advice = advice;
    }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Resolves to what `events` of an emitter say first: {event, data}.
function first(emitter, ms, ...events) {
    return new Promise((resolve) => {
        const timer = setTimeout(resolve, ms, { event: 'timeout', data: {} });
        for (const event of events)
            emitter.on(event, (data) => {
                clearTimeout(timer);
                resolve({ event, data });
            });
    });
}

const why = ({ event, data }) => (data.response?.status_code ?? data.message?.status_code ?? data.cause ?? event);

/** @param {Context} ctx */
function agentOf({ session }) {
    return new UA({
        sockets: [new WebSocketInterface(socketUrl())],
        uri: `sip:${session.user}@${location.hostname}`,
        authorization_user: session.user,
        password: session.password,
        register_expires: 120,
        session_timers: false,
        user_agent: 'dngate self-test',
    });
}

// Without a microphone the line can be measured, too. {stream, stop()}.
function tone(context) {
    const to = new MediaStreamAudioDestinationNode(context);
    const from = new OscillatorNode(context, { frequency: 440 });

    from.connect(new GainNode(context, { gain: 0.1 })).connect(to);
    from.start();
    return { stream: to.stream, stop: () => from.stop() };
}

// Where no relay works none is waited for.
/** @param {Context} ctx */
function waysOf({ session, lines, ticker }) {
    const ways = new Ways(ticker, async () => null);
    const relayed = ['turn_udp', 'turn_tcp', 'turn_tls'].some((name) => lines[name].result === 'good');

    ways.use({ iceServers: relayed ? session.iceServers : serversOf(session.iceServers, 'stun').map(({ server }) => server) });
    return ways;
}

/** @param {Context} ctx */
async function call(ctx, ua) {
    const ways = waysOf(ctx);
    const instead = ctx.audio.alive ? null : tone(ctx.audio.context);
    /** @type {RTCPeerConnection | null} */
    let pc = null;
    let noAddress = false;
    const session = ua.call(`sip:${encodeURIComponent(ctx.session.echo)}@${location.hostname}`, {
        mediaStream: instead ? instead.stream : ctx.audio.stream,
        mediaConstraints: { audio: true, video: false },
        pcConfig: { iceServers: ways.servers, bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' },
        eventHandlers: {
            icecandidate: ways.gathering(),
            peerconnection: ({ peerconnection }) => {
                pc = peerconnection;
                onNoAddress(peerconnection, () => {
                    noAddress = true;
                    if (!session.isEnded()) session.terminate();
                });
                peerconnection.addEventListener('track', ({ track, streams }) => ctx.audio.play(streams[0] ?? new MediaStream([track])));
            },
        },
    });
    for (const end of ['ended', 'failed']) session.on(end, () => instead?.stop());
    const outcome = await first(session, ANSWER_MS, 'accepted', 'failed');

    if (noAddress) throw new Failed(words.echoNoAddress, words.echoNoAddressAdvice);
    if (outcome.event !== 'accepted' || !pc) throw new Failed(words.echoRefused(why(outcome)));
    return /** @type {RTCPeerConnection} */ (pc);
}

// The gateway's own UDP port and its relay: what a firewall would have to let through.
/** @param {Context} ctx */
function ports({ session }, pc) {
    const candidate = /^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host/im.exec(pc.remoteDescription?.sdp ?? '');
    const direct = candidate ? [words.portOf('UDP', { host: candidate[1], port: candidate[2] })] : [];
    const relays = ['turn_udp', 'turn_tcp', 'turn_tls'].flatMap((kind) =>
        serversOf(session.iceServers, kind).map((server) => words.portOf(words.protocols[kind], server)),
    );

    return [...new Set([...direct, ...relays])];
}

/** @param {Context} ctx */
async function joined(ctx, pc) {
    for (const end = performance.now() + PATH_MS; !JOINED.includes(pc.iceConnectionState); await pause(LOOK_MS / 5)) {
        ctx.signal.throwIfAborted();
        if (performance.now() > end || GONE.includes(pc.iceConnectionState)) throw new Failed(words.echoNoPath, words.echoNoPathAdvice(ports(ctx, pc)));
    }
}

// Until it has run long enough, and the far end has told.
/** @param {Context} ctx */
async function measure(ctx, pc) {
    const since = performance.now();

    for (;;) {
        await pause(LOOK_MS);
        ctx.signal.throwIfAborted();
        if (pc.signalingState === 'closed') throw new Failed(words.echoEnded);
        const report = await pc.getStats();
        const now = pick(report);
        const ms = performance.now() - since;
        if (ms > SILENT_MS && now.received === 0) throw new Failed(words.echoSilent, words.echoSilentAdvice);
        if (ms > TOLD_MS || (ms > MEASURE_MS && now.toldAt)) return { now, report };
    }
}

const round = (x, digits) => Number(x.toFixed(digits));

// {figures, r: the worse way's, loss: the worse}. Pure.
export function figuresOf(now) {
    const down = now.received ? now.lost / (now.received + now.lost) : 1;
    const up = now.sent ? Math.min(1, Math.max(now.farLost / now.sent, 0)) : 0;
    const rDown = rating({ loss: down, jitter: now.jitter, rtt: now.rtt }, now.codec);
    const rUp = rating({ loss: up, jitter: now.farJitter, rtt: now.rtt }, now.codec);
    const path = now.path === 'direct' ? 'direct' : `relay_${now.path}`;
    /** @type {import('./types').Figures} */
    const figures = {
        loss_down_pct: round(100 * Math.max(0, down), 2),
        jitter_down_ms: round(now.jitter, 1),
        mos_down: round(mos(rDown), 2),
        rtt_ms: round(now.rtt, 1),
        ...(now.toldAt ? { loss_up_pct: round(100 * up, 2), jitter_up_ms: round(now.farJitter, 1), mos_up: round(mos(rUp), 2) } : {}),
        ...(/^(direct|relay_(udp|tcp|tls))$/.test(path) ? { path: /** @type {any} */ (path) } : {}),
    };

    return { figures, r: Math.min(rDown, now.toldAt ? rUp : rDown), loss: Math.max(up, down) };
}

/** @returns {Result} */
export function judge(now) {
    const { figures, r, loss } = figuresOf(now);
    const result = r >= R_GOOD ? 'good' : r >= R_FAIR ? 'fair' : 'bad';
    const detail = words.echo(words.echoJudged[result], figures);

    if (result === 'good') return { result, detail, figures };
    return { result, detail, figures, advice: loss > LOSS_HEARD || now.rtt < RTT_LONG ? words.lossAdvice : words.delayAdvice };
}

// What two answers tell of the NAT: the STUN server's and the media port's. 'symmetric', 'steady', or '' where one cannot know. Pure.
export function natOf(report, local) {
    if (local?.candidateType === 'srflx') return 'steady';
    if (local?.candidateType !== 'prflx') return '';
    const same = ({ type, candidateType, address, port }) =>
        type === 'local-candidate' && candidateType === 'srflx' && address && address === local.address && port !== local.port;
    return [...report.values()].some(same) ? 'symmetric' : '';
}

/** @type {Test} */
export const echo = {
    name: 'echo',
    async run(ctx) {
        if (ctx.lines.wss.result === 'bad') return { result: 'skipped', detail: words.echoNoPhone };
        const ua = agentOf(ctx);

        ctx.show('echo');
        try {
            const registered = first(ua, REGISTER_MS, 'registered', 'registrationFailed');
            ua.start();
            const outcome = await registered;
            if (outcome.event !== 'registered') throw new Failed(words.echoRefused(why(outcome)));
            const pc = await call(ctx, ua);
            await joined(ctx, pc);
            const { now, report } = await measure(ctx, pc);
            const nat = natOf(report, now.local);
            if (nat) ctx.amend('stun', { detail: `${ctx.lines.stun.detail} ${words[nat]}` });
            return judge(now);
        } catch (error) {
            if (!(error instanceof Failed)) throw error;
            return { result: 'bad', detail: error.message, advice: error.advice };
        } finally {
            ctx.audio.silence();
            ua.stop(); // ends the call and unregisters
        }
    },
};
