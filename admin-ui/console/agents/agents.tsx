// Who can take calls? All DNs, what each is doing, and what can be done to them.
import { computed } from '@preact/signals';
import { useState } from 'preact/hooks';
import { may, raw, save } from '../core/api';
import { live } from '../core/live';
import { useRows } from '../core/load';
import { query, setQuery } from '../core/router';
import type { Dn, DnPassword, Registration } from '../core/types';
import { t } from '../core/words';
import { begin, doing, end } from '../parts/act';
import { Empty } from '../parts/bits';
import { Icon } from '../parts/icon';
import { Page } from '../parts/page';
import { Named, State } from '../parts/state';
import { Choice, Search, Table, type Column } from '../parts/table';
import { Time } from '../parts/time';
import { attempt } from '../parts/toast';
import { AddDialog, RangeDialog } from './add';
import { act, type Action } from './bulk';
import { CompareDialog } from './compare';
import { codecName, codecOptions } from './how';
import { ImportDialog } from './import';
import { Sheet } from './sheet';

// The list is read once; who is signed in, and what he does, is pushed.
const signedIn = computed(() => live.registrations.value && new Map(live.registrations.value.map((r) => [r.dn, r])));
const off: Partial<Registration> = { state: 'off', address: '', browser: '', registered_ms: 0 };
// Whose page is away while a call runs is on that call.
const onCall = computed(() => new Set(live.calls.value?.filter((c) => c.state !== 'ending' && (c.answer_ms || c.direction === 'out')).map((c) => c.dn)));
const now = (d: Dn): Partial<Registration> => (signedIn.value ? signedIn.value.get(d.dn) ?? (onCall.value.has(d.dn) ? { ...off, state: 'on_call' } : off) : { ...d, registered_ms: d.since_ms });

export const agentUrl = (dn: string) => `/admin/agents/${encodeURIComponent(dn)}`;

export const AgentState = ({ state, enabled }: { state: string; enabled: boolean }) => (enabled ? <Named state={state} /> : <State kind="off">{t('agents.disabled')}</State>);

const columns = (): Column<Dn>[] => [
    { key: 'dn', title: t('agents.col_dn'), sort: 'dn', width: '6rem', cell: (d) => <b>{d.dn}</b> },
    { key: 'name', title: t('agents.col_name'), sort: 'name', cell: (d) => d.name },
    { key: 'state', title: t('agents.col_state'), sort: 'state', width: '7.5rem', cell: (d) => <AgentState state={now(d).state!} enabled={d.enabled} /> },
    { key: 'since', title: t('agents.col_since'), width: '9rem', wide: true, cell: (d) => <Time ms={now(d).registered_ms!} how="ago" /> },
    { key: 'where', title: t('agents.col_where'), wide: true, width: '11rem', cell: (d) => now(d).address },
    { key: 'browser', title: t('agents.col_browser'), wide: true, width: '11rem', cell: (d) => now(d).browser },
    { key: 'codec', title: t('agents.col_codec'), wide: true, width: '8rem', hide: true, cell: (d) => codecName(d.codec) },
    { key: 'auto', title: t('agents.col_auto'), wide: true, width: '8rem', hide: true, cell: (d) => (d.auto_answer ? t('agents.auto_answer') : '') },
    { key: 'limit', title: t('agents.col_limit'), wide: true, width: '7rem', end: true, hide: true, cell: (d) => d.call_limit || <span class="dim">{t('agents.as_set')}</span> },
    { key: 'changed', title: t('agents.col_changed'), sort: 'changed', wide: true, width: '9rem', hide: true, cell: (d) => <Time ms={d.changed_ms} how="ago" /> },
];

const filters = ['q', 'state', 'enabled', 'codec'] as const;

function Lead() {
    const a = live.status.value?.agents;
    return a ? <>{t('agents.sum', { ready: a.ready, busy: a.on_call + a.ringing, off: a.off })}</> : null;
}

