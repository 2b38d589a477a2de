import type { Place } from '../places';
import { Agent } from './agent';
import { Agents } from './agents';

export const agents: Place = {
    name: 'agents',
    path: '/admin/agents',
    letter: 'a',
    icon: 'agents',
    views: [
        { path: '/admin/agents', view: Agents },
        { path: '/admin/agents/:dn', view: Agent as never },
    ],
};
