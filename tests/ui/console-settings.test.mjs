// Settings with their history, and Administration: users, one's own account, sessions, keys, audit, backup, alerts, bans. Against a stand-in for the box.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { launchChromium } from './lib/chromium.mjs';
import { FakeBox } from './lib/console.mjs';

let browser, box, page;
const at = async (path, options = {}) => (page = await box.signedIn(browser, { path, ...options }));
const button = (name, where = page) => where.getByRole('button', { name, exact: true });
const dialog = () => page.getByRole('dialog');
const problem = (status, detail, more = {}) => ({ status, type: 'application/problem+json', body: { title: 'x', status, detail, ...more } });
const done = async () => {
    assert.deepEqual(page.complaints, []);
    await page.context().close();
};

before(async () => {
    [box, browser] = await Promise.all([new FakeBox().start(), launchChromium()]);
});
beforeEach(() => void box.become('usual'));
after(async () => {
    await browser?.close();
    await box?.stop();
});

test('settings are found by what they mean; locked ones say where they are fixed', async () => {
    await at('/admin/settings');
    await page.getByText('1 of 10 settings differ from their default.').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('TURN over');
    await page.waitForURL(/q=TURN/);
    assert.deepEqual(await page.locator('.setting h3').allInnerTexts(), ['https.port']);
    await page.getByText('Fixed by DNGATE_HTTPS_PORT in the environment.').waitFor();
    assert.equal(await button('Change https.port').isDisabled(), true);
    await page.getByLabel('Search key, meaning or value').fill('nothing fits');
    await button('Clear search').click();
    await page.getByLabel('Show', { exact: true }).selectOption('changed');
    assert.deepEqual(await page.locator('.setting h3').allInnerTexts(), ['public.address']);
    await done();
});

test('a setting is changed where it stands, with a reason; what the box says stands at the field; it says when it holds', async () => {
    await at('/admin/settings');
    await button('Change sip.port').click();
    await page.waitForURL(/edit=sip\.port/);
    await page.getByLabel('Value', { exact: true }).fill('70000');
    await button('Save').click();
    await page.getByText('From 0 to 65535.').waitFor();
    assert.equal(box.asked('PUT', '/settings/sip.port').length, 0);
    await page.getByLabel('Value', { exact: true }).fill('5070');
    await page.getByLabel('Reason').fill('another box is there');
    box.answer('PUT /settings/sip.port', problem(422, '5070 overlaps.'));
    await button('Save').click();
    await page.locator('.field-error', { hasText: '5070 overlaps.' }).waitFor();
    assert.equal(await page.getByLabel('Reason').inputValue(), 'another box is there');
    box.answer('PUT /settings/sip.port', { key: 'sip.port' });
    box.answer('GET /restart', { pending: ['sip.port'], waiting: false, calls: 5 });
    await button('Save').click();
    await page.getByText('sip.port holds after a restart.').waitFor();
    assert.deepEqual(box.asked('PUT', '/settings/sip.port').at(-1), { value: '5070', reason: 'another box is there' });
    await page.getByText('1 setting needs a restart: sip.port').waitFor();
    await button('Restart now').click();
    await dialog().getByText(/running calls? ends?\./).waitFor();
    await button('Cancel', dialog()).click();
    await button('Restart when idle').click();
    await page.getByText(/^Waits for/).first().waitFor();
    await button('Drain, then restart').click();
    await dialog().getByText(/as long as the setting drain\.seconds says/).waitFor();
    box.answer('GET /restart', { pending: ['sip.port'], waiting: false, when: 'drain', under_way: true, calls: 5 });
    await button('Drain, then restart', dialog()).click();
    await page.locator('main').getByText(/^No new calls: \d+ calls? ha/).waitFor();
    assert.deepEqual(box.asked('POST', '/restart'), [{ when: 'idle' }, { when: 'drain' }]);
    await done();
});

