import { later } from '../core/later';
import type { Place } from '../places';

export const people: Place = {
    name: 'people',
    path: '/admin/people',
    letter: 'p',
    icon: 'people',
    views: [
        { path: '/admin/people', view: later(() => import('./views').then((m) => m.Users)) },
        { path: '/admin/people/me', view: later(() => import('./views').then((m) => m.Me)) },
        { path: '/admin/people/sessions', view: later(() => import('./views').then((m) => m.Sessions)) },
        { path: '/admin/people/keys', view: later(() => import('./views').then((m) => m.Keys)) },
        { path: '/admin/people/audit', view: later(() => import('./views').then((m) => m.Audit)) },
        { path: '/admin/people/backup', view: later(() => import('./views').then((m) => m.Backups)) },
        { path: '/admin/people/alerts', view: later(() => import('./views').then((m) => m.Alerts)) },
        { path: '/admin/people/bans', view: later(() => import('./views').then((m) => m.Bans)) },
        { path: '/admin/people/about', view: later(() => import('./views').then((m) => m.About)) },
    ],
};
