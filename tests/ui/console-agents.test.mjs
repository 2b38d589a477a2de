// Agents: found, added one by one and in ranges, imported, compared, done to many at once; one agent's page. Against a stand-in for the box.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { launchChromium } from './lib/chromium.mjs';
import { FakeBox } from './lib/console.mjs';

let browser, box, page;
const at = async (path, options = {}) => (page = await box.signedIn(browser, { path, ...options }));
const button = (name, where = page) => where.getByRole('button', { name, exact: true });
const dialog = () => page.getByRole('dialog');
const next = (method, path) => page.waitForRequest((r) => r.method() === method && new URL(r.url()).pathname === `/api/admin/v1${path}`);

before(async () => {
    [box, browser] = await Promise.all([new FakeBox().start(), launchChromium()]);
});
beforeEach(() => void box.become('usual'));
after(async () => {
    await browser?.close();
    await box?.stop();
});
const done = async () => {
    assert.deepEqual(page.complaints, []);
    await page.context().close();
};

test('5,000 agents: searched and filtered by the box, the view is an address, rows come as one scrolls', async () => {
    box.become('full');
    await at('/admin/agents');
    await page.getByText('5,000 rows').waitFor();
    assert.ok((await page.locator('tbody tr').count()) < 80);
    await page.keyboard.press('/');
    await page.keyboard.type('12345');
    await page.getByText('1 row', { exact: true }).waitFor();
    assert.match(page.url(), /\?q=12345$/);
    await page.getByRole('combobox', { name: 'State' }).selectOption('ready');
    await page.waitForURL(/state=ready/);
    await page.reload();
    assert.equal(await page.getByLabel('Search DN or name').inputValue(), '12345');
    await page.goto(`${box.url}/admin/agents`);
    await page.getByText('5,000 rows').waitFor();
    await page.evaluate(() => scrollTo(0, 4000 * 38));
    await page.locator('tr[data-row="4010"]', { hasText: '14010' }).waitFor();
    await done();
});

test('who is signed in and on a call is pushed', async () => {
    await at('/admin/agents?q=5002');
    const row = page.locator('tr[data-row="0"]');
    await row.getByText('Signed off').waitFor();
    box.push('registrations', { set: [{ dn: '5002', name: 'x', address: '10.9.9.9', browser: 'Firefox 140', registered_ms: Date.now(), expires_ms: 0, state: 'on_call' }] });
    await row.getByText('On a call').waitFor();
    assert.match(await row.innerText(), /10\.9\.9\.9/);
    await done();
});

test('adds one; an error stands at its field and nothing typed is lost, not even by Back', async () => {
    await at('/admin/agents');
    await button('Add agent').click();
    await dialog().getByLabel('DN', { exact: true }).fill('50 01');
    await dialog().getByLabel('Name', { exact: true }).fill('Zoë');
    await button('Add agent', dialog()).click();
    await dialog().getByText('1 to 63 of: letters, digits').waitFor();
    assert.equal(box.asked('POST', '/dns').length, 0);
    await page.goBack();
    await page.goForward();
    assert.equal(await dialog().getByLabel('Name', { exact: true }).inputValue(), 'Zoë');
    await dialog().getByLabel('DN', { exact: true }).fill('5001');
    await button('Add agent', dialog()).click();
    await dialog().getByText('5001 is there already.').waitFor();
    await dialog().getByLabel('DN', { exact: true }).fill('7001');
    await button('Add agent', dialog()).click();
    await dialog().getByText('Vq7mTz3kPw').waitFor();
    assert.deepEqual(box.asked('POST', '/dns').at(-1), { dn: '7001', name: 'Zoë', codec: 'auto', auto_answer: false, call_limit: 0, enabled: true });
    await button('I have them').click();
    await dialog().waitFor({ state: 'detached' });
    await done();
});

test('adds a range: counted before, passwords once, printed without the page around', async () => {
    await at('/admin/agents?do=range');
    await page.getByLabel('First DN').fill('6001');
    await page.getByLabel('Last DN').fill('60');
    await dialog().getByText('Must begin like the first DN').waitFor().catch(() => dialog().getByText('Comes before the first DN.').first().waitFor());
    await page.getByLabel('Last DN').fill('6012');
    await dialog().getByText('12 agents: 6001, 6002, 6003 … 6012').waitFor();
    await page.getByLabel('Names').fill('Desk #');
    await button('Add 12 agents').click();
    await dialog().getByText('pw-6012-x7k').waitFor();
    assert.equal(await page.locator('.sheet li').count(), 12);
    await page.emulateMedia({ media: 'print' });
    assert.equal(await page.locator('.page-head').isVisible(), false);
    assert.equal(await page.locator('.sheet li').first().isVisible(), true);
    await page.emulateMedia({ media: 'screen' });
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('.sheet').isVisible(), true); // not by accident
    await button('I have them').click();
    assert.equal(box.asked('POST', '/dns/range')[0].codec, 'auto');
    await done();
});

