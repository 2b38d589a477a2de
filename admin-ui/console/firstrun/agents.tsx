// The first agents: a range of DNs with passwords made here, shown once, to be printed.
import { useState } from 'preact/hooks';
import { api, save } from '../core/api';
import { live } from '../core/live';
import type { DnPassword } from '../core/types';
import { t } from '../core/words';
import { Note } from '../parts/bits';
import { Field, Form, useForm } from '../parts/form';
import { Icon } from '../parts/icon';
import { Onward, type StepProps } from './step';

const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
export const csvOf = (items: DnPassword[]) => `dn,name,password\n${items.map(({ dn, name, password }) => [dn, name, password].map(quoted).join(',')).join('\n')}\n`;

// How many a range has; 0 when it is none.
export function countOf(from: string, to: string): number {
    const [a, b] = [from, to].map((n) => (/^\d{1,12}$/.test(n.trim()) ? Number(n) : NaN)) as [number, number];
    return b >= a ? b - a + 1 : 0;
}

// To be cut apart and handed out.
export const Sheet = ({ items }: { items: DnPassword[] }) => (
    <div class="handout">
        <p class="print-only">
            {t('firstrun.sheetTitle')} {location.origin}/index-agent-dn.html
        </p>
        <table class="plain-table">
            <thead>
                <tr>
                    <th scope="col">DN</th>
                    <th scope="col">{t('shell.name')}</th>
                    <th scope="col">{t('shell.password')}</th>
                </tr>
            </thead>
            <tbody>
                {items.map(({ dn, name, password }) => (
                    <tr key={dn}>
                        <td class="figures">{dn}</td>
                        <td>{name}</td>
                        <td>
                            <code>{password}</code>
                        </td>
                    </tr>
                ))}
            </tbody>
        </table>
    </div>
);

let made: DnPassword[] = []; // while the first run is open: one step back loses no password
export const firstMade = () => made[0];

export function Agents({ next, skip }: StepProps) {
    const form = useForm({ from: '5001', to: '5010' }, { id: 'first-agents' });
    const [items, setItems] = useState(made);
    const count = countOf(form.values.from, form.values.to);
    const there = live.status.value?.dns ?? 0;

    if (items.length)
        return (
            <>
                <div class="card step-card">
                    <Note kind="warn">{t('firstrun.shownOnce')}</Note>
                    <div class="buttons">
                        <button type="button" class="primary" onClick={() => print()}>
                            {t('firstrun.print')}
                        </button>
                        <button type="button" onClick={() => save('dngate-agents.csv', csvOf(items), 'text/csv')}>
                            <Icon name="download" /> CSV
                        </button>
                    </div>
                    <Sheet items={items} />
                </div>
                <Onward next={next} />
            </>
        );
    return (
        <>
            {there > 0 && <Note>{t('firstrun.dnsThere', { n: there })}</Note>}
            <div class="card step-card">
                <Form
                    form={form}
                    button={count ? t('firstrun.addAgents', { n: count }) : t('firstrun.addAgentsNone')}
                    also={
                        <button type="button" class="plain" onClick={skip}>
                            {t('firstrun.skip')}
                        </button>
                    }
                    send={async ({ from, to }) => {
                        made = (await api.post<{ items: DnPassword[] }>('/dns/range', { from: from.trim(), to: to.trim() })).items;
                        setItems(made);
                    }}
                >
                    <div class="field-row">
                        <Field name="from" label={t('firstrun.from')} first />
                        <Field name="to" label={t('firstrun.to')} />
                    </div>
                    <p class="field-help">{t('firstrun.rangeHelp')}</p>
                </Form>
            </div>
        </>
    );
}
