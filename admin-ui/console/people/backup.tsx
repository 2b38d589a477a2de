// Copies of everything: downloaded now, kept on the box by schedule, and put back.
import { useState } from 'preact/hooks';
import { api, may, raw, save } from '../core/api';
import { useLoad } from '../core/load';
import { query } from '../core/router';
import type { List } from '../core/types';
import { bytes, num, t, tr } from '../core/words';
import { begin, doing, end, wrong } from '../parts/act';
import { Card, Facts, Failed, Note } from '../parts/bits';
import { ask, Dialog } from '../parts/dialog';
import { Field, Form, useForm } from '../parts/form';
import { Icon } from '../parts/icon';
import { Time } from '../parts/time';
import { attempt, toast } from '../parts/toast';
import type { Backup } from '../pure/shapes';
import { Frame } from './frame';

const MIN = 8;
const LONG_MS = 300_000; // much is hashed and read
const path = (name: string) => `/backups/${encodeURIComponent(name)}`;
const stamp = () => new Date().toISOString().slice(0, 16).replace(/[-:T]/g, '');

function Now({ done }: { done: () => void }) {
    const form = useForm({ passphrase: '' }, { secret: ['passphrase'] });

    return (
        <Card title={t('people.backup_now')}>
            <p class="dim">{t('people.backup_help')}</p>
            <Form
                form={form}
                button={t('people.backup_do')}
                send={async (v) => {
                    wrong({ passphrase: v.passphrase.length < MIN && t('people.passphrase_short') });
                    const answer = await raw('/backup', { method: 'POST', body: v, patience: LONG_MS });
                    const name = /filename="?([^";]+)/.exec(answer.headers.get('Content-Disposition') ?? '')?.[1];
                    save(name ?? `dngate-${stamp()}.backup`, await answer.blob());
                    toast(t('people.backup_done'));
                    done();
                }}
            >
                <Field name="passphrase" type="password" label={t('people.passphrase')} help={t('people.passphrase_help')} autocomplete="new-password" required />
            </Form>
        </Card>
    );
}

interface Held {
    made_ms?: number;
    dns?: number;
    trunks?: number;
    users?: number;
    call_records?: number;
    notes?: string;
}

// What is on the box now, in words.
const Done = ({ held }: { held: Held }) => (
    <>
        <Note kind="good">{t('people.restored')}</Note>
        <Facts
            of={[
                [t('people.held_made'), !!held.made_ms && <Time ms={held.made_ms} />],
                [t('people.held_dns'), num(held.dns ?? 0)],
                [t('people.held_trunks'), num(held.trunks ?? 0)],
                [t('people.held_users'), num(held.users ?? 0)],
                [t('people.held_calls'), num(held.call_records ?? 0)],
            ]}
        />
        {held.notes && held.notes.split('\n').filter(Boolean).map((line) => <Note key={line}>{line}</Note>)}
    </>
);

const sure = () => ask({ title: t('people.restore_title'), text: <p>{t('people.restore_ask')}</p>, button: t('people.restore_go'), type: t('people.restore_word') });

function Restore() {
    const form = useForm({ passphrase: '' }, { secret: ['passphrase'] });
    const [file, setFile] = useState<File | null>(null);
    const [held, setHeld] = useState<Held | null>(null);

    return (
        <Card title={t('people.restore')}>
            {held ? (
                <Done held={held} />
            ) : (
                <Form
                    form={form}
                    danger
                    button={`${t('people.restore')}…`}
                    send={async ({ passphrase }) => {
                        wrong({ passphrase: file ? !passphrase && t('people.passphrase_short') : t('people.restore_no_file') });
                        if (!(await sure())) return;
                        const answer = await raw('/restore', { method: 'POST', body: file!, type: 'application/octet-stream', headers: { 'X-Passphrase': encodeURIComponent(passphrase) }, patience: LONG_MS });
                        setHeld(answer.status === 204 ? {} : await answer.json());
                    }}
                >
                    <div class="field">
                        <label for="restore-file">{t('people.restore_file')}</label>
                        <input id="restore-file" type="file" onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)} />
                    </div>
                    <Field name="passphrase" type="password" label={t('people.passphrase')} autocomplete="off" required />
                </Form>
            )}
        </Card>
    );
}

