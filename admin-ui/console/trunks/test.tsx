// The test of a trunk, drawn as it runs: each step in words, what came of it, and what to do.
import { useEffect } from 'preact/hooks';
import { api, may } from '../core/api';
import { useLoad } from '../core/load';
import { setQuery } from '../core/router';
import type { TestStep, TrunkTest } from '../core/types';
import { t, tr } from '../core/words';
import { ms } from '../parts/act';
import { Card, Failed } from '../parts/bits';
import { Mark, kindOf } from '../parts/state';
import { Time } from '../parts/time';
import { attempt } from '../parts/toast';

const STEPS = ['dns', 'reach', 'certificate', 'options', 'invite']; // certificate: by TLS
const waiting = (name: string): TestStep => ({ name, result: 'skipped', ms: 0, detail: '', advice: '' });

export function Steps({ name, test }: { name: string; test: TrunkTest }) {
    const known = new Map(test.steps.map((s) => [s.name, s]));
    const steps = [...STEPS.filter((s) => known.has(s) || (test.running && s !== 'certificate')), ...test.steps.map((s) => s.name).filter((s) => !STEPS.includes(s))].map((s) => known.get(s) ?? waiting(s));
    const failed = steps.some((s) => s.result === 'failed');

    return (
        <>
            {!test.running && steps.length > 0 && (
                <p class="lead" role="status">
                    <Mark kind={failed ? 'bad' : 'good'} /> {failed ? t('trunks.test_bad', { name }) : t('trunks.test_good', { name })}
                </p>
            )}
            <ol class="steps" aria-busy={test.running}>
                {steps.map((s) => {
                    const result = !known.has(s.name) || s.result === 'waits' ? 'waiting' : s.result;
                    return (
                        <li key={s.name} data-result={result}>
                            <Mark kind={kindOf(result)} />
                            <div>
                                <b>{tr(`trunks.step_${s.name}`, {}, s.name)}</b> <span class="unseen">{tr(`trunks.result_${result}`)}</span>
                                {s.ms > 0 && <span class="dim figures"> {t('trunks.ms', { n: ms(s.ms) })}</span>}
                                {(s.detail || result === 'waiting' || result === 'running') && <p>{s.detail || tr(`trunks.result_${result}`)}</p>}
                                {s.advice && <p class="advice">{s.advice}</p>}
                            </div>
                        </li>
                    );
                })}
            </ol>
        </>
    );
}

export function Test({ name, begin = false }: { name: string; begin?: boolean }) {
    const path = `/trunks/${encodeURIComponent(name)}/test`;
    const { data, error, reload } = useLoad<TrunkTest>(path);
    const running = data?.running ?? false;
    const start = () => attempt(() => api.post(path)).then(reload);

    useEffect(() => {
        if (!running) return undefined;
        const timer = setInterval(() => void reload(), 400);
        return () => clearInterval(timer);
    }, [running]);
    useEffect(() => {
        if (!begin) return;
        setQuery({ test: null });
        void start();
    }, []);
    return (
        <Card
            title={t('trunks.test')}
            actions={
                may('admin') && (
                    <button type="button" disabled={running} onClick={start}>
                        {data?.steps.length ? t('trunks.test_again') : t('trunks.test_do')}
                    </button>
                )
            }
        >
            {!data?.steps.length && !running && <p class="dim">{t('trunks.test_help')}</p>}
            {error && error.status !== 404 && <Failed error={error} retry={reload} />}
            {data && (running || data.steps.length > 0) && <Steps name={name} test={data} />}
            {!!data?.started_ms && !running && (
                <p class="dim">
                    {t('trunks.test_when', { time: '' })} <Time ms={data.started_ms} />
                </p>
            )}
        </Card>
    );
}
