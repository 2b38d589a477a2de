// The stand-in of the box with more about calls: traces of many kinds, records that fit any filter, and names that are hostile.
import { FakeBox } from './console.mjs';
import { CallsApi, liveCall, record } from './console-calls.mjs';

const SIZES = { empty: [0, 0], usual: [7, 300], full: [60, 5000], broken: [3, 300] }; // calls now, records

export class CallsBox extends FakeBox {
    become(kind) {
        super.become(kind);
        const now = Date.now();
        const [calls, rows] = SIZES[kind];
        this.calls = new CallsApi({ rows: Array.from({ length: rows }, (_, i) => record(i, now)), watched: kind === 'empty' ? [] : ['5001'] });
        this.data.calls = Array.from({ length: calls }, (_, i) => liveCall(i, now));
        this.data.status.calls = calls;
        return this;
    }

    // A call more, or another state of one, as the box pushes it.
    put(call) {
        this.data.calls = [...this.data.calls.filter((one) => one.id !== call.id), call];
        this.push('calls', { set: [call], gone: [] });
    }

    end(id) {
        this.data.calls = this.data.calls.filter((one) => one.id !== id);
        this.push('calls', { set: [], gone: [id] });
    }

    #asked({ method, path, query, body }) {
        const [status, said] = this.calls.answer(method, path, query, body);
        return { status, body: said, ...(status >= 400 ? { type: 'application/problem+json' } : {}) };
    }

    _cdr(r) {
        return this.#asked(r);
    }

    _traces(r) {
        return this.#asked(r);
    }

    _calls(r) {
        return r.parts[2] === 'trace' ? this.#asked(r) : super._calls(r);
    }
}
