import { later } from '../core/later';
import type { Place } from '../places';

export const settings: Place = {
    name: 'settings',
    path: '/admin/settings',
    letter: 's',
    icon: 'settings',
    views: [
        { path: '/admin/settings', view: later(() => import('./settings').then((m) => m.Settings)) },
        { path: '/admin/settings/history', view: later(() => import('./history').then((m) => m.History)) },
    ],
};
