// Agents from a CSV: first what would happen, line by line; then all of it or nothing.
import { useState } from 'preact/hooks';
import { Problem, api } from '../core/api';
import { t } from '../core/words';
import { Note } from '../parts/bits';
import { Dialog } from '../parts/dialog';
import { State, type Kind } from '../parts/state';
import { toast } from '../parts/toast';
import { commas } from '../pure/csv';
import type { ImportResult, ImportRow } from '../pure/shapes';
import { TextOrFile } from './text';

const MOST = 300; // rows that are drawn; the rest is counted
const kinds: Record<ImportRow['action'], Kind> = { add: 'good', change: 'wait', same: 'off', error: 'bad' };

const Rows = ({ rows }: { rows: ImportRow[] }) => (
    <table class="list">
        <thead>
            <tr>
                <th scope="col" class="end">
                    {t('agents.import_line')}
                </th>
                <th scope="col">{t('agents.dn')}</th>
                <th scope="col">{t('agents.import_what')}</th>
            </tr>
        </thead>
        <tbody>
            {rows.slice(0, MOST).map((row) => (
                <tr key={row.line}>
                    <td class="end">{row.line}</td>
                    <td class="mono">{row.dn}</td>
                    <td>
                        <State kind={kinds[row.action]}>{row.action === 'same' ? '' : t(`agents.import_${row.action}`)}</State>{' '}
                        {row.changes?.length
                            ? row.changes.map(({ field, before, after }) => (
                                  <span class="change" key={field}>
                                      {field} <del>{before}</del> <ins>{after}</ins>
                                  </span>
                              ))
                            : row.detail}
                    </td>
                </tr>
            ))}
        </tbody>
    </table>
);

// Remembered while one looks elsewhere, not longer than the page.
let draft = '';

export function ImportDialog({ done, close }: { done: () => void; close: () => void }) {
    const [text, setText] = useState(draft);
    const [result, setResult] = useState<ImportResult | null>(null);
    const [why, setWhy] = useState('');
    const [busy, setBusy] = useState(false);
    const ask = async (dry_run: boolean) => {
        setBusy(true);
        setWhy('');
        try {
            return await api.post<ImportResult>('/dns/import', commas(text), { type: 'text/csv', query: { dry_run } });
        } catch (error) {
            if (!(error instanceof Problem)) throw error;
            setWhy(error.detail);
            return null;
        } finally {
            setBusy(false);
        }
    };
    const n = result ? result.added + result.changed : 0;
    const telling = result?.rows.filter((r) => (result.failed ? r.action === 'error' : r.action !== 'same')) ?? [];

    return (
        <Dialog title={t('agents.import_title')} wide onClose={close}>
            <form
                class="form"
                onSubmit={async (event) => {
                    event.preventDefault();
                    if (busy) return;
                    if (!result || result.failed || !n) return setResult(await ask(true));
                    const did = await ask(false);
                    if (!did) return;
                    if (did.failed) return setResult(did);
                    draft = '';
                    done();
                    toast(t('agents.import_done', { n }));
                    close();
                }}
            >
                <p class="dim">{t('agents.import_help')}</p>
                <TextOrFile
                    text={text}
                    set={(next) => {
                        draft = next;
                        setText(next);
                        setResult(null);
                    }}
                />
                {why && <Note kind="bad">{why}</Note>}
                {result && (
                    <div role="status">
                        <p>
                            <b>{t('agents.import_sum', { added: result.added, changed: result.changed, same: result.unchanged, failed: result.failed })}</b>
                        </p>
                        {result.failed > 0 && <Note kind="bad">{t('agents.import_wrong')}</Note>}
                        {!result.failed && !n && <p>{t('agents.import_same')}</p>}
                        {telling.length > 0 && <Rows rows={telling} />}
                        {telling.length > MOST && <p class="dim">{t('agents.import_hidden', { n: telling.length - MOST })}</p>}
                    </div>
                )}
                <div class="buttons">
                    <button type="button" onClick={close}>
                        {t('shell.cancel')}
                    </button>
                    <button type="submit" class="primary" disabled={!text.trim()} aria-disabled={busy || undefined}>
                        {result && !result.failed && n ? t('agents.import_do', { n }) : t('agents.import_check')}
                    </button>
                </div>
            </form>
        </Dialog>
    );
}
