// What is done to a trunk: each says first what will happen.
import { h } from 'preact';
import { api } from '../core/api';
import type { Trunk } from '../core/types';
import { t } from '../core/words';
import { ask } from '../parts/dialog';
import { attempt, toast } from '../parts/toast';

const path = (name: string) => `/trunks/${encodeURIComponent(name)}`;
const enable = (name: string, enabled: boolean) => api.patch(path(name), { enabled });

export async function turn({ name, enabled }: Trunk, others: boolean, after: () => void): Promise<void> {
    const text = [h('p', null, t('trunks.disable_ask')), !others && h('p', null, h('b', null, t('trunks.disable_last')))];
    if (enabled && !(await ask({ title: t('trunks.disable_title', { name }), text, button: t('trunks.disable') }))) return;
    const done = await attempt(() => enable(name, !enabled));
    after();
    if (done) toast(t(enabled ? 'trunks.disabled_done' : 'trunks.enabled_done', { name }), { undo: () => void attempt(() => enable(name, enabled)).then(after) });
}

export async function remove({ name }: Trunk, others: boolean): Promise<boolean> {
    const text = [h('p', null, t('trunks.remove_ask')), !others && h('p', null, h('b', null, t('trunks.disable_last')))];
    if (!(await ask({ title: t('trunks.remove_title', { name }), text, button: t('trunks.remove'), type: name }))) return false;
    return attempt(() => api.remove(path(name)), t('trunks.removed', { name }));
}
