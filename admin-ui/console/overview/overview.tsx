// Is everything all right? A sentence first, then what needs attention, then four vital signs, the last hour, the parts and the trunks.
import type { ComponentChildren } from 'preact';
import { may } from '../core/api';
import { live } from '../core/live';
import { useLoad } from '../core/load';
import { query, setQuery } from '../core/router';
import type { Attention, History, Status } from '../core/types';
import { bits, bytes, duration, millis, num, percent, said, t, tr } from '../core/words';
import { Card, Copy, Empty, Failed } from '../parts/bits';
import { Chart, Spark, type Line } from '../parts/chart';
import { Icon } from '../parts/icon';
import { Page } from '../parts/page';
import { kindOf, Mark, State } from '../parts/state';
import { Time } from '../parts/time';

export const spans = ['1h', '24h', '30d'] as const;
const HISTORY_MS: Record<string, number> = { '1h': 30_000, '24h': 120_000, '30d': 600_000 };

// All is well. 3 agents ready · 2 calls · trunk genesys up 12 ms
export function sentence(s: Status): string {
    const bad = s.attention.some((a) => a.level === 'bad') || !s.ready;
    const head = bad ? t('overview.bad') : s.attention.length ? t('overview.warn') : t('overview.well');
    const up = s.trunks.filter((trunk) => trunk.state === 'up');
    const trunk =
        s.trunks.length === 1
            ? t('overview.oneTrunk', { name: s.trunks[0]!.name, state: tr(`state.${s.trunks[0]!.state}`).toLowerCase() }) + (up.length ? ` ${millis(up[0]!.rtt_ms)}` : '')
            : s.trunks.length
              ? t('overview.trunks', { up: up.length, all: s.trunks.length })
              : t('overview.noTrunk');

    return `${head} ${[t('overview.agentsReady', { n: s.agents.ready }), t('overview.callsNow', { n: s.calls }), trunk].join(' · ')}`;
}

// Where to go for it: `place` is an address of the console's, or the name of a place.
const links: Record<string, string> = { agents: '/admin/agents', calls: '/admin/calls', trunks: '/admin/trunks', network: '/admin/network', settings: '/admin/settings', people: '/admin/people', administration: '/admin/people', certificate: '/admin/network' };
const addressOf = (place: string) => (place.startsWith('/admin/') ? place : links[place] ?? '');

const Item = ({ kind, code, params, level, text, advice, place, since_ms }: Attention) => (
    <li data-level={level}>
        <Mark kind={level === 'bad' ? 'bad' : 'wait'} />
        <div>
            <p class="attention-text">
                <span class="unseen">{t(level === 'bad' ? 'overview.isBad' : 'overview.isWarn')} </span>
                {said(`attention_${code}`, text, params)}
            </p>
            {advice && <p class="dim">{said(`advice_${kind}`, advice)}</p>}
        </div>
        <div class="attention-side">
            {since_ms > 0 && (
                <span class="dim small">
                    <Time ms={since_ms} how="ago" />
                </span>
            )}
            {addressOf(place) && (
                <a class="button" href={addressOf(place)}>
                    {t('overview.look')}
                </a>
            )}
        </div>
    </li>
);

function Next({ s }: { s: Status }) {
    const phone = `${location.origin}/index-agent-dn.html`;

    if (!s.trunks.length)
        return (
            <Empty title={t('overview.nextTrunk')} action={may('admin') && <a class="button primary" href="/admin/first-run?step=genesys">{t('overview.toFirstRun')}</a>}>
                {t('overview.nextTrunkHelp')}
            </Empty>
        );
    if (!s.dns)
        return (
            <Empty title={t('overview.nextDns')} action={may('admin') && <a class="button primary" href="/admin/first-run?step=agents">{t('overview.toFirstRun')}</a>}>
                {t('overview.nextDnsHelp')}
            </Empty>
        );
    if (!s.registrations && !s.hour.inbound && !s.hour.outbound)
        return (
            <Empty title={t('overview.nextAgent')}>
                <p>{t('overview.nextAgentHelp')}</p>
                <p class="link-line">
                    <a href="/index-agent-dn.html">{phone}</a> <Copy text={phone} />
                </p>
            </Empty>
        );
    return null;
}

