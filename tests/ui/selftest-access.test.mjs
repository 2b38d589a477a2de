// Nobody is kept out of the self-test in any of its states, the focus is always somewhere, and no button moves under a finger.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepsNobodyOut } from './lib/access.mjs';
import { page, scene } from './lib/stage.mjs';
import { open, selftestStates } from './lib/selftest-states.mjs';

const SEEN_IN_OTHERS = new Set(['by link', 'green room']); // all that they show

for (const [state, steps] of Object.entries(selftestStates).filter(([state]) => !SEEN_IN_OTHERS.has(state)))
    test(`nothing keeps anybody out: ${state}`, async () => {
        await steps(scene);
        assert.notEqual(await page.evaluate(() => document.activeElement.tagName), 'BODY', 'the focus is somewhere');
        await keepsNobodyOut(page);
    });

for (const width of [360, 1280])
    test(`nothing moves from question to question, ${width} px wide`, async () => {
        const places = new Set();
        const look = async () => {
            const { y, height } = await page.locator('.room-buttons').boundingBox();
            places.add(`${Math.round(y + (await page.evaluate(() => scrollY)))} ${Math.round(height)}`);
        };
        await page.setViewportSize({ width, height: 800 });
        await open(scene);
        const t = scene.test;
        await look();
        await t.press('Start');
        for (const [step, answer] of [['speaker', 'Yes'], ['ring', 'Yes'], ['record', 'Record'], ['recording', null], ['heard', 'Yes'], ['echo', null], ['good', null]]) {
            await t.step(step);
            await look();
            if (answer) await t.press(answer);
            else if (step !== 'good') await t.hurry(step);
        }
        assert.equal(places.size, 1, [...places].join(', '));
    });
