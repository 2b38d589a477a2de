// Microphone and speaker: opening, choosing, following what is plugged in and out, level, mute.
import { Trouble, microphoneWords, words } from './words.js';

export class Audio {
    #element;
    #settings;
    #changed;
    #trouble;
    #context = null;
    #source = null;
    #analyser = null;
    #samples = new Float32Array(1024);
    #listening = false;
    stream = null;
    muted = false;
    onTrack = null; // a new microphone track, for the call that is on

    // changed(devices): the lists for the view; trouble(text or null)
    constructor(element, settings, changed, trouble) {
        this.#element = element;
        this.#settings = settings;
        this.#changed = changed;
        this.#trouble = trouble;
        element.volume = settings.volume;
    }

    // In a click, so that the browser lets it sound.
    unlock() {
        this.#context ??= new AudioContext();
        return this.#context.resume();
    }

    get context() {
        return this.#context;
    }

    get track() {
        return this.stream?.getAudioTracks()[0] ?? null;
    }

    // Opens the chosen microphone, or any when that one is gone. Throws Trouble.
    async open() {
        if (!navigator.mediaDevices?.getUserMedia) throw new Trouble(window.isSecureContext ? words.noWebrtc : words.insecure);
        if (!window.RTCPeerConnection) throw new Trouble(words.noWebrtc);

        const previous = this.stream;
        this.stream = await this.#getMicrophone();
        stopTracks(previous);
        this.track.enabled = !this.muted;
        this.track.addEventListener('ended', () => this.#lost());
        this.#meter();
        await this.onTrack?.(this.track);
        if (!this.#listening) {
            this.#listening = true;
            navigator.mediaDevices.addEventListener('devicechange', () => this.refresh());
        }
        await this.refresh();
        await this.#applySpeaker();
    }

    close() {
        stopTracks(this.stream);
        this.stream = null;
        this.#source?.disconnect();
        this.#source = null;
    }

    async chooseMicrophone(id) {
        this.#settings.microphone = id;
        await this.open();
    }

    async chooseSpeaker(id) {
        this.#settings.speaker = id;
        await this.#applySpeaker();
        await this.refresh();
    }

    setVolume(volume) {
        this.#element.volume = volume;
    }

    setMuted(muted) {
        this.muted = muted;
        if (this.track) this.track.enabled = !muted;
    }

    play(stream) {
        this.#element.srcObject = stream;
        this.#element.play().catch(() => {
            if (this.#element.srcObject) this.#trouble(words.soundLocked);
        });
    }

    silence() {
        this.#element.srcObject = null;
    }

    // 0..1 on a scale of decibels: -60 dB is nothing.
    level() {
        if (!this.#source || this.muted) return 0;
        this.#analyser.getFloatTimeDomainData(this.#samples);
        let sum = 0;
        for (const x of this.#samples) sum += x * x;
        const db = 10 * Math.log10(sum / this.#samples.length + 1e-9);
        return Math.min(1, Math.max(0, (db + 60) / 55));
    }

    async refresh() {
        const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
        const named = (kind, noun) =>
            devices
                .filter((d) => d.kind === kind && d.deviceId)
                .map((d, i) => ({ id: d.deviceId, label: d.label || `${noun} ${i + 1}` }));

        this.#changed({
            microphones: named('audioinput', 'Microphone'),
            speakers: named('audiooutput', 'Speaker'),
            microphone: this.track?.getSettings().deviceId ?? '',
            speaker: this.#element.sinkId || 'default',
            speakerChoice: 'setSinkId' in HTMLMediaElement.prototype,
        });
    }

    async #getMicrophone() {
        const { microphone, echoCancellation, noiseSuppression, autoGainControl } = this.#settings;
        const audio = { echoCancellation, noiseSuppression, autoGainControl };

        try {
            if (microphone) {
                return await navigator.mediaDevices
                    .getUserMedia({ audio: { ...audio, deviceId: { exact: microphone } } })
                    .catch((error) => {
                        if (error.name !== 'OverconstrainedError' && error.name !== 'NotFoundError') throw error;
                        return navigator.mediaDevices.getUserMedia({ audio });
                    });
            }
            return await navigator.mediaDevices.getUserMedia({ audio });
        } catch (error) {
            throw new Trouble(microphoneWords(error));
        }
    }

    // Unplugged (stop() by ourselves fires no `ended`).
    async #lost() {
        try {
            await this.open();
            this.#trouble(words.microphoneLost);
        } catch (error) {
            this.#trouble(error.message);
        }
    }

    #meter() {
        if (!this.#context) return;
        this.#source?.disconnect();
        this.#analyser ??= new AnalyserNode(this.#context, { fftSize: 1024 });
        this.#source = this.#context.createMediaStreamSource(this.stream);
        this.#source.connect(this.#analyser);
    }

    async #applySpeaker() {
        const { speaker } = this.#settings;

        if (!('setSinkId' in HTMLMediaElement.prototype)) return;
        try {
            await this.#element.setSinkId(speaker === 'default' ? '' : speaker);
            await this.#context?.setSinkId?.(speaker === 'default' ? '' : speaker);
        } catch {
            this.#settings.speaker = '';
            if (speaker) this.#trouble(words.speakerFailed);
        }
    }
}

function stopTracks(stream) {
    for (const track of stream?.getTracks() ?? []) track.stop();
}