test('history with what was and what is; each change can be put back', async () => {
    box.data.settingsHistory[0].before = null;
    await at('/admin/settings/history');
    await page.getByText('moved to the new name').waitFor();
    await button('Revert').click();
    await dialog().getByText('It becomes default again.').waitFor();
    await button('Revert', dialog()).click();
    await page.getByText('public.address is default again.').waitFor();
    assert.equal(box.asked('POST', '/settings/history/3/revert').length, 1);
    await done();
});

test('users: added, changed, removed; the last administrator stays', async () => {
    await at('/admin/people');
    await button('Add user').click();
    await dialog().getByLabel('Name').fill('bob');
    await dialog().getByLabel('Password').fill('short');
    await button('Add user', dialog()).click();
    await dialog().locator('.field-error', { hasText: 'At least 8 characters.' }).waitFor();
    await dialog().getByLabel('Password').fill('long enough');
    await button('Add user', dialog()).click();
    await page.getByText('bob may sign in.').waitFor();
    assert.deepEqual(box.asked('POST', '/users'), [{ name: 'bob', role: 'supervisor', password: 'long enough' }]);
    assert.equal(await button('Remove ada').isDisabled(), true);
    await button('Change grace').click();
    await dialog().getByLabel('Take the second factor away').check();
    await button('Save', dialog()).click();
    await page.getByText('grace is changed.').waitFor();
    assert.deepEqual(box.asked('PATCH', '/users/grace'), [{ totp: false }]);
    await button('Remove grace').click();
    await dialog().getByRole('textbox').fill('grace');
    await button('Remove', dialog()).click();
    await page.getByText('grace is removed.').waitFor();
    await done();
});

test('a second factor is set up by a picture and a code; recovery codes are shown once', async () => {
    await at('/admin/people/me');
    await button('Set up').click();
    await dialog().locator('svg.qr path').waitFor();
    await dialog().getByText('JBSW Y3DP EHPK 3PXP').waitFor();
    await dialog().getByLabel('Code that the app shows').fill('12');
    await button('Turn on').click();
    await dialog().getByText('6 digits.').waitFor();
    await dialog().getByLabel('Code that the app shows').fill('123 456');
    await button('Turn on').click();
    await dialog().getByText('aaaa-bbbb').waitFor();
    await page.keyboard.press('Escape');
    await button('I have it').click();
    assert.deepEqual(box.asked('PUT', '/session/totp'), [{ code: '123456' }]);
    await button('Turn off').click();
    await dialog().getByLabel('Password').fill('correct horse');
    await button('Turn off', dialog()).click();
    await page.getByText('The second factor is off.').waitFor();
    assert.deepEqual(box.asked('DELETE', '/session/totp'), [{ password: 'correct horse' }]);
    await page.getByLabel('Old password').fill('correct horse');
    await page.getByLabel('New password', { exact: true }).fill('battery staple');
    await page.getByLabel('New password again').fill('battery');
    await button('Change password').click();
    await page.getByText('The two passwords are not the same.').waitFor();
    await done();
});

test('sessions are ended, API keys shown once, bans lifted, alerts tried', async () => {
    await at('/admin/people/sessions');
    await page.getByText('2 sessions are signed in.').waitFor();
    await button('Sign out', page.locator('main')).click();
    await button('Sign out', dialog()).click();
    await page.getByText('Signed out.').waitFor();
    assert.equal(box.asked('DELETE', '/sessions/s2').length, 1);
    await page.goto(`${box.url}/admin/people/keys`);
    await button('Make API key').click();
    await dialog().getByLabel('Name').fill('Prometheus');
    box.answer('POST /apikeys', { status: 201, body: { id: 'k2', key: 'dngate_abc' } });
    await button('Make API key', dialog()).click();
    await dialog().getByText('dngate_abc').waitFor();
    await button('I have it').click();
    assert.equal(box.asked('POST', '/apikeys')[0].role, 'readonly');
    await page.goto(`${box.url}/admin/people/bans`);
    await button('Lift ban').click();
    await page.getByText('198.51.100.7 may try again.').waitFor();
    await page.getByText('No address is banned.').waitFor();
    await page.goto(`${box.url}/admin/people/alerts`);
    box.answer('POST /alerts/test', { status: 202, body: null });
    await button('Send a test alert').click();
    box.answer('GET /alerts', { webhook_set: true, last: { time_ms: Date.now(), ok: false, detail: '500 from hooks.example' } });
    await page.getByText('500 from hooks.example').waitFor();
    await done();
});

