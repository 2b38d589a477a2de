// What must hold in every state of the agent's page: axe-core finds nothing, the focus is somewhere, and nothing is cut off.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { page, scene } from './lib/stage.mjs';
import { states } from './lib/states.mjs';

const axe = createRequire(new URL('../../admin-ui/package.json', import.meta.url))('axe-core').source;

// With what is experimental: it holds labels against names (WCAG 2.5.3).
const findings = () =>
    page.evaluate(async () => {
        const { violations } = await window.axe.run(document, { rules: { 'label-content-name-mismatch': { enabled: true } } });
        return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 120)} ${failureSummary}`));
    });

for (const state of Object.keys(states))
    test(`nothing keeps anybody out: ${state}`, async () => {
        await states[state](scene);
        await page.evaluate(axe);
        assert.notEqual(await page.evaluate(() => document.activeElement.tagName), 'BODY', 'the focus is somewhere');
        for (const colorScheme of ['light', 'dark']) {
            await page.emulateMedia({ colorScheme });
            assert.deepEqual(await findings(), [], colorScheme);
        }
        await page.setViewportSize({ width: 360, height: 740 });
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, 'nothing is wider than a telephone');
        assert.deepEqual(await findings(), [], 'narrow');
    });
