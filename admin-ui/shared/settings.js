// What a person has chosen for this browser, on whichever page.
import { browser, read, write } from './storage.js';

const SETTINGS = 'dngate.settings';

export const defaultSettings = Object.freeze({
    microphone: '',
    speaker: '',
    ringSpeaker: '', // as the speaker
    volume: 1,
    ringVolume: 0.7,
    autoAnswer: false,
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
});

export const loadSettings = () => ({ ...defaultSettings, ...read(browser, SETTINGS) });
export const saveSettings = (settings) => write(browser, SETTINGS, settings);
