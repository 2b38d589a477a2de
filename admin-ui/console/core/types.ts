// What the REST interface answers (/api/admin/v1/openapi.json): times in Unix ms, what is absent is 0 or "".
export interface List<T> {
    items: T[];
    total: number;
    next?: string | null;
}
export type Role = 'admin' | 'supervisor' | 'readonly';
export interface Session {
    name: string;
    role: Role;
    csrf: string;
    expires_ms: number;
    totp: boolean;
    lab: boolean;
    version: string;
    host: string;
    language?: string;
}
export interface Setup {
    open: boolean;
    lab: boolean;
    version: string;
}
export type PartState = 'up' | 'degraded' | 'down';
export type TrunkState = 'up' | 'down' | 'unknown' | 'disabled';
export type AgentState = 'off' | 'ready' | 'ringing' | 'on_call';
export interface Part {
    name: string;
    state: PartState;
    reason: string;
    since_ms: number;
}
export interface Attention {
    kind: string;
    level: 'bad' | 'warn';
    code: string;
    params: Record<string, string | number>;
    text: string;
    advice: string;
    place: string;
    since_ms: number;
}
export interface TrunkLine {
    name: string;
    state: TrunkState;
    detail?: string;
    rtt_ms: number;
    since_ms: number;
}
export interface Status {
    ready: boolean;
    lab: boolean;
    version: string;
    started_ms: number;
    uptime_s: number;
    now_ms: number;
    parts: Part[];
    attention: Attention[];
    calls: number;
    registrations: number;
    dns: number;
    agents: Record<AgentState, number>;
    trunks: TrunkLine[];
    hour: { inbound: number; outbound: number; answered: number; average_s: number; abandoned: number; abandoned_percent: number; failed: number };
    voice: { mos: number; loss_percent: number; jitter_ms: number; rtt_ms: number };
    turn: { calls: number; allocations: number; bits_per_s: number };
    box: { cpu_percent: number; cpus: number; rss_bytes: number; disk_percent: number; disk_free_bytes: number; bits_per_s: number; load: number };
    certificate: { subject: string; expires_ms: number; days: number; own: boolean };
    errors_per_min: number;
}
export type Series = (number | null)[];
export interface History {
    step_ms: number;
    from_ms: number;
    series: Record<string, Series>;
}
export interface Figures {
    mos: number;
    loss_percent: number;
    jitter_ms: number;
}
export interface Call {
    id: string;
    dn: string;
    name: string;
    direction: string; // "in", "out"
    caller: string;
    caller_name: string;
    callee: string;
    trunk: string;
    state: string;
    path: string;
    address: string;
    codec_browser: string;
    codec_trunk: string;
    start_ms: number;
    answer_ms: number;
    waits_s?: number; // its page is away
    call_uuid: string;
    quality: { to_trunk: Figures | null; to_browser: Figures | null; browser: Figures | null; rtt_ms: number } | null;
}
export interface Registration {
    dn: string;
    name: string;
    address: string;
    browser: string;
    registered_ms: number;
    expires_ms: number;
    state: AgentState;
    upstream?: Upstream | null;
}
// At SIP Server; null: no trunk registers DNs.
export interface Upstream {
    state: 'idle' | 'registering' | 'registered' | 'refreshing' | 'refused' | 'waiting' | 'leaving';
    code: number;
    since_ms: number;
    until_ms: number;
    trunk: string;
    text: string;
}
export interface Dn {
    dn: string;
    name: string;
    enabled: boolean;
    codec: string;
    auto_answer: boolean;
    call_limit: number;
    trunk_password_set: boolean;
    created_ms: number;
    changed_ms: number;
    state: AgentState;
    since_ms: number;
    address: string;
    browser: string;
}
export interface DnPassword {
    dn: string;
    name: string;
    password: string;
}
export interface Trunk {
    name: string;
    host: string;
    port: number;
    transport: 'udp' | 'tcp' | 'tls';
    username: string;
    password_set: boolean;
    registers: boolean;
    enabled: boolean;
    priority: number;
    ping_seconds: number;
    codecs: string[];
    ptime: number;
    tls_ca: string;
    tls_name: string;
    tls_cert: string;
}
export interface TestStep {
    name: string;
    result: 'waits' | 'ok' | 'failed' | 'skipped' | 'running';
    ms: number;
    detail: string;
    advice: string;
}
export interface TrunkTest {
    running: boolean;
    started_ms: number;
    steps: TestStep[];
}
export interface Certificate {
    subject: string;
    names: string[];
    issuer: string;
    not_before_ms: number;
    not_after_ms: number;
    days: number;
    own: boolean;
    fingerprint: string;
    chain: string[];
    locked?: boolean; // https.cert names a file
    requested?: boolean; // the key of a request waits for its certificate
    warning?: string;
}
export interface Network {
    addresses: { address: string; family: string; why: string }[];
    ports: {
        way: string;
        setting: string;
        protocol: string;
        port: number;
        port_to: number;
        who: string;
        needed: boolean;
        listening: boolean;
        state: 'open' | 'closed' | 'unknown' | 'untried';
        detail: string;
        advice: string;
    }[];
    checked_ms: number;
}
export interface Setting {
    key: string;
    type: 'int' | 'bool' | 'text' | 'enum' | 'secret';
    value: string;
    default: string;
    min: number;
    max: number;
    unit: string;
    choices: string[];
    meaning: string;
    restart: boolean;
    source: 'default' | 'database' | 'environment' | 'option';
    locked: boolean;
    pending: boolean;
    running: string;
}