function Vital({ title, value, unit, spark, children }: { title: string; value: ComponentChildren; unit?: ComponentChildren; spark?: ComponentChildren; children: ComponentChildren }) {
    return (
        <section class="vital">
            <h2>{title}</h2>
            <div class="vital-main">
                <p class="vital-value figures">
                    {value}
                    {unit && <small> {unit}</small>}
                </p>
                {spark}
            </div>
            <div class="vital-more dim">{children}</div>
        </section>
    );
}

export function Vitals({ s, history }: { s: Status; history: History | undefined }) {
    const series = history?.series ?? {};
    const { voice, box, hour, agents, turn } = s;

    return (
        <div class="vitals">
            <Vital title={t('overview.calls')} value={num(s.calls)} spark={<Spark values={series['calls'] ?? []} low={0} />}>
                <p>{t('overview.inOut', { in: hour.inbound, out: hour.outbound })}</p>
                <p>{t('overview.answeredFailed', { answered: hour.answered, failed: hour.failed })}</p>
            </Vital>
            <Vital title={t('overview.agents')} value={num(agents.ready)} unit={t('overview.ready')} spark={<Spark values={series['registrations'] ?? []} low={0} color="c2" />}>
                <p>{t('overview.busyAgents', { busy: agents.on_call, ringing: agents.ringing })}</p>
                <p>{t('overview.offAgents', { off: agents.off, all: s.dns })}</p>
            </Vital>
            <Vital title={t('overview.voice')} value={voice.mos ? num(voice.mos, 1) : '–'} unit="MOS" spark={<Spark values={series['mos'] ?? []} low={1} color="c3" />}>
                {voice.mos ? (
                    <>
                        <p>{t('overview.lossJitter', { loss: num(voice.loss_percent, 1), jitter: num(voice.jitter_ms) })}</p>
                        <p>{voice.rtt_ms ? t('overview.rtt', { rtt: num(voice.rtt_ms) }) : ''}</p>
                    </>
                ) : (
                    <p>{t('overview.noVoice')}</p>
                )}
            </Vital>
            <Vital title={t('overview.box')} value={num(box.cpu_percent, box.cpu_percent < 10 ? 1 : 0, 0)} unit={t('overview.cpu')} spark={<Spark values={series['cpu_percent'] ?? []} low={0} color="c4" />}>
                <p>{t('overview.memoryDisk', { memory: bytes(box.rss_bytes), disk: num(box.disk_percent) })}</p>
                <p>{t('overview.traffic', { bits: bits(box.bits_per_s), turn: turn.calls, calls: s.calls })}</p>
            </Vital>
        </div>
    );
}

export const secondsOf = ({ from_ms, step_ms, series }: History) => Array.from({ length: Math.max(0, ...Object.values(series).map((v) => v.length)) }, (_, i) => (from_ms + i * step_ms) / 1000);

function graph({ series }: History): Line[] {
    const line = (name: string): (number | null)[] => series[name] ?? [];

    return [
        { name: t('overview.answered'), values: line('answered'), color: 'c1', bars: true },
        { name: t('overview.abandoned'), values: line('abandoned'), color: 'warn', bars: true },
        { name: t('overview.failed'), values: line('failed'), color: 'bad', bars: true },
        { name: t('overview.mos'), values: line('mos'), color: 'c3', range: [1, 5], digits: 1 },
    ];
}

const some = ({ series }: History) => ['answered', 'abandoned', 'failed', 'mos'].some((name) => series[name]?.some((v) => v));

