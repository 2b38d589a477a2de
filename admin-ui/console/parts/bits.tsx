// Small things that all pages use.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Problem } from '../core/api';
import { t } from '../core/words';
import { Icon, type IconName } from './icon';

// Nothing here yet: says so, and what to do next.
export const Empty = ({ title, children, action }: { title: string; children?: ComponentChildren; action?: ComponentChildren }) => (
    <div class="empty">
        <p class="empty-title">{title}</p>
        {children && <div class="dim">{children}</div>}
        {action && <div class="buttons">{action}</div>}
    </div>
);

const icons: Record<string, IconName> = { bad: 'bad', warn: 'warn', good: 'check', info: 'info' };

export const Note = ({ kind = 'info', children }: { kind?: 'bad' | 'warn' | 'good' | 'info'; children: ComponentChildren }) => (
    <div class="note" data-kind={kind} role={kind === 'bad' ? 'alert' : undefined}>
        <Icon name={icons[kind]!} />
        <div>{children}</div>
    </div>
);

// What could not be read, with a way to try again.
export const Failed = ({ error, retry }: { error: Problem; retry?: () => void }) => (
    <Note kind="bad">
        {error.detail}{' '}
        {retry && (
            <button type="button" class="plain" onClick={retry}>
                {t('shell.tryAgain')}
            </button>
        )}
    </Note>
);

export function Copy({ text, label }: { text: string; label?: string }) {
    const [done, setDone] = useState(false);

    return (
        <button
            type="button"
            class="plain copy"
            title={t('shell.copy')}
            aria-label={label ? undefined : t('shell.copy')}
            onClick={async () => {
                await navigator.clipboard.writeText(text);
                setDone(true);
                setTimeout(() => setDone(false), 1500);
            }}
        >
            <Icon name={done ? 'check' : 'copy'} />
            {label && <span>{label}</span>}
            <span class="unseen" role="status">
                {done ? t('shell.copied') : ''}
            </span>
        </button>
    );
}

// A definition list of facts: [what, value] pairs; those without a value are left out.
export const Facts = ({ of }: { of: [string, ComponentChildren][] }) => (
    <dl class="facts">
        {of.map(([name, value]) =>
            value === '' || value === null || value === undefined || value === false ? null : (
                <div key={name}>
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                </div>
            ),
        )}
    </dl>
);

export const Card = ({ title, actions, children, class: more = '' }: { title?: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren; class?: string }) => (
    <section class={`card ${more}`}>
        {(title || actions) && (
            <header class="card-head">
                {title && <h2>{title}</h2>}
                {actions && <div class="buttons">{actions}</div>}
            </header>
        )}
        {children}
    </section>
);
