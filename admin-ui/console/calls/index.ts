import type { Place } from '../places';
import { CallPage } from './call';
import { CallsPage } from './calls';

export const calls: Place = {
    name: 'calls',
    path: '/admin/calls',
    letter: 'c',
    icon: 'calls',
    views: [
        { path: '/admin/calls', view: CallsPage },
        { path: '/admin/calls/:id', view: CallPage as never },
    ],
};
