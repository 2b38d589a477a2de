// One agent: what it is doing, how it is set, what it did.
import { useEffect, useState } from 'preact/hooks';
import { api, may } from '../core/api';
import { live } from '../core/live';
import { useLoad } from '../core/load';
import { go } from '../core/router';
import type { Dn, DnPassword, List, Upstream } from '../core/types';
import { duration, t, tr } from '../core/words';
import { CallState, Result, verdictOf } from '../calls/figures';
import { wrong } from '../parts/act';
import { Card, Copy, Empty, Failed, Facts, Note } from '../parts/bits';
import { Dialog, ask } from '../parts/dialog';
import { Field, Form, useForm } from '../parts/form';
import { Page } from '../parts/page';
import { Mark, State, kindOf } from '../parts/state';
import { Time } from '../parts/time';
import { attempt, toast } from '../parts/toast';
import { Selftests } from '../network/selftests';
import type { DnEvent, DnLive, Selftest } from '../pure/shapes';
import { act } from './bulk';
import { HowFields, codecName, howOf, wrongHow } from './how';
import { Sheet } from './sheet';

const back = () => ({ href: '/admin/agents', text: t('agents.to_list') });

function Set({ dn, etag, reload }: { dn: Dn; etag: string; reload: () => Promise<void> }) {
    const form = useForm({ name: dn.name, ...howOf(dn), trunk_password: '' }, { id: `dn-${dn.dn}`, secret: ['trunk_password'] });

    return (
        <Form
            form={form}
            button={t('agents.save')}
            onReload={() => {
                form.reset();
                void reload();
            }}
            send={async ({ trunk_password, ...v }) => {
                wrong(wrongHow(v));
                await api.patch(`/dns/${encodeURIComponent(dn.dn)}`, { ...v, ...(trunk_password && { trunk_password }) }, etag);
                toast(t('agents.saved_now'));
                await reload();
            }}
        >
            <Field name="name" label={t('agents.name')} help={t('agents.name_help')} />
            <HowFields />
            <Field
                name="trunk_password"
                type="password"
                label={t('agents.trunk_password')}
                help={dn.trunk_password_set ? t('agents.trunk_password_kept') : t('agents.trunk_password_help')}
                autocomplete="new-password"
            />
        </Form>
    );
}

// Whether calls from SIP Server reach it, in words.
function AtServer({ of }: { of: Upstream }) {
    const is = of.state === 'registered' || of.state === 'refreshing';

    return (
        <>
            <State kind={is ? 'good' : of.state === 'refused' ? 'bad' : 'wait'}>
                {is ? t('agents.upstream_registered', { trunk: of.trunk }) : tr(`agents.upstream_${of.state === 'refused' ? of.code : of.state}`, { trunk: of.trunk }, of.text)}
            </State>
            {is && <span class="dim"> {t('agents.upstream_until', { time: new Date(of.until_ms).toLocaleTimeString() })}</span>}
            {!is && of.code >= 300 && <span class="dim"> SIP {of.code}</span>}
        </>
    );
}

function Message({ dn, close }: { dn: string; close: () => void }) {
    const form = useForm({ text: '' }, { id: `message-${dn}` });

    return (
        <Dialog title={t('agents.message_title', { dn })} onClose={close}>
            <Form
                form={form}
                button={t('agents.message_do')}
                send={async (v) => {
                    wrong({ text: !v.text.trim() && t('agents.range_empty') });
                    await api.post(`/registrations/${encodeURIComponent(dn)}/message`, v);
                    toast(t('agents.message_done', { dn }));
                    close();
                }}
            >
                <Field name="text" type="textarea" label={t('agents.message_text')} help={t('agents.message_help')} first />
            </Form>
        </Dialog>
    );
}

