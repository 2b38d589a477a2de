// Trunks in their order, one trunk with its test, and the network: ways in, firewall, certificate, self-tests. Against a stand-in for the box.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { launchChromium } from './lib/chromium.mjs';
import { FakeBox } from './lib/console.mjs';

let browser, box, page;
const at = async (path, options = {}) => (page = await box.signedIn(browser, { path, ...options }));
const button = (name, where = page) => where.getByRole('button', { name, exact: true });
const dialog = () => page.getByRole('dialog');
const done = async () => {
    assert.deepEqual(page.complaints, []);
    await page.context().close();
};
const step = (name, result, more = {}) => ({ name, result, ms: 3, detail: '', advice: '', ...more });

before(async () => {
    [box, browser] = await Promise.all([new FakeBox().start(), launchChromium()]);
});
beforeEach(() => void box.become('usual'));
after(async () => {
    await browser?.close();
    await box?.stop();
});

test('the order is changed by arrows and by the keyboard, and the focus goes along', async () => {
    await at('/admin/trunks');
    await page.getByText('Calls go to genesys.').waitFor();
    await button('Try backup earlier').click();
    await page.getByText('backup is now number 1.').waitFor();
    assert.deepEqual(box.asked('PUT', '/trunks/order'), [{ names: ['backup', 'genesys'] }]);
    await page.getByText('Calls go to backup.').waitFor();
    await page.getByRole('link', { name: 'genesys' }).focus();
    await page.keyboard.press('Alt+ArrowUp');
    await page.getByText('genesys is now number 1.').waitFor();
    await page.waitForFunction(() => document.activeElement.textContent === 'genesys');
    box.push('trunks', { set: [{ name: 'genesys', state: 'down', rtt_ms: 0, since_ms: Date.now() }] });
    await page.getByText('Calls go to backup; not every trunk answers.').waitFor();
    await done();
});

test('adds a trunk with errors at the fields, then tests it, step by step in words', async () => {
    await at('/admin/trunks');
    await button('Add trunk').click();
    await dialog().getByLabel('Name', { exact: true }).fill('new trunk');
    await dialog().getByLabel('Host').fill('10.0.0.1:5060');
    await button('Add trunk', dialog()).click();
    await dialog().getByText('An IP address or a name, without a port.').waitFor();
    assert.equal(box.asked('POST', '/trunks').length, 0);
    await dialog().getByLabel('Name', { exact: true }).fill('third');
    await dialog().getByLabel('Host').fill('10.0.0.1');
    await dialog().getByLabel('Transport').selectOption('tcp');
    await dialog().getByLabel('Password').fill('secret');
    box.answer('GET /trunks/third/test', { running: true, started_ms: Date.now(), steps: [step('dns', 'ok', { detail: '10.0.0.1 is an address.' }), step('reach', 'running')] });
    await button('Add trunk', dialog()).click();
    await page.waitForURL(/\/admin\/trunks\/third$/);
    assert.deepEqual(box.asked('POST', '/trunks'), [
        { name: 'third', host: '10.0.0.1', port: 5060, transport: 'tcp', username: '', codecs: ['pcmu', 'pcma'], ptime: 20, ping_seconds: 30, registers: false, enabled: true, password: 'secret' },
    ]);
    await page.locator('.steps [data-result="running"]', { hasText: 'Reach the address' }).waitFor();
    assert.equal(await page.locator('.steps [data-result="waiting"]').count(), 2);
    assert.equal(box.asked('POST', '/trunks/third/test').length, 1);
    box.answer('GET /trunks/third/test', {
        ...{ running: false, started_ms: Date.now() },
        steps: [step('dns', 'ok'), step('reach', 'failed', { detail: '10.0.0.1:5060 refuses TCP.', advice: 'Is the SIP Server running?' }), step('options', 'skipped'), step('invite', 'skipped')],
    });
    await page.getByText('third can\'t be called yet.').waitFor();
    await page.getByText('Is the SIP Server running?').waitFor();
    await done();
});

test('changing keeps the password, disabling says what happens, removing wants the name typed', async () => {
    await at('/admin/trunks/backup');
    await page.getByText('One is set. Leave empty to keep it.').waitFor();
    await page.getByLabel('Port', { exact: true }).fill('5070');
    await button('Save').click();
    await page.getByText('Saved. It holds for calls from now on.').waitFor();
    const [sent] = box.asked('PATCH', '/trunks/backup');
    assert.equal(sent.port, 5070);
    assert.equal('password' in sent, false);
    await button('Disable').click();
    await dialog().getByText('Running calls go on.').waitFor();
    await button('Disable', dialog()).click();
    await page.getByText('backup is disabled: no call goes there.').waitFor();
    await button('Remove trunk').click();
    await dialog().getByRole('textbox').fill('backup');
    await button('Remove trunk', dialog()).click();
    await page.waitForURL(/\/admin\/trunks$/);
    await done();
});

