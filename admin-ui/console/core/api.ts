// The REST interface. A refusal is a Problem: `detail` for a person, `errors` by field. When the session has ended, what was asked for waits until its
// reader has signed in again over whatever is open, and is then done; when the box does not answer, `away` says since when.
import { signal } from '@preact/signals';
import type { Session } from './types';
import { t } from './words';

export const BASE = '/api/admin/v1';
const PATIENCE_MS = 30_000;

export class Problem extends Error {
    constructor(
        readonly status: number, // 0: no answer
        readonly detail: string,
        readonly errors: Record<string, string> = {},
        readonly more: Record<string, unknown> = {},
    ) {
        super(detail);
    }
}

export type Params = Record<string, string | number | boolean | null | undefined>;
export interface Request {
    method?: string;
    query?: Params;
    body?: unknown; // an object goes as JSON; a text or a file as it is, with `type`
    type?: string;
    etag?: string; // done only if the thing is still as it was read (412 otherwise)
    headers?: Record<string, string>;
    open?: boolean; // 401 is an answer, not an ended session
    signal?: AbortSignal;
    patience?: number; // ms until the box counts as away: for what takes long
}
export interface Answer<T> {
    data: T;
    etag: string;
}

export const session = signal<Session | null>(null);
export const expired = signal(false);
export const away = signal(0); // since when (ms) the box does not answer; 0: it does
export const returned = signal(0); // how often it came back: what was loaded before is old

let again: { promise: Promise<void>; resolve: () => void } | null = null;

// Until somebody has signed in again.
function signedIn(): Promise<void> {
    if (!again) {
        let resolve!: () => void;
        const promise = new Promise<void>((done) => (resolve = done));
        again = { promise, resolve };
    }
    expired.value = true;
    return again.promise;
}

export function resume(now: Session): void {
    session.value = now;
    expired.value = false;
    again?.resolve();
    again = null;
}

export function url(path: string, query: Params = {}): string {
    const params = new URLSearchParams();

    for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== null && value !== '') params.set(name, String(value));
    const text = params.toString();
    return BASE + path + (text ? `?${text}` : '');
}

function gone(): void {
    if (away.value) return;
    away.value = Date.now();
    const knock = async (pause: number): Promise<void> => {
        await new Promise((done) => setTimeout(done, pause));
        try {
            const answer = await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(5000) });
            if (answer.ok) return cameBack();
        } catch {
            /* not yet */
        }
        return knock(Math.min(5000, pause * 1.5));
    };
    void knock(1000);
}

function cameBack(): void {
    if (!away.value) return;
    away.value = 0;
    returned.value++;
}

async function problem(answer: Response): Promise<Problem> {
    let said: Record<string, unknown> = {};

    try {
        said = await answer.json();
    } catch {
        /* no JSON: the status has to do */
    }
    const errors: Record<string, string> = {};
    if (Array.isArray(said['errors'])) for (const { field, detail } of said['errors']) errors[String(field)] ??= String(detail);
    const wait = answer.headers.get('Retry-After');
    return new Problem(answer.status, String(said['detail'] || said['title'] || t('shell.refused', { status: answer.status })), errors, { ...said, ...(wait ? { retry: Number(wait) } : {}) });
}

async function ask(path: string, how: Request): Promise<Response> {
    const method = how.method ?? 'GET';
    const headers: Record<string, string> = { Accept: 'application/json', ...how.headers };
    const plain = typeof how.body === 'string' || how.body instanceof Blob;

    if (method !== 'GET') headers['X-CSRF-Token'] = session.value?.csrf ?? '';
    if (how.etag) headers['If-Match'] = how.etag;
    if (how.body !== undefined) headers['Content-Type'] = how.type ?? (plain ? 'text/plain' : 'application/json');
    try {
        const limit = AbortSignal.timeout(how.patience ?? PATIENCE_MS);
        return await fetch(url(path, how.query), {
            method,
            headers,
            body: how.body === undefined ? undefined : plain ? (how.body as BodyInit) : JSON.stringify(how.body),
            cache: 'no-store',
            credentials: 'same-origin',
            signal: how.signal ? eitherOf(how.signal, limit) : limit,
        });
    } catch (error) {
        if (how.signal?.aborted) throw error;
        gone();
        throw new Problem(0, t(method === 'GET' ? 'shell.noAnswer' : 'shell.noAnswerWrite'));
    }
}

function eitherOf(...signals: AbortSignal[]): AbortSignal {
    const both = new AbortController();

    for (const one of signals) one.aborted ? both.abort() : one.addEventListener('abort', () => both.abort(), { once: true });
    return both.signal;
}

// What was asked for as it came: for files. Throws a Problem unless it was done.
export async function raw(path: string, how: Request = {}): Promise<Response> {
    for (;;) {
        const answer = await ask(path, how);

        cameBack();
        if (answer.ok) return answer;
        const why = await problem(answer);
        if (answer.status !== 401 || how.open || !session.value) throw why;
        await signedIn();
    }
}

export async function call<T>(path: string, how: Request = {}): Promise<Answer<T>> {
    const answer = await raw(path, how);
    const type = answer.headers.get('Content-Type') ?? '';
    const text = await answer.text();
    const data = !text ? undefined : type.includes('json') ? JSON.parse(text) : text;

    return { data: data as T, etag: answer.headers.get('ETag') ?? '' };
}

const done = async <T>(path: string, how: Request) => (await call<T>(path, how)).data;

export const api = {
    get: <T>(path: string, query?: Params, signal?: AbortSignal) => done<T>(path, { query, signal }),
    read: <T>(path: string, query?: Params) => call<T>(path, { query }), // with its ETag
    post: <T = unknown>(path: string, body?: unknown, more: Request = {}) => done<T>(path, { method: 'POST', body, ...more }),
    put: <T = unknown>(path: string, body?: unknown, more: Request = {}) => done<T>(path, { method: 'PUT', body, ...more }),
    patch: <T = unknown>(path: string, body: unknown, etag = '') => done<T>(path, { method: 'PATCH', body, etag }),
    remove: <T = unknown>(path: string, more: Request = {}) => done<T>(path, { method: 'DELETE', ...more }),
};

// May the reader do what needs this role? What he may not is not shown.
const ranks = { readonly: 0, supervisor: 1, admin: 2 };
export const may = (role: Session['role']) => !!session.value && ranks[session.value.role] >= ranks[role];

// Hands a file to the browser's downloads.
export function save(name: string, data: Blob | string, type = 'text/plain'): void {
    const link = document.createElement('a');

    link.href = URL.createObjectURL(typeof data === 'string' ? new Blob([data], { type }) : data);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
