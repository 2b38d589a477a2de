// What must hold in every state of the agent's page: axe-core finds nothing, the focus is somewhere, and nothing is cut off.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, afterEach, before, test } from 'node:test';
import { launchChromium } from './lib/chromium.mjs';
import { FakeGateway } from './lib/gateway.mjs';
import { Scene, states } from './lib/states.mjs';

const axe = createRequire(new URL('../../admin-ui/package.json', import.meta.url))('axe-core').source;

let browser, gateway, context, page;

before(async () => {
    gateway = await new FakeGateway().start();
    browser = await launchChromium();
});
after(async () => {
    await browser?.close();
    await gateway?.stop();
});
afterEach(() => context.close());

async function reach(state) {
    gateway.reset();
    context = await browser.newContext({ permissions: ['microphone'] });
    page = await context.newPage();
    page.setDefaultTimeout(30000);
    await page.goto(`${gateway.url}/index-agent-dn.html`);
    await states[state](new Scene(page, gateway));
    await page.evaluate(axe);
}

// With what is experimental: it holds labels against names (WCAG 2.5.3).
const findings = () =>
    page.evaluate(async () => {
        const { violations } = await window.axe.run(document, { rules: { 'label-content-name-mismatch': { enabled: true } } });
        return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 120)} ${failureSummary}`));
    });

for (const state of Object.keys(states))
    test(`nothing keeps anybody out: ${state}`, async () => {
        await reach(state);
        assert.notEqual(await page.evaluate(() => document.activeElement.tagName), 'BODY', 'the focus is somewhere');
        for (const colorScheme of ['light', 'dark']) {
            await page.emulateMedia({ colorScheme });
            assert.deepEqual(await findings(), [], colorScheme);
        }
        await page.setViewportSize({ width: 360, height: 740 });
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, 'nothing is wider than a telephone');
        assert.deepEqual(await findings(), [], 'narrow');
    });
