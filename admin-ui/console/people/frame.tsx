// What all pages of this place have: its tabs, as far as one may see them.
import type { ComponentChildren } from 'preact';
import { may } from '../core/api';
import type { Role } from '../core/types';
import { t } from '../core/words';
import { Empty } from '../parts/bits';
import { Page } from '../parts/page';
import { Tabs } from '../parts/tabs';

const views: [path: string, name: 'users' | 'me' | 'sessions' | 'keys' | 'audit' | 'backup' | 'alerts' | 'bans' | 'about', role: Role][] = [
    ['', 'users', 'admin'],
    ['/me', 'me', 'readonly'],
    ['/sessions', 'sessions', 'readonly'],
    ['/keys', 'keys', 'admin'],
    ['/audit', 'audit', 'admin'],
    ['/backup', 'backup', 'admin'],
    ['/alerts', 'alerts', 'admin'],
    ['/bans', 'bans', 'supervisor'],
    ['/about', 'about', 'readonly'],
];

export function Frame({ role, lead, actions, children }: { role: Role; lead?: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren }) {
    const tabs = views.filter(([, , needed]) => may(needed)).map(([path, name]): [string, string] => [`/admin/people${path}`, t(`people.tab_${name}`)]);
    const allowed = may(role);

    return (
        <Page title={t('people.title')} lead={allowed && lead} actions={allowed && actions}>
            <Tabs label={t('people.title')} of={tabs} />
            {allowed ? children : <Empty title={t('people.not_yours')} />}
        </Page>
    );
}