function RestoreCopy({ of: { name, time_ms, encrypted }, close }: { of: Backup; close: () => void }) {
    const form = useForm({ passphrase: '' }, { secret: ['passphrase'] });
    const [held, setHeld] = useState<Held | null>(null);

    return (
        <Dialog title={t('people.copy_restore')} onClose={close}>
            {held ? (
                <Done held={held} />
            ) : (
                <Form
                    form={form}
                    danger
                    button={`${t('people.restore')}…`}
                    send={async ({ passphrase }) => {
                        wrong({ passphrase: encrypted && !passphrase && t('people.passphrase_short') });
                        if (!(await sure())) return;
                        setHeld(await (await raw(`${path(name)}/restore`, { method: 'POST', body: encrypted ? { passphrase } : {}, patience: LONG_MS })).json());
                    }}
                >
                    <p>
                        <Time ms={time_ms} /> <span class="mono dim">{name}</span>
                    </p>
                    {encrypted && <Field name="passphrase" type="password" label={t('people.passphrase')} autocomplete="off" required first />}
                </Form>
            )}
        </Dialog>
    );
}

function Copies() {
    const { data, error, reload } = useLoad<List<Backup>>('/backups');
    const chosen = doing() === 'restore' && data?.items.find((b) => b.name === query.value.get('copy'));
    const remove = async (name: string) => {
        if (!(await ask({ title: t('people.copy_remove_title', { name }), text: <p>{t('people.copy_remove_ask')}</p>, button: t('people.remove') }))) return;
        await attempt(() => api.remove(path(name)), t('people.copy_removed'));
        void reload();
    };

    return (
        <Card title={t('people.copies')} actions={<a href="/admin/settings?q=backup.">{t('people.copies_set')}</a>}>
            <p class="dim">{t('people.copies_help')}</p>
            {error && <Failed error={error} retry={reload} />}
            {data?.items.length === 0 && <p>{t('people.copies_none')}</p>}
            {!!data?.items.length && (
                <table class="list stack">
                    <thead>
                        <tr>
                            <th scope="col">{t('people.time')}</th>
                            <th scope="col">{t('people.kind')}</th>
                            <th scope="col" class="end">
                                {t('people.size')}
                            </th>
                            <th scope="col" class="acts"><span class="unseen">{t('people.download')}</span></th>
                        </tr>
                    </thead>
                    <tbody>
                        {data.items.map((b) => (
                            <tr key={b.name}>
                                <td title={b.name}>
                                    <Time ms={b.time_ms} />
                                </td>
                                <td>{tr(`people.why_${b.why}`, {}, b.why)}</td>
                                <td class="end">{bytes(b.bytes)}</td>
                                <td class="acts">
                                    <button type="button" class="plain" aria-label={`${t('people.restore')} ${b.name}`} onClick={() => begin('restore', { copy: b.name })}>
                                        {t('people.restore')}
                                    </button>
                                    <button
                                        type="button"
                                        class="plain"
                                        aria-label={`${t('people.download')} ${b.name}`}
                                        onClick={() => attempt(async () => save(b.name, await (await raw(path(b.name), { patience: LONG_MS })).blob()))}
                                    >
                                        <Icon name="download" />
                                    </button>
                                    <button type="button" class="plain" aria-label={`${t('people.remove')} ${b.name}`} onClick={() => remove(b.name)}>
                                        <Icon name="trash" />
                                    </button>
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            )}
            {chosen && <RestoreCopy of={chosen} close={() => end('copy')} />}
        </Card>
    );
}

export function Backups() {
    const [made, setMade] = useState(0); // each stays on the box, too

    return (
        <Frame role="admin">
            {may('admin') && (
                <div class="two">
                    <Now done={() => setMade((n) => n + 1)} />
                    <Restore />
                    <Copies key={made} />
                </div>
            )}
        </Frame>
    );
}
