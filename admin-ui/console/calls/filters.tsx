// What narrows the records: every choice is in the address.
import { useEffect, useState } from 'preact/hooks';
import { setQuery } from '../core/router';
import { t, tr } from '../core/words';
import { DIRECTIONS, NOTHING, PATHS, PRESETS, QUALITIES, RESULTS, count, type Field, type Filter } from './filter';

const set = (field: Field, value: string) => setQuery({ [field]: value || null });

function Pick({ filter, field, label, options }: { filter: Filter; field: Field; label: string; options: [string, string][] }) {
    return (
        <label>
            {label}
            <select value={filter[field]} onChange={(event) => set(field, event.currentTarget.value)}>
                <option value="">{t('calls.any')}</option>
                {options.map(([value, text]) => (
                    <option value={value}>{text}</option>
                ))}
            </select>
        </label>
    );
}

// Kept here until then: what is typed must not go when something else of the page is drawn anew. Taken when it is left or Enter is pressed: half of a number finds nothing.
function Enter({ filter, field, label, type = 'text', unit }: { filter: Filter; field: Field; label: string; type?: 'text' | 'number' | 'datetime-local'; unit?: string }) {
    const [text, setText] = useState(filter[field]);

    useEffect(() => setText(filter[field]), [filter[field]]);
    return (
        <label>
            {unit ? `${label} (${unit})` : label}
            <input {...({ type } as object)} min={type === 'number' ? 0 : undefined} value={text} spellcheck={false} autocomplete="off" onInput={(event) => setText(event.currentTarget.value)} onChange={(event) => set(field, event.currentTarget.value.trim())} />
        </label>
    );
}

const words = (word: (value: string) => string, values: readonly string[]): [string, string][] => values.map((value) => [value, word(value)]);

export function Filters({ filter }: { filter: Filter }) {
    const n = count(filter);
    const clear = Object.fromEntries(Object.keys(NOTHING).filter((field) => field !== 'q').map((field) => [field, null]));

    return (
        <div class="call-filters" role="group" aria-label={t('calls.filters')}>
            <Pick {...{ filter, field: 'time', label: t('calls.time'), options: words((v) => tr(`calls.time.${v}`), PRESETS) }} />
            {filter.time === 'range' && (
                <>
                    <Enter {...{ filter, field: 'from', label: t('calls.from'), type: 'datetime-local' }} />
                    <Enter {...{ filter, field: 'to', label: t('calls.to'), type: 'datetime-local' }} />
                </>
            )}
            <Enter {...{ filter, field: 'dn', label: t('calls.dn') }} />
            <Enter {...{ filter, field: 'number', label: t('calls.number') }} />
            <Pick {...{ filter, field: 'direction', label: t('calls.direction'), options: words((v) => tr(`calls.direction.${v}`), DIRECTIONS) }} />
            <Pick {...{ filter, field: 'result', label: t('calls.result'), options: words((v) => tr(`calls.result.${v}`), RESULTS) }} />
            <Enter {...{ filter, field: 'min_s', label: t('calls.min_s'), type: 'number', unit: t('calls.seconds') }} />
            <Enter {...{ filter, field: 'max_s', label: t('calls.max_s'), type: 'number', unit: t('calls.seconds') }} />
            <Enter {...{ filter, field: 'min_ring_s', label: t('calls.min_ring_s'), type: 'number', unit: t('calls.seconds') }} />
            <Pick {...{ filter, field: 'max_mos', label: t('calls.sounds'), options: words((v) => tr(`calls.sounds.${v}`), QUALITIES) }} />
            <Pick {...{ filter, field: 'path', label: t('calls.path'), options: words((v) => tr(`calls.path.${v}`), PATHS) }} />
            <Enter {...{ filter, field: 'trunk', label: t('calls.trunk') }} />
            {n > 0 && (
                <button type="button" class="plain" onClick={() => setQuery(clear)}>
                    {t('calls.clear')}
                </button>
            )}
        </div>
    );
}
