// What a graph is drawn by: its axes' ends and steps, and the paths of bars and lines.

// Sums of lists that stand on one another; nothing counts as 0.
export function sums(lists: (number | null)[][]): number[][] {
    let below: number[] = [];
    return lists.map((values) => (below = values.map((v, i) => (v ?? 0) + (below[i] ?? 0))));
}

// The axis ends somewhat above the greatest, and never below 1.
export const top = (values: (number | null)[]) => Math.max(1, values.reduce<number>((most, v) => Math.max(most, v ?? 0), 0) * 1.1);

// Whole, round numbers from one end to the other, at most `most`.
export function steps([low, high]: [number, number], most = 6): number[] {
    let step = 1;

    for (let i = 0; (high - low) / step >= most; i++) step = [2, 5, 10][i % 3]! * 10 ** Math.floor(i / 3);
    return Array.from({ length: Math.floor((high - low) / step + 1e-9) + 1 }, (_, i) => low + i * step);
}

const TIMES = [60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 864000];

// Round times of the reader's zone (s since 1970) between two, at most `most` (at least 1); days begin at midnight, whatever the summer does.
export function timeTicks(from: number, to: number, most: number): { ticks: number[]; step: number } {
    const step = TIMES.find((s) => (to - from) / s <= Math.max(1, most)) ?? TIMES.at(-1)!;
    const zone = -60 * new Date(from * 1000).getTimezoneOffset();
    const ticks: number[] = [];

    for (let t = Math.ceil((from + zone) / step) * step - zone; t <= to; t += step) ticks.push(step < 86400 ? t : new Date((t + 43200) * 1000).setHours(0, 0, 0, 0) / 1000);
    return { ticks, step };
}

const at = (n: number) => n.toFixed(1);

// xs: their middles. Each from `lower` to `upper`; those without height are left out.
export const barPath = (xs: number[], upper: number[], lower: number[], width: number) =>
    xs.map((x, i) => (upper[i]! < lower[i]! ? `M${at(x - width / 2)} ${at(lower[i]!)}V${at(upper[i]!)}h${at(width)}V${at(lower[i]!)}z` : '')).join('');

// Broken where nothing is known; what stands alone is a dot (its line has round ends).
export const linePath = (xs: number[], ys: (number | null)[]) =>
    ys.map((y, i) => (y === null ? '' : `${i && ys[i - 1] !== null ? 'L' : 'M'}${at(xs[i]!)} ${at(y)}${(i && ys[i - 1] !== null) || (ys[i + 1] ?? null) !== null ? '' : 'h0'}`)).join('');
