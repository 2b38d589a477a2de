// Calls and records for the stand-in of the console's server: the same every time, with hostile names among them.
import { HOSTILE, trace, traces } from './traces.mjs';

const FIRST = ['Ada', 'Max', 'Grace', 'Linus', 'Noor', 'Jürgen', 'Sofía', 'Wei'];
const LAST = ['Lovelace', 'Planck', 'Hopper', 'Okafor', 'Grünwald', 'Santos', 'Li', 'Brandt'];
const RESULTS = ['answered', 'answered', 'answered', 'answered', 'answered', 'no_answer', 'cancelled', 'busy', 'answered', 'failed', 'answered', 'refused'];
const CODES = { answered: [200, 'OK'], no_answer: [480, 'Temporarily Unavailable'], cancelled: [487, 'Request Terminated'], busy: [486, 'Busy Here'], failed: [488, 'Not Acceptable Here'], refused: [603, 'Decline'] };
const PATHS = ['direct', 'direct', 'direct', 'relay-udp', 'relay-tls'];
const pick = (list, i) => list[i % list.length];

export const VERDICTS = {
    good: { level: 'good', title: 'Nothing was wrong.', cause: 'Both sides were heard from the answer to the end, MOS 4.3 at the least.', advice: '' },
    oneway: {
        level: 'bad',
        title: 'One-way audio: the caller was not heard.',
        cause: 'Nothing came from the trunk after the answer. Its SDP named 10.1.2.3:4000; packets came from 10.1.2.9.',
        advice: 'Ask for the media address of the Genesys side, or allow 10.1.2.9 in trunk genesys.',
    },
    jitter: {
        level: 'warn',
        title: 'The agent’s network was bad from 0:31 to 1:00.',
        cause: 'Up to 15 % of what the browser sent was lost, with 50 ms of jitter; then the way changed to a relay by TLS and it was over.',
        advice: 'Was it Wi-Fi? Have the agent run the self-test at that place, and use a cable.',
    },
    refused: {
        level: 'bad',
        title: 'No codec in common: the trunk refused the call (488).',
        cause: 'We offered PCMA and PCMU; genesys answered “Media type not available”.',
        advice: 'Allow PCMA or PCMU for this route in Genesys, or set the codecs of trunk genesys.',
    },
    hostile: { level: 'warn', title: HOSTILE, cause: HOSTILE, advice: HOSTILE },
};

const LENGTHS = { good: 323000, oneway: 41300, jitter: 95100, refused: 70, hostile: 9100 };

// The i-th newest record. The first ones have traces.
export function record(i, now) {
    const scene = traces[i];
    const result = scene === 'refused' ? 'failed' : scene ? 'answered' : pick(RESULTS, i);
    const talked = result === 'answered' ? 20 + ((i * 37) % 600) : 0;
    const length = scene ? LENGTHS[scene] : 4000 + talked * 1000;
    const start_ms = now - 600000 - i * 97000;
    const inbound = scene ? scene !== 'refused' : i % 4 !== 3;
    const [code, reason] = CODES[result];
    const name = scene === 'hostile' ? HOSTILE : `${pick(FIRST, i)} ${pick(LAST, i >> 2)}`;

    return {
        id: scene ?? `r${String(i).padStart(7, '0')}`,
        direction: inbound ? 'in' : 'out',
        dn: String(5001 + (i % 20)),
        caller: inbound ? `+4930${1234567 + i}` : String(5001 + (i % 20)),
        callee: inbound ? String(5001 + (i % 20)) : `+4989${7654321 - i}`,
        caller_name: inbound ? name : '',
        ...{ trunk: i % 9 === 8 ? 'backup' : 'genesys', start_ms, ring_ms: start_ms + 60, answer_ms: talked ? start_ms + 4000 : 0, end_ms: start_ms + length },
        ...{ duration_s: scene ? Math.max(0, Math.round((length - 4000) / 1000)) : talked, ring_s: 4, result, code, reason },
        hangup: i % 2 ? 'agent' : 'trunk',
        path: talked ? pick(PATHS, i) : '',
        mos: talked ? (scene === 'jitter' ? 3.3 : i % 17 === 16 ? 2.4 : 4.3) : 0,
        verdict: scene && scene !== 'good' ? VERDICTS[scene].title : '',
        traced: !!scene,
    };
}

export function wholeRecord(row) {
    const talked = row.result === 'answered';
    const silent = { codec: '', packets: 0, bytes: 0, lost: 0, jitter_ms: 0, mos: 0 };
    const stream = (codec) => ({ codec, packets: 50 * Math.max(1, row.duration_s), bytes: 8000 * row.duration_s, lost: 3, jitter_ms: 4.2, mos: row.mos });

    return {
        ...row,
        from_browser: talked ? stream('opus') : silent,
        from_trunk: talked && row.id !== 'oneway' ? stream('PCMA') : silent,
        ...{ rtt_ms: talked ? 14 : 0, address: talked ? '192.168.1.7:51234' : '', candidate: talked ? 'host' : '', path_changes: row.id === 'jitter' ? 1 : 0 },
        ...{ sip_call_id: `0a1b2c3d-${row.id}@genesys`, call_uuid: '01T8VQ1M6C8QF6L3', verdict: VERDICTS[row.id] ?? null },
    };
}

const STATES = ['answered', 'answered', 'ringing', 'held', 'answered', 'calling'];

