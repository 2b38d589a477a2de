// One call: its session, its audio path and what is known of it. Which of two calls is the one on the line, calls.js knows.
import { C } from 'jssip';
import { onNoAddress } from '../shared/ice.js';
import { readAsked } from './asked.js';
import { Flow } from './flow.js';
import { NO_AUDIO_YET, Quality } from './quality.js';
import { Report, REPORT_TYPE } from './report.js';
import { IDLE_CALL } from './store.js';
import { courseOf, endWords, moveWords, words } from './words.js';

const NO_PATH_MS = 6000; // answered and still no ICE connection
const STATS_MS = 2000;
const LOOK_MS = 1000;
const MEND_MS = 3000; // between two tries to restore the audio path
const MOVE_MS = 185000; // a transfer that nobody tells the end of: the gateway waits 180 s (appliance/call/callrefer.h)
const HOLD_MS = 300; // … and to hold or retrieve, while another offer is under way
const JOINED = new Set(['connected', 'completed']); // iceConnectionState
const BROKEN = new Set(['disconnected', 'failed']);
export const BUSY = { status_code: 486, reason_phrase: 'Busy Here' };
export const NO_MICROPHONE = { status_code: 480, reason_phrase: 'No Microphone' };

// JsSIP ends a call when its audio path has failed, and when a request in it was lost with the connection. The gateway keeps it for a
// minute, so do we.
function holdOn(session) {
    const { terminate } = session;

    session.onTransportError = session.onRequestTimeout = () => {};
    session.terminate = (options) => options?.cause !== C.causes.RTP_TIMEOUT && terminate.call(session, options);
}

// The microphone is the page's, and of two calls one has it: JsSIP would switch it off for a call that is held, and on again.
function leaveMicrophone(session) {
    session._toggleMuteAudio = () => {};
}

export class Call {
    #kit;
    /** @type {import('./types').Session | null} */
    #session = null;
    /** @type {(() => void)[]} */
    #cancels = [];
    #mendedAt = 0;
    #flow = new Flow();
    #report = new Report();
    #gone = false;
    #toHold = { held: false, by: '' }; // as it should be
    /** @type {MediaStreamTrack | null} */
    #hush = null; // the silence that the other side gets while another call is on the line
    #outcome = ''; // why it is over, when this page knows better
    incoming;
    /** @type {Readonly<import('./types').CallData>} */
    data;
    /** @type {import('./types').Reading | null} */
    quality = null;
    /** @type {MediaStream | null} */
    stream = null; // what is heard

    // kit: what all calls share: phone, audio, ticker, ways, watch(pc), heard(call), changed(call), progress(call, early), accepted(call),
    // over(call, event), asked(call, what), held(call), moved(call, transferred), say(source, kind, text)
    constructor(kit, data, incoming) {
        this.#kit = kit;
        this.incoming = incoming;
        this.data = Object.freeze({ ...IDLE_CALL, ...data });
    }

