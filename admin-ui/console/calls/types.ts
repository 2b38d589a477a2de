// What the REST of calls answers: docs/internals/admin.md. Times are Unix ms unless said otherwise; 0 and "" are "not known".
import type { Call } from '../core/types';

export type Figures = { mos?: number; loss_percent?: number; jitter_ms?: number };

export type LiveCall = Omit<Call, 'quality'> & {
    quality?: { to_trunk?: Figures | null; to_browser?: Figures | null; browser?: Figures | null; rtt_ms?: number } | null;
};

export type CallRecord = {
    id: string;
    direction: string; // "in", "out"
    dn: string;
    caller: string;
    callee: string;
    caller_name: string;
    trunk: string;
    start_ms: number;
    ring_ms: number;
    answer_ms: number;
    end_ms: number;
    duration_s: number;
    ring_s: number;
    result: string;
    code: number;
    reason: string;
    hangup: string;
    path: string;
    mos: number;
    verdict: string;
    verdict_code: string;
    verdict_params: Record<string, string | number>;
    traced: boolean;
};

export type Stream = { codec: string; packets: number; bytes: number; lost: number; jitter_ms: number; mos: number };
export type Verdict = { level: 'good' | 'warn' | 'bad'; code: string; params: Record<string, string | number>; title: string; cause: string; advice: string };
export type WholeRecord = Omit<CallRecord, 'verdict'> & {
    from_browser: Stream;
    from_trunk: Stream;
    rtt_ms: number;
    address: string;
    candidate: string;
    path_changes: number;
    sip_call_id: string;
    call_uuid: string;
    verdict: Verdict | null;
};

export type Leg = 'browser' | 'trunk' | 'gateway';
// t_ms: from the start of the call. direction: as the gateway sees it; "" for what is no message.
export type TraceEvent = {
    t_ms: number;
    leg: Leg;
    kind: 'sip' | 'ice' | 'dtls' | 'rtp' | 'state' | 'page';
    direction: 'in' | 'out' | '';
    title: string;
    text?: string;
    from?: string; // of a message: addresses and transport
    to?: string;
    transport?: string;
};
export type Series = { loss_percent?: (number | null)[]; jitter_ms?: (number | null)[]; mos?: (number | null)[] };
export type Graphs = { t_ms: number[]; to_trunk?: Series | null; to_browser?: Series | null; browser?: Series | null };
export type Trace = { id: string; from_ms: number; complete: boolean; dropped: number; events: TraceEvent[]; graphs?: Graphs | null };

export type Summary = {
    calls: number;
    answered: number;
    inbound: number;
    outbound: number;
    abandoned: number;
    abandoned_percent: number;
    failed: number;
    average_s: number;
    talk_s: number;
    mos: number;
};
