// Nobody is kept out of any page and dialog of the console: axe-core, small windows, large letters, forced colours.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { keepsNobodyOut } from './lib/access.mjs';
import { CallsBox } from './lib/calls-box.mjs';
import { launchChromium } from './lib/chromium.mjs';
import { show, views } from './lib/console-views.mjs';

const SEEN_IN_OTHERS = new Set(['call, good', 'call, hostile', 'call, no trace', 'calls, hang up']); // all that they show

let box, browser;

before(async () => {
    box = await new CallsBox().start();
    browser = await launchChromium();
});
after(async () => {
    await browser?.close();
    await box?.stop();
});

for (const [name, view] of Object.entries(views).filter(([name]) => !SEEN_IN_OTHERS.has(name)))
    test(`nothing keeps anybody out: ${name}`, async () => {
        box.become(view.of?.includes('broken') ? 'broken' : 'usual');
        const page = await show(box, browser, view);
        await keepsNobodyOut(page);
        assert.deepEqual(page.complaints, []);
        await page.context().close();
    });
