// What the page says of calls: the pill, the quality, who calls and whom, what is dialled, missed calls and the second one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atOneMoment, call, connected, context, fakeIce, focused, gateway, iceBecomes, page, pill, registration, rung, saying, scene, signIn, startShift } from './lib/stage.mjs';

test('the pill tells the truth', async () => {
    await startShift();
    await pill('Ready');
    const id = await rung();
    await pill('Ringing');
    await page.click('#answer');
    await pill('On a call');
    gateway.bye(id);
    await pill('Ready');
    gateway.message('{"drain":{"seconds":60}}');
    await pill('Draining');
    gateway.refuseSockets = true;
    gateway.socket.terminate();
    await pill('Offline');
    gateway.refuseSockets = false;
    await pill('Ready');
    await context.setOffline(true);
    await pill('Offline');
    await context.setOffline(false);
    await pill('Ready');
    gateway.socket.close(4001, 'signed in elsewhere');
    await pill('Signed in elsewhere');
});

// What getStats() says of the packets received, until it is told otherwise.
async function fakeStats() {
    await page.evaluate(() => {
        window.received = 0;
        RTCPeerConnection.prototype.getStats = () =>
            Promise.resolve(new Map([['in', { type: 'inbound-rtp', kind: 'audio', packetsReceived: window.received, packetsLost: 0, jitter: 0.001 }]]));
    });
}

test('there is no audio yet until there was; when it stops an advice says what to do, and goes when it comes back', async () => {
    const flow = (on) => page.evaluate((flows) => {
        clearInterval(window.flow);
        if (flows) window.flow = setInterval(() => (window.received += 10), 200);
    }, on);
    const word = (text) => page.locator('#quality-word', { hasText: text }).waitFor();
    await startShift();
    await fakeStats();
    await fakeIce();
    await connected();
    await iceBecomes('connected');
    await word('No audio yet');
    await saying('No sound has come from the other side');
    await flow(true);
    await word('Excellent');
    await page.locator('#message p').waitFor({ state: 'detached' });
    await flow(false);
    await word(/^No audio$/);
    await saying('No sound comes from the other side any more');
    await flow(true);
    await word('Excellent');
    await page.locator('#message p').waitFor({ state: 'detached' });
});

test('the duration does not depend on the time of day', async () => {
    await startShift();
    await connected();
    await page.evaluate(() => {
        const real = Date.now;
        Date.now = () => real() + 3600000;
    });
    await page.locator('#duration', { hasText: /^00:(0[2-9]|[1-5]\d)$/ }).waitFor();
});

test('what is pasted is shown as it will be dialled, or which character is refused; nothing is cut', async () => {
    await startShift();
    await page.fill('#dial-number', 'tel:+49-(0)30\u00a012\u200934;ext=7');
    await page.locator('#dial-hint', { hasText: 'Dials +49301234, without “;ext=7” and “(0)”' }).waitFor();
    let invite = gateway.next('invite');
    await page.keyboard.press('Enter');
    assert.match((await invite).uri, /^sip:(\+|%2B)49301234@/);
    await page.click('#hangup');
    await call('ended');
    await page.fill('#dial-number', '600é');
    await page.locator('#dial-hint.wrong', { hasText: '“é” cannot be dialled' }).waitFor();
    assert.equal(await page.getAttribute('#dial-number', 'aria-invalid'), 'true');
    await page.keyboard.press('Enter');
    assert.equal(await page.inputValue('#dial-number'), '600é', 'stays');
    await page.fill('#dial-number', '1'.repeat(70));
    assert.equal((await page.inputValue('#dial-number')).length, 70);
    await page.locator('#dial-hint', { hasText: '70 characters are too many' }).waitFor();
    await page.fill('#dial-number', '');
    await page.click('[data-digit="0"]', { delay: 700 });
    assert.equal(await page.inputValue('#dial-number'), '+', 'a 0 that is held');
    await page.fill('#dial-number', '6');
    await atOneMoment(); // none is held
    for (const digit of '00') await page.click(`[data-digit="${digit}"]`);
    invite = gateway.next('invite');
    await page.keyboard.press('Enter');
    assert.match((await invite).uri, /^sip:600@/);
});

