// What the page's parts hand to each other, for the type checker (npm run types).
import type { RTCSession } from 'jssip/lib/RTCSession';
import type { UA } from 'jssip';
import type { IncomingRequest } from 'jssip/lib/SIPMessage';

export interface Caller {
    name: string;
    number: string;
    withheld: boolean;
    called: string;
}

export interface CallData extends Caller {
    state: 'idle' | 'calling' | 'ringing' | 'incoming' | 'connected' | 'ended';
    answeredAt: number;
    endedAt: number;
    text: string;
    digits: string;
    by: '' | 'desktop' | 'header' | 'dn'; // who answered it for the agent
    held: boolean; // by the agent, or for him:
    heldBy: '' | 'desktop' | 'header' | 'dn';
    farHeld: boolean; // by the other side
    moving: string; // the number that it is being transferred to
}

export interface Asked {
    do: 'answer' | 'hold' | 'retrieve' | 'beep' | 'dtmf';
    by: CallData['by'];
    digits: string;
}

export interface Missed extends Caller {
    at: number;
}

export interface Reading {
    loss: number; // the worse of the two that follow, 0..1
    heard: number;
    far: number;
    jitter: number;
    rtt: number;
    codec: string;
    path: '' | 'direct' | 'udp' | 'tcp' | 'tls' | 'relay';
    received: number;
    sent: number;
    bars: number;
    word: string;
    advice: string | null;
}

export interface Device {
    id: string;
    group: string;
    label: string;
}

export interface DeviceLists {
    microphones: Device[];
    speakers: Device[];
}

export interface Devices extends DeviceLists {
    microphone: string;
    speaker: string;
    ringSpeaker: string; // '': the speaker
    speakerChoice: boolean;
}

export interface State {
    view: 'signin' | 'shift' | 'check' | 'phone';
    busy: boolean;
    dn: string;
    displayName: string;
    autoAnswer: boolean;
    registration: { state: 'offline' | 'connecting' | 'registered' | 'failed' | 'replaced' };
    offline: boolean;
    draining: boolean;
    microphoneMissing: boolean;
    elsewhere: boolean;
    call: Readonly<CallData>;
    waiting: Readonly<CallData> | null;
    other: Readonly<CallData> | null;
    picking: '' | 'transfer' | 'consult';
    missed: Missed[];
    muted: boolean;
    quality: Readonly<Reading> | null;
    devices: Devices;
    messages: Record<string, { kind: 'error' | 'warn'; text: string }>;
}

export interface Settings {
    microphone: string;
    speaker: string;
    ringSpeaker: string;
    volume: number;
    ringVolume: number;
    autoAnswer: boolean;
    echoCancellation: boolean;
    noiseSuppression: boolean;
    autoGainControl: boolean;
}

export interface Identity {
    dn: string;
    realm: string;
    ha1: string;
    displayName: string;
    iceServers: RTCIceServer[];
    renew?: string; // gets new credentials for them …
    renewAt: number | null; // … and when it should (Date.now())
    autoAnswer?: boolean;
    instanceId: string;
    shift: boolean;
}

export type Say = (source: string, kind: 'error' | 'warn' | null, text?: string | null) => void;

export type Session = RTCSession & { onTransportError?: () => void; onRequestTimeout?: () => void; _toggleMuteAudio?: () => void };
export type Request = IncomingRequest;

// JsSIP's own types know no transport.
export type Agent = UA & { transport: { connect(): void; disconnect(): void } };

type Inputs = 'dn' | 'password' | 'dial-number' | 'auto-answer';
type Buttons =
    | 'sign-in' | 'start-shift' | 'take-over' | 'take-call' | 'check' | 'end-shift' | 'sign-out' | 'answer' | 'mute' | 'hangup' | 'dial'
    | 'waiting-take' | 'waiting-decline' | 'hold' | 'transfer' | 'consult' | 'swap' | 'join' | 'phone-links' | 'clear-missed' | 'ask-yes' | 'ask-no';
type Forms = 'signin-form' | 'dial-form';
type Others =
    | 'registration' | 'registration-text' | 'account' | 'agent' | 'announcer' | 'message' | 'page-notes' | 'signin-view' | 'shift-view'
    | 'shift-dn' | 'check-view' | 'phone-view' | 'call' | 'call-state' | 'caller' | 'caller-name' | 'caller-number' | 'called-number' | 'duration'
    | 'quality' | 'quality-word' | 'quality-detail' | 'call-notes' | 'waiting' | 'waiting-name' | 'waiting-number' | 'other' | 'other-name' | 'other-number' | 'hold-text' | 'dial-label' | 'hangup-text'
    | 'mute-text' | 'dial-hint' | 'sent' | 'sent-digits' | 'keypad' | 'missed' | 'missed-title' | 'missed-list' | 'speaker-row' | 'level'
    | 'ask-text';

// Every element of index.html that the code reaches for, by id.
export type Elements = Record<Inputs, HTMLInputElement> &
    Record<Buttons, HTMLButtonElement> &
    Record<Forms, HTMLFormElement> &
    Record<Others, HTMLElement> & {
        ask: HTMLDialogElement;
        microphone: HTMLSelectElement;
        speaker: HTMLSelectElement;
        'ring-speaker': HTMLSelectElement;
        'remote-audio': HTMLAudioElement;
    };

declare global {
    interface Window {
        dngate: object;
    }
    interface AudioContext {
        sinkId?: string;
        setSinkId?(id: string): Promise<void>;
    }
}
