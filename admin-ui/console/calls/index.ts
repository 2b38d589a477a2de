import { later } from '../core/later';
import type { Place } from '../places';

export const calls: Place = {
    name: 'calls',
    path: '/admin/calls',
    letter: 'c',
    icon: 'calls',
    views: [
        { path: '/admin/calls', view: later(() => import('./calls').then((m) => m.CallsPage)) },
        { path: '/admin/calls/:id', view: later(() => import('./call').then((m) => m.CallPage)) as never },
    ],
};
