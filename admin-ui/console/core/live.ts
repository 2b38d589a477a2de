// What is going on now: one WebSocket (/events) for all views, a snapshot of each topic first, then what changed; asked for every few seconds where none
// can be had. `live.at` is when we last heard something; `link` says how: 'push', 'poll', or 'lost', and then what is shown is as old as `live.at` says.
import { computed, signal } from '@preact/signals';
import { BASE, api, away, session } from './api';
import type { Call, List, Registration, Status, TrunkLine } from './types';

const POLL_MS = 5000;
const SILENCE_MS = 15_000; // /events says something every second or so
const RETRY_MS = [500, 1000, 2000, 5000, 10_000];

export const live = {
    status: signal<Status | null>(null),
    calls: signal<Call[] | null>(null),
    registrations: signal<Registration[] | null>(null),
    trunks: signal<TrunkLine[] | null>(null),
    at: signal(0),
};
export const link = signal<'push' | 'poll' | 'lost' | 'none'>('none');
export const attention = computed(() => live.status.value?.attention ?? []);
// A clock for what counts seconds: one for the whole page, and none while nobody looks.
export const now = signal(Date.now());

interface Message {
    topic: string;
    at_ms: number;
    data?: unknown;
    set?: Record<string, unknown>[];
    gone?: string[];
}

const names: Record<string, string> = { calls: 'id', registrations: 'dn', trunks: 'name' };

// The list with what is new or other in its place, and without what is gone.
export function merged<T>(items: T[], key: string, set: T[] = [], gone: string[] = []): T[] {
    const of = (item: T) => (item as Record<string, unknown>)[key];
    const fresh = new Map(set.map((item) => [of(item), item]));
    const left = new Set<unknown>(gone);
    const kept = items.filter((item) => !left.has(of(item))).map((item) => {
        const now = fresh.get(of(item));
        fresh.delete(of(item));
        return now ?? item;
    });

    return [...kept, ...fresh.values()];
}

function heard({ topic, data, set, gone }: Message): void {
    live.at.value = Date.now();
    if (topic === 'status') live.status.value = data as Status;
    const key = names[topic];
    if (!key) return;
    const list = live[topic as 'calls'];
    if (data) list.value = (data as List<Call>).items;
    else if (list.value) list.value = merged(list.value as never[], key, set as never[], gone);
}

let socket: WebSocket | null = null;
let failures = 0;
let retry = 0;
let poll = 0;

export async function refresh(): Promise<void> {
    try {
        const [status, calls, registrations] = await Promise.all([
            api.get<Status>('/status'),
            api.get<List<Call>>('/calls'),
            api.get<List<Registration>>('/registrations'),
        ]);
        live.status.value = status;
        live.calls.value = calls.items;
        live.registrations.value = registrations.items;
        live.trunks.value ??= status.trunks;
        live.at.value = Date.now();
        if (link.value !== 'push') link.value = 'poll';
    } catch {
        link.value = 'lost';
    }
}

function polling(on: boolean): void {
    clearInterval(poll);
    poll = 0;
    if (!on) return;
    void refresh();
    poll = window.setInterval(() => document.hidden || away.value || void refresh(), POLL_MS);
}

function connect(): void {
    if (!session.value || socket) return;
    const ws = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${BASE}/events`, 'dngate-events');

    socket = ws;
    ws.onmessage = ({ data }) => {
        failures = 0;
        link.value = 'push';
        if (poll) polling(false);
        heard(JSON.parse(data) as Message);
    };
    ws.onclose = ({ code }) => {
        if (socket !== ws) return;
        socket = null;
        failures++;
        link.value = poll ? link.value : 'lost';
        if (!poll) polling(true);
        // The session has ended: whoever asks next is told so, and asks for it again.
        if (code === 4401) failures = RETRY_MS.length;
        clearTimeout(retry);
        retry = window.setTimeout(connect, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]! * (0.75 + Math.random() / 2));
    };
}

export function disconnect(): void {
    const ws = socket;

    socket = null;
    ws?.close();
    clearTimeout(retry);
    polling(false);
    link.value = 'none';
    live.status.value = live.calls.value = live.registrations.value = live.trunks.value = null;
}

export function startLive(): void {
    session.subscribe((who) => {
        if (who) connect();
        else disconnect();
    });
    away.subscribe((since) => {
        if (since) link.value = 'lost';
        else if (session.peek()) connect();
    });
    setInterval(() => {
        if (!document.hidden) now.value = Date.now();
        if (link.value === 'push' && Date.now() - live.at.value > SILENCE_MS) {
            live.at.value = Date.now(); // ask once, not each second
            void refresh();
        }
    }, 1000);
    document.addEventListener('visibilitychange', () => {
        now.value = Date.now();
        if (!document.hidden && poll) void refresh();
    });
}
