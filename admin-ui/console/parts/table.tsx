// A table of as many rows as there are: only those in sight are in the page. Sorting is in the address (?sort=…&order=…) and done by the server; a row is
// a link. Up and Down walk the rows, Space or x selects, Shift with a click selects a range, Enter opens.
//
//   const rows = useRows<Dn>('/dns', { q, sort, order });
//   <Table id="agents" columns={columns} rows={rows} of={(dn) => dn.dn} href={(dn) => withQuery({ open: dn.dn })}
//          bulk={(picked, clear) => <button …>} empty={<Empty …/>} />
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Rows } from '../core/load';
import { keep, kept } from '../core/keep';
import { go, query, withQuery } from '../core/router';
import { t } from '../core/words';
import { Failed } from './bits';
import { Icon } from './icon';
import { useShortcuts } from './keys';

export interface Column<T> {
    key: string;
    title: string;
    cell: (row: T) => ComponentChildren;
    sort?: string; // what the server calls it
    width?: string; // of a <col>: "8rem"; the rest is shared
    end?: boolean; // numbers, at the right
    hide?: boolean; // not shown unless chosen
    wide?: boolean; // not shown on a phone
}

interface Props<T> {
    id: string; // what the choice of columns is remembered by
    label: string;
    columns: Column<T>[];
    rows: Rows<T>;
    of: (row: T) => string;
    href?: (row: T) => string;
    picked?: Set<string>; // with onPick: a selection that somebody else keeps
    bulk?: (picked: string[], clear: () => void) => ComponentChildren;
    tools?: ComponentChildren; // beside the choice of columns
    empty: ComponentChildren;
    order?: [sort: string, order: 'asc' | 'desc']; // when the address names none
    mark?: (row: T) => string | undefined; // a state of the row's, for its colour
}

const ROW_PX = 38;
const SPARE = 12; // rows beyond what is in sight

function useWindow(count: number) {
    const body = useRef<HTMLTableSectionElement>(null);
    const [range, setRange] = useState<[number, number]>([0, 40]);

    useLayoutEffect(() => {
        let frame = 0;
        const look = () => {
            frame = 0;
            if (!body.current) return;
            const top = body.current.getBoundingClientRect().top;
            const from = Math.max(0, Math.floor(-top / ROW_PX) - SPARE);
            const to = Math.min(count, Math.ceil((innerHeight - top) / ROW_PX) + SPARE);
            const even = [from - (from % 2), Math.max(to, 1)] as [number, number];
            setRange((had) => (had[0] === even[0] && had[1] === even[1] ? had : even));
        };
        const later = () => (frame ||= requestAnimationFrame(look));
        look();
        addEventListener('scroll', later, { capture: true, passive: true });
        addEventListener('resize', later);
        return () => {
            cancelAnimationFrame(frame);
            removeEventListener('scroll', later, { capture: true });
            removeEventListener('resize', later);
        };
    }, [count]);
    return { body, range };
}

function useColumns<T>(id: string, columns: Column<T>[]) {
    const [chosen, setChosen] = useState<string[]>(() => kept(`columns.${id}`)?.split(' ') ?? columns.filter((c) => !c.hide).map((c) => c.key));

    return {
        shown: columns.filter((c, i) => !i || chosen.includes(c.key)),
        chosen,
        turn: (key: string) => {
            const next = chosen.includes(key) ? chosen.filter((k) => k !== key) : [...chosen, key];
            keep(`columns.${id}`, next.join(' '));
            setChosen(next);
        },
    };
}

function Head<T>({ column, order }: { column: Column<T>; order: [string, string] }) {
    const mine = order[0] === column.sort;
    const classes = [column.end && 'end', column.wide && 'wide'].filter(Boolean).join(' ');

    return (
        <th scope="col" class={classes} aria-sort={mine ? (order[1] === 'desc' ? 'descending' : 'ascending') : undefined}>
            {column.sort ? (
                <button type="button" class="sort" onClick={() => go(withQuery({ sort: column.sort, order: mine && order[1] === 'asc' ? 'desc' : 'asc' }), { replace: true })}>
                    {column.title}
                    {mine && <Icon name={order[1] === 'desc' ? 'down' : 'up'} />}
                </button>
            ) : (
                column.title
            )}
        </th>
    );
}

