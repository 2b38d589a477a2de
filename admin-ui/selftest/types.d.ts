// What the parts of the self-test hand to each other, for the type checker (npm run types).
import type { Audio } from '../shared/audio.js';
import type { Ringer } from '../shared/ringer.js';
import type { Settings } from '../agent/types';

export type Name = 'speaker' | 'ring' | 'microphone' | 'wss' | 'stun' | 'turn_udp' | 'turn_tcp' | 'turn_tls' | 'echo';
export type Outcome = 'good' | 'fair' | 'bad' | 'skipped';

export interface Figures {
    loss_up_pct?: number;
    loss_down_pct?: number;
    jitter_up_ms?: number;
    jitter_down_ms?: number;
    rtt_ms?: number;
    mos_up?: number;
    mos_down?: number;
    path?: 'direct' | 'relay_udp' | 'relay_tcp' | 'relay_tls';
    ms?: number;
    level_db?: number;
}

export interface Result {
    result: Outcome;
    detail: string;
    advice?: string;
    figures?: Figures;
}

export interface Line extends Partial<Omit<Result, 'result'>> {
    result: Outcome | 'waiting' | 'running';
}

export type Lines = Record<Name, Line>;

// One test: pure of the page, it sees what ctx gives.
export interface Test {
    name: Name;
    run(ctx: Context): Promise<Result>;
}

export interface Session {
    session: string;
    dn: string;
    name: string;
    user: string;
    password: string;
    echo: string;
    iceServers: RTCIceServer[];
    version: string;
    endsAt: number; // Date.now()
}

// How a test may be started; none of them: DN and password are asked.
export interface Credentials {
    dn?: string;
    renew?: string;
    link?: string;
}

// From whoever opens the room.
export interface Kit {
    ticker: { every(ms: number, run: () => void): () => void; after(ms: number, run: () => void): () => void };
    settings: Settings;
    save(): void;
    session?: Session | null; // of before a reload
    started?(session: Session): void;
    over?(): void; // the link is good for nothing any more
    close?(): void; // there is something to go back to
}

export interface Context {
    session: Session;
    ticker: Kit['ticker'];
    audio: Audio;
    ringer: Ringer;
    settings: Settings;
    device(what: 'speaker' | 'ring' | 'microphone'): string; // its name, or ''
    microphoneError: string | null;
    lines: Readonly<Lines>;
    amend(name: Name, patch: Partial<Result>): void;
    show(step: string): void;
    ask(step: string): Promise<string>; // the button that was pressed
    signal: AbortSignal;
}
