// What waits for a restart, and the restart: when nobody speaks, when those who speak have had their time, or now.
import { api, may } from '../core/api';
import { live } from '../core/live';
import { useLoad } from '../core/load';
import { t } from '../core/words';
import { Note } from '../parts/bits';
import { ask } from '../parts/dialog';
import { attempt, toast } from '../parts/toast';

interface Restart {
    pending: string[];
    waiting: boolean;
    when?: '' | 'now' | 'drain' | 'idle';
    under_way?: boolean;
    calls: number;
}

// turn: changes when a setting was changed.
export function RestartNote({ turn }: { turn: unknown }) {
    const { data, reload } = useLoad<Restart>('/restart', { turn: undefined }, { every: 5000 });
    const n = data?.pending.length ?? 0;
    const calls = live.status.value?.calls ?? data?.calls ?? 0;
    const restart = (when: 'idle' | 'drain' | 'now') => attempt(() => api.post('/restart', { when }), when === 'drain' && calls ? t('settings.draining', { n: calls }) : t('settings.restarting')).then(reload);

    void turn;
    if (!data || !may('admin')) return null;
    if (data.waiting)
        return (
            <Note kind="info">
                <p>{calls ? t('settings.waiting', { n: calls }) : t('settings.restarting')}</p>
                <div class="buttons">
                    <button type="button" onClick={() => attempt(() => api.remove('/restart'), t('settings.stays')).then(reload)}>
                        {t('settings.cancel')}
                    </button>
                </div>
            </Note>
        );
    if (data.when === 'drain' || data.under_way) return <Note kind="info">{calls ? t('settings.draining', { n: calls }) : t('settings.restarting')}</Note>;
    if (!n) return null;
    return (
        <Note kind="warn">
            <p>{t('settings.needs', { n, keys: data.pending.join(', ') })}</p>
            <div class="buttons">
                <button
                    type="button"
                    title={t('settings.idle_help')}
                    onClick={() =>
                        calls
                            ? attempt(() => api.post('/restart', { when: 'idle' })).then((done) => {
                                  if (done) toast(t('settings.waiting', { n: calls }));
                                  void reload();
                              })
                            : restart('idle')
                    }
                >
                    {t('settings.idle')}
                </button>
                {calls > 0 && (
                    <button
                        type="button"
                        title={t('settings.drain_help')}
                        onClick={async () => {
                            const text = <p>{t('settings.drain_ask', { n: calls })}</p>;
                            if (await ask({ title: t('settings.drain_title'), text, button: t('settings.drain') })) await restart('drain');
                        }}
                    >
                        {t('settings.drain')}
                    </button>
                )}
                <button
                    type="button"
                    onClick={async () => {
                        const text = (
                            <>
                                <p>{calls ? <b>{t('settings.restart_calls', { n: calls })}</b> : t('settings.restart_none')}</p>
                                {calls > 0 && <p>{t('settings.restart_again')}</p>}
                            </>
                        );
                        if (await ask({ title: t('settings.restart_title'), text, button: t('settings.now') })) await restart('now');
                    }}
                >
                    {t('settings.now')}
                </button>
            </div>
        </Note>
    );
}