function Add() {
    return (
        <>
            <button type="button" class="primary" onClick={() => begin('add')}>
                <Icon name="plus" /> {t('agents.add')}
            </button>
            <button type="button" onClick={() => begin('range')}>
                {t('agents.range')}
            </button>
        </>
    );
}

const exported = () =>
    attempt(async () => {
        save('agents.csv', await (await raw('/dns/export')).blob());
    });

const actions: Action[] = ['enable', 'disable', 'reset', 'remove'];

export function Agents() {
    const asked = Object.fromEntries([...filters, 'sort', 'order'].map((name) => [name, query.value.get(name)]));
    const rows = useRows<Dn>('/dns', asked);
    const [made, setMade] = useState<DnPassword[] | null>(null);
    const filtered = filters.some((f) => query.value.has(f));
    const admin = may('admin');
    const dialog = { done: rows.reload, close: () => end('like') };
    const what = doing();

    return (
        <Page
            title={t('agents.title')}
            live
            lead={<Lead />}
            actions={
                admin && (
                    <>
                        <button type="button" onClick={() => begin('import')}>
                            {t('agents.import')}
                        </button>
                        <button type="button" onClick={() => begin('compare')}>
                            {t('agents.compare')}
                        </button>
                        <Add />
                    </>
                )
            }
        >
            <div class="filters">
                <Search label={t('agents.search')} wide />
                <Choice
                    name="state"
                    label={t('agents.filter_state')}
                    options={[
                        ['', `${t('agents.filter_state')}: ${t('agents.any')}`],
                        ...(['ready', 'on_call', 'ringing', 'off'] as const).map((s): [string, string] => [s, t(`state.${s}`)]),
                    ]}
                />
                <Choice
                    name="enabled"
                    label={t('agents.may_sign_in')}
                    options={[
                        ['', `${t('agents.may_sign_in')}: ${t('agents.any')}`],
                        ['true', t('agents.enabled')],
                        ['false', t('agents.disabled')],
                    ]}
                />
                <Choice name="codec" label={t('agents.filter_codec')} options={[['', `${t('agents.filter_codec')}: ${t('agents.any')}`], ...codecOptions()]} />
            </div>
            <Table
                id="agents"
                label={t('agents.title')}
                columns={columns()}
                rows={rows}
                of={(d) => d.dn}
                href={(d) => agentUrl(d.dn)}
                order={['dn', 'asc']}
                tools={
                    admin && (
                        <button type="button" class="plain" onClick={exported}>
                            <Icon name="download" /> {t('agents.export')}
                        </button>
                    )
                }
                bulk={
                    admin
                        ? (dns, clear) =>
                              actions.map((action) => (
                                  <button
                                      type="button"
                                      key={action}
                                      class={action === 'remove' ? 'danger quiet' : undefined}
                                      onClick={async () => {
                                          const done = await act(action, dns, rows.reload);
                                          if (!done) return;
                                          clear();
                                          if (done.length) setMade(done);
                                      }}
                                  >
                                      {t(`agents.do_${action}`)}
                                  </button>
                              ))
                        : undefined
                }
                empty={
                    filtered ? (
                        <Empty
                            title={t('agents.nobody')}
                            action={
                                <button type="button" onClick={() => setQuery(Object.fromEntries(filters.map((f) => [f, null])))}>
                                    {t('agents.clear')}
                                </button>
                            }
                        />
                    ) : (
                        <Empty title={t('agents.none')} action={admin && <Add />}>
                            {admin && t('agents.none_next')}
                        </Empty>
                    )
                }
            />
            {admin && what === 'add' && <AddDialog like={query.value.get('like') ?? ''} {...dialog} />}
            {admin && what === 'range' && <RangeDialog {...dialog} />}
            {admin && what === 'import' && <ImportDialog {...dialog} />}
            {admin && what === 'compare' && <CompareDialog {...dialog} />}
            {made && <Sheet items={made} onClose={() => setMade(null)} />}
        </Page>
    );
}
