// A call's page: what went wrong, in words, before anything else; then the call on one time axis, what happened as a list, each message's text, and
// the record. Of a call that runs the same, as far as it has come.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { BASE, api, may } from '../core/api';
import { live, now } from '../core/live';
import { useLoad } from '../core/load';
import { query, setQuery } from '../core/router';
import { duration, num, percent, said, t, tr } from '../core/words';
import { Card, Facts, Failed, Note } from '../parts/bits';
import { Page } from '../parts/page';
import { Time } from '../parts/time';
import { attempt } from '../parts/toast';
import { WHOLE, axis, zoom, type Window } from './axis';
import { Events, Message } from './events';
import { Result, agent, directionWords, other, pathWords, seconds } from './figures';
import { HangUp } from './live';
import { Timeline } from './timeline';
import type { LiveCall, Stream, Trace, Verdict, WholeRecord } from './types';

const AGAIN_MS = 700;
const TRIES = 15;
const RUNNING_MS = 3000; // how often the trace of a call that runs is asked for

// "0.25-0.5" of the address.
function viewOf(text: string | null): Window {
    const [a, b] = (text ?? '').split('-').map(Number);
    return a !== undefined && b !== undefined && a >= 0 && b <= 1 && b - a > 0.0001 ? [a, b] : WHOLE;
}

function Said({ verdict, record, running }: { verdict: Verdict | null | undefined; record: WholeRecord | undefined; running: boolean }) {
    if (running)
        return (
            <Note>
                <h2 class="verdict">{t('calls.running')}</h2>
                <p>{t('calls.running_more')}</p>
            </Note>
        );
    if (verdict?.title) {
        const [title, ...more] = said(`verdict_${verdict.code}`, [verdict.title, verdict.cause, verdict.advice].join('\n'), verdict.params).split('\n');

        return (
            <Note kind={verdict.level}>
                <h2 class="verdict">{title}</h2>
                {more.map((line) => line && <p>{line}</p>)}
            </Note>
        );
    }
    if (!record) return null;
    const why = t('calls.code_reason', { code: String(record.code), reason: record.reason });
    return record.result === 'failed' ? <Note kind="bad"><h2 class="verdict">{t('calls.no_verdict_failed', { why })}</h2></Note> : <Note kind="good"><h2 class="verdict">{t('calls.no_verdict')}</h2></Note>;
}

function NoTrace({ dn }: { dn: string }) {
    const [watched, setWatched] = useState(false);

    return (
        <Note>
            <h2>{t('calls.no_trace')}</h2>
            <p>{watched ? t('calls.watching', { dn }) : t('calls.no_trace_why')}</p>
            {!watched && may('admin') && (
                <p>
                    <button type="button" onClick={async () => setWatched(await attempt(() => api.post('/traces/watch', { dn })))}>
                        {t('calls.watch_dn', { dn })}
                    </button>
                </p>
            )}
        </Note>
    );
}

function Whole({ trace, length, answered }: { trace: Trace; length: number; answered: boolean }) {
    const [view, show] = useState(() => viewOf(query.value.get('view')));
    const [even, setEven] = useState(query.value.get('even') === '1');
    const asked = query.value.get('event') ?? '';
    const chosen = /^\d+$/.test(asked) && Number(asked) < trace.events.length ? Number(asked) : -1;
    const scale = useMemo(
        () => axis(trace.events.map((event) => event.t_ms), Math.max(length, trace.graphs?.t_ms.at(-1) ?? 0), even),
        [trace, length, even],
    );
    const choose = (index: number) => setQuery({ event: index });

    // The address follows when the hand rests: browsers forbid more than some a second.
    useEffect(() => {
        const text = view[0] === 0 && view[1] === 1 ? null : view.map((u) => u.toFixed(5)).join('-');
        const timer = setTimeout(() => setQuery({ view: text, even: even ? 1 : null }), 300);
        return () => clearTimeout(timer);
    }, [view[0], view[1], even]);

    return (
        <>
            <Card
                title={t('calls.timeline')}
                class="axis"
                actions={
                    <>
                        <label class="even">
                            <input type="checkbox" checked={even} onChange={(event) => setEven(event.currentTarget.checked)} /> {t('calls.even')}
                        </label>
                        <button type="button" aria-label={t('calls.zoom_in')} title={t('calls.zoom_in')} onClick={() => show(zoom(view, 2))}>
                            +
                        </button>
                        <button type="button" aria-label={t('calls.zoom_out')} title={t('calls.zoom_out')} onClick={() => show(zoom(view, 0.5))}>
                            −
                        </button>
                        <button type="button" onClick={() => show(WHOLE)}>
                            {t('calls.zoom_whole')}
                        </button>
                    </>
                }
            >
                {trace.dropped > 0 && <Note kind="warn">{t('calls.trace_partial', { n: trace.dropped })}</Note>}
                <Timeline events={trace.events} graphs={trace.graphs} answered={answered} scale={scale} view={view} setView={show} chosen={chosen} choose={choose} />
                <p id="timeline-help" class="dim">
                    {t('calls.timeline_help')}
                </p>
            </Card>
            <Card title={t('calls.events')} class="happened">
                <div class="call-two">
                    <Events {...{ events: trace.events, from_ms: trace.from_ms, chosen, choose }} />
                    <Message {...{ events: trace.events, from_ms: trace.from_ms, chosen, choose }} />
                </div>
                <p class="dim">{t('calls.masked')}</p>
            </Card>
        </>
    );
}

