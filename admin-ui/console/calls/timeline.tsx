// A call on one time axis: three lines of life with the messages between them, and below, by the same map of time to place, what was lost, how
// unevenly it came and how it sounded, each way. For the eye and the keyboard; the list of events beside it says the same in words.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { num, percent, t, tr } from '../core/words';
import { WHOLE, clock, drag, pan, reveal, ticks, zoom, type Axis, type Window } from './axis';
import { average, marks, nearest, runs, step, type Mark } from './ladder';
import { exchange } from './message';
import type { Graphs, Leg, Series, TraceEvent } from './types';

const Y: Record<Leg, number> = { browser: 48, gateway: 126, trunk: 222 };
const ROW = 17; // px a row of labels is high
const LADDER = 262;
const GRAPH = 56;
const NARROW = 560;
const EDGE = 8; // at the right, for half of a mark
const REACH = 14; // px around a click that something is taken from
const legs: Leg[] = ['browser', 'gateway', 'trunk'];
const ways = ['to_trunk', 'to_browser', 'browser'] as const;

type Of = {
    events: TraceEvent[];
    graphs: Graphs | null | undefined;
    answered: boolean; // sound is to be expected
    scale: Axis;
    view: Window;
    setView: (view: Window) => void;
    chosen: number;
    choose: (index: number) => void;
};

const labelY = ({ event, row }: Mark) => {
    if (event.kind !== 'sip') return event.leg === 'browser' ? Y.browser - 12 - row * ROW : event.leg === 'gateway' ? Y.gateway + 17 + row * 13 : Y.trunk + 18 + row * 14;
    return (event.leg === 'browser' ? Y.browser + 20 : Y.gateway + 46) + row * ROW;
};

export const isRefusal = (event: TraceEvent) => event.kind === 'sip' && /^(?:SIP\/2\.0 )?[4-6]\d\d/.test(event.title);

function OneMark({ mark, width, chosen, related }: { mark: Mark; width: number; chosen: boolean; related: boolean }) {
    const { event, x, from, to, half, row } = mark;
    const kind = `msg k-${event.kind} ${event.direction} ${isRefusal(event) ? 'bad' : ''} ${chosen ? 'chosen' : related ? 'related' : ''}`;
    const down = Y[to] > Y[from];
    const tip = Y[to];
    const head = down ? -7 : 7;

    return (
        <g class={kind} data-index={mark.index}>
            {from !== to ? (
                <>
                    <path class="hit" d={`M${x} ${Y[from]}V${tip}`} />
                    <path class="arrow" d={`M${x} ${Y[from]}V${tip}M${x - 4} ${tip + head}L${x} ${tip}L${x + 4} ${tip + head}`} />
                </>
            ) : (
                <path class="spot" d={`M${x} ${Y[from] - 5}l5 5l-5 5l-5 -5z`} />
            )}
            {row >= 0 && (
                <text x={Math.min(Math.max(x, half), width - half)} y={labelY(mark)} text-anchor="middle">
                    {mark.label}
                </text>
            )}
        </g>
    );
}

const value = (series: Series | null | undefined, name: keyof Series, i: number) => (i < 0 ? average(series?.[name]) : series?.[name]?.[i] ?? null);

// "loss 0.1 %": at the pointer, or on average.
function Keys({ series, i }: { series: Series; i: number }) {
    const loss = value(series, 'loss_percent', i);
    const jitter = value(series, 'jitter_ms', i);
    const mos = value(series, 'mos', i);

    return (
        <span class="way-keys">
            <span class="key loss">{`${t('calls.loss')} ${loss === null ? '–' : percent(loss, 1)}`}</span>
            <span class="key jitter">{`${t('calls.jitter')} ${jitter === null ? '–' : `${num(jitter, 1, 0)} ms`}`}</span>
            <span class="key mos">{`MOS ${mos ? num(mos, 1) : '–'}`}</span>
        </span>
    );
}

const most = (values: (number | null)[] | undefined, least: number) => (values ?? []).reduce((top: number, v) => Math.max(top, v ?? 0), least);
const known = (series: Series | null | undefined) => !!series && [series.loss_percent, series.jitter_ms, series.mos].some((list) => list?.some((v) => v !== null));

function Graph({ series, graphs, scale, view, width }: { series: Series; graphs: Graphs; scale: Axis; view: Window; width: number }) {
    const lines = useMemo(
        () =>
            (
                [
                    ['loss_percent', 'loss', 0, most(series.loss_percent, 5)],
                    ['jitter_ms', 'jitter', 0, most(series.jitter_ms, 50)],
                    ['mos', 'mos', 1, 4.5],
                ] as const
            ).map(([name, look, low, high]) => ({ look, runs: runs(graphs.t_ms, (series[name] ?? []).map((v) => (v || name !== 'mos' ? v : null)), scale, view, width, GRAPH - 6, low, high) })),
        [series, graphs, scale, view[0], view[1], width],
    );

    return (
        <svg class="graph" style={{ width: `${width}px`, height: `${GRAPH}px` }} aria-hidden="true">
            <path class="grid" d={`M0 ${GRAPH - 3}H${width}M0 3H${width}`} />
            <g transform="translate(0 3)">
                {lines.map(({ look, runs: each }) => each.map((points) => <polyline class={look} points={points} />))}
            </g>
        </svg>
    );
}

