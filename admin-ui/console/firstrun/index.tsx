// The first run: six steps with a trail, each to be skipped and come back to (?step=…). The first one is done with the link that the box has printed
// (/admin/#setup=TOKEN); the token is taken out of the address at once.
import { useEffect, useState } from 'preact/hooks';
import { session } from '../core/api';
import { keep, kept } from '../core/keep';
import { here, query, setQuery } from '../core/router';
import { live } from '../core/live';
import { t, tr } from '../core/words';
import { Icon } from '../parts/icon';
import { Restore } from './restore';
import { Administrator } from './administrator';
import { Agents } from './agents';
import { TOKEN } from './at';
import { CertificateStep } from './certificate';
import { Genesys } from './genesys';
import { Hear } from './hear';
import { Reach } from './reach';

const steps = { admin: Administrator, reach: Reach, certificate: CertificateStep, genesys: Genesys, agents: Agents, hear: Hear };
export type Step = keyof typeof steps;
const names = Object.keys(steps) as Step[];

function takeToken(): string {
    const found = /^#setup=(.+)$/.exec(location.hash)?.[1];

    if (found) {
        sessionStorage.setItem(TOKEN, found);
        history.replaceState(null, '', '/admin/first-run');
        here.value = { path: '/admin/first-run', search: '' };
    }
    return sessionStorage.getItem(TOKEN) ?? '';
}

const done = (): Set<string> => new Set(kept('firstrun')?.split(' '));

export function FirstRun() {
    const [token] = useState(takeToken);
    const [passed, setPassed] = useState(done);
    const [restoring, setRestoring] = useState(false);
    const asked = query.value.get('step') as Step;
    const at: Step = !session.value ? 'admin' : asked in steps && asked !== 'admin' ? asked : 'reach';
    const Now = steps[at];
    const s = live.status.value;
    const isDone = (step: Step) => (step === 'admin' ? !!session.value : passed.has(step) || (step === 'genesys' ? !!s?.trunks.length : step === 'agents' ? !!s?.dns : false));
    const next = (finished: boolean) => {
        if (finished) {
            const now = new Set(passed).add(at);
            keep('firstrun', [...now].join(' '));
            setPassed(now);
        }
        const after = names[names.indexOf(at) + 1];
        if (after) setQuery({ step: after }, { add: true });
        else location.assign('/admin/');
    };

    useEffect(() => {
        document.title = `${tr(`firstrun.step_${at}`)} · dngate`;
        document.querySelector<HTMLElement>('.first h1')?.focus();
        scrollTo(0, 0);
    }, [at]);
    return (
        <main class="first">
            <header class="first-head">
                <p class="brand">
                    <img src="/favicon.svg" alt="" width="28" height="28" /> <span>dngate</span>
                </p>
                {session.value && (
                    <div class="buttons">
                        <button type="button" class="plain" onClick={() => setRestoring(true)}>
                            {t('firstrun.restore')}
                        </button>
                        <a href="/admin/">{t('firstrun.leave')}</a>
                    </div>
                )}
            </header>
            <nav aria-label={t('firstrun.trail')} class="trail">
                <ol>
                    {names.map((step, i) => {
                        const inside = (
                            <>
                                <span class="trail-number" aria-hidden="true">
                                    {isDone(step) ? <Icon name="check" /> : i + 1}
                                </span>
                                <span class="trail-name">{tr(`firstrun.step_${step}`)}</span>
                                {isDone(step) && <span class="unseen"> {t('firstrun.isDone')}</span>}
                            </>
                        );
                        return (
                            <li key={step} data-done={isDone(step) || undefined}>
                                {session.value && step !== 'admin' ? (
                                    <a href={`/admin/first-run?step=${step}`} aria-current={step === at ? 'step' : undefined}>
                                        {inside}
                                    </a>
                                ) : (
                                    <span class="trail-still" aria-current={step === at ? 'step' : undefined}>
                                        {inside}
                                    </span>
                                )}
                            </li>
                        );
                    })}
                </ol>
            </nav>
            <div class="first-step">
                <h1 tabIndex={-1}>{tr(`firstrun.title_${at}`)}</h1>
                <p class="lead">{tr(`firstrun.lead_${at}`)}</p>
                <Now key={at} token={token} next={() => next(true)} skip={() => next(false)} />
            </div>
            {restoring && <Restore onClose={() => setRestoring(false)} />}
        </main>
    );
}
