// What every page has: its name in the window's title, and a heading that has the focus when one comes to it.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { session } from '../core/api';
import { attention, link, live } from '../core/live';
import { t, when } from '../core/words';
import { State } from './state';

export const shownTitle = (title: string, urgent: boolean) => `${urgent ? '● ' : ''}${title} · ${session.peek()?.host || 'dngate'}`;

// How fresh what is live is.
export function Freshness() {
    if (link.value === 'push') return <State kind="good">{t('shell.live')}</State>;
    if (link.value === 'poll') return <State kind="wait" title={t('shell.pollHelp')}>{t('shell.poll')}</State>;
    if (link.value === 'lost' && live.at.value) return <State kind="bad">{t('shell.oldSince', { time: when(live.at.value) })}</State>;
    return null;
}

interface Props {
    title: string;
    lead?: ComponentChildren; // the page's answer in a sentence
    actions?: ComponentChildren;
    live?: boolean; // what it shows is live: says how fresh it is
    narrow?: boolean;
    back?: { href: string; text: string };
    children: ComponentChildren;
}

export function Page({ title, lead, actions, live: isLive, narrow, back, children }: Props) {
    const head = useRef<HTMLHeadingElement>(null);
    const urgent = attention.value.length > 0;

    useEffect(() => {
        document.title = shownTitle(title, urgent);
    }, [title, urgent]);
    useEffect(() => {
        if (document.activeElement === document.body) head.current?.focus({ preventScroll: true });
    }, []);
    return (
        <div class={`page${narrow ? ' narrow' : ''}`}>
            <header class="page-head">
                <div>
                    {back && (
                        <a class="back" href={back.href}>
                            ‹ {back.text}
                        </a>
                    )}
                    <h1 ref={head} tabIndex={-1}>
                        {title}
                    </h1>
                    {lead && <p class="lead">{lead}</p>}
                </div>
                <div class="buttons">
                    {isLive && <Freshness />}
                    {actions}
                </div>
            </header>
            {children}
        </div>
    );
}
