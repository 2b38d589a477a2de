// A state as a pill: shape and word carry it, the colour only helps.
import type { ComponentChildren } from 'preact';
import { tr } from '../core/words';

export type Kind = 'good' | 'busy' | 'wait' | 'bad' | 'off';

const shapes: Record<Kind, string> = {
    good: 'M2 6.500l3 3 5-6.5',
    busy: 'M6 1.500a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9z',
    wait: 'M6 1.500L11 10.500H1z',
    bad: 'M2.5 2.500l7 7M9.5 2.500l-7 7',
    off: 'M2.5 6h7',
};

export const Mark = ({ kind }: { kind: Kind }) => (
    <svg class="mark" viewBox="0 0 12 12" aria-hidden="true" data-kind={kind}>
        <path d={shapes[kind]} />
    </svg>
);

export const State = ({ kind, children, title }: { kind: Kind; children: ComponentChildren; title?: string }) => (
    <span class="state" data-kind={kind} title={title}>
        <Mark kind={kind} />
        <span>{children}</span>
    </span>
);

const kinds: Record<string, Kind> = {
    up: 'good', ready: 'good', ok: 'good', open: 'good', answered: 'good', good: 'good', enabled: 'good',
    on_call: 'busy', calling: 'busy', running: 'busy', talking: 'busy',
    degraded: 'wait', unknown: 'wait', warn: 'wait', pending: 'wait', held: 'wait', ringing: 'wait',
    down: 'bad', failed: 'bad', closed: 'bad', bad: 'bad',
    off: 'off', disabled: 'off', skipped: 'off', untried: 'off',
};

export const kindOf = (name: string): Kind => kinds[name] ?? 'off';

// A state of the interface's by its name: its words are in words/…/state.json.
export const Named = ({ state }: { state: string }) => <State kind={kindOf(state)}>{tr(`state.${state}`, {}, state)}</State>;
