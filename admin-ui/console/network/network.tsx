// Can browsers reach us? The ways in, tried from outside in and from this browser; the firewall; addresses, TURN, certificate, self-tests.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, may, session } from '../core/api';
import { live } from '../core/live';
import { useLoad } from '../core/load';
import type { Network as Of } from '../core/types';
import { bits, t, tr } from '../core/words';
import { Card, Copy, Failed } from '../parts/bits';
import { Page } from '../parts/page';
import { State, type Kind } from '../parts/state';
import { Time } from '../parts/time';
import { attempt } from '../parts/toast';
import { forms, rules, span, type Form, type Port } from '../pure/firewall';
import { CertificateCard } from './certificate';
import { Links } from './links';
import { probe, type Found } from './probe';

const LOOK_MS = 15_000;
const kinds: Record<string, Kind> = { open: 'good', closed: 'bad', unknown: 'wait', untried: 'off' };

const who = (p: Port) => tr(`network.who_${p.who.replace(/\W+/g, '_')}`, {}, p.who);

function outside(p: Port) {
    if (!p.listening) return <State kind={p.needed ? 'bad' : 'off'}>{t('network.not_listening')}</State>;
    return <State kind={kinds[p.state] ?? 'off'}>{tr(`network.state_${p.state}`)}</State>;
}

function inside(p: Port, found: Found | null | undefined, tried: boolean) {
    if (found) return found.ok ? <State kind="good">{t('network.reached', { n: found.ms })}</State> : <State kind="bad">{t('network.not_reached')}</State>;
    if (found === null) return <State kind="busy">{t('network.trying')}</State>;
    if (/^(sips?|rtp)/.test(p.way)) return <span class="dim">{t('network.by_trunk')}</span>;
    if (p.way === 'ice') return <span class="dim">{t('network.by_call')}</span>;
    return tried && /^turn/.test(p.way) && !may('supervisor') ? <span class="dim">{t('network.no_turn_link')}</span> : null;
}

function Ways({ ports, found, tried }: { ports: Port[]; found: Record<string, Found | null>; tried: boolean }) {
    return (
        <table class="list stack">
            <thead>
                <tr>
                    <th scope="col">{t('network.col_way')}</th>
                    <th scope="col">{t('network.col_port')}</th>
                    <th scope="col">{t('network.col_who')}</th>
                    <th scope="col">{t('network.col_outside')}</th>
                    <th scope="col">{t('network.col_here')}</th>
                </tr>
            </thead>
            <tbody>
                {ports
                    .filter((p) => p.port)
                    .map((p) => {
                        const bad = p.state === 'closed' || found[p.way]?.ok === false || (p.needed && !p.listening);
                        return (
                            <tr key={p.way + p.protocol}>
                                <td>
                                    <b>{tr(`network.way_${p.way}`, {}, p.way)}</b>
                                    {p.detail && p.state !== 'open' && <p class="dim">{p.detail}</p>}
                                    {bad && p.advice && <p class="advice">{p.advice}</p>}
                                </td>
                                <td class="mono whole">
                                    {p.protocol.toUpperCase()} {span(p)}
                                </td>
                                <td>{p.needed ? who(p) : <span class="dim">{`${who(p)}, ${t('network.not_needed')}`}</span>}</td>
                                <td>{outside(p)}</td>
                                <td>{inside(p, found[p.way], tried)}</td>
                            </tr>
                        );
                    })}
            </tbody>
        </table>
    );
}

const SOURCE = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:.]*)(\/\d{1,3})?$/i;

function Firewall({ ports }: { ports: Port[] }) {
    const [form, setForm] = useState<Form>('nft');
    const [sources, setSources] = useState('');
    const list = sources.split(/[\s,]+/).filter(Boolean);
    const wrong = list.some((s) => !SOURCE.test(s));
    const text = rules(form, ports, wrong ? [] : list);

    return (
        <Card title={t('network.firewall')} actions={<Copy text={text} label={t('network.copy')} />}>
            <p class="dim">{t('network.firewall_help')}</p>
            <div class="field-row">
                <div class="field">
                    <label for="fw-sources">{t('network.sources')}</label>
                    <input
                        id="fw-sources"
                        value={sources}
                        placeholder="10.1.0.0/16"
                        spellcheck={false}
                        autocomplete="off"
                        aria-invalid={wrong || undefined}
                        aria-describedby="fw-help"
                        onInput={(event) => setSources(event.currentTarget.value)}
                    />
                    <p class={wrong ? 'field-error' : 'field-help'} id="fw-help">
                        {wrong ? t('network.sources_bad') : t('network.sources_help')}
                    </p>
                </div>
                <div class="segments" role="group" aria-label={t('network.firewall')}>
                    {forms.map((f) => (
                        <button type="button" key={f} aria-pressed={f === form} onClick={() => setForm(f)}>
                            {t(`network.form_${f}`)}
                        </button>
                    ))}
                </div>
            </div>
            <pre class="mono" tabIndex={0}>
                {text}
            </pre>
        </Card>
    );
}

