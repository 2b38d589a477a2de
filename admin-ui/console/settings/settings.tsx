// How is it set? Every setting with what it means; changed where it stands.
import { useState } from 'preact/hooks';
import { api, may } from '../core/api';
import { useLoad } from '../core/load';
import { query, setQuery } from '../core/router';
import type { List, Setting } from '../core/types';
import { num, said, t } from '../core/words';
import { about, wrong } from '../parts/act';
import { Empty, Failed } from '../parts/bits';
import { Field, Form, useForm } from '../parts/form';
import { Page } from '../parts/page';
import { State } from '../parts/state';
import { Choice, Search } from '../parts/table';
import { Tabs } from '../parts/tabs';
import { toast } from '../parts/toast';
import { check, environment, groupOf, isTrue, matches } from '../pure/setting';
import { RestartNote } from './restart';

export const tabs = (): [string, string][] => [
    ['/admin/settings', t('settings.tab_table')],
    ['/admin/settings/history', t('settings.tab_history')],
];

const changed = (s: Setting) => (s.type === 'secret' ? s.source !== 'default' : s.source !== 'default' && s.value !== s.default);

export function shown(s: Pick<Setting, 'type' | 'unit'>, value: string): string {
    if (s.type === 'secret') return value ? t('settings.set') : t('settings.empty');
    if (s.type === 'bool') return isTrue(value) ? t('settings.yes') : t('settings.no');
    return value === '' ? t('settings.empty') : `${value}${s.unit ? ` ${s.unit}` : ''}`;
}

const meaning = (s: Setting) => said(`meaning_${s.key}`, s.meaning);

function limits(s: Setting): string {
    if (s.type === 'int') return t('settings.range', { min: String(s.min), max: String(s.max), unit: s.unit });
    if (s.type === 'enum') return s.choices.join(', ');
    return s.type === 'text' && s.max ? t('settings.chars', { max: s.max }) : '';
}

function why(s: Setting, value: string): string | null {
    const found = check(s, value);
    if (!found) return null;
    const params = { min: String(found.min), max: String(found.max) };
    return { number: t('settings.bad_number', params), range: t('settings.bad_range', params), choice: t('settings.bad_choice'), long: t('settings.bad_long', params), short: t('settings.bad_short', params) }[found.what];
}

// A text that begins with one of several words, as log.level does: the word, and what follows.
const parts = (s: Setting): [string, string] => (s.choices.length && s.type === 'text' ? [s.value.split(' ')[0]!, s.value.split(' ').slice(1).join(' ')] : [s.value, '']);

function Edit({ s, done, close }: { s: Setting; done: () => Promise<void>; close: () => void }) {
    const bool = s.type === 'bool';
    const secret = s.type === 'secret';
    const form = useForm({ value: (bool ? isTrue(s.value) : secret ? '' : parts(s)[0]) as string | boolean, more: parts(s)[1], reason: '' }, { id: `setting-${s.key}`, secret: secret ? ['value'] : [] });
    const said = () => toast(s.restart ? t('settings.saved_restart', { key: s.key }) : t('settings.saved_now', { key: s.key }));
    const path = `/settings/${s.key}`;
    const after = async () => {
        await done();
        close();
        said();
    };

    return (
        <Form
            form={form}
            button={t('settings.save')}
            also={
                <>
                    <button type="button" onClick={close}>
                        {t('shell.cancel')}
                    </button>
                    {s.source === 'database' && (
                        <button type="button" onClick={() => form.send(async ({ reason }) => void (await api.remove(path, reason ? { body: { reason } } : {}), await after()))}>
                            {t('settings.reset')}
                        </button>
                    )}
                </>
            }
            send={async ({ value, more, reason }) => {
                const text = bool ? (value ? 'yes' : 'no') : `${value} ${more}`.trim();
                wrong({ value: why(s, text) });
                const { etag } = secret ? { etag: '' } : await api.read<Setting>(path);
                await about('value', api.put(path, { value: text, ...(reason && { reason }) }, { etag }));
                await after();
            }}
        >
            <div class="field-row">
                {bool ? (
                    <Field name="value" type="checkbox" label={s.key} first />
                ) : s.choices.length ? (
                    <>
                        <Field name="value" type="select" label={t('settings.value')} options={s.choices.map((c) => [c, c])} first />
                        {s.type === 'text' && <Field name="more" label={t('settings.more')} help={t('settings.more_help')} />}
                    </>
                ) : (
                    <Field name="value" type={secret ? 'password' : 'text'} label={t('settings.value')} unit={s.unit} help={secret ? t('settings.secret_kept') : limits(s)} autocomplete={secret ? 'new-password' : 'off'} first />
                )}
                <Field name="reason" label={t('settings.reason')} help={t('settings.reason_help')} />
            </div>
        </Form>
    );
}

