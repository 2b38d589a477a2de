import type { Place } from '../places';
import { About } from './about';
import { Alerts } from './alerts';
import { Audit } from './audit';
import { Backups } from './backup';
import { Bans } from './bans';
import { Keys } from './keys';
import { Me } from './me';
import { Sessions } from './sessions';
import { Users } from './users';

export const people: Place = {
    name: 'people',
    path: '/admin/people',
    letter: 'p',
    icon: 'people',
    views: [
        { path: '/admin/people', view: Users },
        { path: '/admin/people/me', view: Me },
        { path: '/admin/people/sessions', view: Sessions },
        { path: '/admin/people/keys', view: Keys },
        { path: '/admin/people/audit', view: Audit },
        { path: '/admin/people/backup', view: Backups },
        { path: '/admin/people/alerts', view: Alerts },
        { path: '/admin/people/bans', view: Bans },
        { path: '/admin/people/about', view: About },
    ],
};