test('audit: filtered, each entry with before and after, exported as it is filtered', async () => {
    box.become('full');
    await at('/admin/people/audit?who=ada');
    await page.locator('.audit li').first().click();
    await page.locator('.audit del', { hasText: 'Old' }).first().waitFor();
    assert.equal(await page.locator('.audit b', { hasText: /root|grace/ }).count(), 0);
    box.answer('GET /audit/export', { status: 200, type: 'text/csv', body: 'time\n' });
    const [file] = await Promise.all([page.waitForEvent('download'), button('Export CSV').click()]);
    assert.equal(file.suggestedFilename(), 'audit.csv');
    assert.equal(box.asked('GET', '/audit/export')[0].who, 'ada');
    await done();
});

test('backup and restore: passphrases, a wrong one said at its field, what is replaced said first', async () => {
    await at('/admin/people/backup');
    box.answer('POST /backup', { status: 200, type: 'application/octet-stream', body: 'BYTES' });
    const [now, restore] = [page.locator('section', { hasText: 'Back up now' }), page.locator('section', { hasText: 'Backup file' })];
    await now.getByLabel('Passphrase').fill('long enough');
    const [file] = await Promise.all([page.waitForEvent('download'), button('Download backup').click()]);
    assert.match(file.suggestedFilename(), /^dngate-\d+\.backup$/);
    await restore.getByLabel('Backup file').setInputFiles({ name: 'x.backup', mimeType: 'application/octet-stream', buffer: Buffer.from('BYTES') });
    await restore.getByLabel('Passphrase').fill('wrong one');
    box.answer('POST /restore', problem(422, 'The passphrase is wrong.', { errors: [{ field: 'passphrase', detail: 'The passphrase is wrong.' }] }));
    await button('Restore…').click();
    await dialog().getByText('are replaced by those of the file').waitFor();
    await dialog().getByRole('textbox').fill('restore');
    await button('Replace everything').click();
    await restore.getByText('The passphrase is wrong.').waitFor();

    const { name } = Object.assign(box.data.backups[0], { encrypted: true });
    await page.reload();
    await button(`Restore ${name}`).click();
    await dialog().getByLabel('Passphrase').fill('long enough');
    box.answer(`POST /backups/${name}/restore`, { status: 202, body: { made_ms: Date.now(), version: 10, dns: 4321, trunks: 2, users: 3, call_records: 9, call_records_kept: 0, notes: 'Look after the certificate.' } });
    await button('Restore…', dialog()).click();
    await dialog().last().getByRole('textbox').fill('restore');
    await button('Replace everything').click();
    await dialog().getByText('4,321').waitFor();
    await dialog().getByText('Look after the certificate.').waitFor();
    assert.deepEqual(box.asked('POST', `/backups/${name}/restore`), [{ passphrase: 'long enough' }]);
    await done();
});

test('a supervisor sees bans, the own account and the own sessions; what is not for that role is not there', async () => {
    box.role = 'supervisor';
    await at('/admin/people');
    await page.getByText('Change my password').waitFor();
    assert.deepEqual(await page.locator('.tabs a').allInnerTexts(), ['My account', 'Sessions', 'Bans', 'About']);
    assert.equal(await page.locator('.tabs [aria-current]').innerText(), 'My account');
    await page.getByRole('link', { name: 'Sessions' }).click();
    await page.getByText(/^\d sessions? (is|are) signed in\.$/).waitFor();
    await page.goto(`${box.url}/admin/people/audit`);
    await page.getByText('Only an administrator may see this.').waitFor();
    await page.goto(`${box.url}/admin/settings`);
    await page.getByText('HTTPS, WSS and TURN over TLS.').waitFor();
    assert.equal(await button('Change sip.port').count(), 0);
    await done();
});
