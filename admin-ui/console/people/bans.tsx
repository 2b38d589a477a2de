// Addresses from which too many wrong passwords came.
import { api, may } from '../core/api';
import { useLoad } from '../core/load';
import type { List } from '../core/types';
import { t } from '../core/words';
import { Empty, Failed } from '../parts/bits';
import { Time } from '../parts/time';
import { attempt } from '../parts/toast';
import type { Ban } from '../pure/shapes';
import { Frame } from './frame';

export function Bans() {
    const { data, error, reload } = useLoad<List<Ban>>(may('supervisor') ? '/bans' : null, {}, { every: 5000 });

    return (
        <Frame role="supervisor">
            {error && <Failed error={error} retry={reload} />}
            {data?.items.length === 0 && <Empty title={t('people.bans_none')}>{t('people.bans_help')}</Empty>}
            {!!data?.items.length && (
                <section class="card">
                    <p class="dim">{t('people.bans_help')}</p>
                    <table class="list stack">
                        <thead>
                            <tr>
                                <th scope="col">{t('people.address')}</th>
                                <th scope="col" class="end">
                                    {t('people.failures')}
                                </th>
                                <th scope="col">{t('people.since')}</th>
                                <th scope="col">{t('people.until')}</th>
                                <th scope="col" class="acts"><span class="unseen">{t('people.lift')}</span></th>
                            </tr>
                        </thead>
                        <tbody>
                            {data.items.map((b) => (
                                <tr key={b.address}>
                                    <td class="mono">{b.address}</td>
                                    <td class="end" data-label={t('people.failures')}>{b.failures}</td>
                                    <td data-label={t('people.since')}>
                                        <Time ms={b.since_ms} />
                                    </td>
                                    <td data-label={t('people.until')}>
                                        <Time ms={b.until_ms} how="ago" />
                                    </td>
                                    <td class="acts">
                                        {may('admin') && (
                                            <button
                                                type="button"
                                                class="plain"
                                                onClick={() => attempt(() => api.remove(`/bans/${encodeURIComponent(b.address)}`), t('people.lifted', { address: b.address })).then(reload)}
                                            >
                                                {t('people.lift')}
                                            </button>
                                        )}
                                    </td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </section>
            )}
        </Frame>
    );
}
