// What outlives a reload: who is signed in and which calls were missed (this tab, never the password), and the agent's settings (this browser).
const IDENTITY = 'dngate.identity';
const SETTINGS = 'dngate.settings';
const MISSED = 'dngate.missed';

export const defaultSettings = Object.freeze({
    microphone: '',
    speaker: '',
    volume: 1,
    ringVolume: 0.7,
    autoAnswer: false,
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
});

function read(storage, key) {
    try {
        return JSON.parse(storage().getItem(key));
    } catch {
        return null; // storage is switched off, or holds something foreign
    }
}

function write(storage, key, value) {
    try {
        if (value === null) storage().removeItem(key);
        else storage().setItem(key, JSON.stringify(value));
    } catch {
        // Without storage the page works; it only forgets.
    }
}

const tab = () => window.sessionStorage;
const browser = () => window.localStorage;

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
export const loadSettings = () => ({ ...defaultSettings, ...read(browser, SETTINGS) });
export const saveSettings = (settings) => write(browser, SETTINGS, settings);
