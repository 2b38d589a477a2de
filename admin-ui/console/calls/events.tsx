// What happened, as a list to step through, and the text of what is chosen. It is what the time axis shows, for those who do not see it, for
// small screens and for paper.
import { useEffect, useRef, useState } from 'preact/hooks';
import { exact, t, tr } from '../core/words';
import { clock } from './axis';
import { step } from './ladder';
import { exchange, lines } from './message';
import { isRefusal } from './timeline';
import type { TraceEvent } from './types';

type Of = { events: TraceEvent[]; from_ms: number; chosen: number; choose: (index: number) => void };

export function between(event: TraceEvent) {
    const leg = tr(`calls.leg.${event.leg}`);
    const gateway = t('calls.leg.gateway');

    if (!event.direction || event.leg === 'gateway') return leg;
    return event.direction === 'in' ? t('calls.arrow', { from: leg, to: gateway }) : t('calls.arrow', { from: gateway, to: leg });
}

export function Events({ events, chosen, choose }: Of) {
    const list = useRef<HTMLUListElement>(null);
    const key = chosen >= 0 ? exchange(events[chosen]?.leg ?? '', events[chosen]?.text) : '';
    const one = () => list.current?.children[Math.max(0, chosen)] as HTMLElement | undefined;

    // Within the list, not the page.
    useEffect(() => {
        const [box, row] = [list.current, one()];
        if (!box || !row || chosen < 0) return;
        if (row.offsetTop < box.scrollTop) box.scrollTop = row.offsetTop;
        else if (row.offsetTop + row.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = row.offsetTop + row.offsetHeight - box.clientHeight;
    }, [chosen]);
    const onKeyDown = (event: KeyboardEvent) => {
        const at = Math.max(0, chosen);
        const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: events.length - 1, Enter: at, ' ': at };
        const to = moves[event.key];
        if (to === undefined) return;
        event.preventDefault();
        choose(Math.min(events.length - 1, Math.max(0, to)));
        (list.current?.children[Math.min(events.length - 1, Math.max(0, to))] as HTMLElement).focus();
    };

    return (
        <ul class="events" ref={list} role="listbox" aria-label={t('calls.events')} onKeyDown={onKeyDown}>
            {events.map((event, i) => (
                <li
                    role="option"
                    tabIndex={i === Math.max(0, chosen) ? 0 : -1}
                    aria-selected={i === chosen}
                    class={`${event.direction} ${isRefusal(event) ? 'bad' : ''} ${key && exchange(event.leg, event.text) === key ? 'related' : ''}`}
                    onClick={() => choose(i)}
                >
                    <time>{clock(event.t_ms)}</time> <span class="between">{between(event)}</span> <span class="title">{event.title}</span>
                </li>
            ))}
        </ul>
    );
}

function CopyButton({ text }: { text: string }) {
    const [said, say] = useState('');

    useEffect(() => say(''), [text]);
    return (
        <>
            <button type="button" class="plain" onClick={() => navigator.clipboard.writeText(text).then(() => say(t('calls.copied')), () => say(t('calls.copy_failed')))}>
                {t('calls.copy')}
            </button>
            <span role="status">{said}</span>
        </>
    );
}

export function Message({ events, from_ms, chosen, choose }: Of) {
    const event = events[chosen];

    return (
        <section class="message" aria-label={t('calls.text')}>
            {event ? (
                <>
                    <h3>{event.title}</h3>
                    <p>
                        {between(event)}, {t('calls.after', { time: clock(event.t_ms) })}, <time>{exact(from_ms + event.t_ms)}</time>
                    </p>
                    {event.from && <p class="dim">{`${event.from} → ${event.to}, ${event.transport}`}</p>}
                    <p class="buttons">
                        <button type="button" class="plain" disabled={step(events, chosen, -1) === chosen} onClick={() => choose(step(events, chosen, -1))}>
                            ← <span class="unseen">{t('calls.previous')}</span>
                        </button>
                        <button type="button" class="plain" disabled={step(events, chosen, 1) === chosen} onClick={() => choose(step(events, chosen, 1))}>
                            → <span class="unseen">{t('calls.next')}</span>
                        </button>
                        {event.text && <CopyButton text={event.text} />}
                    </p>
                    {event.text ? (
                        <pre class={event.direction} tabIndex={0}>
                            {lines(event.text).map((line) => (
                                <>
                                    {line.map(({ kind, text }) => (
                                        <span class={kind === 'key' ? 'sdp-key' : kind}>{text}</span>
                                    ))}
                                    {'\n'}
                                </>
                            ))}
                        </pre>
                    ) : (
                        <p>{t('calls.text_none')}</p>
                    )}
                </>
            ) : (
                <p>{t('calls.text_pick')}</p>
            )}
        </section>
    );
}
