// What self-tests found: a line each, all steps when it is opened.
import { num, t, tr } from '../core/words';
import { State, type Kind } from '../parts/state';
import { Time } from '../parts/time';
import type { Selftest } from '../pure/shapes';

const kinds: Record<string, Kind> = { good: 'good', fair: 'wait', bad: 'bad', skipped: 'off' };
const word = (result: string) => (result === 'skipped' ? t('network.result_skipped') : tr(`network.verdict_${result}`, {}, result));
const figures = (of: Record<string, number | string> = {}) =>
    Object.entries(of).map(([name, value]) => `${name} ${typeof value === 'number' ? num(value, 1, 0) : value}`).join(', ');

export const Selftests = ({ items }: { items: Selftest[] }) => (
    <ul class="tests">
        {items.map((s) => (
            <li key={s.id}>
                <details>
                    <summary>
                        <State kind={kinds[s.verdict] ?? 'off'}>{word(s.verdict)}</State> <Time ms={s.time_ms} /> {s.dn ? <b>{s.dn}</b> : <>{s.note || t('network.by_link')}</>}{' '}
                        <span class="dim">{t('network.on', { browser: s.browser, system: s.system, source: s.source ?? '' })}</span>
                    </summary>
                    <ul>
                        {s.tests?.map((step) => (
                            <li key={step.name}>
                                <State kind={kinds[step.result] ?? 'off'}>{word(step.result)}</State> <b>{tr(`network.st_${step.name}`, {}, step.name)}</b> {step.detail}{' '}
                                <span class="dim figures">{figures(step.figures)}</span>
                            </li>
                        ))}
                    </ul>
                </details>
            </li>
        ))}
    </ul>
);
