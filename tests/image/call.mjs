// One agent's call to 600 through a dngate in lab mode that runs elsewhere, in Chromium, with the audio checked.
//
//   node tests/image/call.mjs HOST HTTPS-PORT [COMMAND]
//
// COMMAND (a shell's) is started while the call is up, and must not end it: the audio is checked again, then the agent
// hangs up, and the command must come to its end with exit status 0.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeSpeech } from '../e2e/lib/audio.mjs';
import { OPUS } from '../e2e/lib/echo.mjs';
import { AgentPage } from '../e2e/lib/page.mjs';
import { launchChromium } from '../ui/lib/chromium.mjs';

const [host, port, command] = process.argv.slice(2);
const dir = mkdtempSync(join(tmpdir(), 'dngate-image-'));
const browser = await launchChromium({ microphone: makeSpeech(dir) });
let agent;

const echo = () => agent.checkEcho({ diagnostic: console.log }, OPUS);

try {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
    agent = await AgentPage.open(context, { host, ports: { https: port } }, '5001');
    await agent.startShift();
    await agent.dial('600');
    await agent.call('connected');
    await echo();
    if (command) {
        const child = spawn('sh', ['-c', command], { stdio: 'inherit' });
        const ended = once(child, 'exit');
        await new Promise((resolve) => setTimeout(resolve, 2000));
        await echo();
        assert.equal(child.exitCode, null, 'it waits for the call');
        await agent.page.click('#hangup');
        assert.deepEqual(await ended, [0, null]);
    } else {
        await agent.hangup();
    }
} finally {
    await browser.close();
    rmSync(dir, { recursive: true, force: true });
}
