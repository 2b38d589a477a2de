// The time axis of a call's page. A call's messages crowd in its first and last seconds, and the minutes between have few: so the axis gives
// part of its width to time and part to events, an equal share from each to the next. It stays in order and continuous, and every graph below
// it is drawn by the same map.
//
// A place on the whole axis is a number from 0 to 1. A window [a, b] of it is what is in view.
// of: the place of each event.
export type Axis = { at: (t: number) => number; time: (u: number) => number; of: number[]; length: number };
export type Window = [number, number];

export const WHOLE: Window = [0, 1];
const FOR_EVENTS = 0.65; // of the width, unless seconds are to be even
const LEAST = 1 / 5000; // of the axis, that a window can be

// times: of the events, in any order, ms from the start; length: of the call, in ms. Events of one moment stand side by side, in their order.
export function axis(times: number[], length: number, even = false): Axis {
    const end = times.reduce((last, t) => Math.max(last, t), Math.max(1, length));
    const order = times.map((_, i) => i).sort((a, b) => times[a]! - times[b]! || a - b);
    const knots = [0, ...order.map((i) => Math.max(0, times[i]!)), end];
    const share = even || times.length < 2 ? 0 : FOR_EVENTS;
    // Events at the very beginning and end stand there.
    const first = knots[1] === 0 && times.length ? 1 : 0;
    const gaps = Math.max(1, knots.length - 1 - first - (times.length && knots.at(-2) === end ? 1 : 0));
    const slots = knots.map((_, k) => Math.min(1, Math.max(0, k - first) / gaps));
    const places = knots.map((t, k) => share * slots[k]! + (1 - share) * (t / end));
    const of: number[] = [];

    order.forEach((i, k) => (of[i] = places[k + 1]!));
    return { at: map(knots, places), time: map(places, knots), of, length: end };
}

// Straight lines from knot to knot; neither list falls. Of several places of one value it is the last one.
function map(from: number[], to: number[]) {
    return (value: number) => {
        let low = 0;
        let high = from.length - 1;
        if (value < from[0]!) return to[0]!;
        if (value >= from[high]!) return to[high]!;
        while (high - low > 1) {
            const middle = (low + high) >> 1;
            if (from[middle]! <= value) low = middle;
            else high = middle;
        }
        return to[low]! + ((value - from[low]!) / (from[high]! - from[low]!)) * (to[high]! - to[low]!);
    };
}

// Around a place: factor 2 shows half as much.
export function zoom([a, b]: Window, factor: number, around = (a + b) / 2): Window {
    const width = Math.min(1, Math.max(LEAST, (b - a) / factor));
    const part = b > a ? (around - a) / (b - a) : 0.5;
    return clamp([around - part * width, around + (1 - part) * width]);
}

// By so much of what is in view.
export function pan([a, b]: Window, part: number): Window {
    const by = part * (b - a);
    return clamp([a + by, b + by]);
}

// What a drag from one place to another shows: null when it was a click.
export function drag(from: number, to: number, [a, b]: Window): Window | null {
    const [low, high] = from < to ? [from, to] : [to, from];
    return high - low < 0.01 * (b - a) ? null : clamp([low, Math.max(high, low + LEAST)]);
}

// Moved as little as makes a place be in view.
export function reveal(window: Window, place: number): Window {
    const [a, b] = window;
    const edge = 0.04 * (b - a);
    if (place < a + edge) return clamp([place - edge, place - edge + (b - a)]);
    if (place > b - edge) return clamp([place + edge - (b - a), place + edge]);
    return window;
}

function clamp([a, b]: Window): Window {
    const width = Math.min(1, b - a);
    const low = Math.min(Math.max(0, a), 1 - width);
    return [low, low + width];
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000, 600000, 1800000, 3600000];

// Times to write at the axis, in ms, `apart` px from one another at least: round ones, finer where time is wide.
export function ticks(scale: Axis, [a, b]: Window, width: number, apart = 64): { t: number; x: number }[] {
    const from = scale.time(a);
    const to = scale.time(b);
    const x = (t: number) => (((t ? scale.at(t) : 0) - a) / (b - a)) * width; // 0 is the beginning, however much happens then
    const found: { t: number; x: number }[] = [];
    const free = (at: number) => found.every((tick) => Math.abs(tick.x - at) >= apart);

    for (const step of [...STEPS].reverse()) {
        if ((to - from) / step > 2000) break;
        for (let t = Math.ceil(from / step) * step; t <= to; t += step) if (free(x(t))) found.push({ t, x: x(t) });
    }
    return found.sort((one, other) => one.t - other.t);
}

// As few digits as the step to its neighbours needs: "0.25 s", "4 s", "1:05".
export function clock(t: number) {
    if (t >= 60000) {
        const whole = Math.floor(t / 1000);
        const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
        const two = (n: number) => String(n).padStart(2, '0');
        const part = t % 1000 ? `.${String(Math.round(t % 1000)).padStart(3, '0').replace(/0+$/, '')}` : '';
        return h ? `${h}:${two(m)}:${two(s)}${part}` : `${m}:${two(s)}${part}`;
    }
    return `${Number((t / 1000).toFixed(3))} s`;
}