function Row({ s, open, done }: { s: Setting; open: boolean; done: () => Promise<void> }) {
    const close = () => setQuery({ edit: null });
    const fixed = s.source === 'option' ? t('settings.locked_by_option', { name: s.key }) : t('settings.locked_by_environment', { name: environment(s.key) });

    return (
        <li class="setting" id={s.key} data-open={open || undefined}>
            <div class="setting-head">
                <h3 class="mono">{s.key}</h3>
                <span class="setting-value mono" data-changed={changed(s) || undefined}>
                    {shown(s, s.value)}
                </span>
                <span class="marks">
                    {s.pending && <State kind="wait">{t('settings.pending')}</State>}
                    {s.locked && <State kind="off">{t('settings.locked')}</State>}
                    {changed(s) && !s.locked && <State kind="busy">{t('settings.changed')}</State>}
                </span>
                {may('admin') && <button type="button" class="plain" disabled={s.locked} title={s.locked ? fixed : undefined} aria-expanded={open} aria-label={t('settings.edit', { key: s.key })} onClick={() => setQuery({ edit: open ? null : s.key })}>
                    {t('settings.change')}
                </button>}
            </div>
            <p>{meaning(s)}</p>
            <p class="dim">
                {[
                    t('settings.default', { value: shown(s, s.default) }),
                    limits(s),
                    s.restart ? t('settings.restart') : t('settings.live'),
                    s.pending ? t('settings.pending_now', { value: shown(s, s.running) }) : '',
                    s.locked ? fixed : '',
                ]
                    .filter(Boolean)
                    .join(' · ')}
            </p>
            {open && !s.locked && may('admin') && <Edit s={s} done={done} close={close} />}
        </li>
    );
}

export function Settings() {
    const { data, error, reload } = useLoad<List<Setting>>('/settings');
    const [turn, setTurn] = useState(0);
    const all = data?.items ?? [];
    const q = query.value.get('q') ?? '';
    const show = query.value.get('show') ?? '';
    const edit = query.value.get('edit');
    const is: Record<string, (s: Setting) => boolean> = { changed, locked: (s) => s.locked, pending: (s) => s.pending };
    const items = all.filter((s) => s.key === edit || (matches({ ...s, meaning: `${s.meaning} ${meaning(s)}` }, q) && (is[show]?.(s) ?? true)));
    const groups = [...new Set(items.map((s) => groupOf(s.key)))];
    const other = all.filter(changed).length;
    const done = async () => {
        setTurn(turn + 1);
        await reload();
    };

    return (
        <Page title={t('settings.title')} lead={data && (other ? t('settings.lead', { n: other, all: num(all.length) }) : t('settings.lead_none'))}>
            <Tabs label={t('settings.title')} of={tabs()} />
            <RestartNote key={turn} turn={turn} />
            {error && <Failed error={error} retry={reload} />}
            <div class="filters">
                <Search label={t('settings.search')} wide />
                <Choice
                    name="show"
                    label={t('settings.show')}
                    options={[
                        ['', t('settings.show_all')],
                        ['changed', t('settings.show_changed')],
                        ['locked', t('settings.show_locked')],
                        ['pending', t('settings.show_pending')],
                    ]}
                />
            </div>
            {data && !items.length && (
                <Empty
                    title={t('settings.none')}
                    action={
                        <button type="button" onClick={() => setQuery({ q: null, show: null })}>
                            {t('settings.clear')}
                        </button>
                    }
                />
            )}
            {groups.length > 0 && (
                <section class="card">
                    {groups.map((group) => (
                        <div class="setting-group" key={group}>
                            <h2 class="mono">{group}</h2>
                            <ul class="settings">
                                {items
                                    .filter((s) => groupOf(s.key) === group)
                                    .map((s) => (
                                        <Row key={s.key} s={s} open={s.key === edit} done={done} />
                                    ))}
                            </ul>
                        </div>
                    ))}
                </section>
            )}
        </Page>
    );
}