function Now({ dn, data, reload }: { dn: Dn; data: DnLive; reload: () => void }) {
    const [writing, setWriting] = useState(false);
    const steers = may('supervisor');
    const path = encodeURIComponent(dn.dn);

    return (
        <Card
            title={t('agents.now')}
            actions={
                steers &&
                data.registrations.length > 0 && (
                    <>
                        <button type="button" onClick={() => setWriting(true)}>
                            {t('agents.message')}
                        </button>
                        <button
                            type="button"
                            onClick={async () => {
                                if (!(await ask({ title: t('agents.drop_title', { dn: dn.dn }), text: <p>{t('agents.drop_ask')}</p>, button: t('agents.drop') }))) return;
                                await attempt(() => api.remove(`/registrations/${path}`), t('agents.drop_done', { dn: dn.dn }));
                                reload();
                            }}
                        >
                            {t('agents.drop')}
                        </button>
                    </>
                )
            }
        >
            {data.ban && (
                <Note kind="warn">
                    {t('agents.ban', { address: data.ban.address, time: new Date(data.ban.until_ms).toLocaleTimeString() })}{' '}
                    {may('admin') && (
                        <button
                            type="button"
                            class="plain"
                            onClick={() => attempt(() => api.remove(`/bans/${encodeURIComponent(data.ban!.address)}`), t('agents.lifted', { address: data.ban!.address })).then(reload)}
                        >
                            {t('agents.lift')}
                        </button>
                    )}
                </Note>
            )}
            {data.registrations.map((r) => (
                <Facts
                    key={r.address}
                    of={[
                        [t('agents.col_where'), r.address],
                        [t('agents.col_browser'), r.browser],
                        [t('agents.col_since'), <Time ms={r.registered_ms} />],
                        [t('agents.until_col'), <Time ms={r.expires_ms} />],
                        ...(r.upstream ? [[t('agents.upstream'), <AtServer of={r.upstream} />] as [string, preact.JSX.Element]] : []),
                    ]}
                />
            ))}
            {data.registrations.length === 0 && (
                <p>
                    {t('agents.now_none')} {t('agents.now_link')} <span class="mono">{location.origin}/index-agent-dn.html</span> <Copy text={`${location.origin}/index-agent-dn.html`} />
                </p>
            )}
            {data.calls.map((c) => (
                <p key={c.id}>
                    <a href={`/admin/calls/${encodeURIComponent(c.id)}`}>
                        <CallState state={c.state} /> {c.direction.startsWith('in') ? c.caller : c.callee}
                    </a>
                </p>
            ))}
            {writing && <Message dn={dn.dn} close={() => setWriting(false)} />}
        </Card>
    );
}

const kinds = { signed_in: 'good', refused: 'bad', dropped: 'wait', taken_over: 'wait' } as const;

function Did({ dn }: { dn: string }) {
    const { data, error, reload } = useLoad<List<DnEvent>>(`/dns/${encodeURIComponent(dn)}/history`, { limit: 20 });
    const busy = live.registrations.value?.find((r) => r.dn === dn)?.registered_ms ?? 0;

    useEffect(() => void (data && reload()), [busy]);
    return (
        <Card title={t('agents.history')}>
            {error && <Failed error={error} retry={reload} />}
            {data?.items.length === 0 && <p class="dim">{t('agents.history_none')}</p>}
            {!!data?.items.length && (
                <ol class="log">
                    {data.items.map((e, i) => (
                        <li key={i}>
                            <Time ms={e.time_ms} />
                            <State kind={kinds[e.event as 'refused'] ?? 'off'}>{tr(`agents.event_${e.event}`, {}, e.event)}</State>
                            <span class="dim">{[e.address, e.browser, e.detail].filter(Boolean).join(' · ')}</span>
                        </li>
                    ))}
                </ol>
            )}
        </Card>
    );
}

interface Cdr {
    id: string;
    direction: string;
    caller: string;
    callee: string;
    start_ms: number;
    duration_s: number;
    result: string;
    verdict: string;
    verdict_code: string;
    verdict_params: Record<string, string | number>;
}

function Called({ dn }: { dn: string }) {
    const { data, error, reload } = useLoad<List<Cdr>>('/cdr', { dn, limit: 10 });

    return (
        <Card title={t('agents.calls')} actions={<a href={`/admin/calls?dn=${encodeURIComponent(dn)}`}>{t('agents.calls_all', { dn })}</a>}>
            {error && <Failed error={error} retry={reload} />}
            {data?.items.length === 0 && <p class="dim">{t('agents.calls_none')}</p>}
            {!!data?.items.length && (
                <ol class="log">
                    {data.items.map((c) => (
                        <li key={c.id}>
                            <a href={`/admin/calls/${encodeURIComponent(c.id)}`}>
                                <Time ms={c.start_ms} />
                            </a>
                            <Result result={c.result} />
                            <span>
                                {c.direction.startsWith('in') ? `← ${c.caller}` : `→ ${c.callee}`} <span class="dim">{[c.duration_s ? duration(c.duration_s) : '', verdictOf(c)].filter(Boolean).join(' · ')}</span>
                            </span>
                        </li>
                    ))}
                </ol>
            )}
        </Card>
    );
}

