// For a screen on a wall: agents and calls, readable from across the room. It stays awake, and says so when what it shows is old.
import { useEffect, useRef } from 'preact/hooks';
import { session } from '../core/api';
import { attention, link, live, now } from '../core/live';
import { whoAmI } from '../core/session';
import type { AgentState, Call, Registration } from '../core/types';
import { clock, num, said, t, tr, when } from '../core/words';
import { Empty } from '../parts/bits';
import { Icon } from '../parts/icon';
import { Freshness, shownTitle } from '../parts/page';
import { kindOf, Mark } from '../parts/state';

const MOST_TILES = 240;
const STAY_MS = 30000;
const order: AgentState[] = ['ringing', 'on_call', 'ready', 'off'];

// Those who do something first, and of those the ones who have done it longest.
export function tiles(registrations: Registration[], calls: Call[]) {
    const byDn = new Map(calls.map((call) => [call.dn, call]));

    return registrations
        .map((r) => {
            const call = byDn.get(r.dn);
            const since = r.state === 'ready' ? r.registered_ms : (call?.answer_ms || call?.start_ms) ?? 0;
            return { ...r, call, since };
        })
        .sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || (a.state === 'ready' ? a.dn.localeCompare(b.dn, undefined, { numeric: true }) : a.since - b.since));
}

// The screen, and the session: nobody touches a wall, so that it would be over after admin.session_idle.
function useAwake(): void {
    useEffect(() => {
        const asking = setInterval(() => void whoAmI().catch(() => null), STAY_MS);
        let lock: { release: () => Promise<void> } | null = null;
        const hold = async () => {
            if (document.visibilityState === 'visible') lock = await navigator.wakeLock?.request('screen').catch(() => null);
        };
        void hold();
        document.addEventListener('visibilitychange', hold);
        return () => {
            clearInterval(asking);
            document.removeEventListener('visibilitychange', hold);
            void lock?.release();
        };
    }, []);
}

const Number = ({ value, name, kind }: { value: number; name: string; kind?: string }) => (
    <div class="wall-number" data-kind={kind}>
        <b class="figures">{num(value)}</b>
        <span>{name}</span>
    </div>
);

export function Wallboard() {
    const box = useRef<HTMLDivElement>(null);
    const s = live.status.value;
    const calls = live.calls.value ?? [];
    const all = tiles(live.registrations.value ?? [], calls);
    const waiting = calls.filter((c) => !c.answer_ms).length;
    const talking = all.filter((one) => one.state === 'on_call').length;

    useAwake();
    useEffect(() => {
        document.title = shownTitle(t('overview.wall'), attention.value.length > 0);
    }, [attention.value.length]);
    return (
        <div class="wall" ref={box}>
            <header class="wall-head">
                <h1>
                    <a href="/admin/" class="brand">
                        <img src="/favicon.svg" alt="" width="30" height="30" /> {session.value?.host || 'dngate'}
                    </a>
                </h1>
                <div class="buttons">
                    <Freshness />
                    <time class="wall-clock figures">{when(now.value, false)}</time>
                    {document.fullscreenEnabled && (
                        <button type="button" class="plain" onClick={() => (document.fullscreenElement ? document.exitFullscreen() : box.current!.requestFullscreen())}>
                            <Icon name="screen" /> {t('overview.fullScreen')}
                        </button>
                    )}
                </div>
            </header>
            <section class="wall-numbers" aria-label={t('overview.wallNumbers')}>
                <Number value={calls.length} name={t('overview.calls')} kind="busy" />
                <Number value={waiting} name={t('overview.waiting')} kind={waiting ? 'wait' : undefined} />
                <Number value={s?.agents.ready ?? 0} name={t('overview.agentsReadyWall')} kind="good" />
                <Number value={s ? s.agents.on_call : talking} name={tr('state.on_call')} />
                <Number value={s?.hour.inbound ?? 0} name={t('overview.inboundHour')} />
                <Number value={s?.hour.abandoned ?? 0} name={t('overview.abandonedHour')} kind={s && s.hour.abandoned_percent > 10 ? 'bad' : undefined} />
            </section>
            {session.value?.lab && (
                <p class="banner lab">
                    <b>{t('shell.labTitle')}</b> {t('shell.lab')}
                </p>
            )}
            {attention.value[0] && (
                <p class="wall-attention" data-level={attention.value[0].level}>
                    <Icon name="warn" /> {said(`attention_${attention.value[0].code}`, attention.value[0].text, attention.value[0].params)}
                    {attention.value.length > 1 && <span> +{attention.value.length - 1}</span>}
                </p>
            )}
            {all.length ? (
                <ul class="wall-tiles" data-old={link.value === 'lost' || undefined}>
                    {all.slice(0, MOST_TILES).map(({ dn, name, state, since, call }) => (
                        <li key={dn} data-kind={kindOf(state)} data-state={state}>
                            <span class="wall-name">{name || dn}</span>
                            <span class="wall-state">
                                <Mark kind={kindOf(state)} /> {tr(`state.${state}`, {}, state)}
                                <time class="figures">{since ? clock((now.value - since) / 1000) : ''}</time>
                            </span>
                            <span class="wall-call">{call ? (call.direction === 'in' ? `← ${call.caller_name || call.caller}` : `→ ${call.callee}`) : dn}</span>
                        </li>
                    ))}
                    {all.length > MOST_TILES && <li class="wall-more">{t('overview.moreAgents', { n: all.length - MOST_TILES })}</li>}
                </ul>
            ) : (
                <Empty title={t('overview.nextAgent')} />
            )}
        </div>
    );
}
