// What the agent's hands do: nothing moves under a finger, keys do what the hint says and once, what ends a call asks first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { looks, setLook } from './lib/looks.mjs';
import { atOneMoment, call, connected, focused, gateway, page, pill, rung, saying, startShift } from './lib/stage.mjs';
import { microphoneBack, microphoneGone } from './lib/states.mjs';

// Where they are on the page, however far it is scrolled, and whether they are seen. state: as soon as the call is in it, which may soon be over.
const boxes = (state = '') =>
    page.evaluate(async (wanted) => {
        while (wanted && document.getElementById('call').dataset.state !== wanted) await new Promise(requestAnimationFrame);
        const look = (id) => {
            const element = document.getElementById(id);
            const { x, y, width, height } = element.getBoundingClientRect();
            return { box: [x + scrollX, y + scrollY, width, height], seen: getComputedStyle(element).visibility === 'visible' };
        };
        return Object.fromEntries(['keypad', 'mute', 'hangup'].map((id) => [id, look(id)]));
    }, state);

for (const [name, look] of Object.entries({ wide: { width: 1280, height: 800 }, medium: { width: 900, height: 800 }, ...looks }))
    test(`nothing moves from ringing to the end of the call: ${name}`, async () => {
        await setLook(page, look);
        await startShift();
        const idle = await boxes();
        const id = await rung({ name: 'Someone with quite a long name that takes more than one line, however wide', headers: [['P-Called-Party-ID', '<sip:0800@gw>']] });
        const shown = Object.fromEntries(Object.entries(idle).map(([key, { box }]) => [key, { box, seen: true }]));
        const same = async (what) => assert.deepEqual(await boxes(), shown, what);
        await same('ringing');
        await page.click('#answer');
        await call('connected');
        await same('connected');
        for (const digit of '1234567890*#1234567890*#') await page.click(`[data-digit="${digit}"]`);
        await same('digits sent');
        gateway.message('{"drain":{"seconds":240}}');
        await saying('4 minutes');
        gateway.ring({ name: 'Grace Hopper', number: '4712' });
        await page.locator('#waiting').waitFor();
        await same('a second call and a message');
        await page.click('#waiting-decline');
        await microphoneGone(page);
        await pill('No microphone');
        await same('no microphone');
        const ended = boxes('ended');
        gateway.bye(id);
        assert.deepEqual(await ended, shown, 'ended');
        await call('idle');
        assert.deepEqual(await boxes(), idle, 'idle');
        await microphoneBack(page);
        await pill('Draining');
        await connected();
        gateway.message('{"elsewhere":true}');
        await pill('Signed in elsewhere');
        await same('taken over');
    });

test('keys that are held down, and a second Enter at once, do nothing', async () => {
    await startShift();
    await atOneMoment();
    await rung();
    await focused('#answer');
    await page.keyboard.down('Enter');
    await page.keyboard.down('Enter'); // repeats
    await call('connected');
    await page.keyboard.down('Enter');
    await page.keyboard.up('Enter');
    await page.keyboard.press('Enter');
    assert.equal(await page.getAttribute('#mute', 'aria-pressed'), 'false');
    await page.keyboard.down('m');
    await page.keyboard.down('m');
    await page.keyboard.up('m');
    assert.equal(await page.getAttribute('#mute', 'aria-pressed'), 'true');
    await page.keyboard.down('5');
    await page.keyboard.down('5');
    await page.keyboard.up('5');
    assert.equal(await page.textContent('#sent-digits'), '5');
    await page.locator('#hangup').focus();
    await page.keyboard.press('Enter');
    await call('ended');
});

test('the second half of a double click does nothing', async () => {
    await startShift();
    await rung();
    await page.dblclick('#answer');
    await call('connected');
    let byes = 0;
    gateway.on('bye', () => byes++);
    await page.dblclick('#hangup');
    await call('ended');
    assert.equal(byes, 1);
});

test('a call that comes in leaves the focus to a control in use; Enter answers from everywhere else', async () => {
    await startShift();
    for (const [control, leaves] of [
        ['#microphone', false],
        ['#volume', true],
        ['#auto-answer', true],
    ]) {
        await page.focus(control);
        const id = await rung();
        await focused(control);
        await page.keyboard.press('Enter');
        await call(leaves ? 'connected' : 'incoming');
        if (leaves) gateway.bye(id);
        else gateway.cancel(id);
        await call('idle');
        await page.keyboard.press('Escape'); // closes the list
    }
    await page.fill('#dial-number', '60');
    const id = await rung();
    assert.equal(await page.inputValue('#dial-number'), '60');
    gateway.cancel(id);
    await call('idle');
    await page.fill('#dial-number', '');
    await page.click('main', { position: { x: 2, y: 2 } });
    await rung();
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press('Enter');
    await call('connected');
});

test('a button that was clicked with the mouse does not catch the Enter that answers', async () => {
    await startShift();
    await page.click('#auto-answer');
    await page.click('#auto-answer');
    await page.click('[data-digit="5"]');
    await page.fill('#dial-number', '');
    await rung();
    await page.keyboard.press('Enter');
    await call('connected');
});

for (const [button, after] of [['#end-shift', '#start-shift'], ['#sign-out', '#dn']])
    test(`${button} in a call asks first`, async () => {
        await startShift();
        await connected();
        await page.click(button);
        await page.locator('#ask[open]').waitFor();
        await focused('#ask-no');
        await page.keyboard.press('m');
        assert.equal(await page.getAttribute('#mute', 'aria-pressed'), 'false', 'keys are the dialog’s');
        await page.keyboard.press('Escape');
        await focused(button);
        await call('connected');
        const bye = gateway.next('bye');
        await page.click(button);
        await page.click('#ask-yes');
        await bye;
        await page.locator(after).waitFor();
    });

test('a reload in a call asks first, without one it does not', async () => {
    const asked = () => page.evaluate(() => !window.dispatchEvent(new Event('beforeunload', { cancelable: true })));
    await startShift();
    assert.equal(await asked(), false);
    await rung();
    assert.equal(await asked(), true);
    await page.click('#answer');
    await call('connected');
    assert.equal(await asked(), true);
});
