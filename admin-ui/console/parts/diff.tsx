// What was and what is, side by side; in long values only what is other stands out.
import { t } from '../core/words';
import { middle, type Change } from '../pure/diff';

export function Was({ before, after }: { before: string | null; after: string | null }) {
    if (before === null || after === null)
        return (
            <>
                {before !== null && <del>{before || t('settings.empty')}</del>} {after !== null && <ins>{after || t('settings.empty')}</ins>}
            </>
        );
    const m = middle(before, after);
    const long = m.head.length + m.tail.length > 12;
    const show = (text: string) => text || t('settings.empty');
    return long ? (
        <>
            <del>
                {m.head}
                <b>{m.before}</b>
                {m.tail}
            </del>{' '}
            <ins>
                {m.head}
                <b>{m.after}</b>
                {m.tail}
            </ins>
        </>
    ) : (
        <>
            <del>{show(before)}</del> → <ins>{show(after)}</ins>
        </>
    );
}

export const Changes = ({ of }: { of: Change[] }) => (
    <dl class="facts diff">
        {of.map(({ field, before, after }) => (
            <div key={field}>
                <dt>{field}</dt>
                <dd>
                    <Was before={before} after={after} />
                </dd>
            </div>
        ))}
    </dl>
);
