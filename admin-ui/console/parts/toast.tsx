// What was done, said once, with a way back where there is one: toast(t('agents.disabled', { n }), { undo: () => … }).
import { signal } from '@preact/signals';
import { t } from '../core/words';
import { Problem } from '../core/api';
import { Icon } from './icon';

interface Toast {
    id: number;
    text: string;
    bad?: boolean;
    undo?: () => void;
}

const toasts = signal<Toast[]>([]);
let last = 0;
const STAYS_MS = 6000;
const UNDO_STAYS_MS = 15_000;

const drop = (id: number) => (toasts.value = toasts.peek().filter((one) => one.id !== id));

export function toast(text: string, { undo, bad = false }: { undo?: () => void | Promise<void>; bad?: boolean } = {}): void {
    const id = ++last;

    toasts.value = [...toasts.peek().slice(-2), { id, text, bad, undo: undo && (() => (drop(id), void undo())) }];
    if (!bad) setTimeout(() => drop(id), undo ? UNDO_STAYS_MS : STAYS_MS);
}

// Does it, and says so when it was refused. True: done.
export async function attempt(what: () => Promise<unknown>, done?: string): Promise<boolean> {
    try {
        await what();
        if (done) toast(done);
        return true;
    } catch (error) {
        toast(error instanceof Problem ? error.detail : String(error), { bad: true });
        return false;
    }
}

export const Toasts = () => (
    <div class="toasts" role="status" aria-live="polite">
        {toasts.value.map(({ id, text, bad, undo }) => (
            <div key={id} class="toast" data-bad={bad || undefined}>
                <Icon name={bad ? 'bad' : 'check'} />
                <span>{text}</span>
                {undo && (
                    <button type="button" class="plain" onClick={undo}>
                        {t('shell.undo')}
                    </button>
                )}
                <button type="button" class="plain" aria-label={t('shell.close')} onClick={() => drop(id)}>
                    <Icon name="close" />
                </button>
            </div>
        ))}
    </div>
);
