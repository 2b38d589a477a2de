// One trunk: is it there, how is it set, its test, its ups and downs.
import { useEffect } from 'preact/hooks';
import { may, session } from '../core/api';
import { live } from '../core/live';
import { useLoad } from '../core/load';
import { go, query } from '../core/router';
import type { List, Trunk as Of, TrunkState as State } from '../core/types';
import { t } from '../core/words';
import { ms } from '../parts/act';
import { Card, Empty, Facts, Failed, Note } from '../parts/bits';
import { Page } from '../parts/page';
import { Mark, kindOf } from '../parts/state';
import { Time } from '../parts/time';
import { toast } from '../parts/toast';
import type { TrunkLive } from '../pure/shapes';
import { at } from '../pure/trunk';
import { remove, turn } from './acts';
import { TrunkForm } from './form';
import { Test } from './test';
import { TrunkState } from './trunks';

const back = () => ({ href: '/admin/trunks', text: t('trunks.to_list') });

export const Trunk = ({ name }: { name: string }) => <One key={name} name={name} />;

function One({ name }: { name: string }) {
    const path = `/trunks/${encodeURIComponent(name)}`;
    const { data, etag, error, reload } = useLoad<Of>(path);
    const all = useLoad<List<Of>>('/trunks');
    const now = useLoad<TrunkLive>(`${path}/live`, {}, { every: 5000 });
    const changes = useLoad<List<{ time_ms: number; state: State; detail: string }>>(`${path}/history`, { limit: 50 });
    const admin = may('admin');
    const pushed = live.trunks.value?.find((l) => l.name === name);

    useEffect(() => void (changes.data && changes.reload()), [pushed?.state, pushed?.since_ms]);

    if (!data)
        return (
            <Page title={name} back={back()}>
                {error?.status === 404 && session.value?.lab && now.data ? <Note>{t('trunks.lab')}</Note> : error?.status === 404 ? <Empty title={t('trunks.gone', { name })}>{t('trunks.gone_next')}</Empty> : error ? <Failed error={error} retry={reload} /> : null}
            </Page>
        );
    const others = !!all.data?.items.some((o) => o.name !== name && o.enabled);
    const state = data.enabled ? pushed?.state ?? now.data?.state ?? 'unknown' : 'disabled';
    const rtt = pushed?.rtt_ms || now.data?.rtt_ms || 0;

    return (
        <Page
            title={name}
            back={back()}
            live
            lead={
                <>
                    <Mark kind={kindOf(state)} /> {t(`trunks.page_${state}`, { name, ms: ms(rtt) })}
                </>
            }
            actions={
                admin && (
                    <>
                        <button type="button" onClick={() => turn(data, others, reload)}>
                            {data.enabled ? t('trunks.disable') : t('trunks.enable')}
                        </button>
                        <button type="button" class="danger quiet" onClick={async () => (await remove(data, others)) && go('/admin/trunks')}>
                            {t('trunks.remove')}
                        </button>
                    </>
                )
            }
        >
            <div class="columns">
                <div>
                    <Test name={name} begin={admin && query.value.get('test') === 'now'} />
                    {!!now.data?.addresses.length && (
                        <Card title={t('trunks.addresses')}>
                            {now.data.detail && <p>{now.data.detail}</p>}
                            <ul class="log">
                                {now.data.addresses.map((a) => (
                                    <li key={a.address}>
                                        <span class="mono">{a.address}</span>
                                        <TrunkState state={a.state as State} />
                                        <span class="dim figures">{a.rtt_ms ? t('trunks.ms', { n: ms(a.rtt_ms) }) : ''}</span>
                                    </li>
                                ))}
                            </ul>
                        </Card>
                    )}
                    <Card title={t('trunks.history')}>
                        {changes.error && <Failed error={changes.error} retry={changes.reload} />}
                        {changes.data?.items.length === 0 && <p class="dim">{t('trunks.history_none')}</p>}
                        <ol class="log">
                            {changes.data?.items.map((c) => (
                                <li key={c.time_ms}>
                                    <Time ms={c.time_ms} />
                                    <TrunkState state={c.state} />
                                    <span class="dim">{c.detail}</span>
                                </li>
                            ))}
                        </ol>
                    </Card>
                </div>
                <Card title={t('trunks.set')}>
                    {admin ? (
                        <TrunkForm
                            key={etag}
                            of={data}
                            etag={etag}
                            reload={reload}
                            done={async () => {
                                toast(t('trunks.saved'));
                                await reload();
                            }}
                        />
                    ) : (
                        <Facts
                            of={[
                                [t('trunks.col_address'), <span class="mono">{at(data.host, data.port)}</span>],
                                [t('trunks.transport'), data.transport.toUpperCase()],
                                ...(data.transport === 'tls' ? [[t('trunks.tls_name'), data.tls_name || data.host] as [string, string]] : []),
                                [t('trunks.username'), data.username],
                                [t('trunks.codecs'), data.codecs.join(', ')],
                                [t('trunks.ptime'), `${data.ptime} ms`],
                                [t('trunks.ping_seconds'), data.ping_seconds],
                                [t('trunks.registers'), data.registers ? t('settings.yes') : t('settings.no')],
                            ]}
                        />
                    )}
                </Card>
            </div>
        </Page>
    );
}
