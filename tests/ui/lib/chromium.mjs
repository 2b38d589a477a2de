// Debian's Chromium, headless, with a fake microphone and a profile of its own that goes with it.
import { chromium } from './npm.mjs';

const FLAGS = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
    '--no-proxy-server',
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
];

export const CHROMIUM = process.env.CHROMIUM_BIN ?? '/usr/bin/chromium';

// microphone: a WAV file that is played in a loop; without it the fake device beeps.
export function launchChromium({ program = CHROMIUM, microphone = null, flags = [] } = {}) {
    return chromium.launch({
        executablePath: program,
        args: [...FLAGS, ...(microphone ? [`--use-file-for-fake-audio-capture=${microphone}`] : []), ...flags],
    });
}
