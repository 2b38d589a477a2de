// From a trace's events to what is drawn: three lines of life side by side on the time axis, browser, gateway and trunk; a message is an
// arrow from one to another, anything else a mark on the gateway's line or its leg's.
import type { Axis, Window } from './axis';
import type { Leg, TraceEvent } from './types';

export type Mark = {
    index: number; // in the trace's events
    event: TraceEvent;
    x: number; // px
    from: Leg;
    to: Leg; // the same as from: no arrow
    label: string;
    row: number; // of the label, from 0; -1: no room
    half: number; // of the label's width, px
};

const WIDTH_OF_A_LETTER = 6.4; // px at the label's size
const GAP = 6;
const LETTERS = 32; // of a label, at most

// The band that a label stands in: between browser and gateway, or between gateway and trunk.
const band = (event: TraceEvent) => (event.kind === 'sip' ? event.leg : `${event.leg} marks`);

export function shortTitle(event: TraceEvent) {
    if (event.kind !== 'sip') return event.title.length > LETTERS ? `${event.title.slice(0, LETTERS - 1)}…` : event.title;
    const answer = /^(?:SIP\/2\.0 )?(\d{3})\b/.exec(event.title);
    return answer ? answer[1] : (/^[A-Za-z]+(?: \([^)]*\))?/.exec(event.title)?.[0] ?? event.title);
}

// What is in view, with a place for each label that has room: earlier ones first, then in the row that is free.
export function marks(events: TraceEvent[], scale: Axis, [a, b]: Window, width: number, rows = 3, chosen = -1): Mark[] {
    const ends = new Map<string, number[]>();
    const list: Mark[] = [];

    events.forEach((event, index) => {
        const x = ((scale.of[index]! - a) / (b - a)) * width;
        if (x < -1 || x > width + 1) return;
        const label = shortTitle(event);
        const message = event.kind === 'sip' && event.leg !== 'gateway';
        const [from, to]: [Leg, Leg] = !message ? [event.leg, event.leg] : event.direction === 'in' ? [event.leg, 'gateway'] : ['gateway', event.leg];
        list.push({ index, event, x, from, to, label, row: -1, half: (label.length * WIDTH_OF_A_LETTER) / 2 });
    });
    const place = (mark: Mark) => {
        const key = band(mark.event);
        const taken = ends.get(key) ?? Array(mark.event.kind === 'sip' ? rows : Math.min(2, rows)).fill(-Infinity);
        const middle = Math.min(Math.max(mark.x, mark.half), width - mark.half);
        mark.row = taken.findIndex((end) => end + GAP <= middle - mark.half);
        if (mark.row >= 0) taken[mark.row] = middle + mark.half;
        ends.set(key, taken);
    };
    list.forEach(place);
    const one = list.find((mark) => mark.index === chosen);
    if (one && one.row < 0) one.row = 0; // what is looked at has its name, over others if need be
    return list;
}

// The next or last message before it that has a text; any event when none has.
export function step(events: TraceEvent[], from: number, by: 1 | -1): number {
    for (let i = from < 0 && by < 0 ? events.length - 1 : from + by; i >= 0 && i < events.length; i += by) if (events[i].kind === 'sip') return i;
    return from;
}

// A graph's points in view as runs of "x,y": where nothing is known, the line has a gap.
export function runs(t: number[], values: (number | null)[], scale: Axis, [a, b]: Window, width: number, height: number, low: number, high: number): string[] {
    const all: string[] = [];
    let points: string[] = [];
    const end = () => {
        if (points.length) all.push(points.join(' '));
        points = [];
    };

    t.forEach((at, i) => {
        const value = values[i];
        const x = ((scale.at(at) - a) / (b - a)) * width;
        if (value === null || value === undefined || x < -width || x > 2 * width) return end();
        const part = (Math.min(high, Math.max(low, value)) - low) / (high - low);
        points.push(`${x.toFixed(1)},${((1 - part) * height).toFixed(1)}`);
    });
    end();
    return all;
}

// Where among the rising times the one nearest to it is; -1 when there is none.
export function nearest(t: number[], at: number): number {
    let best = -1;
    t.forEach((time, i) => {
        if (best < 0 || Math.abs(time - at) < Math.abs(t[best] - at)) best = i;
    });
    return best;
}

export function average(values: (number | null)[] | undefined): number | null {
    const known = (values ?? []).filter((v): v is number => typeof v === 'number');
    return known.length ? known.reduce((sum, v) => sum + v, 0) / known.length : null;
}
