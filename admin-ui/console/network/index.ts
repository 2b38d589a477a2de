import type { Place } from '../places';
import { Network } from './network';

export const network: Place = {
    name: 'network',
    path: '/admin/network',
    letter: 'n',
    icon: 'network',
    views: [{ path: '/admin/network', view: Network }],
};
