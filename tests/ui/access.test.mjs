// Nobody is kept out of the agent's page in any of its states, and the focus is always somewhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepsNobodyOut } from './lib/access.mjs';
import { page, scene } from './lib/stage.mjs';
import { states } from './lib/states.mjs';

for (const state of Object.keys(states))
    test(`nothing keeps anybody out: ${state}`, async () => {
        await states[state](scene);
        assert.notEqual(await page.evaluate(() => document.activeElement.tagName), 'BODY', 'the focus is somewhere');
        await keepsNobodyOut(page);
    });
