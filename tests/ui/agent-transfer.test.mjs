// Hold, transfer and consultation on the agent's page: what goes to the gateway, what is shown, and by which keys.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, connected, gateway, page, saying, startShift } from './lib/stage.mjs';

const says = (text) => page.locator('#call-state', { hasText: text }).waitFor();
const sounds = () => page.evaluate(() => window.dngate.localStream.getAudioTracks()[0].enabled);
const direction = async (offer) => /^a=(sendrecv|sendonly|recvonly|inactive)\r$/m.exec((await offer).body)?.[1] ?? 'sendrecv';

test('hold and retrieve by key and by button; nobody hears the agent meanwhile, and mute stays', async () => {
    await startShift();
    await connected();
    for (const press of [() => page.keyboard.press('h'), () => page.click('#hold')]) {
        let offer = gateway.next('reinvite');
        await press();
        assert.equal(await direction(offer), 'sendonly');
        await says(/^On hold$/);
        await page.locator('#hold', { hasText: 'Retrieve' }).waitFor();
        assert.equal(await sounds(), false);
        offer = gateway.next('reinvite');
        await press();
        assert.equal(await direction(offer), 'sendrecv');
        await says('Connected');
        assert.equal(await sounds(), true);
    }
    await page.keyboard.press('m');
    for (const text of ['On hold', 'Connected']) {
        await page.click('#hold');
        await says(text);
        assert.equal(await sounds(), false);
    }
});

test('a blind transfer: rings, is refused, the call stays; then it is taken, and the page hangs up', async () => {
    await startShift();
    const id = await connected();
    const transfer = async () => {
        const asked = gateway.next('refer');
        await page.keyboard.press('t');
        await page.locator('#dial-label', { hasText: 'Transfer to' }).waitFor();
        await page.keyboard.type('47-12');
        await page.keyboard.press('Enter');
        assert.match((await asked).get('Refer-To'), /^<sip:4712@/);
        await says('Transferring to 4712');
    };
    await transfer();
    gateway.notify(id, 'SIP/2.0 100 Trying');
    gateway.notify(id, 'SIP/2.0 180 Ringing');
    await says('it rings there');
    assert.equal(await page.isDisabled('#transfer'), true);
    gateway.notify(id, 'SIP/2.0 486 Busy Here', 'terminated;reason=noresource');
    await saying('Not transferred to 4712: busy. The call is still yours.');
    await says('Connected');
    gateway.refers = 501;
    const refused = gateway.next('refer');
    await page.click('#transfer');
    await page.fill('#dial-number', '4713');
    await page.click('#dial');
    await refused;
    await saying('takes no transfers here');
    gateway.refers = 202;
    await transfer();
    const bye = gateway.next('bye');
    gateway.notify(id, 'SIP/2.0 200 OK', 'terminated;reason=noresource');
    await bye;
    await call('ended');
    await says('Transferred to 4712');
});

test('Escape gives the transfer up, and digits are tones again', async () => {
    await startShift();
    await connected();
    await page.keyboard.press('t');
    await page.keyboard.type('12');
    await page.keyboard.press('Escape');
    await page.locator('#dial-form.kept').waitFor({ state: 'attached' });
    await page.keyboard.press('7');
    await page.locator('#sent-digits', { hasText: /^7$/ }).waitFor();
});

async function consulted() {
    const held = gateway.next('reinvite');
    const invite = gateway.next('invite');
    await page.keyboard.press('c');
    await page.keyboard.type('4712');
    await page.keyboard.press('Enter');
    assert.equal(await direction(held), 'sendonly');
    const asked = await invite;
    await call('connected');
    await page.locator('#other-name', { hasText: 'Ada Lovelace' }).waitFor();
    await page.locator('#caller-name', { hasText: '4712' }).waitFor();
    return asked.get('Call-ID');
}

test('asking first: swapped, and connected by REFER with Replaces', async () => {
    await startShift();
    const id = await connected();
    const second = await consulted();
    assert.equal(await sounds(), true);
    for (const [name, held] of [['Ada Lovelace', '4712'], ['4712', 'Ada Lovelace']]) {
        await page.keyboard.press('s');
        await page.locator('#caller-name', { hasText: name }).waitFor();
        await page.locator('#other-name', { hasText: held }).waitFor();
        await says(/^Connected$/);
        assert.equal(await sounds(), true);
    }
    gateway.ring({ number: '4713', name: 'One too many' });
    assert.equal(await gateway.next('rejected'), 486);
    const asked = gateway.next('refer');
    await page.keyboard.press('t');
    const refer = await asked;
    assert.equal(refer.get('Call-ID'), id);
    assert.match(decodeURIComponent(refer.get('Refer-To')), new RegExp(`^<sip:4712@.*\\?Replaces=${second};to-tag=fake;from-tag=\\w+>$`));
    await says('Transferring to 4712');
    const gone = new Set();
    gateway.on('bye', (bye) => gone.add(bye.get('Call-ID')));
    gateway.notify(id, 'SIP/2.0 200 OK', 'terminated;reason=noresource');
    await says('Transferred to 4712');
    await call('idle');
    assert.deepEqual(gone, new Set([id, second]));
});

test('asking first, and back: the caller is taken from hold; if the other one hangs up, the agent takes him', async () => {
    await startShift();
    await connected();
    await consulted();
    const retrieved = gateway.next('reinvite');
    await page.click('#hangup');
    assert.equal(await direction(retrieved), 'sendrecv');
    await page.locator('#caller-name', { hasText: 'Ada Lovelace' }).waitFor();
    await says(/^Connected$/);
    const second = await consulted();
    gateway.bye(second);
    await saying('The other call is still on hold: press Retrieve.');
    await says('On hold');
    await page.keyboard.press('h');
    await says(/^Connected$/);
    assert.equal(await sounds(), true);
    await page.keyboard.press('c');
    await page.keyboard.type('603');
    await page.keyboard.press('Enter');
    await saying('603: Busy');
    await says('On hold');
});

test('the one on hold hangs up: the other call goes on', async () => {
    await startShift();
    const id = await connected();
    await consulted();
    gateway.bye(id);
    await page.locator('#other').waitFor({ state: 'hidden' });
    await saying('Ada Lovelace, who was on hold');
    await page.locator('#caller-name', { hasText: '4712' }).waitFor();
    assert.equal(await sounds(), true);
});
