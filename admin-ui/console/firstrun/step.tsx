// What all steps have: they go on, or are left for later.
import type { ComponentChildren } from 'preact';
import { t } from '../core/words';

export interface StepProps {
    token: string; // of the set-up link
    next: () => void;
    skip: () => void;
}

export const Onward = ({ next, skip, button, primary = true, children }: { next?: () => void; skip?: () => void; button?: string; primary?: boolean; children?: ComponentChildren }) => (
    <div class="buttons onward">
        {children}
        {skip && (
            <button type="button" class="plain" onClick={skip}>
                {t('firstrun.skip')}
            </button>
        )}
        {next && (
            <button type="button" class={primary ? 'primary' : ''} onClick={next}>
                {button ?? t('firstrun.next')}
            </button>
        )}
    </div>
);
