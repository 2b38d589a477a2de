// Calls: what is happening, what happened, what went wrong. Those that run on top, the records below, one search over both.
import { useEffect, useRef, useState } from 'preact/hooks';
import { may, url } from '../core/api';
import { live } from '../core/live';
import { useLoad, useRows } from '../core/load';
import { query, withQuery } from '../core/router';
import { duration, exact, num, percent, t, when } from '../core/words';
import { Empty } from '../parts/bits';
import { Page } from '../parts/page';
import { Search, Table, type Column } from '../parts/table';
import { Filters } from './filters';
import { Mos, Result, Way, other, pathWords, seconds, verdictOf } from './figures';
import { NOTHING, count, fromAddress, toAddress, toQuery } from './filter';
import { LiveCalls } from './live';
import { WatchList } from './watch';
import type { CallRecord, Summary } from './types';

const columns = (): Column<CallRecord>[] => [
    { key: 'when', title: t('calls.when'), width: '7.5rem', cell: (call) => <time title={exact(call.start_ms)}>{when(call.start_ms, false)}</time> },
    { key: 'dn', title: t('calls.dn'), width: '6rem', wide: true, cell: (call) => call.dn },
    { key: 'other', title: t('calls.other_party'), cell: (call) => <><Way direction={call.direction} /> {other(call)}</> },
    { key: 'result', title: t('calls.result'), width: '9rem', cell: (call) => <Result result={call.result} /> },
    { key: 'rang', title: t('calls.rang'), width: '5rem', end: true, wide: true, cell: (call) => seconds(call.ring_s) },
    { key: 'talked', title: t('calls.talked'), width: '6rem', end: true, wide: true, cell: (call) => seconds(call.duration_s) },
    { key: 'path', title: t('calls.path'), width: '7rem', wide: true, hide: true, cell: (call) => pathWords(call.path) },
    { key: 'trunk', title: t('calls.trunk'), width: '7rem', wide: true, hide: true, cell: (call) => call.trunk },
    { key: 'mos', title: t('calls.mos'), width: '5rem', wide: true, cell: (call) => <Mos mos={call.mos} /> },
    { key: 'verdict', title: t('calls.verdict'), wide: true, cell: verdictOf },
    { key: 'trace', title: t('calls.trace'), width: '8rem', wide: true, hide: true, cell: (call) => call.traced && t('calls.traced') },
];

function Sum({ sum }: { sum: Summary }) {
    return (
        <p class="sum">
            <b>{t('calls.sum_calls', { n: sum.calls })}</b>{' '}
            {sum.calls > 0 &&
                t('calls.sum', { ...{ answered: sum.answered, inbound: sum.inbound, outbound: sum.outbound, abandoned: sum.abandoned, failed: sum.failed }, percent: percent(sum.abandoned_percent, 1), average: duration(sum.average_s) }) +
                    (sum.mos ? t('calls.sum_mos', { mos: num(sum.mos, 1) }) : '')}
        </p>
    );
}

// Calls that ended since the records were read: they wait.
function useEnded(): [number, () => void] {
    const before = useRef<Set<string> | null>(null);
    const [n, setN] = useState(0);
    const calls = live.calls.value;

    useEffect(() => {
        if (!calls) return;
        const now = new Set(calls.map((call) => call.id));
        const gone = [...(before.current ?? [])].filter((id) => !now.has(id)).length;
        before.current = now;
        if (gone) setN((had) => had + gone);
    }, [calls]);
    return [n, () => setN(0)];
}

export function CallsPage() {
    const filter = fromAddress(query.value);
    const now = useRef(Date.now()); // of "the last hour": by the page's opening, so that pages of a list are of one list
    const asked = Object.fromEntries(toQuery(filter, now.current));
    const rows = useRows<CallRecord>('/cdr', asked);
    const sum = useLoad<Summary>('/cdr/summary', asked);
    const [ended, seen] = useEnded();
    const set = count(filter);
    const [open, setOpen] = useState(set > 0);
    const total = rows.total ?? (rows.items.length ? sum.data?.calls : undefined);
    const renew = () => {
        seen();
        now.current = Date.now();
        rows.reload();
        void sum.reload();
    };
    const watches = may('supervisor');
    const filtered = toAddress(filter) !== toAddress(NOTHING);

    return (
        <Page
            title={t('calls.title')}
            live
            actions={
                watches && (
                    <a class="button" href={withQuery({ watch: 1 })}>
                        {t('calls.watch')}
                    </a>
                )
            }
        >
            <Search label={t('calls.search')} wide />
            <LiveCalls q={filter.q} />
            <section class="records" aria-labelledby="calls-records">
                <header class="card-head">
                    <h2 id="calls-records">{t('calls.records')}</h2>
                    <div class="buttons">
                        <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
                            {set ? t('calls.filters_set', { n: set }) : t('calls.filters')}
                        </button>
                        <a class="button" href={url('/cdr/export', asked)} download>
                            {t('calls.export')}
                        </a>
                    </div>
                </header>
                {open && <Filters filter={filter} />}
                <p role="status">
                    {ended > 0 && (
                        <button type="button" class="primary" onClick={renew}>
                            {t('calls.records_fresh', { n: ended })}
                        </button>
                    )}
                </p>
                {sum.data && <Sum sum={sum.data} />}
                <Table
                    id="calls"
                    label={t('calls.records')}
                    columns={columns()}
                    rows={{ ...rows, total }}
                    of={(call) => call.id}
                    href={(call) => `/admin/calls/${encodeURIComponent(call.id)}`}
                    empty={<Empty title={filtered ? t('calls.records_no_fit') : t('calls.records_none')} />}
                />
            </section>
            {watches && query.value.has('watch') && <WatchList />}
        </Page>
    );
}
