// Who may do what.
import { api, session } from '../core/api';
import { useLoad } from '../core/load';
import { query } from '../core/router';
import type { List, Role } from '../core/types';
import { t, tr } from '../core/words';
import { about, begin, doing, end, wrong } from '../parts/act';
import { Failed } from '../parts/bits';
import { Dialog, ask } from '../parts/dialog';
import { Field, Form, useForm } from '../parts/form';
import { Icon } from '../parts/icon';
import { State } from '../parts/state';
import { Time } from '../parts/time';
import { attempt, toast } from '../parts/toast';
import type { User } from '../pure/shapes';
import { Frame } from './frame';
import { Me } from './me';
import { may } from '../core/api';

export const roles: Role[] = ['admin', 'supervisor', 'readonly'];
export const roleOptions = () => roles.map((r): [string, string] => [r, t(`people.role_${r}`)]);
export const roleHelp = (role: string) => tr(`people.role_${role}_help`);
export const PASSWORD_MIN = 8;
const url = (name: string) => `/users/${encodeURIComponent(name)}`;

function Add({ done, close }: { done: () => void; close: () => void }) {
    const form = useForm({ name: '', role: 'supervisor', password: '' }, { id: 'user-add', secret: ['password'] });

    return (
        <Dialog title={t('people.add_user_title')} onClose={close}>
            <Form
                form={form}
                button={t('people.add_user')}
                send={async (v) => {
                    wrong({ name: !/^[A-Za-z0-9._@-]{1,63}$/.test(v.name) && t('people.name_bad'), password: v.password.length < PASSWORD_MIN && t('people.password_short') });
                    await about('name', api.post('/users', v));
                    toast(t('people.added', { name: v.name }));
                    done();
                    close();
                }}
            >
                <Field name="name" label={t('people.name')} help={t('people.name_help')} required first />
                <Field name="role" type="select" label={t('people.role')} help={roleHelp(form.values.role)} options={roleOptions()} />
                <Field name="password" type="password" label={t('people.password')} help={t('people.password_help')} autocomplete="new-password" required />
            </Form>
        </Dialog>
    );
}

function Edit({ of, done, close }: { of: User; done: () => void; close: () => void }) {
    const form = useForm({ role: of.role, password: '', forget: false }, { id: `user-${of.name}`, secret: ['password'] });

    return (
        <Dialog title={t('people.edit_user_title', { name: of.name })} onClose={close}>
            <Form
                form={form}
                button={t('people.save')}
                send={async ({ role, password, forget }) => {
                    wrong({ password: password && password.length < PASSWORD_MIN && t('people.password_short') });
                    await api.patch(url(of.name), { ...(role !== of.role && { role }), ...(password && { password }), ...(forget && { totp: false }) });
                    toast(t(password ? 'people.saved_password' : 'people.saved', { name: of.name }));
                    done();
                    close();
                }}
            >
                <Field name="role" type="select" label={t('people.role')} help={roleHelp(form.values.role)} options={roleOptions()} first />
                <Field name="password" type="password" label={t('people.password_new')} help={t('people.password_new_help')} autocomplete="new-password" />
                {of.totp && <Field name="forget" type="checkbox" label={t('people.totp_off_user')} help={t('people.totp_off_user_help')} />}
            </Form>
        </Dialog>
    );
}

export const Users = () => (may('admin') ? <All /> : <Me />);

function All() {
    const { data, error, reload } = useLoad<List<User>>('/users');
    const items = data?.items ?? [];
    const admins = items.filter((u) => u.role === 'admin').length;
    const edited = items.find((u) => u.name === query.value.get('user'));
    const remove = async ({ name }: User) => {
        if (!(await ask({ title: t('people.remove_user_title', { name }), text: <p>{t('people.remove_user_ask', { name })}</p>, button: t('people.remove'), type: name }))) return;
        await attempt(() => api.remove(url(name)), t('people.removed', { name }));
        void reload();
    };

    return (
        <Frame
            role="admin"
            actions={
                <button type="button" class="primary" onClick={() => begin('add')}>
                    <Icon name="plus" /> {t('people.add_user')}
                </button>
            }
        >
            {error && <Failed error={error} retry={reload} />}
            {items.length > 0 && (
                <section class="card">
                    <table class="list stack">
                        <thead>
                            <tr>
                                <th scope="col">{t('people.name')}</th>
                                <th scope="col">{t('people.role')}</th>
                                <th scope="col">{t('people.second')}</th>
                                <th scope="col">{t('people.created')}</th>
                                <th scope="col">{t('people.changed')}</th>
                                <th scope="col" class="acts"><span class="unseen">{t('people.what')}</span></th>
                            </tr>
                        </thead>
                        <tbody>
                            {items.map((u) => {
                                const last = u.role === 'admin' && admins === 1;
                                return (
                                    <tr key={u.name}>
                                        <td>
                                            <b>{u.name}</b> {u.name === session.value?.name && <span class="dim">({t('people.yourself')})</span>}
                                        </td>
                                        <td>{tr(`people.role_${u.role}`, {}, u.role)}</td>
                                        <td data-label={t('people.second')}>
                                            <State kind={u.totp ? 'good' : 'off'}>{u.totp ? t('people.second_on') : t('people.second_off')}</State>
                                        </td>
                                        <td data-label={t('people.created')}>
                                            <Time ms={u.created_ms} how="day" />
                                        </td>
                                        <td data-label={t('people.changed')}>
                                            <Time ms={u.changed_ms} how="ago" />
                                        </td>
                                        <td class="acts">
                                            <button type="button" class="plain" aria-label={t('people.edit_user_title', { name: u.name })} onClick={() => begin('edit', { user: u.name })}>
                                                <Icon name="edit" />
                                            </button>
                                            <button
                                                type="button"
                                                class="plain"
                                                disabled={last}
                                                title={last ? t('people.last_admin') : undefined}
                                                aria-label={t('people.remove_user', { name: u.name })}
                                                onClick={() => remove(u)}
                                            >
                                                <Icon name="trash" />
                                            </button>
                                        </td>
                                    </tr>
                                );
                            })}
                        </tbody>
                    </table>
                </section>
            )}
            {doing() === 'add' && <Add done={reload} close={() => end()} />}
            {doing() === 'edit' && edited && <Edit key={edited.name} of={edited} done={reload} close={() => end('user')} />}
        </Frame>
    );
}
