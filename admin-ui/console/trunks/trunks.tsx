// Can we reach Genesys? The trunks in the order in which they are tried.
import { useRef } from 'preact/hooks';
import { api, may, session } from '../core/api';
import { live } from '../core/live';
import { useLoad } from '../core/load';
import { go } from '../core/router';
import type { List, Trunk, TrunkLine } from '../core/types';
import { t } from '../core/words';
import { begin, doing, end, ms } from '../parts/act';
import { Card, Empty, Failed } from '../parts/bits';
import { Dialog } from '../parts/dialog';
import { Icon } from '../parts/icon';
import { Page } from '../parts/page';
import { State, kindOf } from '../parts/state';
import { Time } from '../parts/time';
import { attempt, toast } from '../parts/toast';
import { at, moved } from '../pure/trunk';
import { turn } from './acts';
import { TrunkForm } from './form';

const url = (name: string) => `/admin/trunks/${encodeURIComponent(name)}`;
const stateOf = (trunk: Pick<Trunk, 'enabled'>, line: TrunkLine | undefined) => (trunk.enabled ? line?.state ?? 'unknown' : 'disabled');

export const TrunkState = ({ state }: { state: TrunkLine['state'] }) => <State kind={kindOf(state)}>{t(`trunks.state_${state}`)}</State>;

function lead(items: Pick<Trunk, 'name' | 'enabled'>[], lines: Map<string, TrunkLine>): string {
    const used = items.filter((i) => i.enabled);
    const states = used.map((i) => stateOf(i, lines.get(i.name)));
    const first = used.find((_, i) => states[i] === 'up');

    if (!used.length) return '';
    if (first) return t(states.every((s) => s === 'up') ? 'trunks.lead_up' : 'trunks.lead_part', { name: first.name });
    return t(states.includes('unknown') ? 'trunks.lead_unknown' : 'trunks.lead_down');
}

export function Trunks() {
    const { data, error, reload, set } = useLoad<List<Trunk>>('/trunks');
    const body = useRef<HTMLTableSectionElement>(null);
    const admin = may('admin');
    const items = data?.items ?? [];
    const lines = new Map((live.trunks.value ?? live.status.value?.trunks ?? []).map((l) => [l.name, l]));
    // The lab's own trunk is in no list of what is set; what was removed a moment ago may still be among those that run.
    const built = session.value?.lab && data ? [...lines.values()].filter((l) => !items.some((i) => i.name === l.name)) : [];
    const move = async (i: number, by: number, key = '') => {
        const next = moved(items, i, by);
        const name = items[i]!.name;

        if (next === items) return;
        set({ ...data!, items: next });
        await attempt(() => api.put('/trunks/order', { names: next.map((x) => x.name) }));
        toast(t('trunks.order_done', { name, n: i + by + 1 }));
        await reload();
        requestAnimationFrame(() => body.current?.querySelector<HTMLElement>(`tr[data-name="${CSS.escape(name)}"] ${key || 'a'}:not(:disabled)`)?.focus());
    };
    const add = admin && (
        <button type="button" class="primary" onClick={() => begin('add')}>
            <Icon name="plus" /> {t('trunks.add')}
        </button>
    );

    return (
        <Page title={t('trunks.title')} live lead={lead([...items, ...built.map(({ name }) => ({ name, enabled: true }))], lines)} actions={items.length > 0 && add}>
            {error && <Failed error={error} retry={reload} />}
            {built.map((line) => (
                <Card key={line.name} title={line.name} actions={<TrunkState state={line.state} />}>
                    <p>
                        {t('trunks.lab')}{' '}
                        <span class="dim">
                            {line.state === 'up' && line.rtt_ms > 0 && `${t('trunks.ms', { n: ms(line.rtt_ms) })} · `}
                            <Time ms={line.since_ms} how="ago" />
                        </span>
                    </p>
                    {line.detail && <p class="dim">{line.detail}</p>}
                </Card>
            ))}
            {data && !items.length && (
                <Empty title={t('trunks.none')} action={add}>
                    {t('trunks.none_next')}
                </Empty>
            )}
            {items.length > 0 && (
                <section class="card">
                    <table class="list" aria-label={t('trunks.order')}>
                        <thead>
                            <tr>
                                <th scope="col" class="end narrow">
                                    #
                                </th>
                                <th scope="col">{t('trunks.col_name')}</th>
                                <th scope="col" class="wide">
                                    {t('trunks.col_address')}
                                </th>
                                <th scope="col">{t('trunks.col_state')}</th>
                                <th scope="col" class="end wide">
                                    {t('trunks.col_rtt')}
                                </th>
                                <th scope="col" class="wide">
                                    {t('trunks.col_since')}
                                </th>
                                {admin && <th scope="col" class="acts"><span class="unseen">{t('trunks.order')}</span></th>}
                            </tr>
                        </thead>
                        <tbody ref={body}>
                            {items.map((trunk, i) => {
                                const line = lines.get(trunk.name);
                                const state = stateOf(trunk, line);
                                return (
                                    <tr
                                        key={trunk.name}
                                        data-name={trunk.name}
                                        onKeyDown={(event) => {
                                            const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
                                            if (!admin || !by || !event.altKey) return;
                                            event.preventDefault();
                                            void move(i, by);
                                        }}
                                    >
                                        <td class="end narrow figures">{i + 1}</td>
                                        <td>
                                            <a class="row-link" href={url(trunk.name)}>
                                                <b>{trunk.name}</b>
                                            </a>
                                        </td>
                                        <td class="wide">
                                            <span class="mono">{at(trunk.host, trunk.port)}</span> <span class="dim">{trunk.transport.toUpperCase()}</span>
                                        </td>
                                        <td>
                                            <TrunkState state={state} />
                                        </td>
                                        <td class="end wide figures">{state === 'up' && line?.rtt_ms ? t('trunks.ms', { n: ms(line.rtt_ms) }) : ''}</td>
                                        <td class="wide">{trunk.enabled && <Time ms={line?.since_ms ?? 0} how="ago" />}</td>
                                        {admin && (
                                            <td class="acts">
                                                <button type="button" class="plain up" disabled={!i} aria-label={t('trunks.earlier', { name: trunk.name })} onClick={() => move(i, -1, '.up')}>
                                                    <Icon name="up" />
                                                </button>
                                                <button type="button" class="plain down" disabled={i === items.length - 1} aria-label={t('trunks.later', { name: trunk.name })} onClick={() => move(i, 1, '.down')}>
                                                    <Icon name="down" />
                                                </button>
                                                <button type="button" class="plain" onClick={() => turn(trunk, items.some((o) => o !== trunk && o.enabled), reload)}>
                                                    {trunk.enabled ? t('trunks.disable') : t('trunks.enable')}
                                                </button>
                                            </td>
                                        )}
                                    </tr>
                                );
                            })}
                        </tbody>
                    </table>
                    <p class="dim">{t('trunks.order_help')}</p>
                </section>
            )}
            {admin && doing() === 'add' && (
                <Dialog title={t('trunks.add_title')} onClose={() => end()}>
                    <TrunkForm
                        done={(name) => {
                            toast(t('trunks.added', { name }));
                            go(`${url(name)}?test=now`);
                        }}
                    />
                </Dialog>
            )}
        </Page>
    );
}
