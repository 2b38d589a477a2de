// Graphs over time by uPlot, in the colours of the theme (light, dark, high contrast), with the same figures as a table for those who do not see them.
//
//   <Chart label={t('overview.lastHour')} x={seconds} height={200} lines={[{ name: 'MOS', values, color: 'c1', digits: 1, scale: 'mos' }]} range={{ mos: [1, 5] }} />
import { useEffect, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { returned } from '../core/api';
import { language, num, t, when } from '../core/words';

export interface Line {
    name: string;
    values: (number | null)[];
    color: 'c1' | 'c2' | 'c3' | 'c4' | 'good' | 'warn' | 'bad';
    kind?: 'line' | 'area' | 'bars' | 'steps';
    scale?: string; // those with another than '' have their axis at the right
    digits?: number;
    unit?: string;
    stack?: boolean; // on top of the one before, when that is stacked, too
    dash?: boolean;
}

interface Props {
    label: string;
    x: number[]; // s since 1970, or since something when `elapsed`
    lines: Line[];
    height?: number;
    range?: Record<string, [number | null, number | null]>;
    elapsed?: boolean;
    sync?: string; // graphs of one name share their cursor
    onZoom?: (from: number, to: number) => void;
    plain?: boolean; // without a table: what it shows stands beside it
}

const looks = ['(prefers-color-scheme: dark)', '(forced-colors: active)', '(prefers-contrast: more)'];

function useLook(): number {
    const [turn, setTurn] = useState(0);

    useEffect(() => {
        const lists = looks.map((q) => matchMedia(q));
        const changed = () => setTurn((n) => n + 1);
        for (const list of lists) list.addEventListener('change', changed);
        return () => lists.forEach((list) => list.removeEventListener('change', changed));
    }, []);
    return turn;
}

export const shown = (line: Line, value: number | null | undefined) => (value === null || value === undefined ? '–' : `${num(value, line.digits ?? 0)}${line.unit ? ` ${line.unit}` : ''}`);

// What is drawn: sums where lines are stacked.
function drawn(lines: Line[]): (number | null)[][] {
    let below: (number | null)[] | null = null;

    return lines.map((line) => {
        if (!line.stack) return line.values;
        const under: (number | null)[] | null = below;
        const sum: (number | null)[] = under ? line.values.map((v, i) => (v === null ? null : v + (under[i] ?? 0))) : line.values;
        below = sum;
        return sum;
    });
}

function options(Plot: typeof uPlot, { x, lines, height = 180, range = {}, elapsed, sync, onZoom }: Props, width: number, box: HTMLElement): uPlot.Options {
    const style = getComputedStyle(box);
    const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
    const font = `11px ${style.fontFamily}`;
    const axis = { stroke: token('dim'), font, grid: { stroke: token('line'), width: 1 }, ticks: { show: false } };
    const scales = [...new Set(lines.map((l) => l.scale ?? 'y'))];
    const bars = Plot.paths.bars!({ size: [0.8, 40], gap: 1 });
    const steps = Plot.paths.stepped!({ align: 1 });

    return {
        width,
        height,
        padding: [8, scales.length > 1 ? 0 : 10, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { size: 7 }, drag: { x: !!onZoom, y: false, setScale: false }, ...(sync ? { sync: { key: sync } } : {}) },
        select: { show: !!onZoom, left: 0, top: 0, width: 0, height: 0 },
        scales: {
            // Half a step beyond both ends, so that the first and the last bar are whole.
            x: { time: !elapsed, ...(lines.some((l) => l.kind === 'bars') && x.length > 1 ? { range: (_: uPlot, min: number, max: number): [number, number] => [min - (x[1]! - x[0]!) / 2, max + (x[1]! - x[0]!) / 2] } : {}) },
            ...Object.fromEntries(
                scales.map((s) => [
                    s,
                    {
                        range: (_: uPlot, min: number | null, max: number | null): [number, number] => {
                            const [low, high] = range[s] ?? [0, null];
                            const top = high ?? Math.max(1, (max ?? 1) * 1.1);
                            return [low ?? min ?? 0, top];
                        },
                    },
                ]),
            ),
        },
        axes: [
            {
                ...axis,
                size: 24,
                grid: { show: false },
                values: elapsed
                    ? (_, v) => v.map((s) => `${num(s, 1, 0)} s`)
                    : (_, v, __, ___, step) =>
                          v.map((s) => new Intl.DateTimeFormat(language.value, step >= 86400 ? { day: 'numeric', month: 'short' } : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(s * 1000)),
            },
            ...scales.map((s, i) => ({
                ...axis,
                scale: s,
                side: i ? 1 : 3,
                size: 40,
                grid: i ? { show: false } : axis.grid,
                splits: range[s]?.[0] !== undefined && range[s]![1] !== null && range[s]![1]! - range[s]![0]! <= 6 ? Array.from({ length: range[s]![1]! - range[s]![0]! + 1 }, (_, k) => range[s]![0]! + k) : undefined,
                values: (_: uPlot, v: number[]) => v.map((n) => num(n, 2, 0)),
                incrs: lines.some((l) => (l.scale ?? 'y') === s && l.digits) ? undefined : [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9],
            })),
        ],
        series: [
            {},
            // Sums are drawn from the top down, so that each covers what is counted in it.
            ...lines.map((l) => {
                const color = token(l.color);
                return {
                    label: l.name,
                    scale: l.scale ?? 'y',
                    stroke: color,
                    width: l.kind === 'bars' ? 0 : 1.5,
                    fill: l.kind === 'bars' ? color : l.kind === 'area' ? `${color}26` : undefined,
                    dash: l.dash ? [5, 4] : undefined,
                    paths: l.kind === 'bars' ? bars : l.kind === 'steps' ? steps : undefined,
                    points: { show: false },
                    spanGaps: false,
                };
            }),
        ],
        hooks: onZoom
            ? {
                  setSelect: [
                      (u) => {
                          if (u.select.width < 4) return;
                          onZoom(u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x'));
                          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
                      },
                  ],
              }
            : {},
    };
}

export function Chart(props: Props) {
    const { label, x, lines, height = 180, elapsed, plain } = props;
    const box = useRef<HTMLDivElement>(null);
    const plot = useRef<uPlot | null>(null);
    const [at, setAt] = useState<number | null>(null);
    const look = useLook();
    const shape = JSON.stringify([lines.map(({ values: _, ...rest }) => rest), height, elapsed, props.range, language.value]);
    const latest = useRef(props);
    // Stacked ones last to first: what lies on top is drawn first.
    const order = lines.map((_, i) => i).sort((a, b) => Number(!!lines[b]!.stack) - Number(!!lines[a]!.stack) || (lines[a]!.stack ? b - a : a - b));
    const data = () => {
        const all = drawn(latest.current.lines);
        return [latest.current.x, ...order.map((i) => all[i]!)] as uPlot.AlignedData;
    };

    latest.current = props;
    useEffect(() => {
        const element = box.current!;
        let over = false;
        let undo = () => {};
        const draw = async () => {
            const Plot = (await import('uplot').catch(() => null))?.default; // a file of its own: the page is there before its graphs
            if (over || !Plot) return;
            const how = options(Plot, { ...latest.current, lines: order.map((i) => latest.current.lines[i]!) }, element.clientWidth || 300, element);
            how.hooks = { ...how.hooks, setCursor: [(u) => setAt(u.cursor.idx ?? null)] };
            const made = new Plot(how, data(), element);
            const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
            plot.current = made;
            watch.observe(element);
            undo = () => {
                watch.disconnect();
                made.destroy();
                plot.current = null;
            };
        };

        void draw();
        return () => {
            over = true;
            undo();
        };
    }, [shape, look, plot.current ? 0 : returned.value]);
    useEffect(() => plot.current?.setData(data()), [x, lines]);

    const time = (s: number) => (elapsed ? `${num(s, 1)} s` : when(s * 1000, false));
    const step = Math.max(1, Math.ceil(x.length / 30));
    return (
        <figure class="chart">
            <figcaption class="legend">
                <span class="legend-time figures">{at === null || x[at] === undefined ? '' : time(x[at]!)}</span>
                {lines.map((l) => (
                    <span key={l.name} class="legend-item" data-color={l.color}>
                        <i data-dash={l.dash || undefined} aria-hidden="true" />
                        {l.name} <b class="figures">{shown(l, at === null ? l.values.findLast((v) => v !== null) : l.values[at])}</b>
                    </span>
                ))}
            </figcaption>
            <div ref={box} class="plot" role="img" aria-label={label} style={{ height: `${height}px` }} />
            {!plain && (
                <details class="as-table">
                    <summary>{t('shell.asTable')}</summary>
                    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
                        <table>
                            <thead>
                                <tr>
                                    <th scope="col">{t('shell.time')}</th>
                                    {lines.map((l) => (
                                        <th key={l.name} scope="col" class="end">
                                            {l.name}
                                        </th>
                                    ))}
                                </tr>
                            </thead>
                            <tbody>
                                {x.map((s, i) =>
                                    i % step ? null : (
                                        <tr key={s}>
                                            <th scope="row">{time(s)}</th>
                                            {lines.map((l) => (
                                                <td key={l.name} class="end">
                                                    {shown(l, l.values[i])}
                                                </td>
                                            ))}
                                        </tr>
                                    ),
                                )}
                            </tbody>
                        </table>
                    </div>
                </details>
            )}
        </figure>
    );
}

// A line without axes beside a number that says the same.
export function Spark({ values, color = 'c1', low }: { values: (number | null)[]; color?: Line['color']; low?: number }) {
    const known = values.filter((v): v is number => v !== null);
    if (known.length < 2) return null;
    const [min, max] = [low ?? Math.min(...known), Math.max(...known)];
    const span = max - min || 1;
    const points = values.map((v, i) => (v === null ? '' : `${((i / (values.length - 1)) * 100).toFixed(1)},${(27 - ((v - min) / span) * 24).toFixed(1)}`)).filter(Boolean);

    return (
        <svg class="spark" viewBox="0 0 100 28" preserveAspectRatio="none" aria-hidden="true" data-color={color}>
            <polyline points={points.join(' ')} />
        </svg>
    );
}
