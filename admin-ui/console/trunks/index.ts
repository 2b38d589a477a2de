import type { Place } from '../places';
import { Trunk } from './trunk';
import { Trunks } from './trunks';

export const trunks: Place = {
    name: 'trunks',
    path: '/admin/trunks',
    letter: 't',
    icon: 'trunks',
    views: [
        { path: '/admin/trunks', view: Trunks },
        { path: '/admin/trunks/:name', view: Trunk as never },
    ],
};