test('imports a spreadsheet: first what would change, wrong lines named, then all of it', async () => {
    await at('/admin/agents?do=import');
    await page.getByLabel('or paste the text').fill('dn;name\n5001;Other\nbad dn;x\n');
    await button('Show what would change').click();
    await dialog().getByText('0 new, 1 changed, 0 as they are, 1 wrong').waitFor();
    assert.deepEqual(await dialog().locator('tbody tr td:first-child').allInnerTexts(), ['3']);
    assert.equal(await button('Import 1 change').count(), 0);
    await page.getByLabel('CSV file').setInputFiles({ name: 'a.csv', mimeType: 'text/csv', buffer: Buffer.from('\ufeffdn;name\r\n5001;Zoë\r\n8001;New\r\n') });
    await button('Show what would change').click();
    await dialog().getByText('1 new, 1 changed').waitFor();
    assert.match(await dialog().locator('tbody').innerText(), /Ada Lovelace.*Zoë/s);
    const [real] = await Promise.all([next('POST', '/dns/import'), button('Import 2 changes').click()]);
    assert.match(real.url(), /dry_run=false/);
    assert.equal(real.postData(), 'dn,name\r\n5001,Zoë\r\n8001,New\r\n');
    await dialog().waitFor({ state: 'detached' });
    await done();
});

test('compares with a list from Genesys and adds what is missing', async () => {
    await at('/admin/agents?do=compare');
    await page.getByLabel('or paste the text').fill('Tenant;Number;Alias\nEnv;5001;Ada\n');
    await page.getByLabel('Column with the name').selectOption({ label: 'Alias' });
    await button('Compare', dialog()).click();
    await dialog().getByText('Missing here (1)').waitFor();
    assert.equal(box.asked('POST', '/dns/compare')[0], 'dn,name\n5001,Ada\n');
    await button('Add 1 missing agent').click();
    await page.locator('.sheet', { hasText: '9001' }).waitFor();
    await done();
});

test('done to many: says what will happen, disabling can be undone, removing wants the number typed', async () => {
    await at('/admin/agents');
    await page.getByLabel('Select 5003').check();
    await page.getByLabel('Select 5004').check();
    await button('Disable').click();
    await dialog().getByText('signed out and can').waitFor();
    await button('Disable', dialog()).click();
    await page.getByText('2 agents disabled.').waitFor();
    await Promise.all([next('POST', '/dns/bulk'), button('Undo').click()]);
    assert.deepEqual(box.asked('POST', '/dns/bulk').map((b) => b.action), ['disable', 'enable']);
    await page.getByLabel('Select 5001').check();
    await page.getByLabel('Select 5003').check();
    await button('Remove').click();
    await dialog().getByText('1 of them is on a call, which ends.').waitFor();
    assert.equal(await button('Remove', dialog()).isDisabled(), true);
    await dialog().getByRole('textbox').fill('2');
    await button('Remove', dialog()).click();
    await page.getByText('2 agents removed.').waitFor();
    await page.getByLabel('Select 5001').waitFor({ state: 'detached' });
    await done();
});

test('an agent’s page: what it does, how it is set; somebody else’s change is not overwritten', async () => {
    await at('/admin/agents/5001');
    await page.getByText('Ada Lovelace is on a call.').waitFor();
    await page.getByText('Wrong password.').waitFor();
    await page.getByLabel('Calls at a time').fill('11');
    await button('Save').click();
    await page.getByText('A number from 0 to 10.').waitFor();
    await page.getByLabel('Calls at a time').fill('3');
    box.answer('PATCH /dns/5001', { status: 412, type: 'application/problem+json', body: { title: 'x', status: 412, detail: 'It has changed.' } });
    await button('Save').click();
    await page.getByText('Somebody else has changed this meanwhile.').waitFor();
    assert.equal(await page.getByLabel('Calls at a time').inputValue(), '3');
    await button('Message').click();
    await page.getByLabel('Text').fill('Come back');
    await button('Send message').click();
    await page.getByText('Message sent to 5001.').waitFor();
    assert.deepEqual(box.asked('POST', '/registrations/5001/message'), [{ text: 'Come back' }]);
    await button('Sign out', page.locator('main')).click();
    await button('Sign out', dialog()).click();
    await page.getByText('5001 is signed out.').waitFor();
    await page.getByText('Nobody is signed in on this DN.').waitFor();
    await button('New password').click();
    await button('Reset passwords', dialog()).click();
    await page.locator('.sheet', { hasText: 'new-5001' }).waitFor();
    await done();
});

test('a role that may only look: nothing to change is offered', async () => {
    box.role = 'readonly';
    await at('/admin/agents?do=add');
    await page.getByText('5001').first().waitFor();
    assert.equal(await dialog().count(), 0);
    assert.equal(await page.locator('main').getByRole('button', { name: /Add|Import|Compare/ }).count(), 0);
    await page.getByLabel('Select 5001').waitFor({ state: 'detached' });
    await page.getByRole('link', { name: '5001' }).click();
    await page.getByText('Your role may look, not change.').waitFor();
    assert.equal(await page.locator('main').getByRole('button', { name: /Save|Message|Remove/ }).count(), 0);
    await done();
});

test('HTML in names is text; an agent that is gone says so; nobody yet says what to do', async () => {
    box.data.dns[0].name = '<img src=x onerror=alert(1)>';
    await at('/admin/agents/5001');
    await page.getByRole('heading', { name: '<img src=x onerror=alert(1)>' }).waitFor();
    await page.goto(`${box.url}/admin/agents/404%2F`);
    await page.getByText('There is no agent 404/.').waitFor();
    await done();
    box.become('empty');
    await at('/admin/agents', { locale: 'de-DE' });
    await page.getByText('Es gibt noch keinen Agenten.').waitFor();
    await done();
});
