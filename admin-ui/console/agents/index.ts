import { later } from '../core/later';
import type { Place } from '../places';

export const agents: Place = {
    name: 'agents',
    path: '/admin/agents',
    letter: 'a',
    icon: 'agents',
    views: [
        { path: '/admin/agents', view: later(() => import('./agents').then((m) => m.Agents)) },
        { path: '/admin/agents/:dn', view: later(() => import('./agent').then((m) => m.Agent)) as never },
    ],
};
