// Dialogs. The browser's own <dialog> holds the focus while it is open and gives it back; Esc closes it. `ask` asks before something that cannot be
// undone, in words that say what will happen:
//
//   if (await ask({ title: t('agents.do_remove', { n }), text: <p>…</p>, button: t('agents.removeButton'), type: '5001' })) …
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { t } from '../core/words';
import { Icon } from './icon';

interface Props {
    title: string;
    onClose?: () => void; // without it the dialog stays until it is answered
    wide?: boolean;
    side?: boolean; // a drawer at the right: a row's details
    children: ComponentChildren;
}

export function Dialog({ title, onClose, wide, side, children }: Props) {
    const element = useRef<HTMLDialogElement>(null);
    const id = useId();

    useEffect(() => {
        const box = element.current!;
        const back = document.activeElement;

        if (!box.open) box.showModal();
        const first = box.querySelector<HTMLElement>('[data-first], .dialog-body :is(input, select, textarea):not([disabled], [type=hidden])');
        (first ?? box.querySelector<HTMLElement>('h2'))?.focus();
        return () => {
            box.close();
            if (back instanceof HTMLElement && back.isConnected) back.focus();
        };
    }, []);

    return (
        <dialog
            ref={element}
            class={`dialog${wide ? ' wide' : ''}${side ? ' side' : ''}`}
            aria-labelledby={id}
            onCancel={(event) => {
                if (event.target !== element.current) return;
                event.preventDefault();
                onClose?.();
            }}
            onKeyDown={(event) => {
                // Without a click since it opened, Chrome closes it by Esc and asks nobody.
                if (event.key !== 'Escape' || event.defaultPrevented) return;
                event.preventDefault();
                onClose?.();
            }}
            onMouseDown={(event) => event.target === element.current && side && onClose?.()}
        >
            <header class="dialog-head">
                <h2 id={id} tabIndex={-1}>
                    {title}
                </h2>
                {onClose && (
                    <button type="button" class="plain" aria-label={t('shell.close')} onClick={onClose}>
                        <Icon name="close" />
                    </button>
                )}
            </header>
            <div class="dialog-body">{children}</div>
        </dialog>
    );
}

export interface Question {
    title: string;
    text?: ComponentChildren;
    button: string;
    type?: string; // has to be typed first: for what can't be undone
    calm?: boolean; // nothing is lost by it
}

const asking = signal<(Question & { answer: (yes: boolean) => void }) | null>(null);

export const ask = (question: Question): Promise<boolean> =>
    new Promise((resolve) => {
        asking.value = {
            ...question,
            answer: (yes) => {
                asking.value = null;
                resolve(yes);
            },
        };
    });

function AskOnce({ title, text, button, type, calm, answer }: Question & { answer: (yes: boolean) => void }) {
    const [typed, setTyped] = useState('');
    const id = useId();

    return (
        <Dialog title={title} onClose={() => answer(false)}>
            <form
                onSubmit={(event) => {
                    event.preventDefault();
                    if (!type || typed.trim() === type) answer(true);
                }}
            >
                {text}
                {type && (
                    <div class="field">
                        <label for={id}>{t('shell.typeToConfirm', { name: type })}</label>
                        <input id={id} value={typed} autocomplete="off" spellcheck={false} onInput={(event) => setTyped(event.currentTarget.value)} />
                    </div>
                )}
                <div class="buttons">
                    <button type="button" onClick={() => answer(false)} data-first={type ? undefined : true}>
                        {t('shell.cancel')}
                    </button>
                    <button type="submit" class={calm ? 'primary' : 'danger'} disabled={!!type && typed.trim() !== type}>
                        {button}
                    </button>
                </div>
            </form>
        </Dialog>
    );
}

export const Asking = () => (asking.value ? <AskOnce key={asking.value.title} {...asking.value} /> : null);
