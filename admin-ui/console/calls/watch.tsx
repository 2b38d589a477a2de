// The DNs whose calls are all traced.
import { api, may } from '../core/api';
import { useLoad } from '../core/load';
import { setQuery } from '../core/router';
import type { List } from '../core/types';
import { t } from '../core/words';
import { Failed } from '../parts/bits';
import { Dialog } from '../parts/dialog';
import { Field, Form, useForm } from '../parts/form';
import { attempt } from '../parts/toast';

export function WatchList() {
    const list = useLoad<List<{ dn: string; name?: string }>>('/traces/watch');
    const form = useForm({ dn: '' });
    const add = async ({ dn }: { dn: string }) => {
        await api.post('/traces/watch', { dn: dn.trim() });
        form.set({ dn: '' });
        await list.reload();
    };
    const remove = async (dn: string) => {
        if (await attempt(() => api.remove(`/traces/watch/${encodeURIComponent(dn)}`))) await list.reload();
    };

    return (
        <Dialog title={t('calls.watch_title')} onClose={() => setQuery({ watch: null })}>
            <p>{t('calls.watch_help')}</p>
            {list.error && <Failed error={list.error} retry={list.reload} />}
            {list.data && (list.data.items.length === 0 ? <p class="dim">{t('calls.watch_empty')}</p> : null)}
            <ul class="watched">
                {list.data?.items.map(({ dn, name }) => (
                    <li key={dn}>
                        <span>{[dn, name].filter(Boolean).join(' ')}</span>
                        {may('admin') && (
                            <button type="button" aria-label={t('calls.watch_remove_of', { dn })} onClick={() => remove(dn)}>
                                {t('calls.watch_remove')}
                            </button>
                        )}
                    </li>
                ))}
            </ul>
            {may('admin') && (
                <Form form={form} send={add} button={t('calls.watch_add')}>
                    <Field name="dn" label={t('calls.dn')} required first />
                </Form>
            )}
        </Dialog>
    );
}