function Streams({ record }: { record: WholeRecord }) {
    const row = (name: string, s: Stream) => (
        <tr>
            <th scope="row">{name}</th>
            {s?.packets ? (
                <>
                    <td>{s.codec}</td>
                    <td>{num(s.packets)}</td>
                    <td>{`${num(s.lost)} (${percent((100 * s.lost) / Math.max(1, s.packets + s.lost), 1)})`}</td>
                    <td>{`${num(s.jitter_ms, 1, 0)} ms`}</td>
                    <td>{s.mos ? num(s.mos, 1) : '–'}</td>
                </>
            ) : (
                <td colSpan={5}>{t('calls.no_rtp')}</td>
            )}
        </tr>
    );
    return (
        <div class="scroll" tabIndex={0} role="region" aria-label={t('calls.stream')}>
            <table class="plain-table">
                <thead>
                    <tr>
                        {[t('calls.stream'), t('calls.codec'), t('calls.packets'), t('calls.lost'), t('calls.jitter'), t('calls.mos')].map((name) => (
                            <th scope="col">{name}</th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {row(t('calls.stream.from_browser'), record.from_browser)}
                    {row(t('calls.stream.from_trunk'), record.from_trunk)}
                </tbody>
            </table>
        </div>
    );
}

export function CallPage({ id }: { id: string }) {
    const running = live.calls.value?.find((call) => call.id === id) as LiveCall | undefined;
    const path = `/cdr/${encodeURIComponent(id)}`;
    // Not asked for while the call runs; asked for when it has ended.
    const got = useLoad<WholeRecord>(running || live.calls.value === null ? null : path);
    const reads = may('supervisor'); // what a call's messages hold is not for those who only read figures
    const traced = useLoad<Trace>(!reads ? null : running ? `/calls/${encodeURIComponent(id)}/trace` : `${path}/trace`, {}, { every: running ? RUNNING_MS : 0 });
    const record = got.data;
    // Its record is written a moment after it has ended: until then it is shown as it was.
    const last = useRef<LiveCall | null>(null);
    const tries = useRef(0);
    const ended = tries.current < TRIES && last.current?.id === id ? last.current : null;
    const call = running ?? record ?? ended;
    const early = !running && !!ended && (record ? reads && record.traced && !!traced.error : !!got.error);

    if (running) {
        last.current = running;
        tries.current = 0;
    }
    useEffect(() => {
        if (!early) return undefined;
        const timer = setTimeout(() => {
            tries.current++;
            if (!record) void got.reload();
            void traced.reload();
        }, AGAIN_MS);
        return () => clearTimeout(timer);
    }, [early, got.error, traced.error, !!record]);

    if (!call) {
        return (
            <Page title={t('calls.call')} back={{ href: '/admin/calls', text: t('calls.back') }}>
                {got.error?.status === 404 ? <Note kind="warn">{t('calls.not_found')}</Note> : got.error && <Failed error={got.error} retry={got.reload} />}
            </Page>
        );
    }
    const length = record ? record.end_ms - record.start_ms : now.value - call.start_ms;
    const files = BASE + path;

    return (
        <Page
            title={`${agent(call)} ⇄ ${other(call)}`}
            back={{ href: '/admin/calls', text: t('calls.back') }}
            live={!!running}
            lead={
                <>
                    {directionWords(call.direction)}, <Time ms={call.start_ms} />, {duration(length / 1000)}
                    {call.trunk && `, ${call.trunk}`}
                </>
            }
            actions={
                <>
                    {running && may('supervisor') && <HangUp call={running} />}
                    {record && traced.data && (
                        <>
                            <a class="button" href={`${files}/pcap`} download={`${id}.pcapng`}>
                                {t('calls.pcapng')}
                            </a>
                            <a class="button" href={`${files}/bundle`} download title={t('calls.bundle_help')}>
                                {t('calls.bundle')}
                            </a>
                        </>
                    )}
                    <button type="button" onClick={() => print()}>
                        {t('calls.print')}
                    </button>
                </>
            }
        >
            <Said verdict={record?.verdict} record={record} running={!record} />
            {!reads && record?.traced && <Note>{t('calls.trace_role')}</Note>}
            {traced.data ? <Whole key={id} trace={traced.data} length={length} answered={call.answer_ms > 0} /> : traced.error && !early && (traced.error.status === 404 ? <NoTrace dn={call.dn} /> : <Failed error={traced.error} retry={traced.reload} />)}
            {record && (
                <Card title={t('calls.facts')}>
                    <Facts
                        of={[
                            [t('calls.fact.result'), <><Result result={record.result} /> {record.code ? t('calls.code_reason', { code: String(record.code), reason: record.reason }) : ''}</>],
                            [t('calls.fact.hangup'), record.hangup !== 'nobody' && tr(`calls.party.${record.hangup}`, {}, record.hangup)],
                            [t('calls.fact.rang'), seconds(record.ring_s)],
                            [t('calls.fact.talked'), seconds(record.duration_s)],
                            [t('calls.fact.path'), pathWords(record.path) + (record.candidate ? ` (${record.candidate})` : '')],
                            [t('calls.fact.path_changes'), record.path_changes > 0 && t('calls.fact.path_changes_n', { n: record.path_changes })],
                            [t('calls.fact.address'), record.address],
                            [t('calls.fact.rtt'), record.rtt_ms > 0 && `${num(record.rtt_ms, 0)} ms`],
                            [t('calls.fact.sip_call_id'), record.sip_call_id],
                            [t('calls.fact.call_uuid'), record.call_uuid],
                            [t('calls.fact.id'), record.id],
                        ]}
                    />
                    <Streams record={record} />
                </Card>
            )}
        </Page>
    );
}
