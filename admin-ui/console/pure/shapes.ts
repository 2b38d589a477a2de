// What the gateway answers, as far as these pages read it.
import type { AgentState, Registration } from '../core/types';

export interface ImportRow {
    line: number;
    dn: string;
    action: 'add' | 'change' | 'same' | 'error';
    detail: string;
    changes?: { field: string; before: string; after: string }[];
}
export interface ImportResult {
    added: number;
    changed: number;
    unchanged: number;
    failed: number;
    rows: ImportRow[];
}
export interface CompareResult {
    same: number;
    missing: { dn: string; name: string }[];
    extra: { dn: string; name: string }[];
    different: { dn: string; field: string; here: string; there: string }[];
}
export interface DnLive {
    state: AgentState;
    since_ms: number;
    registrations: Registration[];
    calls: { id: string; direction: string; caller: string; callee: string; state: string; start_ms: number }[];
    ban: { address: string; until_ms: number } | null;
}
export interface DnEvent {
    time_ms: number;
    event: string;
    address: string;
    browser: string;
    detail: string;
}
export interface SelftestStep {
    name: string;
    result: string;
    detail: string;
    figures?: Record<string, number | string>;
}
export interface Selftest {
    id: string;
    dn: string;
    note: string;
    time_ms: number;
    verdict: string;
    browser: string;
    system: string;
    source: string;
    tests?: SelftestStep[];
}
export interface SelftestLink {
    id?: string;
    url?: string;
    note: string;
    expires_ms: number;
    used?: boolean;
}
export interface TrunkLive {
    state: 'up' | 'down' | 'unknown' | 'disabled';
    since_ms: number;
    rtt_ms: number;
    detail: string;
    addresses: { address: string; state: string; rtt_ms: number }[];
}
export interface User {
    name: string;
    role: string;
    totp: boolean;
    created_ms: number;
    changed_ms: number;
}
export interface SessionRow {
    id: string;
    name: string;
    role: string;
    address: string;
    user_agent: string;
    created_ms: number;
    seen_ms: number;
    current: boolean;
}
export interface ApiKey {
    id: string;
    name: string;
    role: string;
    created_ms: number;
    expires_ms: number;
    seen_ms: number;
    user: string;
    key?: string;
}
export interface AuditRow {
    id: number | string;
    time_ms: number;
    who: string;
    via: string;
    address: string;
    noun: string;
    key: string;
    what: string;
    before: Record<string, unknown> | null;
    after: Record<string, unknown> | null;
    reason: string;
}
export interface Ban {
    address: string;
    since_ms: number;
    until_ms: number;
    failures: number;
}
export interface Backup {
    name: string;
    bytes: number;
    time_ms: number;
    why: string;
    encrypted?: boolean;
}
