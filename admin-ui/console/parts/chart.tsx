// A graph over time: bars that stand on one another, lines with an axis of their own at the right; with the same figures as a table for those who do not see it.
// It is SVG in the theme's colours, so that light, dark and high contrast are the style's to say.
//
//   <Chart label={t('overview.lastHour')} x={seconds} height={200} lines={[{ name: 'MOS', values, color: 'c1', digits: 1, range: [1, 5] }]} />
import { useEffect, useRef, useState } from 'preact/hooks';
import { language, num, t, when } from '../core/words';
import { barPath, linePath, steps, sums, timeTicks, top } from '../pure/graph';

export interface Line {
    name: string;
    values: (number | null)[];
    color: 'c1' | 'c2' | 'c3' | 'c4' | 'good' | 'warn' | 'bad';
    bars?: boolean; // on top of the bars before
    range?: [number, number]; // of its axis, which is at the right
    digits?: number;
}

interface Props {
    label: string;
    x: number[]; // s since 1970, evenly apart
    lines: Line[];
    height?: number;
}

const [TOP, BOTTOM, SIDE] = [8, 24, 40];
const shown = (line: Line, value: number | null | undefined) => (value === null || value === undefined ? '–' : num(value, line.digits ?? 0));

function useWidth() {
    const box = useRef<HTMLDivElement>(null);
    const [width, setWidth] = useState(0);

    useEffect(() => {
        const watch = new ResizeObserver(([it]) => setWidth(Math.floor(it!.contentRect.width)));

        watch.observe(box.current!);
        return () => watch.disconnect();
    }, []);
    return { box, width };
}

const tickTime = (s: number, step: number) =>
    new Intl.DateTimeFormat(language.value, step >= 86400 ? { day: 'numeric', month: 'short' } : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(s * 1000);

function Drawing({ x, lines, width, height, at }: { x: number[]; lines: Line[]; width: number; height: number; at: number | null }) {
    const own = lines.find((l) => l.range);
    const base = height - BOTTOM;
    const right = width - (own ? SIDE : 10);
    const half = x.length > 1 ? (x[1]! - x[0]!) / 2 : 30;
    const [from, to] = [x[0]! - half, x.at(-1)! + half]; // the first and the last bar are whole
    const px = (s: number) => SIDE + ((s - from) / (to - from)) * (right - SIDE);
    const py = (v: number, [low, high]: [number, number]) => base - ((v - low) / (high - low)) * (base - TOP);
    const stack = sums(lines.filter((l) => l.bars).map((l) => l.values));
    const plain = lines.filter((l) => !l.range && !l.bars).map((l) => l.values);
    const left: [number, number] = [0, top([...stack, ...plain].flat())];
    const wide = Math.min(40, Math.max(1, px(from + half * 1.6) - SIDE));
    const { ticks, step } = timeTicks(from, to, Math.floor((right - SIDE) / 64));
    let floor = -1;

    return (
        <svg width={width} height={height} aria-hidden="true">
            {steps(left).map((v) => (
                <g key={v}>
                    <path class="grid" d={`M${SIDE} ${py(v, left)}H${right}`} />
                    <text x={SIDE - 6} y={py(v, left) + 4} text-anchor="end">
                        {num(v, 2, 0)}
                    </text>
                </g>
            ))}
            {own &&
                steps(own.range!).map((v) => (
                    <text key={v} x={right + 6} y={py(v, own.range!) + 4}>
                        {num(v, 2, 0)}
                    </text>
                ))}
            {ticks.map((s) => (
                <text key={s} x={px(s)} y={height - 6} text-anchor="middle">
                    {tickTime(s, step)}
                </text>
            ))}
            {lines.map((l) => {
                const axis = l.range ?? left;
                if (l.bars) floor++;
                const y = (v: number) => py(v, axis);
                return (
                    <path
                        key={l.name}
                        class={l.bars ? 'bars' : 'line'}
                        data-color={l.color}
                        d={l.bars ? barPath(x.map(px), stack[floor]!.map(y), floor ? stack[floor - 1]!.map(y) : x.map(() => base), wide) : linePath(x.map(px), l.values.map((v) => (v === null ? null : y(v))))}
                    />
                );
            })}
            {at !== null && <path class="cursor" d={`M${px(x[at]!)} ${TOP}V${base}`} />}
        </svg>
    );
}

export function Chart({ label, x, lines, height = 180 }: Props) {
    const { box, width } = useWidth();
    const [over, setOver] = useState<number | null>(null);
    const at = over !== null && over < x.length ? over : null;
    const right = lines.some((l) => l.range) ? SIDE : 10;
    const time = (s: number) => when(s * 1000, false);
    const every = Math.max(1, Math.ceil(x.length / 30));

    return (
        <figure class="chart">
            <figcaption class="legend">
                <span class="legend-time figures">{at === null ? '' : time(x[at]!)}</span>
                {lines.map((l) => (
                    <span key={l.name} class="legend-item" data-color={l.color}>
                        <i aria-hidden="true" />
                        {l.name} <b class="figures">{shown(l, at === null ? l.values.findLast((v) => v !== null) : l.values[at])}</b>
                    </span>
                ))}
            </figcaption>
            <div
                ref={box}
                class="plot"
                role="img"
                aria-label={label}
                style={{ height: `${height}px` }}
                onPointerMove={(e) => {
                    const part = (e.clientX - box.current!.getBoundingClientRect().left - SIDE) / (width - SIDE - right);
                    setOver(part < 0 || part > 1 ? null : Math.min(x.length - 1, Math.floor(part * x.length)));
                }}
                onPointerLeave={() => setOver(null)}
            >
                {width > 0 && x.length > 0 && <Drawing {...{ x, lines, width, height, at }} />}
            </div>
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
                                i % every ? null : (
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
