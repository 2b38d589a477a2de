// The home page: what state the gateway is in, and the way to the phone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { keepsNobodyOut } from './lib/access.mjs';
import { launchChromium } from './lib/chromium.mjs';
import { FakeGateway } from './lib/gateway.mjs';

let browser, gateway;

before(async () => {
    gateway = await new FakeGateway().start();
    browser = await launchChromium();
});
after(async () => {
    await browser?.close();
    await gateway?.stop();
});

test('shows each part with its reason, links to the phone, breaks no policy', async () => {
    const page = await browser.newPage();
    const complaints = [];
    page.on('console', (m) => m.type() === 'error' && complaints.push(m.text()));
    gateway.health = {
        ready: true,
        parts: { web: { state: 'up', reason: 'listening' }, trunk: { state: 'degraded', reason: 'genesys does not answer OPTIONS' } },
    };
    await page.goto(`${gateway.url}/`);
    await page.locator('#ready', { hasText: 'Ready, with limits' }).waitFor();
    assert.match(await page.textContent('#parts'), /genesys does not answer OPTIONS/);
    assert.deepEqual(complaints, []);
    gateway.health = { ready: false, parts: { trunk: { state: 'down', reason: '<b>no</b> trunk' } } };
    await page.reload();
    await page.locator('#ready', { hasText: 'Not ready' }).waitFor();
    assert.match(await page.textContent('#parts'), /<b>no<\/b> trunk/);
    await page.click('text=Open the agent');
    await page.locator('#dn').waitFor();
    await page.close();
});

test('nothing keeps anybody out, whatever the parts say', async () => {
    const reason = 'genesys-sip-server-1.contact-centre.example:5061 answers OPTIONS by 503, and theNameOfThisOneHasNoBlanksAtAll'.repeat(2);
    gateway.health = {
        ready: false,
        parts: {
            web: { state: 'up', reason: 'listening' },
            'certificate-of-the-sip-side': { state: 'degraded', reason },
            trunk: { state: 'down', reason },
        },
    };
    const page = await browser.newPage();
    await page.goto(`${gateway.url}/`);
    await page.locator('#ready', { hasText: 'Not ready' }).waitFor();
    await keepsNobodyOut(page);
    await page.close();
});
