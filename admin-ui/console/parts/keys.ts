// Keys: one place knows them all, so that `?` can list them. A view's own keys go when it goes. None works while one types or a dialog is open.
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

export interface Shortcut {
    keys: string; // "/", "g a"
    label: string;
    run: () => void;
}

export const shortcuts = signal<Shortcut[]>([]);
let first = '';
let timer = 0;

const typing = (target: EventTarget | null) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) && (target as HTMLInputElement).type !== 'checkbox';

function pressed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target) || document.querySelector('dialog[open]')) return;
    const keys = first ? `${first} ${event.key}` : event.key;
    const found = shortcuts.peek().findLast((s) => s.keys === keys);

    clearTimeout(timer);
    first = '';
    if (found) {
        event.preventDefault();
        found.run();
    } else if (shortcuts.peek().some((s) => s.keys.startsWith(`${keys} `))) {
        first = keys;
        timer = window.setTimeout(() => (first = ''), 1500);
    }
}

export const startKeys = () => addEventListener('keydown', pressed);

export function useShortcuts(list: Shortcut[]): void {
    const latest = useRef(list);

    latest.current = list;
    useEffect(() => {
        const mine = list.map((s, i) => ({ ...s, run: () => latest.current[i]?.run() }));

        shortcuts.value = [...shortcuts.peek(), ...mine];
        return () => {
            shortcuts.value = shortcuts.peek().filter((s) => !mine.includes(s));
        };
    }, [list.map((s) => s.keys + s.label).join()]);
}
