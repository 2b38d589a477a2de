// /selftest.html: the self-test by itself, for whoever has a one-time link (#TOKEN) or a DN.
import { loadSettings, saveSettings } from '../shared/settings.js';
import { read, tab, write } from '../shared/storage.js';
import { createTicker } from '../shared/ticker.js';
import { makeRoom } from '/selftest-room.js';

const SESSION = 'dngate.selftest';
const LINK = 'dngate.selftest.link'; // until it is used: a reload before that goes on

// Not left where others see it, nor in the browser's history.
function takeLink() {
    const token = location.hash.slice(1);

    if (!token) return read(tab, LINK) ?? undefined;
    history.replaceState(null, '', location.pathname);
    write(tab, LINK, token);
    write(tab, SESSION, null); // of another test
    return token;
}

const link = takeLink();
const settings = loadSettings();

async function open() {
    const room = await makeRoom(/** @type {HTMLElement} */ (document.getElementById('room')), {
        ticker: createTicker('/ticker-agent-dn.js'),
        settings,
        save: () => saveSettings(settings),
        session: read(tab, SESSION),
        started(session) {
            write(tab, SESSION, session);
            write(tab, LINK, null);
        },
        over: () => write(tab, LINK, null),
    });

    room.enter({ link });
}
open();
// The same page with another link.
window.addEventListener('hashchange', () => location.hash && location.reload());
