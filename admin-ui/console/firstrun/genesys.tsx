// The first trunk, and its test step by step in words.
import { useEffect, useState } from 'preact/hooks';
import { api, away } from '../core/api';
import { useLoad } from '../core/load';
import type { List, TestStep, Trunk, TrunkTest } from '../core/types';
import { num, t, tr } from '../core/words';
import { Failed } from '../parts/bits';
import { Field, Form, useForm } from '../parts/form';
import { kindOf, State } from '../parts/state';
import { attempt } from '../parts/toast';
import { usualPort } from '../pure/trunk';
import { Onward, type StepProps } from './step';

const POLL_MS = 400;

export const Steps = ({ steps }: { steps: TestStep[] }) => (
    <ul class="lines" aria-live="polite">
        {steps.map(({ name, result, ms, detail, advice }) => (
            <li key={name}>
                <State kind={kindOf(result)}>{tr(`firstrun.test_${name}`, {}, name)}</State>
                <span class="reason">{detail}</span>
                <span class="since small dim">{result === 'running' ? t('firstrun.trying') : ms ? `${num(ms)} ms` : ''}</span>
                {advice && <p class="advice">{advice}</p>}
            </li>
        ))}
    </ul>
);

function Test({ name, next, skip }: { name: string; next: () => void; skip: () => void }) {
    const [test, setTest] = useState<TrunkTest | null>(null);
    const [turn, setTurn] = useState(0);
    const good = test && !test.running && test.steps.every((s) => s.result === 'ok' || s.result === 'skipped');
    const path = `/trunks/${encodeURIComponent(name)}/test`;

    useEffect(() => {
        let on = true;
        const look = async () => {
            if (!on) return;
            if (!away.peek()) {
                const now = await api.get<TrunkTest>(path).catch(() => null);
                if (on && now) setTest(now);
                if (now && !now.running) return;
            }
            setTimeout(look, POLL_MS);
        };
        void attempt(async () => {
            await api.post(path);
            await look();
        });
        return () => void (on = false);
    }, [name, turn]);
    return (
        <>
            <div class="card step-card">
                <header class="card-head">
                    <h2>{t('firstrun.testOf', { name })}</h2>
                    <button type="button" class="plain" onClick={() => setTurn(turn + 1)} disabled={!!test?.running}>
                        {t('firstrun.tryAgain')}
                    </button>
                </header>
                {test && <Steps steps={test.steps} />}
                {test && !test.running && <p class="verdict">{t(good ? 'firstrun.testGood' : 'firstrun.testBad')}</p>}
            </div>
            <Onward next={next} skip={good ? undefined : skip} button={t('firstrun.next')} primary={!!good} />
        </>
    );
}

function Add({ added, skip }: { added: (name: string) => void; skip: () => void }) {
    const form = useForm({ name: 'genesys', host: '', port: '' as number | '', transport: 'udp', username: '', password: '' }, { id: 'first-trunk', secret: ['password'] });

    return (
        <div class="card step-card">
            <Form
                form={form}
                button={t('firstrun.addTrunk')}
                also={
                    <button type="button" class="plain" onClick={skip}>
                        {t('firstrun.skip')}
                    </button>
                }
                send={async ({ username, password, port, ...rest }) => {
                    const made = await api.post<Trunk>('/trunks', { ...rest, ...(port === '' ? {} : { port }), ...(username ? { username } : {}), ...(password ? { password } : {}) });
                    added(made.name);
                }}
            >
                <Field name="host" label={t('firstrun.host')} help={t('firstrun.hostHelp')} placeholder="sip.genesys.example.com" first />
                <div class="field-row">
                    <Field name="port" type="number" label={t('firstrun.port')} placeholder={String(usualPort(form.values.transport))} min={1} max={65535} />
                    <Field
                        name="transport"
                        type="select"
                        label={t('firstrun.transport')}
                        options={[
                            ['udp', 'UDP'],
                            ['tcp', 'TCP'],
                            ['tls', 'TLS'],
                        ]}
                    />
                    <Field name="name" label={t('firstrun.trunkName')} />
                </div>
                <details class="fold">
                    <summary>{t('firstrun.credentials')}</summary>
                    <div class="field-row">
                        <Field name="username" label={t('firstrun.username')} help={t('firstrun.usernameHelp')} />
                        <Field name="password" type="password" label={t('shell.password')} autocomplete="new-password" />
                    </div>
                </details>
            </Form>
        </div>
    );
}

export function Genesys({ next, skip }: StepProps) {
    const trunks = useLoad<List<Trunk>>('/trunks');
    const [added, setAdded] = useState('');
    const name = added || trunks.data?.items[0]?.name;

    if (trunks.error && !trunks.data)
        return (
            <>
                <Failed error={trunks.error} retry={trunks.reload} />
                <Onward skip={skip} />
            </>
        );
    if (!trunks.data) return null;
    return name ? <Test name={name} next={next} skip={skip} /> : <Add added={setAdded} skip={skip} />;
}
