// What a view shows, from the REST interface. Old data stay while new ones come; "slow" is said after 300 ms only; when the box was away, all of it is read again.
import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem, call, returned, session, url, type Params } from './api';
import type { List } from './types';

const SLOW_MS = 300;

export interface Load<T> {
    data: T | undefined;
    etag: string;
    error: Problem | null;
    slow: boolean; // nothing to show yet, for longer than one does not notice
    reload: () => Promise<void>;
    set: (data: T) => void; // what a write answered
}

// path null: nothing yet. every: again after so many ms.
export function useLoad<T>(path: string | null, query: Params = {}, { every = 0 } = {}): Load<T> {
    const what = path === null ? null : url(path, query);
    const [state, setState] = useState<{ data?: T; etag: string; error: Problem | null; slow: boolean; of: string | null }>({ etag: '', error: null, slow: false, of: null });
    const run = useRef(0);
    const epoch = returned.value;

    const load = async (signal?: AbortSignal) => {
        if (path === null) return;
        const mine = ++run.current;
        const slow = setTimeout(() => mine === run.current && setState((s) => ({ ...s, slow: s.data === undefined })), SLOW_MS);
        try {
            const { data, etag } = await call<T>(path, { query, signal });
            if (mine === run.current) setState({ data, etag, error: null, slow: false, of: what });
        } catch (error) {
            // Another thing's data would be wrong, the same thing's are only old.
            if (error instanceof Problem && mine === run.current) setState((s) => ({ ...(s.of === what ? s : { etag: '', of: what }), error, slow: false }));
        } finally {
            clearTimeout(slow);
        }
    };
    useEffect(() => {
        const abort = new AbortController();
        const timer = every ? setInterval(() => document.hidden || load(abort.signal), every) : 0;

        void load(abort.signal);
        return () => {
            run.current++;
            abort.abort();
            clearInterval(timer);
        };
    }, [what, epoch, every, session.value?.name]);

    return {
        data: state.data,
        etag: state.etag,
        error: state.error,
        slow: state.slow,
        reload: () => load(),
        set: (data) => {
            run.current++;
            setState({ data, etag: '', error: null, slow: false, of: what });
        },
    };
}

const BATCH = 200;

export interface Rows<T> {
    items: T[]; // as far as they have come
    total: number | undefined; // undefined: not known yet
    error: Problem | null;
    slow: boolean;
    need: (upTo: number) => void; // rows up to this one will be seen
    reload: () => void;
    patch: (change: (items: T[]) => T[]) => void; // what a write changed, at once
}

// A list of the server's, sorted and filtered there, batch by batch as far as it is looked at.
export function useRows<T>(path: string, query: Params = {}): Rows<T> {
    const what = url(path, query);
    const [state, setState] = useState<{ items: T[]; total?: number; error: Problem | null; slow: boolean }>({ items: [], error: null, slow: false });
    const at = useRef({ run: 0, next: '' as string | null, busy: false, have: 0, want: 0, renew: 0 });
    const epoch = returned.value;
    const [turn, setTurn] = useState(0);

    const more = async (mine: number) => {
        const a = at.current;
        if (a.busy || a.next === null || !a.run) return;
        a.busy = true;
        const slow = setTimeout(() => mine === a.run && setState((s) => ({ ...s, slow: s.total === undefined })), SLOW_MS);
        try {
            const first = a.next === '';
            const limit = first ? Math.min(500, Math.max(BATCH, a.renew)) : 500;
            const { data } = await call<List<T>>(path, { query: { ...query, limit, cursor: a.next } });
            if (mine !== a.run) return;
            a.next = data.next || null;
            a.have = (first ? 0 : a.have) + data.items.length;
            setState((s) => ({ items: first ? data.items : [...s.items, ...data.items], total: data.total, error: null, slow: false }));
        } catch (error) {
            if (error instanceof Problem && mine === a.run) {
                a.next = null;
                setState((s) => ({ ...s, error, slow: false }));
            }
        } finally {
            clearTimeout(slow);
            if (mine === a.run) {
                a.busy = false;
                if (a.want > a.have) void more(mine);
            }
        }
    };
    useEffect(() => {
        const a = at.current;

        a.run++;
        Object.assign(a, { next: '', busy: false, renew: a.have, have: 0 });
        void more(a.run);
        return () => void a.run++;
    }, [what, epoch, turn, session.value?.name]);

    return {
        ...state,
        total: state.total,
        need: (upTo) => {
            at.current.want = upTo;
            if (upTo > at.current.have) void more(at.current.run);
        },
        reload: () => setTurn((n) => n + 1),
        patch: (change) => setState((s) => ({ ...s, items: change(s.items) })),
    };
}

// A list that is all here already, as one that the server would have answered.
export const rowsOf = <T>(items: T[] | undefined, error: Problem | null = null): Rows<T> => ({
    items: items ?? [],
    total: items?.length,
    error,
    slow: false,
    need: () => {},
    reload: () => {},
    patch: () => {},
});
