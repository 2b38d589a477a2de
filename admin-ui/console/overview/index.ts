import type { Place } from '../places';
import { Wallboard } from '../wallboard/wallboard';
import { Overview } from './overview';

export const overview: Place = { name: 'overview', path: '/admin/', letter: 'o', icon: 'overview', views: [{ path: '/admin/', view: Overview }, { path: '/admin/wall', view: Wallboard, bare: true }] };
