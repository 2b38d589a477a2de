import { later } from '../core/later';
import type { Place } from '../places';

export const trunks: Place = {
    name: 'trunks',
    path: '/admin/trunks',
    letter: 't',
    icon: 'trunks',
    views: [
        { path: '/admin/trunks', view: later(() => import('./trunks').then((m) => m.Trunks)) },
        { path: '/admin/trunks/:name', view: later(() => import('./trunk').then((m) => m.Trunk)) as never },
    ],
};
