import { later } from '../core/later';
import type { Place } from '../places';

export const network: Place = {
    name: 'network',
    path: '/admin/network',
    letter: 'n',
    icon: 'network',
    views: [{ path: '/admin/network', view: later(() => import('./network').then((m) => m.Network)) }],
};