export function Timeline({ events, graphs, answered, scale, view, setView, chosen, choose }: Of) {
    const box = useRef<HTMLDivElement>(null);
    const [outer, setOuter] = useState(0);
    const [pointer, setPointer] = useState<number | null>(null); // px
    const [from, setFrom] = useState<{ x: number; index: number } | null>(null); // where a drag began
    const gutter = outer < NARROW ? 0 : 84;
    const width = Math.max(120, outer - gutter - EDGE);
    const [a, b] = view;
    const place = (x: number) => a + (Math.min(Math.max(x, 0), width) / width) * (b - a);
    const of = (event: PointerEvent) => event.clientX - box.current!.getBoundingClientRect().left - gutter;
    const list = useMemo(() => marks(events, scale, view, width, 3, chosen), [events, scale, a, b, width, chosen]);
    const key = chosen >= 0 ? exchange(events[chosen]?.leg ?? '', events[chosen]?.text) : '';
    const at = pointer === null ? -1 : nearest(graphs?.t_ms ?? [], scale.time(place(pointer)));

    useEffect(() => {
        const watcher = new ResizeObserver(([entry]) => setOuter(Math.floor(entry!.contentRect.width)));
        watcher.observe(box.current!);
        return () => watcher.disconnect();
    }, []);
    // What is chosen elsewhere comes into view.
    useEffect(() => {
        const event = events[chosen];
        if (event) setView(reveal(view, scale.of[chosen]!));
    }, [chosen, events]);

    const onKeyDown = (event: KeyboardEvent) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const about = events[chosen] ? scale.of[chosen]! : (a + b) / 2;
        const doings: Record<string, () => void> = {
            ArrowLeft: () => (event.shiftKey ? setView(pan(view, -0.25)) : choose(step(events, chosen, -1))),
            ArrowRight: () => (event.shiftKey ? setView(pan(view, 0.25)) : choose(step(events, chosen, 1))),
            Home: () => choose(step(events, -1, 1)),
            End: () => choose(step(events, events.length, -1)),
            '+': () => setView(zoom(view, 2, about)),
            '=': () => setView(zoom(view, 2, about)),
            '-': () => setView(zoom(view, 0.5, about)),
            '0': () => setView(WHOLE),
        };
        if (!doings[event.key]) return;
        event.preventDefault();
        doings[event.key]!();
    };
    const onPointerDown = (event: PointerEvent) => {
        if (event.button) return;
        const near = list.reduce<Mark | null>((best, mark) => (Math.abs(mark.x - of(event)) < Math.min(REACH, best ? Math.abs(best.x - of(event)) : Infinity) ? mark : best), null);
        const hit = (event.target as Element).closest<SVGElement>('[data-index]');
        const inLadder = !!(event.target as Element).closest('.ladder');
        setFrom({ x: of(event), index: hit ? Number(hit.dataset['index']) : inLadder ? (near?.index ?? -1) : -1 });
        box.current!.setPointerCapture(event.pointerId);
    };
    const onPointerUp = (event: PointerEvent) => {
        if (!from) return;
        const window = drag(place(from.x), place(of(event)), view);
        setFrom(null);
        if (window) setView(window);
        else if (from.index >= 0) choose(from.index);
    };
    const shade = from && pointer !== null ? [Math.min(from.x, pointer), Math.abs(pointer - from.x)] : null;

    return (
        <div
            class="timeline"
            ref={box}
            tabIndex={0}
            role="group"
            aria-label={t('calls.timeline')}
            aria-describedby="timeline-help"
            onKeyDown={onKeyDown}
            onPointerDown={onPointerDown}
            onPointerMove={(event) => setPointer(of(event))}
            onPointerUp={onPointerUp}
            onPointerCancel={() => setFrom(null)}
            onPointerLeave={() => setPointer(null)}
            onDblClick={() => setView(WHOLE)}
        >
            <svg class="ladder" style={{ width: `${outer}px`, height: `${LADDER + 22}px` }} aria-hidden="true">
                <g transform={`translate(${gutter} 0)`}>
                    {ticks(scale, view, width).map(({ t: time, x }) => (
                        <g class="tick">
                            <path d={`M${x} 22V${LADDER + 22}`} />
                            <text x={Math.min(Math.max(x, 14), width - 16)} y={12} text-anchor="middle">
                                {clock(time)}
                            </text>
                        </g>
                    ))}
                </g>
                <g transform={`translate(${gutter} 20)`}>
                    {legs.map((leg) => (
                        <g class="leg">
                            <path d={`M0 ${Y[leg]}H${width}`} />
                            <text x={gutter ? -gutter : 2} y={Y[leg] + (gutter ? 4 : -4)}>
                                {tr(`calls.leg.${leg}`)}
                            </text>
                        </g>
                    ))}
                    {list.map((mark) => (
                        <OneMark
                            key={mark.index}
                            mark={mark}
                            width={width}
                            chosen={mark.index === chosen}
                            related={!!key && exchange(mark.event.leg, mark.event.text) === key}
                        />
                    ))}
                </g>
            </svg>
            {graphs &&
                ways.map((way) => {
                    const series = graphs[way];
                    if (!series || (!answered && !known(series))) return null;
                    return (
                        <div class="way">
                            <p>
                                <b>{t(`calls.way_${way}`)}</b> {known(series) ? <Keys series={series} i={at} /> : <span class="silent">{t('calls.no_packets')}</span>}
                            </p>
                            {known(series) && (
                                <div style={{ marginLeft: `${gutter}px` }}>
                                    <Graph {...{ series, graphs, scale, view, width }} />
                                </div>
                            )}
                        </div>
                    );
                })}
            {pointer !== null && pointer >= 0 && pointer <= width && (
                <div class="cursor" style={{ left: `${gutter + pointer}px` }}>
                    <span class={pointer > width - 70 ? 'left' : ''}>{clock(Math.round(scale.time(place(pointer))))}</span>
                </div>
            )}
            {shade && <div class="shade" style={{ left: `${gutter + shade[0]!}px`, width: `${shade[1]}px` }} />}
        </div>
    );
}
