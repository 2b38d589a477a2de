// Is the first run what is shown? With the set-up link it is, whoever is signed in; without one its first step is over.
import { may, session } from '../core/api';
import { here } from '../core/router';

export const TOKEN = 'dngate.console.setup';
export const dropToken = () => sessionStorage.removeItem(TOKEN);

// The address is read in any case, so that whoever asks is asked again when it changes.
export const atFirstRun = () => {
    const { path } = here.value;
    return location.hash.startsWith('#setup=') || (path === '/admin/first-run' && !!(session.value ? may('admin') : sessionStorage.getItem(TOKEN)));
};