test('the page shows which number was called, that a number is withheld, and no tricks of writing direction', async () => {
    await startShift();
    gateway.cancel(await rung({ headers: [['P-Called-Party-ID', '<sip:0800123@gw.invalid>']] }));
    await page.locator('#called-number', { hasText: 'called: 0800123' }).waitFor();
    await call('idle');
    gateway.cancel(await rung({ headers: [['P-Called-Party-ID', '<sip:5001@gw.invalid>']] }));
    assert.equal(await page.textContent('#called-number'), '');
    await call('idle');
    gateway.cancel(await rung({ headers: [['Privacy', 'id']] }));
    assert.equal(await page.textContent('#caller-name'), 'Number withheld');
    assert.equal(await page.textContent('#caller-number'), '');
    await call('idle');
    await rung({ name: `\u202e${'Ada\u2066 '.repeat(40)}` });
    assert.doesNotMatch(await page.textContent('#caller'), /[\u202a-\u202e\u2066-\u2069\u200e\u200f]/);
    const lines = await page.locator('#caller-name').evaluate((e) => e.clientHeight / parseFloat(getComputedStyle(e).lineHeight));
    assert.ok(lines < 2.2, `${lines} lines`);
});

test('the live region says who calls', async () => {
    await startShift();
    await rung();
    await page.locator('[aria-live=assertive]', { hasText: 'Incoming call from Ada Lovelace, 4711' }).waitFor({ state: 'attached' });
    await page.click('#answer');
    await page.locator('[aria-live=assertive]', { hasText: 'Connected' }).waitFor({ state: 'attached' });
});

test('missed calls stay listed, over a reload too, until they are cleared', async () => {
    await startShift();
    await scene.missed();
    await scene.missed({ name: 'Anonymous', number: 'anonymous' });
    const taken = await rung({ number: '4713' });
    gateway.cancel(taken, [['Reason', 'SIP;cause=200;text="Call completed elsewhere"']]);
    await call('ended');
    await rung({ number: '4714' });
    await page.keyboard.press('Escape');
    await call('ended');
    const items = page.locator('#missed-list li');
    assert.deepEqual(await items.locator(':scope > :last-child').allTextContents(), ['Number withheld ', 'Ada Lovelace 4711']);
    assert.notEqual(await items.first().locator('time').textContent(), '');
    await page.reload();
    await registration('registered');
    assert.equal(await items.count(), 2);
    await items.nth(1).locator('button').click();
    assert.equal(await page.inputValue('#dial-number'), '4711');
    await page.click('#clear-missed');
    await page.locator('#missed').waitFor({ state: 'hidden' });
    assert.notEqual(await page.evaluate(() => document.activeElement.tagName), 'BODY');
});

test('a second call is shown and declined; a third one gets busy', async () => {
    await startShift();
    await scene.waiting();
    assert.match(await page.textContent('#waiting'), /Grace Hopper.*4712/);
    assert.match(await page.textContent('#caller'), /Ada Lovelace/);
    let rejected = gateway.next('rejected');
    gateway.ring({ number: '4713' });
    assert.equal(await rejected, 486);
    rejected = gateway.next('rejected');
    await page.click('#waiting-decline');
    assert.equal(await rejected, 486);
    await page.locator('#waiting').waitFor({ state: 'hidden' });
    await call('connected');
    gateway.ring({ number: '4715' });
    await page.locator('#waiting').waitFor();
    rejected = gateway.next('rejected');
    await page.keyboard.press('Escape');
    assert.equal(await rejected, 486);
    await call('connected');
});

test('the second call: hang up and take', async () => {
    await startShift();
    await scene.waiting();
    const [bye, answered] = [gateway.next('bye'), gateway.next('answered')];
    await page.click('#waiting-take');
    await Promise.all([bye, answered]);
    await call('connected');
    assert.match(await page.textContent('#caller'), /Grace Hopper/);
    assert.equal(await page.isVisible('#waiting'), false);
    await page.waitForFunction(() => window.dngate.peerConnections === 1);
    const last = gateway.next('bye');
    await page.click('#hangup');
    await last;
    await call('ended');
});

