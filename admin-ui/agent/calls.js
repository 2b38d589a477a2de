// The calls of an agent: one on the line, a second one that waits or is held while somebody is asked, and those that were missed.
import { againOf } from './again.js';
import { BUSY, Call, NO_MICROPHONE } from './call.js';
import { callerOf } from './caller.js';
import { saveMissed } from './memory.js';
import { notifyCall, notifyDone } from './notify.js';
import { readNumber } from './number.js';
import { isReady } from './pill.js';
import { IDLE_CALL } from './store.js';
import { nameOf, words } from './words.js';

const ENDED_MS = 4000; // how long the outcome stays
const MISSED_MAX = 50;

// Another phone took it (RFC 3326).
const takenElsewhere = ({ message }) => /cause\s*=\s*200\b/i.test(message?.getHeader?.('Reason') ?? '');

export class Calls {
    #store;
    #phone;
    #audio;
    #ringer;
    #ticker;
    #settings;
    #say;
    #kit;
    #idle;
    /** @type {Call | null} */
    #current = null;
    /** @type {Call | null} */
    #waiting = null;
    /** @type {Call | null} */
    #other = null; // held, while the agent asks somebody else
    /** @type {Call | null} */
    #consulted = null; // of these two the one that asks
    #declined = new WeakSet(); // calls that the agent did not want
    /** @type {(() => void) | null} */
    #forget = null; // cancels the timer that clears the outcome
    /** @type {Set<RTCPeerConnection>} */
    #connections = new Set(); // RTCPeerConnections not closed