test('the trunk of lab mode is shown beside those that were added, and cannot be changed', async () => {
    box.data.status.lab = true;
    box.data.trunks = [];
    box.data.status.trunks = [{ name: 'lab', state: 'up', rtt_ms: 0.4, since_ms: Date.now() - 60e3 }];
    await at('/admin/trunks');
    const lab = page.locator('section', { hasText: 'The SIP Server of lab mode' });
    await lab.getByText('Up', { exact: true }).waitFor();
    assert.equal(await lab.getByRole('button').count(), 0);
    await page.getByText('Calls go to lab.').waitFor();
    await done();
});

test('nothing is there yet, and what is gone, in German', async () => {
    box.become('empty');
    await at('/admin/trunks', { locale: 'de-DE' });
    await page.getByText('Es gibt noch keinen Trunk.').waitFor();
    await page.goto(`${box.url}/admin/trunks/fort`);
    await page.getByText('Es gibt keinen Trunk fort.').waitFor();
    await done();
});

test('the network: what is closed says so with what to do; rules to copy, narrowed to the trunk', async () => {
    box.become('broken');
    await at('/admin/network');
    await page.getByText('1 way that browsers need is closed.').waitFor();
    await page.getByText('Open UDP 10000-10001 from browsers to this box.').waitFor();
    assert.match(await page.locator('pre').innerText(), /nft insert rule inet filter input udp dport 10000-10001 accept/);
    await page.getByLabel('Networks of the trunk').fill('10.1.0.0/16 nonsense');
    await page.getByText('Addresses or networks such as').waitFor();
    await page.getByLabel('Networks of the trunk').fill('10.1.0.0/16');
    await button('ufw').click();
    assert.match(await page.locator('pre').innerText(), /ufw allow from 10\.1\.0\.0\/16 to any port 5060 proto udp/);
    await done();
});

test('looks again from outside in, and tries the ways from this browser', async () => {
    await at('/admin/network');
    await page.getByText('Browsers can reach this box.').waitFor();
    await button('Look again from outside in').click();
    await page.getByText('Looking, up to 12 seconds').waitFor();
    box.data.network = { ...box.data.network, checked_ms: Date.now(), ports: box.data.network.ports.map((p) => (p.way === 'https' ? { ...p, state: 'closed', advice: 'Open TCP 443.' } : p)) };
    await page.getByText('Open TCP 443.').waitFor();
    await button('Test from this browser').click();
    await page.getByText(/Reached in \d+ ms/).waitFor();
    await page.getByText('Tested from this browser').waitFor();
    await done();
});

test('the certificate: a request, an upload that is looked at first, and back', async () => {
    await at('/admin/network');
    await button('Request a certificate (CSR)').click();
    await dialog().getByLabel('Names and addresses').fill('a.example, 192.0.2.1');
    box.answer('POST /certificate/csr', { csr: '-----BEGIN CERTIFICATE REQUEST-----\nx\n' });
    await button('Make request').click();
    await dialog().getByText('BEGIN CERTIFICATE REQUEST').waitFor();
    assert.deepEqual(box.asked('POST', '/certificate/csr'), [{ names: ['a.example', '192.0.2.1'] }]);
    await page.keyboard.press('Escape');
    await button('Upload a certificate').click();
    await dialog().getByLabel('Certificate and chain (PEM)').fill('x');
    await button('Use this certificate').click();
    await dialog().getByText('PEM begins with').waitFor();
    await dialog().getByLabel('Certificate and chain (PEM)').fill('-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n');
    box.answer('PUT /certificate', { status: 422, type: 'application/problem+json', body: { title: 'x', status: 422, detail: 'x', errors: [{ field: 'key', detail: 'The key is not that of this certificate.' }] } });
    await button('Use this certificate').click();
    await dialog().getByText('The key is not that of this certificate.').waitFor();
    await page.keyboard.press('Escape');
    await button("Back to this box's own").click();
    await dialog().getByText('agents can\'t sign in until they accept it').waitFor();
    await done();
});

test('self-tests with their steps; a one-time link is shown once', async () => {
    await at('/admin/network');
    await page.getByText('the new one').click();
    await page.getByText('Nothing came back.').waitFor();
    box.answer('POST /selftest-links', { status: 201, body: { url: 'https://box/selftest.html#TOKEN', note: 'Ada', expires_ms: Date.now() + 864e5 } });
    await button('Make a one-time link').click();
    await dialog().getByLabel('Whom it is for').fill('Ada');
    await button('Make a one-time link', dialog()).click();
    await dialog().getByText('https://box/selftest.html#TOKEN').waitFor();
    assert.deepEqual(box.asked('POST', '/selftest-links'), [{ note: 'Ada', hours: 24 }]);
    await done();
});
