// What outlives a reload of this tab: who is signed in (never the password), and which calls were missed.
import { read, tab, write } from '../shared/storage.js';

const IDENTITY = 'dngate.identity';
const MISSED = 'dngate.missed';

export const loadIdentity = () => {
    const identity = read(tab, IDENTITY);
    return identity?.dn && identity?.ha1 ? identity : null;
};
export const saveIdentity = (identity) => write(tab, IDENTITY, identity);
export const loadMissed = () => {
    const missed = read(tab, MISSED);
    return Array.isArray(missed) ? missed : [];
};
export const saveMissed = (missed) => write(tab, MISSED, missed.length ? missed : null);