    // over(): no call is on any more
    constructor({ store, phone, audio, ringer, ticker, settings, say, over, ways }) {
        this.#store = store;
        this.#phone = phone;
        this.#audio = audio;
        this.#ringer = ringer;
        this.#ticker = ticker;
        this.#settings = settings;
        this.#say = say;
        this.#idle = over;
        this.#kit = {
            phone,
            audio,
            ticker,
            ways,
            watch: (pc) => this.#connections.add(pc),
            say: (...message) => say(...message),
            heard: (call) => call === this.#current && audio.play(call.stream),
            held: (call) => call === this.#current && audio.setHeld(call.data.held),
            moved: (call, transferred) => this.#moved(call, transferred),
            changed: (call) => this.#show(call),
            progress: (call, early) => this.#progress(call, early),
            accepted: () => this.#quiet(),
            over: (call, event) => this.#over(call, event),
            asked: (call, what) => this.#asked(call, what),
        };
        audio.onTrack = (track) => this.#current?.replaceTrack(track);
    }

    get busy() {
        return this.#current !== null;
    }

    // It matters that the gateway is reached again soon.
    get inNeed() {
        return this.#current?.inNeed ?? false;
    }

    get connections() {
        for (const pc of this.#connections) if (pc.signalingState === 'closed') this.#connections.delete(pc);
        return this.#connections.size;
    }

    get remoteStream() {
        return this.#current?.stream ?? null;
    }

    dial(input) {
        const { number } = readNumber(input);

        this.#say('call', null);
        if (this.busy || !number) return false;
        if (!isReady(this.#store.get())) return this.#refuse(words.notReady);
        this.#make(number);
        return true;
    }

    hold(held) {
        this.#current?.hold(held);
    }

    // What the number that is typed next is for; '' gives it up.
    pick(picking) {
        const free = this.#current?.data.state === 'connected' && !this.#current.data.moving && !this.#waiting && !this.#other;

        this.#store.set({ picking: free ? picking : '' });
    }

    // The other side goes on with this number, without the agent.
    transfer(input) {
        const { number } = readNumber(input);

        this.#say('call', null);
        if (!number || this.#other || !this.#current?.refer(number)) return false;
        this.#store.set({ picking: '' });
        return true;
    }

    // Holds the call and asks this number first.
    consult(input) {
        const { number } = readNumber(input);
        const first = this.#current;

        this.#say('call', null);
        if (!number || first?.data.state !== 'connected' || first.data.moving || this.#waiting || this.#other) return false;
        if (!isReady(this.#store.get())) return this.#refuse(words.notReady);
        first.hold(true);
        first.aside(true);
        this.#other = first;
        this.#store.set({ other: first.data });
        this.#audio.silence();
        this.#consulted = this.#make(number);
        return true;
    }

    // Speaks with the one who is held, and holds the other.
    swap() {
        const [held, on] = [this.#other, this.#current];

        if (!held || !on || on.data.state !== 'connected' || held.data.moving || on.data.moving) return;
        on.hold(true);
        on.aside(true);
        this.#other = on;
        this.#store.set({ other: on.data });
        this.#bring(held);
        held.hold(false);
    }

    // The two go on without the agent.
    join() {
        const [first, second] = this.#consulted === this.#other ? [this.#current, this.#other] : [this.#other, this.#current];

        this.#say('call', null);
        if (first?.data.state === 'connected' && second?.data.state === 'connected') first.refer(second.data.number, second);
    }

    // A call came in.
    offered(session, request) {
        const caller = callerOf((name) => request.getHeader(name), this.#store.get().dn);
        const again = againOf(request.getHeader('X-Dngate-Rebind'));

        if (again) this.#goOn(session, caller, again);
        else this.#offer(session, request, caller);
    }

    // A call of before the page was loaded: nobody has to answer it.
    #goOn(session, caller, { seconds, outgoing, held }) {
        const answeredAt = performance.now() - seconds * 1000;
        const call = new Call(this.#kit, { ...caller, answeredAt, held, state: 'incoming', text: words.goesOn }, !outgoing);
        const on = this.#current;
        const rings = on?.data.state === 'incoming' && !on.data.answeredAt && !this.#waiting;

        if (!this.#audio.alive || (on && !rings && (this.#other || !(held || on.data.held)))) {
            session.terminate(this.#audio.alive ? BUSY : NO_MICROPHONE);
            return;
        }
        if (rings) {
            this.#ringer.stop();
            this.#waiting = on;
            this.#store.set({ waiting: on.data });
        } else if (on) { // of two one was held, as after a consultation
            this.#other = held ? call : on;
            this.#other.aside(true);
            this.#store.set({ other: this.#other.data });
        }
        if (call !== this.#other) this.#begin(call);
        call.ring(session);
        call.answer(held ? ['X-Dngate-Rebind: held'] : []);
    }

    #offer(session, request, caller) {
        const call = new Call(this.#kit, { ...caller, state: 'incoming', text: 'Incoming call' }, true);

        if (!this.#audio.alive) {
            session.terminate(NO_MICROPHONE);
            this.#miss(call.data);
        } else if (this.#waiting || this.#other) {
            session.terminate(BUSY);
            this.#miss(call.data);
        } else if (this.busy) {
            this.#waiting = call;
            call.ring(session);
            this.#store.set({ waiting: call.data });
            if (this.#current?.data.state === 'connected') this.#ringer.waiting();
            notifyCall(words.calling(nameOf(caller)));
        } else {
            this.#begin(call);
            call.ring(session);
            this.#ringOrAnswer(call);
        }
    }

    answer() {
        this.#ringer.stop();
        this.#current?.answer();
    }

    // Hangs up, cancels or declines, whatever there is.
    hangup() {
        this.#end(this.#current);
    }

    hangupAll() {
        this.#end(this.#waiting);
        this.#end(this.#other);
        this.#end(this.#current);
    }

    // The page goes: what it dials ends. The rest waits at the gateway for a page that comes back (call.rebind_seconds).
    leave() {
        if (this.#current?.data.state === 'calling' || this.#current?.data.state === 'ringing') this.hangup();
    }

    declineWaiting() {
        this.#end(this.#waiting);
    }

    // Hangs up and answers the second call.
    takeWaiting() {
        const call = this.#waiting;

        if (!call) return;
        this.#end(this.#current); // the second one comes to the line
        if (call === this.#current) this.answer();
    }

    // Nobody could answer: what rings goes to somebody else.
    microphoneGone() {
        for (const call of [this.#waiting, this.#current]) if (call?.data.state === 'incoming') call.hangup(NO_MICROPHONE);
    }

    digit(digit) {
        this.#current?.digit(digit);
    }

    setMuted(muted) {
        this.#audio.setMuted(muted);
        this.#store.set({ muted });
    }

    clearMissed() {
        this.#setMissed([]);
    }

    // Signalling is back: if the audio path broke meanwhile, make a new one.
    reconnected() {
        this.#current?.reconnected();
    }

    #refuse(text) {
        this.#say('call', 'error', text);
        return false;
    }

    #end(call) {
        if (!call) return;
        this.#declined.add(call);
        call.hangup();
    }

    #show(call) {
        if (call === this.#current) this.#store.set({ call: call.data, quality: call.quality });
        else if (call === this.#waiting) this.#store.set({ waiting: call.data });
        else if (call === this.#other) this.#store.set({ other: call.data });
    }

    // The call is the one on the line from now on.
    #begin(call) {
        this.#forget?.();
        this.#forget = null;
        this.#current = call;
        this.#audio.setHeld(false);
        this.setMuted(false);
        this.#say('call', null);
        this.#store.set({ picking: '' });
        this.#show(call);
    }

    #make(number) {
        const call = new Call(this.#kit, { state: 'calling', number, text: words.callingNow }, false);

        this.#begin(call);
        call.dial();
        return call;
    }

    // A call that was up comes to the line.
    #bring(call) {
        this.#begin(call);
        this.#audio.setHeld(call.data.held);
        if (call.stream) this.#audio.play(call.stream);
        call.aside(false);
    }

    // A transfer has come to its end: the agent is not needed any more, or still is.
    #moved(call, transferred) {
        if (!transferred) return;
        const outcome = words.transferred(call.data.moving);
        const both = [this.#other, this.#current]; // the other one first, or it would come back to the line

        if (call === this.#other || this.#other) for (const one of both) one?.leave(outcome);
        else call.leave(outcome);
    }

    // As this browser is set. What the DN, the call or the desktop wants the gateway asks for: #asked().
    #ringOrAnswer(call) {
        if (!this.#settings.autoAnswer) return this.#ring(call);
        return call.after(0, () => {
            if (call !== this.#current) return;
            this.answer();
            this.#ringer.beep();
        });
    }

    // A second call is answered by nobody but the agent, who has to end the first one for it.
    #asked(call, { do: what, by, digits }) {
        if (what === 'beep') this.#ringer.beep();
        else if (what === 'answer' && call === this.#current) {
            this.#ringer.stop();
            call.answerFor(by);
        } else if (what === 'hold' || what === 'retrieve') call.hold(what === 'hold', by);
        else if (what === 'dtmf') for (const digit of digits.replace(/[^0-9*#A-D]/g, '')) call.digit(digit);
    }

    #ring(call) {
        this.#ringer.ring();
        notifyCall(words.calling(nameOf(call.data)));
    }

    #progress(call, early) {
        if (early) this.#ringer.stop(); // the other side's own tones
        else if (call.data.state === 'calling') this.#ringer.ringback();
    }

    #quiet() {
        this.#ringer.stop();
        notifyDone();
    }

    #over(call, event) {
        if (call.incoming && !call.data.answeredAt && !this.#declined.has(call) && !takenElsewhere(event)) this.#miss(call.data);
        if (call === this.#waiting) this.#waitingOver();
        else if (call === this.#other) this.#otherOver(call);
        else if (call === this.#current) this.#currentOver(call, event);
    }

    #waitingOver() {
        this.#waiting = null;
        this.#store.set({ waiting: null });
        if (this.#current?.data.state === 'connected') this.#quiet();
    }

    // The one who was held has gone, or was transferred: what is on the line goes on.
    #otherOver(call) {
        this.#other = this.#consulted = null;
        this.#store.set({ other: null });
        this.#say('call', 'warn', words.otherOver(nameOf(call.data), call.data.text));
    }

    // Back to the one who is held: still on hold where the agent did not choose the moment.
    #back(call, ended) {
        this.#bring(call);
        if (this.#declined.has(ended)) call.hold(false);
        else this.#say('call', 'warn', words.stillHeld(nameOf(ended.data), ended.data.text));
    }

    #currentOver(call, event) {
        const next = this.#waiting;
        const back = this.#other;

        this.#current = this.#waiting = this.#other = this.#consulted = null;
        this.#audio.silence();
        this.#quiet();
        this.setMuted(false);
        for (const source of ['media', 'hearing']) this.#say(source, null);
        this.#store.set({ call: call.data, quality: call.quality, waiting: null, other: null, picking: '' });
        if (back) {
            this.#back(back, call);
            return;
        }
        if (next) {
            this.#begin(next);
            this.#ring(next);
            return;
        }
        if (!call.data.answeredAt && !call.incoming && event.originator === 'remote') this.#ringer.busy();
        this.#forget = this.#ticker.after(ENDED_MS, () => this.#store.set({ call: IDLE_CALL, quality: null }));
        this.#idle();
    }

    #miss({ name, number, withheld, called }) {
        this.#setMissed([{ at: Date.now(), name, number, withheld, called }, ...this.#store.get().missed].slice(0, MISSED_MAX));
    }

    #setMissed(missed) {
        this.#store.set({ missed });
        saveMissed(missed);
    }
}
