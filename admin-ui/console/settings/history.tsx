// Who changed which setting, from what to what, and why; each can be put back.
import { api, may } from '../core/api';
import { useRows } from '../core/load';
import { query } from '../core/router';
import { t } from '../core/words';
import { Empty, Failed } from '../parts/bits';
import { ask } from '../parts/dialog';
import { Was } from '../parts/diff';
import { Page } from '../parts/page';
import { Tabs } from '../parts/tabs';
import { Time } from '../parts/time';
import { attempt } from '../parts/toast';
import { RestartNote } from './restart';
import { tabs } from './settings';

interface Entry {
    id: number;
    time_ms: number;
    who: string;
    key: string;
    before: string | null;
    after: string | null;
    reason: string;
}

const value = (v: string | null) => (v === null ? t('settings.as_default') : v || t('settings.empty'));

export function History() {
    const key = query.value.get('key');
    const rows = useRows<Entry>('/settings/history', { key });
    const revert = async (e: Entry) => {
        const was = { key: e.key, value: value(e.before) };
        if (!(await ask({ title: t('settings.revert_title', was), text: <p>{t('settings.revert_ask', was)}</p>, button: t('settings.revert'), calm: true }))) return;
        await attempt(() => api.post(`/settings/history/${e.id}/revert`, {}), t('settings.reverted', was));
        rows.reload();
    };

    return (
        <Page title={key ? t('settings.of_key', { key }) : t('settings.title')}>
            <Tabs label={t('settings.title')} of={tabs()} />
            <RestartNote turn={rows.items.length} />
            {key && (
                <p>
                    <a href="/admin/settings/history">{t('settings.all_keys')}</a>
                </p>
            )}
            {rows.error && <Failed error={rows.error} retry={rows.reload} />}
            {rows.total === 0 && <Empty title={t('settings.history_none')} />}
            {rows.items.length > 0 && (
                <section class="card">
                    <ol class="log changes">
                        {rows.items.map((e) => (
                            <li key={e.id}>
                                <div>
                                    <a class="mono" href={`/admin/settings?edit=${encodeURIComponent(e.key)}`}>
                                        {e.key}
                                    </a>{' '}
                                    <span class="mono">
                                        <Was before={value(e.before)} after={value(e.after)} />
                                    </span>
                                    {e.reason && <p>{e.reason}</p>}
                                    <p class="dim">
                                        {e.who}, <Time ms={e.time_ms} />
                                    </p>
                                </div>
                                {may('admin') && (
                                    <button type="button" class="plain" onClick={() => revert(e)}>
                                        {t('settings.revert')}
                                    </button>
                                )}
                            </li>
                        ))}
                    </ol>
                </section>
            )}
            {(rows.total ?? 0) > rows.items.length && (
                <button type="button" onClick={() => rows.need(rows.items.length + 100)}>
                    {t('settings.older')}
                </button>
            )}
        </Page>
    );
}