export function Table<T>({ id, label, columns, rows, of, href, bulk, tools, empty, order = ['', 'asc'], mark }: Props<T>) {
    const { items, total = 0, error, slow } = rows;
    const { body, range } = useWindow(total);
    const { shown, chosen, turn } = useColumns(id, columns);
    const [picked, setPicked] = useState<Set<string>>(new Set());
    const [at, setAt] = useState(0);
    const lastPick = useRef(0);
    const sorted: [string, string] = query.value.has('sort') ? [query.value.get('sort')!, query.value.get('order') ?? 'asc'] : order;
    const [from, to] = range;

    useEffect(() => rows.need(to), [to, items.length]);
    const row = (i: number) => body.current?.querySelector<HTMLElement>(`tr[data-row="${i}"]`);
    const walk = (to: number) => {
        const next = Math.max(0, Math.min(total - 1, to));

        setAt(next);
        const found = row(next);
        if (!found) scrollTo(0, scrollY + body.current!.getBoundingClientRect().top + next * ROW_PX - innerHeight / 2);
        requestAnimationFrame(() => {
            const one = row(next);
            (one?.querySelector<HTMLElement>('a, input') ?? one)?.focus();
            one?.scrollIntoView({ block: 'nearest' });
        });
    };
    const pick = (i: number, on: boolean, reach = false) => {
        const next = new Set(picked);
        const [a, b] = reach ? [Math.min(i, lastPick.current), Math.max(i, lastPick.current)] : [i, i];

        for (let k = a; k <= b && k < items.length; k++) next[on ? 'add' : 'delete'](of(items[k]!));
        lastPick.current = i;
        setPicked(next);
    };
    const all = items.length > 0 && items.every((item) => picked.has(of(item)));
    useShortcuts([
        { keys: 'j', label: t('shell.keyDown'), run: () => walk(document.activeElement?.closest('tr[data-row]') ? at + 1 : at) },
        { keys: 'k', label: t('shell.keyUp'), run: () => walk(at - 1) },
    ]);
    const pressed = (event: KeyboardEvent) => {
        const line = (event.target as HTMLElement).closest<HTMLElement>('tr[data-row]');
        if (!line || event.ctrlKey || event.metaKey || event.altKey) return;
        const i = Number(line.dataset['row']);
        const page = Math.max(1, Math.floor(innerHeight / ROW_PX) - 4);
        const steps: Record<string, number> = { ArrowDown: i + 1, ArrowUp: i - 1, PageDown: i + page, PageUp: i - page, Home: 0, End: total - 1 };

        if (event.key in steps) walk(steps[event.key]!);
        else if (bulk && (event.key === 'x' || (event.key === ' ' && (event.target as HTMLElement).tagName === 'A'))) pick(i, !picked.has(of(items[i]!)), event.shiftKey);
        else return;
        event.preventDefault();
        event.stopPropagation();
    };
    const keys = [...picked];

    if (error && !items.length) return <Failed error={error} retry={rows.reload} />;
    if (rows.total === 0) return <>{empty}</>;
    return (
        <div class="table-box">
            <div class="table-bar">
                <p class="count" role="status">
                    {rows.total === undefined ? (slow ? t('shell.loading') : '') : t('shell.rows', { n: total })}
                </p>
                {tools}
                <details class="menu" onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.removeAttribute('open')}>
                    <summary class="plain">
                        <Icon name="columns" /> {t('shell.columns')}
                    </summary>
                    <div class="menu-body">
                        {columns.slice(1).map((c) => (
                            <label key={c.key}>
                                <input type="checkbox" checked={chosen.includes(c.key)} onChange={() => turn(c.key)} /> {c.title}
                            </label>
                        ))}
                    </div>
                </details>
            </div>
            {bulk && keys.length > 0 && (
                <div class="bulk" role="region" aria-label={t('shell.selection')}>
                    <b>{t('shell.selected', { n: keys.length })}</b>
                    <div class="buttons">
                        {bulk(keys, () => setPicked(new Set()))}
                        <button type="button" class="plain" onClick={() => setPicked(new Set())}>
                            {t('shell.selectNone')}
                        </button>
                    </div>
                </div>
            )}
            <table class="rows" aria-label={label} aria-rowcount={total + 1} aria-busy={slow || undefined} onKeyDown={pressed}>
                <colgroup>
                    {bulk && <col class="pick" />}
                    {shown.map((c) => (
                        <col key={c.key} class={c.wide ? 'wide' : undefined} style={c.width ? { width: c.width } : undefined} />
                    ))}
                </colgroup>
                <thead>
                    <tr aria-rowindex={1}>
                        {bulk && (
                            <th class="pick">
                                <input
                                    type="checkbox"
                                    aria-label={t('shell.selectAll')}
                                    checked={all}
                                    onChange={() => setPicked(all ? new Set() : new Set(items.map(of)))}
                                />
                            </th>
                        )}
                        {shown.map((c) => (
                            <Head key={c.key} column={c} order={sorted} />
                        ))}
                    </tr>
                </thead>
                <tbody ref={body}>
                    {from > 0 && (
                        <tr class="gap" aria-hidden="true">
                            <td style={{ height: `${from * ROW_PX}px` }} />
                        </tr>
                    )}
                    {Array.from({ length: Math.max(0, to - from) }, (_, k) => {
                        const i = from + k;
                        const item = items[i];
                        if (!item) return <tr key={i} data-row={i} class="waiting" aria-hidden="true" />;
                        const key = of(item);
                        return (
                            <tr key={key} data-row={i} data-mark={mark?.(item)} aria-rowindex={i + 2} data-picked={picked.has(key) || undefined} onFocusIn={() => setAt(i)}>
                                {bulk && (
                                    <td class="pick">
                                        <input type="checkbox" aria-label={t('shell.select', { name: key })} checked={picked.has(key)} onClick={(event) => pick(i, event.currentTarget.checked, event.shiftKey)} />
                                    </td>
                                )}
                                {shown.map((c, n) => (
                                    <td key={c.key} class={[c.end && 'end', c.wide && 'wide'].filter(Boolean).join(' ') || undefined}>
                                        {!n && href ? (
                                            <a class="row-link" href={href(item)}>
                                                {c.cell(item)}
                                            </a>
                                        ) : (
                                            c.cell(item)
                                        )}
                                    </td>
                                ))}
                            </tr>
                        );
                    })}
                    {total > to && (
                        <tr class="gap" aria-hidden="true">
                            <td style={{ height: `${(total - to) * ROW_PX}px` }} />
                        </tr>
                    )}
                </tbody>
            </table>
        </div>
    );
}

