// API keys for programs: made, shown once, removed.
import { useState } from 'preact/hooks';
import { api, may } from '../core/api';
import { useLoad } from '../core/load';
import type { List } from '../core/types';
import { t, tr } from '../core/words';
import { begin, doing, end, whole, wrong } from '../parts/act';
import { Copy, Empty, Failed } from '../parts/bits';
import { Dialog, ask } from '../parts/dialog';
import { Field, Form, useForm } from '../parts/form';
import { Icon } from '../parts/icon';
import { State } from '../parts/state';
import { Time } from '../parts/time';
import { attempt } from '../parts/toast';
import type { ApiKey } from '../pure/shapes';
import { Frame } from './frame';
import { roleHelp, roleOptions } from './users';

const DAY_MS = 86_400_000;

function Make({ done, close }: { done: () => void; close: () => void }) {
    const form = useForm({ name: '', role: 'readonly', days: 365 as number | '' }, { id: 'key-add' });
    const [made, setMade] = useState('');

    return (
        <Dialog title={t('people.add_key')} onClose={made ? undefined : close}>
            {made ? (
                <>
                    <p>{t('people.key_made')}</p>
                    <p class="once">
                        <code>{made}</code> <Copy text={made} label={t('people.copy')} />
                    </p>
                    <div class="buttons">
                        <button type="button" class="primary" onClick={close}>
                            {t('people.have_it')}
                        </button>
                    </div>
                </>
            ) : (
                <Form
                    form={form}
                    button={t('people.add_key')}
                    send={async ({ name, role, days }) => {
                        wrong({ name: !name.trim() && t('agents.range_empty'), days: !whole(days, 1, 3650) && t('people.key_days_bad') });
                        const { key } = await api.post<ApiKey>('/apikeys', { name: name.trim(), role, expires_ms: Date.now() + Number(days) * DAY_MS });
                        done();
                        setMade(key ?? '');
                    }}
                >
                    <Field name="name" label={t('people.name')} help={t('people.key_name_help')} required first />
                    <Field name="role" type="select" label={t('people.role')} help={roleHelp(form.values.role)} options={roleOptions()} />
                    <Field name="days" type="number" label={t('people.key_days')} min={1} max={3650} />
                </Form>
            )}
        </Dialog>
    );
}

export function Keys() {
    const { data, error, reload } = useLoad<List<ApiKey>>(may('admin') ? '/apikeys' : null);
    const remove = async ({ id, name }: ApiKey) => {
        if (!(await ask({ title: t('people.remove_key_title', { name }), text: <p>{t('people.remove_key_ask')}</p>, button: t('people.remove') }))) return;
        await attempt(() => api.remove(`/apikeys/${encodeURIComponent(id)}`), t('people.key_removed', { name }));
        void reload();
    };
    const add = (
        <button type="button" class="primary" onClick={() => begin('add')}>
            <Icon name="plus" /> {t('people.add_key')}
        </button>
    );

    return (
        <Frame role="admin" actions={add}>
            {error && <Failed error={error} retry={reload} />}
            {data?.items.length === 0 && <Empty title={t('people.keys_none')}>{t('people.keys_help')}</Empty>}
            {!!data?.items.length && (
                <section class="card">
                    <p class="dim">{t('people.keys_help')}</p>
                    <table class="list stack">
                        <thead>
                            <tr>
                                <th scope="col">{t('people.name')}</th>
                                <th scope="col">{t('people.role')}</th>
                                <th scope="col">{t('people.who')}</th>
                                <th scope="col">{t('people.created')}</th>
                                <th scope="col">{t('people.used')}</th>
                                <th scope="col">{t('people.key_ends')}</th>
                                <th scope="col" class="acts"><span class="unseen">{t('people.remove')}</span></th>
                            </tr>
                        </thead>
                        <tbody>
                            {data.items.map((k) => (
                                <tr key={k.id}>
                                    <td>
                                        <b>{k.name}</b>
                                    </td>
                                    <td>{tr(`people.role_${k.role}`, {}, k.role)}</td>
                                    <td>{k.user}</td>
                                    <td data-label={t('people.created')}>
                                        <Time ms={k.created_ms} how="day" />
                                    </td>
                                    <td data-label={t('people.used')}>{k.seen_ms ? <Time ms={k.seen_ms} how="ago" /> : t('people.never')}</td>
                                    <td data-label={t('people.key_ends')}>{k.expires_ms && k.expires_ms < Date.now() ? <State kind="bad">{t('people.key_ended')}</State> : k.expires_ms ? <Time ms={k.expires_ms} how="day" /> : t('people.never')}</td>
                                    <td class="acts">
                                        <button type="button" class="plain" aria-label={t('people.remove_key', { name: k.name })} onClick={() => remove(k)}>
                                            <Icon name="trash" />
                                        </button>
                                    </td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </section>
            )}
            {doing() === 'add' && may('admin') && <Make done={reload} close={() => end()} />}
        </Frame>
    );
}
