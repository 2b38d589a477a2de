// The one call an agent has: dialling, ringing, answering, talking, ending. A second one gets "busy".
import { C, NameAddrHeader } from 'jssip';
import { gatherBriefly, onNoAddress } from './ice.js';
import { notifyCall, notifyDone } from './notify.js';
import { Quality } from './quality.js';
import { IDLE_CALL } from './store.js';
import { endWords, words } from './words.js';

const ENDED_MS = 4000; // how long the outcome stays
const NO_PATH_MS = 6000; // answered and still no ICE connection
const STATS_MS = 2000;
const MEND_MS = 3000; // between two tries to restore the audio path
const BROKEN = new Set(['disconnected', 'failed']); // iceConnectionState
const NUMBER = /^[A-Za-z0-9._+*#-]{1,63}$/;

// RFC 5373 in spirit, as phones and Genesys do it: Call-Info …;answer-after=N, Alert-Info …;info=alert-autoanswer.
export function autoAnswerSeconds(request) {
    const info = request.getHeader('Call-Info') ?? '';
    const alert = request.getHeader('Alert-Info') ?? '';
    const after = /answer-after\s*=\s*"?(\d+)/i.exec(info) ?? /answer-after\s*=\s*"?(\d+)/i.exec(alert);

    if (after) return Number(after[1]);
    return /auto[-_ ]?answer|ring[-_ ]?answer/i.test(alert) ? 0 : null;
}

// The caller as the telephone system vouches for it.
function asserted(request) {
    const header = request.getHeader('P-Asserted-Identity');

    return header ? (NameAddrHeader.parse(header) ?? null) : null;
}

// JsSIP ends a call when its audio path has failed, and when a request in it was lost with the connection. The gateway keeps it for a
// minute, so do we.
function holdOn(session) {
    const { terminate } = session;

    session.onTransportError = session.onRequestTimeout = () => {};
    session.terminate = (options) => options?.cause !== C.causes.RTP_TIMEOUT && terminate.call(session, options);
}

export class Calls {
    #store;
    #phone;
    #audio;
    #ringer;
    #ticker;
    #settings;
    #say;
    #session = null;
    #incoming = false;
    #cancels = [];
    #mendedAt = 0;
    #connections = new Set(); // RTCPeerConnections not closed
    iceServers = [];
    remoteStream = null;

    constructor({ store, phone, audio, ringer, ticker, settings, say }) {
        this.#store = store;
        this.#phone = phone;
        this.#audio = audio;
        this.#ringer = ringer;
        this.#ticker = ticker;
        this.#settings = settings;
        this.#say = say;
        audio.onTrack = (track) => this.#audioSender()?.replaceTrack(track);
    }

    get busy() {
        return this.#session !== null;
    }

    get connections() {
        for (const pc of this.#connections) if (pc.signalingState === 'closed') this.#connections.delete(pc);
        return this.#connections.size;
    }

    get peerConnection() {
        return this.#session?.connection ?? null;
    }

    dial(input) {
        const number = input.replace(/[\s()/]/g, '');

        this.#say('call', null);
        if (this.busy || !number) return false;
        if (!NUMBER.test(number)) return this.#refuse(words.badNumber);
        if (!this.#phone.registered) return this.#refuse(words.notRegistered);
        this.#begin({ state: 'calling', number, text: 'Calling…' }, false);
        this.#session = this.#phone.call(number, { ...this.#media(), eventHandlers: this.#handlers() });
        return true;
    }

    // A call came in.
    offered(session, request) {
        if (this.busy) {
            session.terminate({ status_code: 486, reason_phrase: 'Busy Here' });
            return;
        }
        const identity = asserted(request) ?? session.remote_identity;
        const number = identity.uri?.user ?? '';
        const name = identity.display_name || session.remote_identity.display_name || '';

        this.#session = session;
        for (const [event, handler] of Object.entries(this.#handlers())) session.on(event, handler);
        this.#begin({ state: 'incoming', number, name: name === number ? '' : name, text: 'Incoming call' }, true);
        this.#ringOrAnswer(request);
    }

    answer() {
        if (this.#call().state !== 'incoming' || this.#session.isEstablished()) return;
        this.#ringer.stop();
        this.#session.answer(this.#media());
    }

    // Hangs up, cancels or declines, whatever there is.
    hangup() {
        const session = this.#session;

        if (!session || session.isEnded()) return;
        session.terminate(this.#call().state === 'incoming' ? { status_code: 486, reason_phrase: 'Busy Here' } : {});
    }

    digit(digit) {
        const sender = this.#audioSender()?.dtmf;

        if (this.#call().state !== 'connected') return;
        this.#change({ digits: (this.#call().digits + digit).slice(-24) });
        if (sender?.canInsertDTMF) sender.insertDTMF(sender.toneBuffer + digit, 160, 70);
        else this.#session.sendDTMF(digit, { duration: 160 });
    }

    setMuted(muted) {
        this.#audio.setMuted(muted);
        this.#store.set({ muted });
    }

    // Signalling is back: if the audio path broke meanwhile, make a new one.
    reconnected() {
        this.#mend();
    }

    #call() {
        return this.#store.get().call;
    }

    #change(patch) {
        this.#store.set({ call: { ...this.#call(), ...patch } });
    }

    #refuse(text) {
        this.#say('call', 'error', text);
        return false;
    }

    #media() {
        return {
            mediaStream: this.#audio.stream,
            mediaConstraints: { audio: true, video: false },
            pcConfig: { iceServers: this.iceServers, bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' },
        };
    }

    #audioSender() {
        return this.peerConnection?.getSenders().find((s) => s.track?.kind === 'audio' || s.dtmf) ?? null;
    }

    #begin(call, incoming) {
        for (const cancel of this.#cancels) cancel();
        this.#cancels = [];
        this.#incoming = incoming;
        this.setMuted(false);
        this.#say('call', null);
        this.#store.set({ call: { ...IDLE_CALL, ...call }, quality: null });
    }

    #ringOrAnswer(request) {
        const asked = autoAnswerSeconds(request);
        const { name, number } = this.#call();
        const session = this.#session;

        if (asked === null && !this.#settings.autoAnswer) {
            this.#ringer.ring();
            notifyCall(`${name || number || 'Unknown number'} is calling`);
            return;
        }
        if (asked > 0) this.#ringer.ring();
        const answer = () => {
            if (session !== this.#session) return;
            this.answer();
            this.#ringer.beep();
        };
        this.#cancels.push(this.#ticker.after((asked ?? 0) * 1000, answer));
    }

    // The handlers of one session; they fall silent when it is no longer ours.
    #handlers() {
        const gather = gatherBriefly(this.iceServers);

        return {
            icecandidate: gather,
            peerconnection: ({ peerconnection }) => this.#watch(peerconnection),
            progress: ({ originator, response }) => originator === 'remote' && this.#progress(response),
            accepted: () => this.#accepted(),
            ended: (event) => this.#over(event),
            failed: (event) => this.#over(event),
        };
    }

    #watch(pc) {
        this.#connections.add(pc);
        onNoAddress(pc, () => this.#noAddress());
        pc.addEventListener('track', ({ track, streams }) => {
            this.remoteStream = streams[0] ?? new MediaStream([track]);
            this.#audio.play(this.remoteStream);
        });
        pc.addEventListener('iceconnectionstatechange', () => this.#iceChanged(pc));
    }

    #noAddress() {
        const session = this.#session;

        if (!session || session.isEnded() || this.#call().state === 'connected') return; // an ICE restart waits for the network
        session.terminate(); // of an offered call: 480, and it goes to somebody else
        this.#say('call', 'error', words.noAddress);
    }

    #iceChanged(pc) {
        const state = pc.iceConnectionState;

        if (state === 'connected' || state === 'completed') {
            this.#say('media', null);
        } else if (BROKEN.has(state)) {
            if (state === 'disconnected') this.#say('media', 'warn', words.audioInterrupted);
            this.#mend();
        }
    }

    // While the audio path is broken: asks for a new one. JsSIP refuses as long as an offer is under way.
    #mend() {
        const now = performance.now();

        if (!BROKEN.has(this.peerConnection?.iceConnectionState) || this.#call().state !== 'connected') return;
        if (now - this.#mendedAt < MEND_MS || !this.#phone.answers()) return;
        if (this.#session.renegotiate({ rtcOfferConstraints: { iceRestart: true } })) this.#mendedAt = now;
    }

    #progress(response) {
        if (response?.body) this.#ringer.stop(); // the other side's own tones
        else if (this.#call().state === 'calling') this.#ringer.ringback();
        this.#change({ state: 'ringing', text: 'Ringing…' });
    }

    #accepted() {
        const session = this.#session;

        this.#ringer.stop();
        notifyDone();
        this.#change({ state: 'connected', text: 'Connected', answeredAt: Date.now() });
        holdOn(session);
        const quality = new Quality();
        this.#cancels.push(
            this.#ticker.every(1000, () => this.#mend()),
            this.#ticker.every(STATS_MS, () => this.#measure(session, quality)),
            this.#ticker.after(NO_PATH_MS, () => this.#checkPath(session)),
        );
    }

    async #measure(session, quality) {
        const report = await session.connection?.getStats().catch(() => null);
        const reading = report && quality.read(report);

        if (reading && session === this.#session) this.#store.set({ quality: reading });
    }

    #checkPath(session) {
        const state = session.connection?.iceConnectionState;

        if (session === this.#session && (state === 'new' || state === 'checking')) this.#say('media', 'error', words.noAudioPath);
    }

    #over(event) {
        const answered = this.#call().answeredAt > 0;

        for (const cancel of this.#cancels) cancel();
        this.#session = null;
        this.remoteStream = null;
        this.#audio.silence();
        this.#ringer.stop();
        if (!answered && !this.#incoming && event.originator === 'remote') this.#ringer.busy();
        notifyDone();
        this.setMuted(false);
        this.#say('media', null);
        this.#change({ state: 'ended', text: endWords(event, this.#incoming, answered), endedAt: Date.now() });
        this.#cancels = [this.#ticker.after(ENDED_MS, () => this.#store.set({ call: IDLE_CALL, quality: null }))];
    }
}
