// Passwords that were made: shown once, as slips to print and cut, or as CSV.
import type { DnPassword } from '../core/types';
import { t } from '../core/words';
import { copy } from '../parts/act';
import { Dialog } from '../parts/dialog';
import { writeCsv } from '../pure/csv';

const page = () => `${location.origin}/index-agent-dn.html`;

export const Sheet = ({ items, onClose }: { items: DnPassword[]; onClose: () => void }) => (
    <Dialog title={t('agents.sheet_title')} wide>
        <p>{t('agents.sheet_lead', { n: items.length })}</p>
        <div class="buttons">
            <button type="button" class="primary" data-first onClick={() => print()}>
                {t('agents.sheet_print')}
            </button>
            <button type="button" onClick={() => copy(writeCsv([['dn', 'name', 'password'], ...items.map((i) => [i.dn, i.name, i.password])]), t('agents.sheet_copied'))}>
                {t('agents.sheet_copy')}
            </button>
            <button type="button" onClick={onClose}>
                {t('agents.sheet_close')}
            </button>
        </div>
        <ul class="sheet">
            {items.map(({ dn, name, password }) => (
                <li key={dn}>
                    <b>{name || dn}</b>
                    <small>
                        {t('agents.sheet_open')} <span class="mono">{page()}</span>
                    </small>
                    <dl>
                        <dt>{t('agents.dn')}</dt>
                        <dd class="mono">{dn}</dd>
                        <dt>{t('agents.password')}</dt>
                        <dd class="mono">{password}</dd>
                    </dl>
                </li>
            ))}
        </ul>
    </Dialog>
);
