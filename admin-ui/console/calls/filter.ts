// What is looked for among the records: from the page's address and back, and to the server's query. What is not set is not in the address.
export type Filter = {
    q: string;
    time: string; // a preset, or "" for any, or "range": from and to
    from: string; // as <input type=datetime-local> has it, in the reader's zone
    to: string;
    dn: string;
    number: string;
    direction: string;
    result: string;
    path: string;
    trunk: string;
    min_s: string; // talked at least
    max_s: string;
    min_ring_s: string;
    max_mos: string; // sounded at most so well
};
export type Field = keyof Filter;

export const NOTHING: Filter = {
    q: '', time: '', from: '', to: '', dn: '', number: '', direction: '', result: '', path: '', trunk: '', min_s: '', max_s: '', min_ring_s: '', max_mos: '',
};
export const PRESETS = ['1h', 'today', 'yesterday', '7d', '30d', 'range'] as const;
export const DIRECTIONS = ['in', 'out'];
export const RESULTS = ['answered', 'no_answer', 'busy', 'cancelled', 'refused', 'failed'];
export const PATHS = ['direct', 'relay', 'relay-udp', 'relay-tcp', 'relay-tls', 'relay-other', 'none'];
export const QUALITIES = ['3.6', '3.1', '2.6']; // some, many, nearly all would complain
const NUMBERS: Field[] = ['min_s', 'max_s', 'min_ring_s', 'max_mos'];
const CHOICES: Partial<Record<Field, readonly string[]>> = { time: PRESETS, direction: DIRECTIONS, result: RESULTS, path: PATHS };
const LOCAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/;

// Whatever an address holds: what makes no sense is not there.
export function fromAddress(search: string | URLSearchParams): Filter {
    const query = new URLSearchParams(search);
    const filter = { ...NOTHING };

    for (const field of Object.keys(NOTHING) as Field[]) {
        const value = (query.get(field) ?? '').slice(0, 128);
        if (CHOICES[field] && !CHOICES[field].includes(value)) continue;
        if (NUMBERS.includes(field) && !/^\d{1,7}(\.\d{1,2})?$/.test(value)) continue;
        if ((field === 'from' || field === 'to') && !LOCAL.test(value)) continue;
        filter[field] = value;
    }
    if (filter.time !== 'range') filter.from = filter.to = '';
    return filter;
}

export function toAddress(filter: Filter): string {
    const query = new URLSearchParams();
    for (const field of Object.keys(NOTHING) as Field[]) if (filter[field]) query.set(field, filter[field]);
    return query.toString();
}

const day = (now: number, back = 0) => {
    const at = new Date(now);
    return new Date(at.getFullYear(), at.getMonth(), at.getDate() - back).getTime();
};
const local = (value: string) => (value ? new Date(value).getTime() : 0);

// 0: open. By the minute, so that a page that is asked for again is the same one.
export function span(filter: Filter, now: number): { from_ms: number; to_ms: number } {
    const minute = Math.floor(now / 60000) * 60000;
    switch (filter.time) {
        case '1h':
            return { from_ms: minute - 3600e3, to_ms: 0 };
        case 'today':
            return { from_ms: day(now), to_ms: 0 };
        case 'yesterday':
            return { from_ms: day(now, 1), to_ms: day(now) };
        case '7d':
            return { from_ms: day(now, 6), to_ms: 0 };
        case '30d':
            return { from_ms: day(now, 29), to_ms: 0 };
        case 'range':
            return { from_ms: local(filter.from), to_ms: local(filter.to) };
        default:
            return { from_ms: 0, to_ms: 0 };
    }
}

// What GET /cdr, /cdr/summary and /cdr/export are asked.
export function toQuery(filter: Filter, now: number): URLSearchParams {
    const query = new URLSearchParams();
    const { from_ms, to_ms } = span(filter, now);

    for (const field of Object.keys(NOTHING) as Field[]) if (filter[field] && !['time', 'from', 'to'].includes(field)) query.set(field, filter[field]);
    if (from_ms) query.set('from_ms', String(from_ms));
    if (to_ms) query.set('to_ms', String(to_ms));
    return query;
}

// How many filters are set, besides the words that are searched for.
export const count = (filter: Filter) => (Object.keys(NOTHING) as Field[]).filter((field) => filter[field] && !['q', 'from', 'to'].includes(field)).length;

// Does a call that runs fit the words searched for? The server looks for them in the same places of a record.
export function fits(call: { dn: string; name?: string; caller: string; caller_name?: string; callee: string; trunk: string }, q: string) {
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    const text = [call.dn, call.name, call.caller, call.caller_name, call.callee, call.trunk].join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
}
