// Microphone and speaker: opening, choosing, following what is plugged in and out, level, mute.
import { Trouble, microphoneWords, words } from './words.js';

const GONE = new Set(['OverconstrainedError', 'NotFoundError', 'NotReadableError']); // the chosen one: another may do
const RETRY_MS = 2000; // while there is no microphone: one that another program had is told of by nobody

export class Audio {
    #element;
    #settings;
    #events;
    #then;
    /** @type {AudioContext | null} */
    #context = null;
    /** @type {MediaStreamAudioSourceNode | null} */
    #source = null;
    /** @type {AnalyserNode | null} */
    #analyser = null;
    #samples = new Float32Array(1024);
    #wanted = false; // between open() and close()
    #usual = ''; // what the browser took where nothing is chosen
    /** @type {Promise<void> | null} */
    #opening = null;
    #denied = false;
    /** @type {MediaStream | null} */
    stream = null;
    muted = false;
    held = false;
    /** @type {((track: MediaStreamTrack) => Promise<void> | undefined) | null} */
    onTrack = null; // a new microphone track, for the call that is on

    // events: devices(lists for the view), microphone(why there is none, or null), trouble, speaker and
    // silent(text or null), locked(): a click is wanted. then(on): what follows the words about a microphone that can't be opened; on:
    // there was one before.
    constructor(element, settings, ticker, events, then) {
        this.#element = element;
        this.#settings = settings;
        this.#events = events;
        this.#then = then;
        element.volume = settings.volume;
        navigator.mediaDevices?.addEventListener('devicechange', () => this.#devicesChanged());
        this.#followPermission();
        ticker.every(RETRY_MS, () => this.#wanted && !this.#denied && !this.alive && this.#reopen());
    }

    // In a click, so that the browser lets it sound.
    unlock() {
        this.#context ??= new AudioContext();
        return this.#context.resume();
    }

    // Until unlock() nothing sounds, so that the sound card, or a headset without a cable, may sleep.
    rest() {
        this.#context?.suspend().catch(() => {});
    }

    get context() {
        return this.#context;
    }

    get track() {
        return this.stream?.getAudioTracks()[0] ?? null;
    }

    get alive() {
        return this.track?.readyState === 'live';
    }

    // Opens the chosen microphone, or any when that one is gone. Throws Trouble.
    async open() {
        if (!navigator.mediaDevices?.getUserMedia) throw new Trouble(window.isSecureContext ? words.noWebrtc : words.insecure);
        if (!window.RTCPeerConnection) throw new Trouble(words.noWebrtc);

        this.#wanted = true;
        // One after the other: the browser may be asking the agent meanwhile.
        const mine = (this.#opening ?? Promise.resolve()).catch(() => {}).then(() => this.#open());
        this.#opening = mine;
        try {
            await mine;
        } catch (error) {
            if (this.#wanted && !this.alive) this.#events.microphone(error.message);
            throw error;
        } finally {
            if (this.#opening === mine) this.#opening = null;
        }
    }

    async #open() {
        const previous = this.stream;
        const stream = await this.#getMicrophone(previous);

        if (!this.#wanted) {
            stopTracks(stream);
            throw new Trouble(words.closed);
        }
        this.stream = stream;
        stopTracks(previous);
        const [track] = stream.getAudioTracks();
        track.enabled = !this.muted && !this.held;
        track.addEventListener('ended', () => track === this.track && this.#reopen());
        const tellSilence = () => track === this.track && this.#events.silent(track.muted ? words.microphoneSilent : null);
        for (const event of ['mute', 'unmute']) track.addEventListener(event, tellSilence);
        tellSilence();
        this.#meter(stream);
        await this.onTrack?.(track);
        this.#tellMicrophone(track);
        await this.#applySpeaker(await this.refresh());
    }

    close() {
        this.#wanted = false;
        this.#usual = '';
        stopTracks(this.stream);
        this.stream = null;
        this.#source?.disconnect();
        this.#source = null;
        this.#events.microphone(null);
        this.#events.trouble(null);
        this.#events.speaker(null);
        this.#events.silent(null);
    }

    async chooseMicrophone(id) {
        this.#settings.microphone = id;
        await this.open();
    }

    async chooseSpeaker(id) {
        this.#settings.speaker = id;
        await this.#applySpeaker(await this.refresh());
        await this.refresh();
    }

    setVolume(volume) {
        this.#element.volume = volume;
    }

    setMuted(muted) {
        this.muted = muted;
        this.settle();
    }

    // On hold nobody hears the agent, muted or not.
    setHeld(held) {
        this.held = held;
        this.settle();
    }

    // JsSIP switches the track on whenever it offers anew.
    settle() {
        if (this.track) this.track.enabled = !this.muted && !this.held;
    }

    play(stream) {
        this.#element.srcObject = stream;
        this.#element.play().catch(() => {
            if (this.#element.srcObject) this.#events.locked();
        });
    }

    silence() {
        this.#element.srcObject = null;
    }

    // 0..1 on a scale of decibels: -60 dB is nothing.
    level() {
        return Math.min(1, Math.max(0, ((this.decibels() ?? -60) + 60) / 55));
    }

    // Of full scale, -90 at the least; null: it can't be measured.
    decibels() {
        if (!this.#source || !this.#analyser || this.#context?.state !== 'running') return null;
        if (this.muted) return -90;
        this.#analyser.getFloatTimeDomainData(this.#samples);
        let sum = 0;
        for (const x of this.#samples) sum += x * x;
        return 10 * Math.log10(sum / this.#samples.length + 1e-9);
    }

    // Returns what stops it.
    playRecording(blob) {
        const url = URL.createObjectURL(blob);

        this.#element.srcObject = null;
        this.#element.src = url;
        this.#element.play().catch(() => {});
        return () => {
            this.#element.removeAttribute('src');
            this.#element.load();
            URL.revokeObjectURL(url);
        };
    }

    async refresh() {
        const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
        const named = (kind, noun) =>
            devices
                .filter((d) => d.kind === kind && d.deviceId)
                .map((d, i) => ({ id: d.deviceId, group: d.groupId, label: d.label || `${noun} ${i + 1}` }));
        const lists = { microphones: named('audioinput', 'Microphone'), speakers: named('audiooutput', 'Speaker') };

        this.#events.devices({
            ...lists,
            microphone: (this.alive && this.track?.getSettings().deviceId) || '',
            speaker: this.#element.sinkId || 'default',
            speakerChoice: 'setSinkId' in HTMLMediaElement.prototype,
        });
        return lists;
    }

    // Something was plugged in or out.
    async #devicesChanged() {
        if (!this.#wanted) return;
        await this.#opening?.catch(() => {});
        const lists = await this.refresh();
        const preferred = lists.microphones.find(({ id }) => id === (this.#settings.microphone || this.#usual));

        this.#denied = false;
        if (!this.alive || (preferred && !this.#uses(preferred))) await this.#reopen();
        else await this.#applySpeaker(lists);
    }

    // Where the browser tells: that the microphone is allowed again plugs nothing in.
    async #followPermission() {
        const name = /** @type {PermissionName} */ ('microphone');
        const status = await navigator.permissions?.query({ name }).catch(() => null);

        status?.addEventListener('change', () => this.#devicesChanged());
    }

    // 'default' is a device too, and which one it is changes.
    #uses({ id, group }) {
        const { deviceId, groupId } = this.track?.getSettings() ?? {};

        return deviceId === id && (!group || !groupId || group === groupId);
    }

    async #reopen() {
        if (!this.#opening) await this.open().catch(() => this.refresh());
    }

    // There is one. A warning stays as long as it is not the one that the agent wants.
    #tellMicrophone(track) {
        const { deviceId } = track.getSettings();
        const wanted = this.#settings.microphone || this.#usual;

        this.#usual ||= deviceId ?? '';
        this.#events.microphone(null);
        this.#events.trouble(wanted && deviceId && wanted !== deviceId ? words.microphoneOther(track.label) : null);
    }

    async #getMicrophone(previous) {
        const { microphone, echoCancellation, noiseSuppression, autoGainControl } = this.#settings;
        const audio = { echoCancellation, noiseSuppression, autoGainControl };

        const ask = (more) => navigator.mediaDevices.getUserMedia({ audio: { ...audio, ...more } });
        const wanted = microphone || (this.#usual !== 'default' && this.#usual);

        try {
            const stream = await (wanted
                ? ask({ deviceId: { exact: wanted } }).catch((error) => {
                      if (!GONE.has(error.name)) throw error;
                      return ask();
                  })
                : ask());
            this.#denied = false;
            return stream;
        } catch (error) {
            this.#denied = error.name === 'NotAllowedError';
            throw new Trouble(microphoneWords(error, this.#then(previous !== null)));
        }
    }

    // Without a meter one can speak, too: Firefox joins no microphone of another rate than the speaker's.
    #meter(stream) {
        if (!this.#context) return;
        this.#source?.disconnect();
        this.#source = null;
        try {
            this.#analyser ??= new AnalyserNode(this.#context, { fftSize: 1024 });
            this.#source = this.#context.createMediaStreamSource(stream);
            this.#source.connect(this.#analyser);
        } catch (error) {
            console.warn('no level meter', error);
        }
    }

    // The chosen one as long as it is plugged in.
    async #applySpeaker({ speakers }) {
        const { speaker } = this.#settings;
        const there = !speaker || speaker === 'default' || speakers.some(({ id }) => id === speaker);
        const sink = there && speaker !== 'default' ? speaker : '';

        if (!('setSinkId' in HTMLMediaElement.prototype)) return;
        try {
            if (this.#element.sinkId !== sink) await this.#element.setSinkId(sink);
            if (this.#context && this.#context.sinkId !== sink) await this.#context.setSinkId?.(sink);
            this.#events.speaker(there ? null : words.speakerOther);
        } catch {
            this.#events.speaker(words.speakerFailed);
        }
    }
}

function stopTracks(stream) {
    for (const track of stream?.getTracks() ?? []) track.stop();
}
