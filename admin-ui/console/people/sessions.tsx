// Who is signed in, from where, and the way to end that; who is no administrator sees his own sessions.
import { api } from '../core/api';
import { useLoad } from '../core/load';
import type { List } from '../core/types';
import { t, tr } from '../core/words';
import { Failed } from '../parts/bits';
import { ask } from '../parts/dialog';
import { State } from '../parts/state';
import { Time } from '../parts/time';
import { attempt } from '../parts/toast';
import { browserOf } from '../pure/browser';
import type { SessionRow } from '../pure/shapes';
import { Frame } from './frame';

export function Sessions() {
    const { data, error, reload } = useLoad<List<SessionRow>>('/sessions', {}, { every: 10_000 });
    const revoke = async ({ id, name, address }: SessionRow) => {
        if (!(await ask({ title: t('people.revoke_title', { name, address }), text: <p>{t('people.revoke_ask')}</p>, button: t('people.revoke') }))) return;
        await attempt(() => api.remove(`/sessions/${encodeURIComponent(id)}`), t('people.revoked'));
        void reload();
    };

    return (
        <Frame role="readonly" lead={data && t('people.sessions_lead', { n: data.items.length })}>
            {error && <Failed error={error} retry={reload} />}
            <section class="card">
                <table class="list stack">
                    <thead>
                        <tr>
                            <th scope="col">{t('people.name')}</th>
                            <th scope="col">{t('people.role')}</th>
                            <th scope="col">{t('people.address')}</th>
                            <th scope="col">{t('people.browser')}</th>
                            <th scope="col">{t('people.signed_in')}</th>
                            <th scope="col">{t('people.seen')}</th>
                            <th scope="col" class="acts"><span class="unseen">{t('people.revoke')}</span></th>
                        </tr>
                    </thead>
                    <tbody>
                        {data?.items.map((s) => (
                            <tr key={s.id}>
                                <td>
                                    <b>{s.name}</b>
                                </td>
                                <td>{tr(`people.role_${s.role}`, {}, s.role)}</td>
                                <td class="mono">{s.address}</td>
                                <td title={s.user_agent}>{browserOf(s.user_agent)}</td>
                                <td data-label={t('people.signed_in')}>
                                    <Time ms={s.created_ms} />
                                </td>
                                <td data-label={t('people.seen')}>
                                    <Time ms={s.seen_ms} how="ago" />
                                </td>
                                <td class="acts">
                                    {s.current ? (
                                        <State kind="good">{t('people.session_this')}</State>
                                    ) : (
                                        <button type="button" class="plain" onClick={() => revoke(s)}>
                                            {t('people.revoke')}
                                        </button>
                                    )}
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </section>
        </Frame>
    );
}
