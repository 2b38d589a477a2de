// Where alerts go, and whether the last one arrived.
import { api, may } from '../core/api';
import { useLoad } from '../core/load';
import { t } from '../core/words';
import { Card, Failed } from '../parts/bits';
import { State } from '../parts/state';
import { Time } from '../parts/time';
import { attempt } from '../parts/toast';
import { Frame } from './frame';

interface Last {
    webhook_set: boolean;
    last: { time_ms: number; ok: boolean; detail: string } | null;
}

export function Alerts() {
    const { data, error, reload } = useLoad<Last>(may('admin') ? '/alerts' : null, {}, { every: 3000 });
    const last = data?.last?.time_ms ? data.last : null;

    return (
        <Frame role="admin">
            <Card
                title={t('people.tab_alerts')}
                actions={
                    <>
                        <a href="/admin/settings?q=alert">{t('people.alerts_set')}</a>
                        <button type="button" disabled={!data?.webhook_set} onClick={() => attempt(() => api.post('/alerts/test'), t('people.alerts_tested')).then(reload)}>
                            {t('people.alerts_test')}
                        </button>
                    </>
                }
            >
                <p class="dim">{t('people.alerts_help')}</p>
                {error && <Failed error={error} retry={reload} />}
                {data && (
                    <p role="status">
                        <State kind={!data.webhook_set ? 'off' : last && !last.ok ? 'bad' : 'good'}>{data.webhook_set ? t('people.alerts_on') : t('people.alerts_none')}</State>{' '}
                        {last ? (
                            <>
                                {t(last.ok ? 'people.alerts_ok' : 'people.alerts_failed', { time: '' })} <Time ms={last.time_ms} how="ago" /> {last.detail}
                            </>
                        ) : (
                            data.webhook_set && t('people.alerts_never')
                        )}
                    </p>
                )}
            </Card>
        </Frame>
    );
}
