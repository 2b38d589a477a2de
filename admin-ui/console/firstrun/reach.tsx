// How browsers reach the box: its address, tried from this browser, with the list for the firewall.
import { useEffect, useState } from 'preact/hooks';
import { api } from '../core/api';
import { useLoad } from '../core/load';
import type { Network, Setting } from '../core/types';
import { num, t, tr } from '../core/words';
import { Copy, Failed, Note } from '../parts/bits';
import { Field, Form, useForm } from '../parts/form';
import { kindOf, State } from '../parts/state';
import { attempt } from '../parts/toast';
import { socketOpens, stunAnswers, type Probe } from './probe';
import { Onward, type StepProps } from './step';

const ports = (p: Network['ports'][number]) => (p.port === p.port_to || !p.port_to ? String(p.port) : `${p.port}–${p.port_to}`);

// One line a port: several ways may go by it.
function merged(list: Network['ports']): Network['ports'] {
    const found = new Map<string, Network['ports'][number]>();

    for (const p of list) {
        const key = `${p.protocol} ${p.port} ${p.who}`;
        const had = found.get(key);
        if (!had) found.set(key, { ...p });
        else {
            had.needed ||= p.needed;
            if (p.state === 'closed') Object.assign(had, { state: p.state, advice: p.advice });
        }
    }
    return [...found.values()];
}

function FromHere({ network, known }: { network: Network | undefined; known: boolean }) {
    const [probes, setProbes] = useState<Probe[]>([]);
    const port = (setting: string) => network?.ports.find((p) => p.setting === setting)?.port ?? 0;
    const run = async () => {
        const mine = Number(location.port) || (location.protocol === 'https:' ? 443 : 80);
        const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
        const list: Probe[] = [{ name: 'page', port: mine, result: 'ok', ms: 0 }, { name: 'socket', port: mine, result: 'running', ms: 0 }];

        if (port('wss.port') && scheme === 'wss') list.push({ name: 'socket2', port: port('wss.port'), result: 'running', ms: 0 });
        if (port('turn.port')) list.push({ name: 'stun', port: port('turn.port'), result: 'running', ms: 0 });
        setProbes(list);
        await Promise.all(
            list.slice(1).map(async (probe) => {
                const { ok, ms } = await (probe.name === 'stun' ? stunAnswers(location.hostname, probe.port) : socketOpens(`${scheme}://${location.hostname}:${probe.port}/ws`));
                setProbes((now) => now.map((p) => (p.name === probe.name ? { ...p, result: ok ? 'ok' : 'failed', ms } : p)));
            }),
        );
    };

    useEffect(() => void (known && run()), [known]);
    return (
        <div class="card step-card">
            <header class="card-head">
                <h2>{t('firstrun.fromHere')}</h2>
                <button type="button" class="plain" onClick={run}>
                    {t('firstrun.tryAgain')}
                </button>
            </header>
            <ul class="lines" aria-live="polite">
                {probes.map(({ name, port, result, ms }) => (
                    <li key={name}>
                        <State kind={kindOf(result)}>{tr(`firstrun.probe_${name}`)}</State>
                        <span class="dim">{tr(`firstrun.port_${name}`, { port: String(port) })}</span>
                        <span class="since small">
                            {result === 'failed' ? <b>{t('firstrun.noAnswerHere')}</b> : result === 'running' ? t('firstrun.trying') : ms ? `${num(ms)} ms` : tr('state.ok')}
                        </span>
                        {result === 'failed' && <p class="advice">{tr(`firstrun.advice_${name}`, { port: String(port) })}</p>}
                    </li>
                ))}
            </ul>
        </div>
    );
}

function Firewall({ network, reload }: { network: Network; reload: () => void }) {
    const list = merged(network.ports);
    const text = list.map((p) => `${p.protocol.toUpperCase()} ${ports(p)}  ${p.who}${p.needed ? '' : ' (optional)'}`).join('\n');

    return (
        <div class="card step-card">
            <header class="card-head">
                <h2>{t('firstrun.firewall')}</h2>
                <div class="buttons">
                    <Copy text={text} label={t('shell.copy')} />
                    <button
                        type="button"
                        class="plain"
                        onClick={async () => {
                            if (await attempt(() => api.post('/network/test'))) setTimeout(reload, 3000);
                        }}
                    >
                        {t('firstrun.tryAgain')}
                    </button>
                </div>
            </header>
            <div class="scroll-x" tabIndex={0} role="region" aria-label={t('firstrun.firewall')}>
                <table class="plain-table">
                    <thead>
                        <tr>
                            <th scope="col">{t('firstrun.port')}</th>
                            <th scope="col">{t('firstrun.who')}</th>
                            <th scope="col">{t('firstrun.state')}</th>
                        </tr>
                    </thead>
                    <tbody>
                        {list.map((p) => (
                            <tr key={`${p.way} ${p.protocol} ${p.port}`}>
                                <td class="figures">
                                    {p.protocol.toUpperCase()} {ports(p)} <span class="dim">{p.needed ? '' : t('firstrun.optional')}</span>
                                </td>
                                <td>{tr(`firstrun.who_${p.who}`, {}, p.who)}</td>
                                <td>
                                    <State kind={kindOf(p.state)}>{tr(`state.${p.state}`, {}, p.state)}</State>
                                    {p.advice && <div class="small dim wrap">{p.advice}</div>}
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </div>
    );
}

export function Reach({ next, skip }: StepProps) {
    const network = useLoad<Network>('/network');
    const setting = useLoad<Setting>('/settings/public.address');
    const form = useForm({ value: '' });
    const was = setting.data?.value ?? '';

    useEffect(() => {
        if (setting.data) form.reset({ value: setting.data.value || (/^(localhost|127\.|\[)/.test(location.hostname) ? '' : location.hostname) }); // what this browser alone calls it is no address
    }, [!!setting.data]);
    const send = async ({ value }: typeof form.values) => {
        if (value.trim() !== was) setting.set(await api.put<Setting>('/settings/public.address', { value: value.trim() }));
        next();
    };
    return (
        <>
            <div class="card step-card">
                {network.data && network.data.addresses.length > 0 && (
                    <p>
                        {t('firstrun.found')} <b>{network.data.addresses.map((a) => a.address).join(', ')}</b>
                    </p>
                )}
                <Form
                    form={form}
                    send={send}
                    button={t('firstrun.next')}
                    also={
                        <button type="button" class="plain" onClick={skip}>
                            {t('firstrun.skip')}
                        </button>
                    }
                >
                    <Field name="value" label={t('firstrun.address')} help={t('firstrun.addressHelp')} disabled={setting.data?.locked} />
                    {setting.data?.locked && <Note>{t('firstrun.locked')}</Note>}
                    {setting.data?.pending && <Note>{t('firstrun.afterRestart')}</Note>}
                </Form>
            </div>
            <FromHere network={network.data} known={!!(network.data || network.error)} />
            {network.error && <Failed error={network.error} retry={network.reload} />}
            {network.data && <Firewall network={network.data} reload={network.reload} />}
            {setting.error && !setting.data && <Onward next={next} skip={skip} />}
        </>
    );
}
