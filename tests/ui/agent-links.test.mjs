// Numbers that links bring, and buttons of headsets.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listenToHeadset } from '../../admin-ui/agent/headset.js';
import { numberOf } from '../../admin-ui/agent/link.js';
import { call, connected, gateway, page, startShift } from './lib/stage.mjs';

test('the number in an address', () => {
    const rows = [['#dial=4712', '4712'], ['#dial=tel%3A%2B49-30-12', 'tel:+49-30-12'], ['#dial=', ''], ['#dial=%', ''], ['#other=1', ''], ['', '']];
    for (const [hash, number] of rows) assert.equal(numberOf(hash), number, hash);
});

test('a headset that knows only one button, and a browser that knows none', () => {
    const state = { call: { state: 'idle' }, muted: false };
    const handlers = {};
    const done = [];
    const actions = { hangup: () => done.push('hangup'), setMuted: (muted) => done.push(muted) };
    const session = {
        setActionHandler(action, run) {
            if (action === 'togglemicrophone' && session.old) throw new TypeError(action);
            handlers[action] = run;
        },
    };
    listenToHeadset(() => state, actions, null);
    listenToHeadset(() => state, actions, Object.assign(session, { old: true }));
    assert.deepEqual(Object.keys(handlers), ['hangup']);
    listenToHeadset(() => state, actions, Object.assign(session, { old: false }));
    for (const name of ['idle', 'incoming', 'connected', 'ended']) {
        state.call.state = name;
        for (const run of Object.values(handlers)) run();
    }
    assert.deepEqual(done, ['hangup', 'hangup', true]);
});

test('a link fills the number in and does not dial, in a call neither', async () => {
    let invites = 0;
    gateway.on('invite', () => invites++);
    await page.goto(`${gateway.url}/index-agent-dn.html#dial=tel%3A%2B49-30-12`);
    await page.reload();
    await startShift();
    assert.equal(new URL(page.url()).hash, '');
    await page.evaluate(() => (location.hash = '#dial=tel%3A%2B49-30-13'));
    await page.locator('#dial-hint', { hasText: 'Dials +493013' }).waitFor();
    await connected();
    await page.evaluate(() => (location.hash = '#dial=4714'));
    await page.waitForFunction(() => document.getElementById('dial-number').value === '4714');
    await call('connected');
    assert.equal(invites, 0);
});