test('the second call rings on when the first ends, and is missed when it gives up', async () => {
    await startShift();
    const first = await connected();
    const second = gateway.ring({ name: 'Grace Hopper', number: '4712' });
    await page.locator('#waiting').waitFor();
    gateway.bye(first);
    await call('incoming');
    assert.match(await page.textContent('#caller'), /Grace Hopper/);
    gateway.cancel(second);
    await page.locator('#missed-list li', { hasText: 'Grace Hopper' }).waitFor();
});

test('a DN that is in a call elsewhere: says so and offers to take over', async () => {
    gateway.elsewhere = 'in-call';
    await signIn();
    await page.click('#start-shift');
    await saying('DN 5001 is in a call elsewhere');
    await pill('Signed in elsewhere');
    await page.reload();
    assert.equal(gateway.registrations, 0, 'does not insist by itself');
    await page.click('#start-shift');
    await saying('DN 5001 is in a call elsewhere');
    await focused('#take-over');
    await page.click('#take-over');
    await pill('Ready');
});

test('a DN that is taken over in a call: the page says why it takes no other, and stops when the call is over', async () => {
    await startShift();
    await connected();
    gateway.message('{"elsewhere":true}');
    await pill('Signed in elsewhere');
    await saying('taken over by another page');
    await call('connected');
    let registers = 0;
    gateway.on('register', () => registers++);
    const bye = gateway.next('bye');
    await page.click('#hangup');
    await bye;
    await page.locator('#start-shift').waitFor();
    await saying('signed in on another page');
    await pill('Signed in elsewhere');
    assert.equal(registers, 0, 'what is no longer ours is not signed off');
});

test('a DN that was taken meanwhile is not asked for again and again', async () => {
    await startShift();
    gateway.elsewhere = 'signed-in';
    gateway.socket.terminate();
    await page.locator('#start-shift').waitFor();
    await saying('signed in on another page');
    await pill('Signed in elsewhere');
});

// The network blips in a call whose DN the page has lost: the page is served for the call, and takes its DN from nobody.
async function servedForItsCall(refusal, words) {
    await fakeIce();
    await page.fill('#dial-number', '600');
    await page.click('#dial');
    await call('connected');
    await iceBecomes('connected');
    Object.assign(gateway, refusal);
    for (let blips = 0; blips < 2; blips++) {
        const register = gateway.next('register');
        gateway.socket.terminate();
        assert.equal((await register).get('X-Dngate-Take-Over'), 'no', 'asks by itself');
        await saying(words);
        const reinvite = gateway.next('reinvite');
        await iceBecomes('failed');
        await reinvite;
        await iceBecomes('connected');
        await call('connected');
    }
    const bye = gateway.next('bye');
    await page.click('#hangup');
    await bye;
}

test('a page that was taken over in a call and whose network blips keeps the call', async () => {
    await startShift();
    await servedForItsCall({ elsewhere: 'signed-in' }, 'taken over by another page');
    await page.locator('#start-shift').waitFor();
    await saying('signed in on another page');
    assert.equal(gateway.registrations, 1);
});

test('a page whose DN was disabled while its network was away keeps the call, then signs out', async () => {
    await startShift();
    await servedForItsCall({ leaving: 'DN disabled' }, 'The administrator disabled this DN. This call goes on to its end');
    await page.locator('#dn').waitFor();
    await saying('The administrator disabled this DN.');
});

test('a shift that begins beside a call of before elsewhere offers to take over', async () => {
    gateway.elsewhere = 'signed-in';
    await signIn();
    await page.click('#start-shift');
    await page.locator('#take-over').waitFor();
    await page.click('#take-over');
    await pill('Ready');
});

test('a DN that is disabled in a call: the call goes on, then the page signs out and says why', async () => {
    await startShift();
    await connected();
    for (const nonsense of ['{"leaving":true}', '{"leaving":{"reason":5}}']) gateway.message(nonsense);
    gateway.message('{"leaving":{"reason":"DN disabled"}}');
    await saying('The administrator disabled this DN. This call goes on to its end');
    await call('connected');
    let registers = 0;
    gateway.on('register', () => registers++);
    const bye = gateway.next('bye');
    await page.click('#hangup');
    await bye;
    await page.locator('#dn').waitFor();
    await saying('The administrator disabled this DN.');
    assert.equal(registers, 0, 'what is no longer ours is not signed off');
});