export function liveCall(i, now) {
    const state = pick(STATES, i);
    const talking = state === 'answered' || state === 'held';
    const start_ms = now - 4000 - ((i * 53) % 700) * 1000;
    const figures = (mos) => ({ mos, loss_percent: mos < 3.6 ? 4.1 : 0.1, jitter_ms: mos < 3.6 ? 48 : 4 });

    return {
        id: `live${i}`,
        dn: String(5001 + i),
        name: i === 1 ? HOSTILE : `${pick(FIRST, i + 3)} ${pick(LAST, i)}`,
        direction: i % 3 === 2 ? 'out' : 'in',
        caller: i % 3 === 2 ? String(5001 + i) : `+4930${7654321 + i}`,
        caller_name: i === 3 ? HOSTILE : '',
        callee: i % 3 === 2 ? `+49891234${i}` : String(5001 + i),
        ...{ trunk: 'genesys', state, path: talking ? pick(PATHS, i) : '', address: '192.168.1.7:51234', codec_browser: talking ? 'opus' : '', codec_trunk: talking ? 'PCMA' : '' },
        ...{ start_ms, answer_ms: talking ? start_ms + 4000 : 0, call_uuid: `01T8VQ1M6C8QF6L${i}` },
        quality: talking ? { to_trunk: figures(i % 5 === 4 ? 3.2 : 4.3), to_browser: figures(4.2), browser: i % 2 ? null : figures(4.1), rtt_ms: 14 } : null,
    };
}

function fits(row, query) {
    const is = (name, value) => !query.get(name) || query.get(name) === value;
    const at_least = (name, value) => !query.get(name) || value >= Number(query.get(name));
    const words = (query.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    const text = [row.dn, row.caller, row.caller_name, row.callee, row.trunk, row.id].join(' ').toLowerCase();
    const path = query.get('path');

    return (
        words.every((word) => text.includes(word)) && is('dn', row.dn) && is('direction', row.direction) && is('result', row.result) && is('trunk', row.trunk) &&
        (!query.get('number') || row.caller.includes(query.get('number')) || row.callee.includes(query.get('number'))) &&
        (!path || row.path === path || (path === 'relay' && row.path.startsWith('relay')) || (path === 'none' && !row.path)) &&
        at_least('from_ms', row.start_ms) && (!query.get('to_ms') || row.start_ms < Number(query.get('to_ms'))) &&
        at_least('min_s', row.duration_s) && (!query.get('max_s') || row.duration_s <= Number(query.get('max_s'))) && at_least('min_ring_s', row.ring_s) &&
        (!query.get('max_mos') || (row.mos > 0 && row.mos < Number(query.get('max_mos'))))
    );
}

function summary(rows) {
    const n = (test) => rows.filter(test).length;
    const talk_s = rows.reduce((sum, row) => sum + row.duration_s, 0);
    const abandoned = n((row) => row.direction === 'in' && row.result === 'cancelled');
    const inbound = n((row) => row.direction === 'in');

    return {
        ...{ calls: rows.length, answered: n((row) => row.result === 'answered'), inbound, outbound: rows.length - inbound, abandoned },
        ...{ abandoned_percent: inbound ? (100 * abandoned) / inbound : 0, failed: n((row) => row.result === 'failed'), talk_s },
        ...{ average_s: talk_s / Math.max(1, n((row) => row.duration_s > 0)), mos: rows.length ? 4.3 : 0 },
    };
}

// What /cdr… and /traces/watch answer of these rows: [status, body], null for what is none of these.
export class CallsApi {
    constructor({ rows = [], watched = [] } = {}) {
        this.rows = rows;
        this.watched = watched;
    }

    answer(method, path, query, body) {
        const [, noun, id, what] = /^\/(cdr|calls|traces)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path) ?? [];

        if (noun === 'traces') return this.#watch(method, what, body);
        if (noun === 'calls' && what === 'trace') return [200, { ...trace('good'), id, events: trace('good').events.slice(0, 16), graphs: null }];
        if (noun !== 'cdr') return null;
        const found = this.rows.filter((row) => fits(row, query));
        if (!id) {
            const from = Number(query.get('cursor') || 0);
            const limit = Number(query.get('limit') || 100);
            return [200, { items: found.slice(from, from + limit), total: found.length, next: from + limit < found.length ? String(from + limit) : null }];
        }
        if (id === 'summary') return [200, summary(found)];
        const row = this.rows.find((one) => one.id === id);
        if (!row) return [404, { title: 'Not Found', status: 404, detail: `There is no call record ${id}.` }];
        if (!what) return [200, wholeRecord(row)];
        if (what === 'trace' && row.traced) return [200, trace(id, { from_ms: row.start_ms })];
        return [404, { title: 'Not Found', status: 404, detail: `No trace was kept of call ${id}.` }];
    }

    #watch(method, dn, body) {
        if (method === 'POST') {
            if (!/^[\w.-]{1,63}$/.test(body.dn)) return [422, { title: 'Unprocessable', status: 422, detail: 'There is no such DN.', errors: [{ field: 'dn', detail: `There is no DN ${body.dn}.` }] }];
            this.watched = [...this.watched.filter((one) => one !== body.dn), body.dn];
            return [201, { dn: body.dn }];
        }
        if (method === 'DELETE') {
            this.watched = this.watched.filter((one) => one !== dn);
            return [204, null];
        }
        return [200, { items: this.watched.map((one) => ({ dn: one, name: '' })), total: this.watched.length, next: null }];
    }
}