// A search field that is a parameter of the address; `/` goes to it.
export function Search({ name = 'q', label, wide }: { name?: string; label: string; wide?: boolean }) {
    const [text, setText] = useState(query.value.get(name) ?? '');
    const field = useRef<HTMLInputElement>(null);
    const timer = useRef(0);
    const said = query.value.get(name) ?? '';

    useEffect(() => {
        if (document.activeElement !== field.current) setText(said);
    }, [said]);
    useShortcuts([{ keys: '/', label: t('shell.keySearch'), run: () => field.current?.focus() }]);
    return (
        <div class={`search${wide ? ' wide' : ''}`}>
            <Icon name="search" />
            <input
                ref={field}
                type="search"
                aria-label={label}
                placeholder={label}
                value={text}
                spellcheck={false}
                onInput={(event) => {
                    const value = event.currentTarget.value;
                    setText(value);
                    clearTimeout(timer.current);
                    timer.current = window.setTimeout(() => go(withQuery({ [name]: value.trim(), cursor: null }), { replace: true }), 150);
                }}
                onKeyDown={(event) => event.key === 'Escape' && field.current?.blur()}
            />
        </div>
    );
}

// One of a few, as a parameter of the address; the first, "", is all of them.
export const Choice = ({ name, label, options }: { name: string; label: string; options: [string, string][] }) => (
    <label class="choice">
        <span class="unseen">{label}</span>
        <select aria-label={label} value={query.value.get(name) ?? ''} onChange={(event) => go(withQuery({ [name]: event.currentTarget.value }), { replace: true })}>
            {options.map(([value, text]) => (
                <option key={value} value={value}>
                    {text}
                </option>
            ))}
        </select>
    </label>
);