function Turn() {
    const turn = live.status.value?.turn;
    if (!turn) return null;
    return (
        <Card title={t('network.turn')}>
            <p>{turn.calls ? t('network.turn_now', { n: turn.calls, bits: bits(turn.bits_per_s) }) : t('network.turn_none')}</p>
            <p class="dim">{t('network.turn_allocations', { n: turn.allocations })}</p>
        </Card>
    );
}

function lead(of: Of | undefined): string {
    if (!of) return '';
    const needed = of.ports.filter((p) => p.port && p.needed && !/^(sips?|rtp)/.test(p.way));
    const closed = needed.filter((p) => p.state === 'closed' || !p.listening).length;

    if (closed) return t('network.lead_closed', { n: closed });
    return needed.some((p) => p.state === 'open') ? t('network.lead_open') : t('network.lead_unknown');
}

export function Network() {
    const { data, error, reload } = useLoad<Of>('/network');
    const [found, setFound] = useState<Record<string, Found | null>>({});
    const [tried, setTried] = useState(0);
    const [trying, setTrying] = useState(false);
    const [looking, setLooking] = useState<{ since: number; before: number } | null>(null);
    const alive = useRef(true);
    const admin = may('admin');

    useEffect(() => () => void (alive.current = false), []);
    useEffect(() => {
        if (!looking) return undefined;
        if ((data?.checked_ms ?? 0) > looking.before || Date.now() - looking.since > LOOK_MS) {
            setLooking(null);
            return undefined;
        }
        const timer = setTimeout(() => void reload(), 1000);
        return () => clearTimeout(timer);
    }, [looking, data]);
    const look = async () => {
        const before = data?.checked_ms ?? 0;
        if (await attempt(() => api.post('/network/test'))) {
            setLooking({ since: Date.now(), before });
            void reload();
        }
    };
    const here = async () => {
        setTrying(true);
        setFound({});
        await probe(data!.ports, `${session.value!.name}: ${t('network.title')}`, (way, f) => alive.current && setFound((had) => ({ ...had, [way]: f })));
        if (!alive.current) return;
        setTrying(false);
        setTried(Date.now());
    };

    return (
        <Page title={t('network.title')} lead={lead(data)}>
            {error && <Failed error={error} retry={reload} />}
            {data && (
                <Card
                    title={t('network.ports')}
                    actions={
                        <>
                            {may('supervisor') && (
                                <button type="button" title={t('network.look_help')} disabled={!!looking} onClick={look}>
                                    {t('network.look')}
                                </button>
                            )}
                            <button type="button" class="primary" title={t('network.browser_help')} disabled={trying} onClick={here}>
                                {t('network.browser')}
                            </button>
                        </>
                    }
                >
                    <Ways ports={data.ports} found={found} tried={tried > 0} />
                    <p class="dim" role="status">
                        {looking ? t('network.looking') : data.checked_ms > 0 && <>{t('network.looked', { time: '' })} <Time ms={data.checked_ms} /></>}
                        {tried > 0 && <> · {t('network.browser_done', { time: '' })} <Time ms={tried} /></>}
                    </p>
                </Card>
            )}
            <div class="columns">
                <div>
                    {data && <Firewall ports={data.ports} />}
                    <Links />
                </div>
                <div>
                    {data && (
                        <Card title={t('network.addresses')} actions={admin && <a href="/admin/settings?edit=public.address">{t('network.addresses_set')}</a>}>
                            {!data.addresses.length && <p>{t('network.addresses_none')}</p>}
                            <ul class="log">
                                {data.addresses.map((a) => (
                                    <li key={a.address}>
                                        <span class="mono">{a.address}</span>
                                        <span class="dim">{a.why}</span>
                                    </li>
                                ))}
                            </ul>
                        </Card>
                    )}
                    <Turn />
                    <CertificateCard />
                </div>
            </div>
        </Page>
    );
}