    dial() {
        this.#session = this.#kit.phone.call(this.data.number, { ...this.#media(), eventHandlers: this.#handlers() });
        leaveMicrophone(this.#session);
    }

    // A session that came in.
    ring(session) {
        this.#session = session;
        leaveMicrophone(session);
        for (const [event, handler] of Object.entries(this.#handlers())) session.on(event, handler);
    }

    answer(extraHeaders = []) {
        if (this.data.state === 'incoming' && this.#session?.isInProgress()) this.#session.answer({ ...this.#media(), extraHeaders });
    }

    // Hangs up, cancels or declines: with the answer.
    hangup(answer = BUSY) {
        if (this.#session && !this.#session.isEnded()) this.#session.terminate(this.data.state === 'incoming' ? answer : {});
    }

    digit(digit) {
        const sender = this.#sender()?.dtmf;

        if (this.data.state !== 'connected') return;
        this.change({ digits: (this.data.digits + digit).slice(-24) });
        if (sender?.canInsertDTMF) sender.insertDTMF(sender.toneBuffer + digit, 160, 70);
        else this.#session?.sendDTMF(digit, { duration: 160 });
    }

    // Says who answers, when it is not the agent.
    answerFor(by) {
        if (this.data.state === 'incoming') this.change({ by });
        this.answer();
    }

    // Holds the other side, or takes it back; now, or as soon as no other offer is under way.
    hold(held, by = '') {
        if (this.data.state !== 'connected') return;
        this.#toHold = { held, by };
        this.#settleHold();
    }

    #settleHold() {
        const session = this.#session;
        const { held, by } = this.#toHold;

        if (this.#gone || !session || session.isOnHold().local === held) return;
        if (!(held ? session.hold() : session.unhold())) {
            this.after(HOLD_MS, () => this.#settleHold());
            return;
        }
        this.#note({ held, heldBy: by, by: '' });
        this.#kit.held(this);
    }

    // Another call has the line: until it is back here the other side hears nothing, not what is said there.
    aside(away) {
        const { track } = this.#kit.audio;

        this.#hush?.stop();
        this.#hush = away && track ? track.clone() : null;
        if (this.#hush) this.#hush.enabled = false;
        return this.replaceTrack(this.#hush ?? track);
    }

    // Asks that the other side go on with somebody else: with a number, or with another call of ours (RFC 3515, 3891).
    /** @param {string} number @param {Call | null} [other] */
    refer(number, other = null) {
        if (this.data.state !== 'connected' || this.data.moving || !this.#session?.isEstablished()) return false;
        const stays = ({ status_line: line, response, cause }) => this.#stays(line?.status_code ?? response?.status_code ?? 0, cause);

        this.#note({ moving: number });
        this.after(MOVE_MS, () => this.data.moving === number && this.#stays(408));
        this.#session.refer(this.#kit.phone.address(number), {
            replaces: (other && other.#session) ?? undefined,
            eventHandlers: {
                progress: () => this.data.moving && this.change({ text: words.movingRings(number) }),
                accepted: () => this.data.moving && this.#kit.moved(this, true),
                failed: stays,
                requestFailed: stays,
            },
        });
        return true;
    }

    // Hangs up, and says so in these words.
    leave(outcome) {
        this.#outcome = outcome;
        this.hangup();
    }

    #stays(status, cause = '') {
        const { moving } = this.data;

        if (!moving || this.#gone) return;
        this.#note({ moving: '' });
        this.#kit.say('call', 'error', words.notTransferred(moving, moveWords(status, cause)));
        this.#kit.moved(this, false);
    }

    // What has changed of a call that is up, and how it stands therefore.
    #note(patch) {
        const data = { ...this.data, ...patch };

        this.change({ ...patch, text: data.state === 'connected' ? courseOf(data) : data.text });
    }

    // The other side holds us, or is back.
    farHold(on) {
        this.#note({ farHeld: on });
    }

    replaceTrack(track) {
        return this.#sender()?.replaceTrack(track);
    }

    change(patch) {
        this.data = Object.freeze({ ...this.data, ...patch });
        this.#kit.changed(this);
    }

    after(ms, run) {
        this.#cancels.push(this.#kit.ticker.after(ms, run));
    }

    // The audio path is broken, or nothing comes by it any more.
    get inNeed() {
        return this.data.state === 'connected' && !this.data.held && !this.data.farHeld && (this.#broken || this.#flow.stopped);
    }

    // Signalling is back: what was asked for on the connection before may be lost.
    reconnected() {
        this.#mendedAt = -Infinity;
        this.mend();
    }

    // Something has changed, or time has gone by. While the audio path is broken: asks for a new one. JsSIP refuses as long as an offer is
    // under way.
    mend() {
        const now = performance.now();

        if (!this.inNeed || (!this.#broken && !this.#flow.due(now))) return;
        if (now - this.#mendedAt < MEND_MS || !this.#kit.phone.answers()) return;
        this.#kit.ways.lost();
        if (!this.#session?.renegotiate({ rtcOfferConstraints: { iceRestart: true } })) return;
        this.#kit.audio.settle();
        this.#mendedAt = now;
        this.#flow.asked(now);
    }

    get #broken() {
        return BROKEN.has(this.#pc?.iceConnectionState ?? '');
    }

    get #pc() {
        return this.#session?.connection ?? null;
    }

    /** @returns {import('jssip/lib/RTCSession').AnswerOptions} */
    #media() {
        return {
            mediaStream: this.#kit.audio.stream,
            mediaConstraints: { audio: true, video: false },
            pcConfig: { iceServers: this.#kit.ways.servers, bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' },
        };
    }

    #sender() {
        return this.#pc?.getSenders().find((s) => s.track?.kind === 'audio' || s.dtmf) ?? null;
    }

    #handlers() {
        return {
            icecandidate: this.#kit.ways.gathering(),
            peerconnection: ({ peerconnection }) => this.#watch(peerconnection),
            progress: ({ originator, response }) => originator === 'remote' && this.#progress(Boolean(response?.body)),
            accepted: () => this.#accepted(),
            ended: (event) => this.#over(event),
            failed: (event) => this.#over(event),
            hold: ({ originator }) => originator === 'remote' && this.farHold(true),
            unhold: ({ originator }) => originator === 'remote' && this.farHold(false),
            newInfo: ({ originator, info }) => originator === 'remote' && this.#asked(info),
        };
    }

    #asked(info) {
        const asked = readAsked(info.contentType, info.body);

        if (asked && !this.#gone) this.#kit.asked(this, asked);
    }

    #watch(pc) {
        this.#kit.watch(pc);
        onNoAddress(pc, () => this.#noAddress());
        pc.addEventListener('track', ({ track, streams }) => {
            this.stream = streams[0] ?? new MediaStream([track]);
            if (!this.#gone) this.#kit.heard(this);
        });
        pc.addEventListener('iceconnectionstatechange', () => this.#gone || this.#iceChanged(pc));
    }

    #noAddress() {
        const session = this.#session;

        if (!session || session.isEnded() || this.data.state === 'connected') return; // an ICE restart waits for the network
        session.terminate(); // of an offered call: 480, and it goes to somebody else
        this.#kit.say('call', 'error', words.noAddress);
    }

    #iceChanged(pc) {
        const state = pc.iceConnectionState;

        if (JOINED.has(state)) {
            this.#kit.say('media', null);
        } else if (BROKEN.has(state)) {
            this.#kit.ways.lost();
            if (state === 'disconnected') this.#kit.say('media', 'warn', words.audioInterrupted);
            this.mend();
        }
    }

    #progress(early) {
        this.#kit.progress(this, early);
        this.change({ state: 'ringing', text: 'Ringing…' });
    }

    #accepted() {
        const quality = new Quality();
        const { held } = this.data; // before the page was loaded

        holdOn(this.#session);
        this.quality = NO_AUDIO_YET;
        this.#note({ state: 'connected', answeredAt: this.data.answeredAt || performance.now() });
        this.#kit.accepted(this);
        this.#cancels.push(
            this.#kit.ticker.every(LOOK_MS, () => this.#look()),
            this.#kit.ticker.every(STATS_MS, () => this.#measure(quality)),
            this.#kit.ticker.after(NO_PATH_MS, () => this.#checkPath()),
        );
        if (held) this.hold(true);
    }

    async #look() {
        const report = await this.#pc?.getReceivers()[0]?.getStats().catch(() => null);
        const audio = report && [...report.values()].find(({ type }) => type === 'inbound-rtp');

        if (this.#gone) return;
        this.#flow.look(audio?.packetsReceived ?? 0, performance.now());
        this.mend();
    }

    async #measure(quality) {
        const pc = this.#pc;
        const report = await pc?.getStats().catch(() => null);

        if (!pc || !report || this.#gone) return;
        const reading = quality.read(report);
        this.quality = reading;
        this.#kit.ways.took(reading.path);
        this.#kit.say('hearing', 'warn', JOINED.has(pc.iceConnectionState) && !this.data.held && !this.data.farHeld ? reading.advice : null);
        this.#kit.changed(this);
        this.#tell(this.#report.add(reading));
    }

    // The gateway, what is heard here. That it was not taken is nobody's loss.
    #tell(text) {
        if (text && this.#session?.isEstablished() && this.#kit.phone.answers()) this.#session.sendInfo(REPORT_TYPE, text);
    }

    #checkPath() {
        const state = this.#pc?.iceConnectionState;

        if (state === 'new' || state === 'checking') this.#kit.say('media', 'error', words.noAudioPath);
    }

    #over(event) {
        const answered = this.data.answeredAt > 0;

        this.#gone = true;
        for (const cancel of this.#cancels) cancel();
        this.#hush?.stop();
        this.data = Object.freeze({
            ...this.data,
            ...{ state: 'ended', text: this.#outcome || endWords(event, this.incoming, answered), endedAt: performance.now() },
            ...{ held: false, farHeld: false, moving: '' },
        });
        this.#kit.over(this, event);
    }
}
