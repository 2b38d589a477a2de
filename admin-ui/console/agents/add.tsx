// Adds an agent, maybe like another one; or a range of them. Passwords that the box makes are shown once.
import { useState } from 'preact/hooks';
import { api } from '../core/api';
import { useLoad } from '../core/load';
import type { Dn, DnPassword } from '../core/types';
import { t } from '../core/words';
import { about, wrong } from '../parts/act';
import { Dialog } from '../parts/dialog';
import { Field, Form, useForm } from '../parts/form';
import { toast } from '../parts/toast';
import { brief, nextDn, range, RANGE_MAX, validDn } from '../pure/dns';
import { HowFields, howOf, usual, wrongHow, type How } from './how';
import { Sheet } from './sheet';

interface Props {
    done: () => void; // there are new ones
    close: () => void;
}

export function AddDialog({ like, ...rest }: Props & { like: string }) {
    const { data, error } = useLoad<Dn>(like ? `/dns/${encodeURIComponent(like)}` : null);

    if (like && !data && !error) return null;
    return <Add like={data} {...rest} />;
}

function Add({ like, done, close }: Props & { like: Dn | undefined }) {
    const [made, setMade] = useState<DnPassword[] | null>(null);
    const how: How = like ? howOf(like) : usual;
    const form = useForm({ dn: like ? nextDn(like.dn, () => false) : '', name: '', password: '', ...how }, { id: `dn-add-${like?.dn ?? ''}`, secret: ['password'] });

    if (made) return <Sheet items={made} onClose={close} />;
    return (
        <Dialog title={like ? t('agents.clone_title', { dn: like.dn }) : t('agents.add_title')} onClose={close}>
            <Form
                form={form}
                button={t('agents.add_do')}
                send={async ({ password, ...v }) => {
                    wrong({ dn: !validDn(v.dn) && t('agents.dn_bad'), password: password && password.length < 6 && t('agents.password_short'), ...wrongHow(v) });
                    const answer = await about('dn', api.post<Dn & { password?: string }>('/dns', { ...v, ...(password && { password }) }));
                    done();
                    if (answer.password) return setMade([{ dn: answer.dn, name: answer.name, password: answer.password }]);
                    toast(t('agents.import_done', { n: 1 }));
                    return close();
                }}
            >
                <div class="field-row">
                    <Field name="dn" label={t('agents.dn')} help={t('agents.dn_help')} required first />
                    <Field name="name" label={t('agents.name')} help={t('agents.name_help')} />
                </div>
                <Field name="password" type="password" label={t('agents.password')} help={t('agents.password_help')} autocomplete="new-password" />
                <HowFields />
            </Form>
        </Dialog>
    );
}

export function RangeDialog({ done, close }: Props) {
    const [made, setMade] = useState<DnPassword[] | null>(null);
    const form = useForm({ from: '', to: '', name: '', ...usual }, { id: 'dn-range' });
    const { from, to } = form.values;
    const { dns, field, trouble } = range(from.trim(), to.trim());
    const why = trouble && {
        empty: t('agents.range_empty'),
        not_dn: t('agents.range_not_dn'),
        no_digits: t('agents.range_no_digits'),
        differ: t('agents.range_differ'),
        backwards: t('agents.range_backwards'),
        too_many: t('agents.range_too_many', { max: RANGE_MAX }),
    }[trouble];

    if (made) return <Sheet items={made} onClose={close} />;
    return (
        <Dialog title={t('agents.range_title')} onClose={close}>
            <Form
                form={form}
                button={dns.length ? t('agents.range_do', { n: dns.length }) : t('agents.range')}
                send={async (v) => {
                    wrong({ [field ?? '']: why, ...wrongHow(v) });
                    const { items } = await about('from', api.post<{ items: DnPassword[] }>('/dns/range', { ...v, from: from.trim(), to: to.trim() }));
                    done();
                    setMade(items);
                }}
            >
                <div class="field-row">
                    <Field name="from" label={t('agents.from')} placeholder="5001" required first />
                    <Field name="to" label={t('agents.to')} placeholder="5050" required />
                </div>
                <p class="preview" role="status">
                    {dns.length ? t('agents.range_preview', { n: dns.length, dns: brief(dns) }) : trouble !== 'empty' ? why : ''}
                </p>
                <Field name="name" label={t('agents.range_name')} help={t('agents.range_name_help')} placeholder="Agent #" />
                <HowFields />
                <p class="dim">{t('agents.range_passwords')}</p>
            </Form>
        </Dialog>
    );
}
