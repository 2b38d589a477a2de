// Who changed what: searched by the box, each entry with what was before and after.
import { may, raw, save } from '../core/api';
import { useRows } from '../core/load';
import { query, setQuery } from '../core/router';
import { t, tr } from '../core/words';
import { Empty, Failed } from '../parts/bits';
import { Changes } from '../parts/diff';
import { Icon } from '../parts/icon';
import { Search } from '../parts/table';
import { Time } from '../parts/time';
import { attempt } from '../parts/toast';
import { changes } from '../pure/diff';
import type { AuditRow } from '../pure/shapes';
import { Frame } from './frame';

const filters = ['q', 'who', 'noun', 'from', 'to'] as const;

const Moment = ({ name, label }: { name: string; label: string }) => (
    <label class="moment">
        {label}
        <input type="datetime-local" value={query.value.get(name) ?? ''} onChange={(event) => setQuery({ [name]: event.currentTarget.value })} />
    </label>
);

function Entry({ e }: { e: AuditRow }) {
    const diff = changes(e.before, e.after);
    const more = diff.length > 0 || !!e.reason || !!e.address;
    const line = (
        <>
            <Time ms={e.time_ms} /> <b>{e.who}</b> {e.what}
            {!(e.key ? e.what.includes(e.key) : e.what.includes(e.noun)) && <span class="mono">{` ${e.noun} ${e.key}`}</span>}
        </>
    );

    return (
        <li>
            {more ? (
                <details>
                    <summary>{line}</summary>
                    {diff.length > 0 && <Changes of={diff} />}
                    {e.reason && (
                        <p>
                            {t('people.reason')}: {e.reason}
                        </p>
                    )}
                    <p class="dim">
                        {t('people.via')} {tr(`people.via_${e.via}`, {}, e.via)} {e.address}
                    </p>
                </details>
            ) : (
                line
            )}
        </li>
    );
}

export function Audit() {
    const get = (name: string) => query.value.get(name);
    const ms = (name: string) => (get(name) ? new Date(get(name)!).getTime() || null : null);
    const asked = { q: get('q'), who: get('who'), noun: get('noun'), from_ms: ms('from'), to_ms: ms('to') };
    return may('admin') ? <List asked={asked} /> : <Frame role="admin" children={null} />;
}

function List({ asked }: { asked: Record<string, string | number | null> }) {
    const rows = useRows<AuditRow>('/audit', asked);
    const filtered = filters.some((f) => query.value.has(f));
    const exported = () => attempt(async () => save('audit.csv', await (await raw('/audit/export', { query: asked })).blob()));

    return (
        <Frame
            role="admin"
            actions={
                <button type="button" onClick={exported}>
                    <Icon name="download" /> {t('people.export')}
                </button>
            }
        >
            <div class="filters">
                <Search label={t('people.audit_search')} wide />
                <Search name="who" label={t('people.who')} />
                <Moment name="from" label={t('people.from')} />
                <Moment name="to" label={t('people.to')} />
            </div>
            {rows.error && <Failed error={rows.error} retry={rows.reload} />}
            {rows.total === 0 && (
                <Empty
                    title={filtered ? t('people.audit_nothing') : t('people.audit_none')}
                    action={
                        filtered && (
                            <button type="button" onClick={() => setQuery(Object.fromEntries(filters.map((f) => [f, null])))}>
                                {t('people.clear')}
                            </button>
                        )
                    }
                />
            )}
            {rows.items.length > 0 && (
                <section class="card">
                    <ol class="audit">
                        {rows.items.map((e) => (
                            <Entry key={e.id} e={e} />
                        ))}
                    </ol>
                    {(rows.total ?? 0) > rows.items.length && (
                        <button type="button" onClick={() => rows.need(rows.items.length + 1)}>
                            {t('people.older')}
                        </button>
                    )}
                </section>
            )}
        </Frame>
    );
}
