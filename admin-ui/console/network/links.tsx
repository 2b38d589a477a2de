// Self-tests of everybody, and one-time links for people who have no DN.
import { useState } from 'preact/hooks';
import { api, may } from '../core/api';
import { useLoad } from '../core/load';
import { query } from '../core/router';
import type { List } from '../core/types';
import { t } from '../core/words';
import { begin, doing, end, whole, wrong } from '../parts/act';
import { Card, Copy, Failed } from '../parts/bits';
import { Dialog } from '../parts/dialog';
import { Field, Form, useForm } from '../parts/form';
import { Time } from '../parts/time';
import type { Selftest, SelftestLink } from '../pure/shapes';
import { Selftests } from './selftests';

function Make({ close }: { close: () => void }) {
    const form = useForm({ note: query.value.get('note') ?? '', hours: 24 as number | '' });
    const [made, setMade] = useState<SelftestLink | null>(null);

    return (
        <Dialog title={t('network.link_make')} onClose={close}>
            {made ? (
                <>
                    <p>
                        {t('network.link_made', { time: '' })} <Time ms={made.expires_ms} />
                    </p>
                    <p class="once">
                        <code>{made.url}</code> <Copy text={made.url ?? ''} label={t('network.copy')} />
                    </p>
                </>
            ) : (
                <Form
                    form={form}
                    button={t('network.link_make')}
                    send={async (v) => {
                        wrong({ hours: !whole(v.hours, 1, 720) && t('network.link_hours_bad') });
                        setMade(await api.post<SelftestLink>('/selftest-links', v));
                    }}
                >
                    <p class="dim">{t('network.selftests_help')}</p>
                    <Field name="note" label={t('network.link_note')} first />
                    <Field name="hours" type="number" label={t('network.link_hours')} min={1} max={720} />
                </Form>
            )}
        </Dialog>
    );
}

export function Links() {
    const { data, error, reload } = useLoad<List<Selftest>>('/selftests', { limit: 20 });
    const makes = may('supervisor');

    return (
        <Card
            title={t('network.selftests')}
            actions={
                makes && (
                    <button type="button" onClick={() => begin('link')}>
                        {t('network.link_make')}
                    </button>
                )
            }
        >
            {error && <Failed error={error} retry={reload} />}
            {data?.items.length === 0 && <p class="dim">{t('network.selftests_none')}</p>}
            {!!data?.items.length && <Selftests items={data.items} />}
            {makes && doing() === 'link' && <Make close={() => end('note')} />}
        </Card>
    );
}
