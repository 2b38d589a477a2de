// Holds the agents against a list that was exported from Genesys: what is missing here, what is here only, what is different.
import { useId, useState } from 'preact/hooks';
import { Problem, api } from '../core/api';
import type { DnPassword } from '../core/types';
import { t } from '../core/words';
import { Note } from '../parts/bits';
import { Dialog } from '../parts/dialog';
import { columnsOf, pick } from '../pure/csv';
import type { CompareResult } from '../pure/shapes';
import { Sheet } from './sheet';
import { TextOrFile } from './text';

function Column({ label, value, options, set }: { label: string; value: number; options: [number, string][]; set: (n: number) => void }) {
    const id = useId();
    return (
        <div class="field">
            <label for={id}>{label}</label>
            <select id={id} value={value} onChange={(event) => set(Number(event.currentTarget.value))}>
                {options.map(([n, name]) => (
                    <option key={n} value={n}>
                        {name}
                    </option>
                ))}
            </select>
        </div>
    );
}

const Dns = ({ title, items }: { title: string; items: { dn: string; name: string }[] }) =>
    items.length ? (
        <details open={items.length <= 20}>
            <summary>
                {title} ({items.length})
            </summary>
            <ul class="dns">
                {items.map(({ dn, name }) => (
                    <li key={dn}>
                        <b class="mono">{dn}</b> {name}
                    </li>
                ))}
            </ul>
        </details>
    ) : null;

let draft = '';

export function CompareDialog({ done, close }: { done: () => void; close: () => void }) {
    const [text, setText] = useState(draft);
    const [chosen, setChosen] = useState<{ dn?: number; name?: number }>({});
    const [result, setResult] = useState<CompareResult | null>(null);
    const [made, setMade] = useState<DnPassword[] | null>(null);
    const [why, setWhy] = useState('');
    const found = { ...columnsOf(text), ...chosen };
    const names = (found.heads.length ? found.heads : found.rows[0] ?? []).map((h, i): [number, string] => [i, found.heads.length ? h : `${t('agents.compare_column', { n: i + 1 })}: ${h}`]);
    const guard = async (what: () => Promise<void>) => {
        setWhy('');
        try {
            await what();
        } catch (error) {
            if (!(error instanceof Problem)) throw error;
            setWhy(error.detail);
        }
    };
    const compare = async () => setResult(await api.post<CompareResult>('/dns/compare', pick(found), { type: 'text/csv' }));
    const add = async () => {
        const items: DnPassword[] = [];
        try {
            for (const { dn, name } of result!.missing) {
                const { password = '' } = await api.post<{ password?: string }>('/dns', { dn, name });
                items.push({ dn, name, password });
            }
        } finally {
            done();
            if (items.length) setMade(items);
        }
        await compare();
    };

    if (made) return <Sheet items={made} onClose={() => setMade(null)} />;
    return (
        <Dialog title={t('agents.compare_title')} wide onClose={close}>
            <form
                class="form"
                onSubmit={(event) => {
                    event.preventDefault();
                    void guard(compare);
                }}
            >
                <p class="dim">{t('agents.compare_help')}</p>
                <TextOrFile
                    text={text}
                    set={(next) => {
                        draft = next;
                        setText(next);
                        setChosen({});
                        setResult(null);
                    }}
                />
                {names.length > 1 && (
                    <div class="field-row">
                        <Column label={t('agents.compare_dn')} value={found.dn} options={names} set={(dn) => setChosen({ ...chosen, dn })} />
                        <Column label={t('agents.compare_name')} value={found.name} options={[[-1, t('agents.compare_no_name')], ...names]} set={(name) => setChosen({ ...chosen, name })} />
                    </div>
                )}
                {why && <Note kind="bad">{why}</Note>}
                {result && (
                    <div role="status">
                        <p>
                            <b>{!result.missing.length && !result.extra.length && !result.different.length ? t('agents.compare_equal') : t('agents.compare_sum', { n: result.same })}</b>
                        </p>
                        <Dns title={t('agents.missing')} items={result.missing} />
                        <Dns title={t('agents.extra')} items={result.extra} />
                        {result.different.length > 0 && (
                            <details open>
                                <summary>
                                    {t('agents.different')} ({result.different.length})
                                </summary>
                                <ul class="dns">
                                    {result.different.map((d) => (
                                        <li key={d.dn + d.field}>
                                            <b class="mono">{d.dn}</b> {d.field}: {t('agents.here')} “{d.here}”, {t('agents.there')} “{d.there}”
                                        </li>
                                    ))}
                                </ul>
                            </details>
                        )}
                    </div>
                )}
                <div class="buttons">
                    {!!result?.missing.length && (
                        <button type="button" onClick={() => guard(add)}>
                            {t('agents.missing_add', { n: result.missing.length })}
                        </button>
                    )}
                    <button type="submit" class="primary" disabled={!text.trim()}>
                        {t('agents.compare_do')}
                    </button>
                </div>
            </form>
        </Dialog>
    );
}
