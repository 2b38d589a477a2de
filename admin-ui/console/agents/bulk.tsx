// What is done to many agents at once, and to one from its page. Each says first what will happen.
import { api } from '../core/api';
import { live } from '../core/live';
import type { DnPassword } from '../core/types';
import { t } from '../core/words';
import { ask } from '../parts/dialog';
import { attempt, toast } from '../parts/toast';

export type Action = 'enable' | 'disable' | 'reset' | 'remove';
const PART = 500; // DNs in one request

async function inParts(action: Action, dns: string[]): Promise<DnPassword[]> {
    const items: DnPassword[] = [];
    for (let i = 0; i < dns.length; i += PART) {
        const answer = await api.post<{ items?: DnPassword[] }>('/dns/bulk', { action, dns: dns.slice(i, i + PART) });
        items.push(...(answer.items ?? []));
    }
    return items;
}

const busy = (dns: string[]) => {
    const all = new Set(dns);
    return (live.registrations.value ?? []).filter((r) => all.has(r.dn) && r.state === 'on_call').length;
};

function question(action: Action, dns: string[]) {
    const n = dns.length;
    const calls = busy(dns);
    if (action === 'disable') return { title: t('agents.ask_disable_title', { n }), text: <p>{t('agents.ask_disable')}</p>, button: t('agents.do_disable') };
    if (action === 'reset') return { title: t('agents.ask_reset_title', { n }), text: <p>{t('agents.ask_reset')}</p>, button: t('agents.do_reset') };
    return {
        title: t('agents.ask_remove_title', { n }),
        text: (
            <>
                <p>{t('agents.ask_remove')}</p>
                {calls > 0 && <p>{t('agents.ask_remove_busy', { n: calls })}</p>}
            </>
        ),
        button: t('agents.do_remove'),
        type: n === 1 ? dns[0] : String(n),
    };
}

// The passwords that were made, null when it was not done.
export async function act(action: Action, dns: string[], after: () => void): Promise<DnPassword[] | null> {
    if (action !== 'enable' && !(await ask(question(action, dns)))) return null;
    let made: DnPassword[] = [];
    const ok = await attempt(async () => {
        made = await inParts(action, dns);
    });
    after();
    if (!ok) return null;
    const n = dns.length;
    const turn = (to: Action) => ({ undo: () => void attempt(() => inParts(to, dns)).then(after) });
    if (action === 'enable') toast(t('agents.enabled_done', { n }), turn('disable'));
    if (action === 'disable') toast(t('agents.disabled_done', { n }), turn('enable'));
    if (action === 'remove') toast(t('agents.removed_done', { n }));
    return made;
}
