// The calls that run, as they are now. Nothing moves under the hand: what is new waits behind a button, what has ended stays in its place until then.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, may } from '../core/api';
import { link, live, now } from '../core/live';
import { rowsOf } from '../core/load';
import { clock, num, percent, t, when } from '../core/words';
import { Note } from '../parts/bits';
import { ask } from '../parts/dialog';
import { Table, type Column } from '../parts/table';
import { Running } from '../parts/time';
import { attempt } from '../parts/toast';
import { CallState, Mos, Way, agent, codecs, other, pathWords } from './figures';
import { fits } from './filter';
import { settle, shown } from './waiting';
import type { Figures, LiveCall } from './types';

const MANY = 12; // rows: more of them scroll by themselves, so that the records stay in reach

type Row = { item: LiveCall; over: boolean };

export function HangUp({ call, plain }: { call: LiveCall; plain?: boolean }) {
    const hangUp = async () => {
        const time = clock((now.peek() - (call.answer_ms || call.start_ms)) / 1000);
        const sure = await ask({
            title: t('calls.hangup_title'),
            text: <p>{t('calls.hangup_what', { agent: agent(call), other: other(call), time })}</p>,
            button: t('calls.hangup'),
        });
        if (sure) await attempt(() => api.remove(`/calls/${encodeURIComponent(call.id)}`), t('calls.hangup_done', { dn: call.dn }));
    };
    return (
        <button type="button" class={plain ? 'plain' : 'danger'} aria-label={t('calls.hangup_of', { dn: call.dn })} onClick={hangUp}>
            {t('calls.hangup')}
        </button>
    );
}

function Sound({ name, figures }: { name: string; figures: Figures | null | undefined }) {
    if (!figures?.mos) return <span class="dim">–</span>;
    const more = { loss: percent(figures.loss_percent ?? 0, 1), jitter: `${num(figures.jitter_ms ?? 0, 0)} ms`, mos: num(figures.mos, 1) };

    return (
        <span class="sound" title={`${name}: ${t('calls.figures', more)}`}>
            <span class="unseen">{name}</span> <Mos mos={figures.mos} />
        </span>
    );
}

const quality = ({ quality: q }: LiveCall) => (
    <span class="sounds">
        <Sound name={t('calls.heard_by_caller')} figures={q?.to_trunk} />
        <Sound name={t('calls.heard_by_agent')} figures={q?.to_browser} />
        <Sound name={t('calls.browser_says')} figures={q?.browser} />
    </span>
);

const columns = (): Column<Row>[] => [
    { key: 'agent', title: t('calls.agent'), cell: ({ item }) => agent(item) },
    { key: 'other', title: t('calls.other_party'), cell: ({ item }) => <><Way direction={item.direction} /> {other(item)}</> },
    {
        key: 'state',
        title: t('calls.state'),
        width: '10rem',
        cell: ({ item, over }) => (over ? <span class="dim">{t('calls.ended')}</span> : <><CallState state={item.waits_s === undefined ? item.state : 'waits'} /> <Running since={item.answer_ms || item.start_ms} /></>),
    },
    { key: 'codecs', title: t('calls.codecs'), width: '8rem', wide: true, cell: ({ item }) => codecs(item.codec_browser, item.codec_trunk) },
    { key: 'path', title: t('calls.path'), width: '6.5rem', wide: true, cell: ({ item }) => pathWords(item.path) },
    { key: 'trunk', title: t('calls.trunk'), width: '7rem', wide: true, hide: true, cell: ({ item }) => item.trunk },
    { key: 'quality', title: t('calls.quality'), width: '12.7rem', wide: true, cell: ({ item }) => quality(item) },
    ...(may('supervisor') ? [{ key: 'do', title: t('calls.actions'), width: '6.5rem', end: true, wide: true, cell: ({ item, over }: Row) => !over && <HangUp call={item} plain /> }] : []),
];

export function LiveCalls({ q }: { q: string }) {
    const [seen, setSeen] = useState<string[]>([]);
    const last = useRef(new Map<string, LiveCall>());
    const calls = live.calls.value as LiveCall[] | null;
    const running = new Map((calls ?? []).map((call) => [call.id, call]));

    for (const [id, call] of running) last.current.set(id, call);
    const look = shown(seen, last.current, running);
    const renew = () => {
        const ids = settle(seen, running, (call) => call.start_ms);
        setSeen(ids);
        last.current = new Map(ids.map((id) => [id, running.get(id)!]));
    };
    // The first ones wait for nobody.
    useEffect(() => {
        if (calls && !seen.length && running.size) renew();
    }, [calls]);
    const rows = look.rows.filter(({ item }) => fits(item, q));
    const waits = [look.fresh ? t('calls.fresh', { n: look.fresh }) : '', look.over ? t('calls.over', { n: look.over }) : ''].filter(Boolean).join(', ');

    return (
        <section class={`live-calls${rows.length > MANY ? ' many' : ''}`} aria-labelledby="calls-now">
            <header class="card-head">
                <h2 id="calls-now">
                    {q && running.size ? t('calls.now_found', { n: rows.filter((row) => !row.over).length, all: running.size }) : running.size ? t('calls.now', { n: running.size }) : t('calls.now_none')}
                </h2>
                <div class="buttons" role="status">
                    {waits && seen.length > 0 && (
                        <button type="button" class="primary" onClick={renew}>
                            {`${waits}: ${t('calls.show')}`}
                        </button>
                    )}
                </div>
            </header>
            {link.value === 'lost' && live.at.value > 0 && <Note kind="warn">{t('calls.stale', { time: when(live.at.value) })}</Note>}
            {rows.length > 0 ? (
                <Table
                    id="calls-now"
                    label={t('calls.now', { n: running.size })}
                    columns={columns()}
                    rows={rowsOf(rows)}
                    of={({ item }) => item.id}
                    href={({ item }) => `/admin/calls/${encodeURIComponent(item.id)}`}
                    mark={({ over }) => (over ? 'over' : undefined)}
                    empty={null}
                />
            ) : (
                calls && !running.size && <p class="card dim">{t('calls.now_empty')}</p>
            )}
        </section>
    );
}
