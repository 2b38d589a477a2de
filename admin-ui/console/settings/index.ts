import type { Place } from '../places';
import { History } from './history';
import { Settings } from './settings';

export const settings: Place = {
    name: 'settings',
    path: '/admin/settings',
    letter: 's',
    icon: 'settings',
    views: [
        { path: '/admin/settings', view: Settings },
        { path: '/admin/settings/history', view: History },
    ],
};
