// A server, and a browser at the far end of a cable: for files that run in a network namespace of their own (lib/netns.mjs).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHROMIUM, launchChromium } from '../../ui/lib/chromium.mjs';
import { start } from '../dngate.mjs';
import { makeSpeech } from './audio.mjs';
import { ADDRESS, FarEnd } from './netns.mjs';

// { server, end, browser, close() }. flags: the browser's.
export async function openRemote({ flags = [] } = {}) {
    const remote = { dir: mkdtempSync(join(tmpdir(), 'dngate-e2e-')) };

    remote.close = async () => {
        await remote.browser?.close();
        await remote.end?.close();
        rmSync(remote.dir, { recursive: true, force: true });
        await remote.server?.stop();
    };
    try {
        remote.server = await start({ options: ['bind.address=0.0.0.0', `public.address=${ADDRESS}`] });
        remote.server.host = ADDRESS;
        remote.end = await FarEnd.open();
        const program = remote.end.wrap(join(remote.dir, 'chromium'), CHROMIUM);
        remote.browser = await launchChromium({ program, microphone: makeSpeech(remote.dir), flags });
    } catch (error) {
        await remote.close();
        throw error;
    }
    return remote;
}
