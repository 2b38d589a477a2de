// A browser whose policy keeps WebRTC from the network (as some VPN products and companies set it) has no address to send audio from.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium } from './lib/chromium.mjs';
import { FakeGateway } from './lib/gateway.mjs';

let browser, gateway, page;

before(async () => {
    gateway = await new FakeGateway().start();
    browser = await launchChromium({ flags: ['--webrtc-ip-handling-policy=disable_non_proxied_udp'] });
    page = await (await browser.newContext({ permissions: ['microphone'] })).newPage();
    await page.goto(`${gateway.url}/index-agent-dn.html`);
    await page.fill('#dn', '5001');
    await page.fill('#password', 'lab5001');
    await page.click('#sign-in');
    await page.click('#start-shift');
    await page.locator('#registration[data-state=registered]').waitFor();
});
after(async () => {
    await browser?.close();
    await gateway?.stop();
});

const told = async () => {
    await page.locator('#call[data-state=ended]').waitFor();
    await page.locator('#message', { hasText: 'may not use the network for audio' }).waitFor();
};

test('nobody is called who would hear nothing, and the agent is told why', async () => {
    let invited = false;
    gateway.once('invite', () => (invited = true));
    await page.fill('#dial-number', '600');
    await page.click('#dial');
    await told();
    assert.equal(invited, false);
});

test('a call that is answered without an address goes to somebody else', async () => {
    const rejected = gateway.next('rejected');
    gateway.ring();
    await page.locator('#call[data-state=incoming]').waitFor();
    assert.equal(await page.locator('#message', { hasText: 'network for audio' }).count(), 0, 'the last call is forgotten');
    await page.click('#answer');
    assert.equal(await rejected, 480);
    await told();
});