export function LastHour({ s, history, span }: { s: Status; history: ReturnType<typeof useLoad<History>>; span: string }) {
    const { hour } = s;
    const data = history.data;

    return (
        <Card
            title={tr(`overview.span_${span}`)}
            actions={
                <div class="segments" role="group" aria-label={t('overview.span')}>
                    {spans.map((one) => (
                        <button key={one} type="button" aria-pressed={one === span} onClick={() => setQuery({ span: one === '1h' ? null : one })}>
                            {tr(`overview.short_${one}`)}
                        </button>
                    ))}
                </div>
            }
        >
            <p class="hour-line">
                {span === '1h'
                    ? t('overview.hour', { in: hour.inbound, out: hour.outbound, average: duration(hour.average_s), abandoned: hour.abandoned, percent: percent(hour.abandoned_percent, 1) })
                    : ''}
            </p>
            {history.error && !data ? <Failed error={history.error} retry={history.reload} /> : data && !some(data) ? <p class="chart-space dim">{t('overview.noCalls')}</p> : data ? <Chart label={tr(`overview.span_${span}`)} x={secondsOf(data)} lines={graph(data)} height={210} /> : <div class="chart-space" />}
        </Card>
    );
}

const Parts = ({ s }: { s: Status }) => {
    const well = s.parts.filter((p) => p.state === 'up');

    return (
        <Card title={t('overview.parts')} class="parts">
            <ul class="lines">
                {s.parts
                    .filter((p) => p.state !== 'up')
                    .map(({ name, state, reason, since_ms }) => (
                        <li key={name}>
                            <State kind={kindOf(state)}>{tr(`overview.part_${name}`, {}, name)}</State>
                            <span class="reason">{reason}</span>
                            <span class="dim small since">{since_ms > 0 && <Time ms={since_ms} how="ago" />}</span>
                        </li>
                    ))}
            </ul>
            <ul class="chips">
                {well.map(({ name, reason }) => (
                    <li key={name} title={reason}>
                        <State kind="good">{tr(`overview.part_${name}`, {}, name)}</State>
                    </li>
                ))}
            </ul>
            <p class="dim small foot-line">
                {t('overview.upSince', { time: duration(s.uptime_s), version: s.version })} · {t('overview.errors', { n: s.errors_per_min })}
            </p>
        </Card>
    );
};

const Trunks = ({ s }: { s: Status }) => (
    <Card title={t('overview.trunkTitle')} class="parts" actions={<a href="/admin/trunks">{t('overview.all')}</a>}>
        {s.trunks.length ? (
            <ul class="lines">
                {(live.trunks.value?.length ? live.trunks.value : s.trunks).map(({ name, state, rtt_ms, since_ms }) => (
                    <li key={name}>
                        <State kind={kindOf(state)}>{name}</State>
                        <span class="dim">
                            {tr(`state.${state}`, {}, state)}
                            {state === 'up' ? ` · ${millis(rtt_ms)}` : ''}
                        </span>
                        <span class="dim small since">{since_ms > 0 && <Time ms={since_ms} how="ago" />}</span>
                    </li>
                ))}
            </ul>
        ) : (
            <p class="dim">{t('overview.noTrunk')}</p>
        )}
    </Card>
);

export function Overview() {
    const asked = query.value.get('span') ?? '1h';
    const span = (spans as readonly string[]).includes(asked) ? asked : '1h';
    const history = useLoad<History>('/history', { span }, { every: HISTORY_MS[span] });
    const hour = useLoad<History>(span === '1h' ? null : '/history', { span: '1h' }, { every: HISTORY_MS['1h'] });
    const s = live.status.value;

    if (!s) return <Page title={t('shell.place_overview')} live><div class="page-wait" /></Page>;
    return (
        <Page title={t('shell.place_overview')} lead={<span data-test="sentence">{sentence(s)}</span>} live actions={<a class="button" href="/admin/wall"><Icon name="screen" /> {t('overview.wall')}</a>}>
            <section class="attention" aria-labelledby="attention" hidden={!s.attention.length}>
                <h2 id="attention">{t('overview.attention', { n: s.attention.length })}</h2>
                <ul>
                    {s.attention.map((a) => (
                        <Item key={a.text} {...a} />
                    ))}
                </ul>
            </section>
            <Next s={s} />
            <Vitals s={s} history={span === '1h' ? history.data : hour.data} />
            <LastHour s={s} history={history} span={span} />
            <div class="two">
                <Parts s={s} />
                <Trunks s={s} />
            </div>
        </Page>
    );
}
