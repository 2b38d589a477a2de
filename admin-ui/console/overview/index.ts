import type { Place } from '../places';
import { later } from '../core/later';
import { Overview } from './overview';

export const overview: Place = { name: 'overview', path: '/admin/', letter: 'o', icon: 'overview', views: [{ path: '/admin/', view: Overview }, { path: '/admin/wall', view: later(() => import('../wallboard/wallboard').then((m) => m.Wallboard)), bare: true }] };