function lead(dn: Dn, now: DnLive | undefined, never: boolean): string {
    const name = dn.name || dn.dn;
    if (!dn.enabled) return t('agents.page_disabled', { name });
    if (!now) return '';
    if (now.state === 'off' && never) return t('agents.page_never', { name });
    return tr(`agents.page_${now.state}`, { name });
}

export function Agent({ dn }: { dn: string }) {
    return <OneAgent key={dn} dn={dn} />;
}

function OneAgent({ dn }: { dn: string }) {
    const path = `/dns/${encodeURIComponent(dn)}`;
    const { data, etag, error, reload } = useLoad<Dn>(path);
    const now = useLoad<DnLive>(`${path}/live`, {}, { every: 5000 });
    const tests = useLoad<List<Selftest>>(`${path}/selftests`);
    const [made, setMade] = useState<DnPassword[] | null>(null);
    const admin = may('admin');
    const pushed = live.registrations.value?.find((r) => r.dn === dn);

    useEffect(() => void (now.data && now.reload()), [pushed?.state, pushed?.registered_ms, pushed?.upstream?.state, pushed?.upstream?.code]);
    if (error && !data)
        return (
            <Page title={dn} back={back()}>
                {error.status === 404 ? <Empty title={t('agents.gone', { dn })}>{t('agents.gone_next')}</Empty> : <Failed error={error} retry={reload} />}
            </Page>
        );
    if (!data) return <Page title={dn} back={back()} children={null} />;
    const acts = admin && (
        <>
            <a class="button" href={`/admin/agents?do=add&like=${encodeURIComponent(dn)}`}>
                {t('agents.clone')}
            </a>
            <button type="button" onClick={async () => setMade(await act('reset', [dn], reload))}>
                {t('agents.reset_this')}
            </button>
            <button type="button" class="danger quiet" onClick={async () => (await act('remove', [dn], () => {})) && go('/admin/agents')}>
                {t('agents.remove_this')}
            </button>
        </>
    );
    return (
        <Page
            title={`${data.dn} ${data.name}`}
            back={back()}
            live
            lead={
                <>
                    {now.data && <Mark kind={data.enabled ? kindOf(now.data.state) : 'off'} />} {lead(data, now.data, false)}
                </>
            }
            actions={acts}
        >
            <div class="columns">
                <div>
                    {now.error && <Failed error={now.error} retry={now.reload} />}
                    {now.data && <Now dn={data} data={now.data} reload={now.reload} />}
                    <Called dn={dn} />
                    <Did dn={dn} />
                </div>
                <div>
                    <Card title={t('agents.set')}>
                        {admin ? (
                            <Set key={data.changed_ms} dn={data} etag={etag} reload={reload} />
                        ) : (
                            <>
                                <Facts
                                    of={[
                                        [t('agents.name'), data.name],
                                        [t('agents.codec'), codecName(data.codec)],
                                        [t('agents.call_limit'), data.call_limit || t('agents.as_set')],
                                        [t('agents.auto_answer'), data.auto_answer ? t('settings.yes') : t('settings.no')],
                                        [t('agents.trunk_password'), data.trunk_password_set ? t('settings.yes') : t('settings.no')],
                                    ]}
                                />
                                <p class="dim">{t('agents.not_yours')}</p>
                            </>
                        )}
                    </Card>
                    <Card title={t('agents.tests')} actions={admin && <a href={`/admin/network?do=link&note=${encodeURIComponent(`${data.dn} ${data.name}`.trim())}`}>{t('agents.test_link')}</a>}>
                        {tests.data?.items.length === 0 && <p class="dim">{t('agents.tests_none')}</p>}
                        {tests.error && <Failed error={tests.error} retry={tests.reload} />}
                        {!!tests.data?.items.length && <Selftests items={tests.data.items} />}
                    </Card>
                </div>
            </div>
            {made && made.length > 0 && <Sheet items={made} onClose={() => setMade(null)} />}
        </Page>
    );
}
