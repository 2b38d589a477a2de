import type { Place } from '../places';
import { Overview } from './overview';

export const overview: Place = { name: 'overview', path: '/admin/', letter: 'o', icon: 'overview', views: [{ path: '/admin/', view: Overview }] };
