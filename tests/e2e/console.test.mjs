// The console as a new administrator walks through it, against the real program with calls that run: from the one-time link to signing out.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launchChromium } from '../ui/lib/chromium.mjs';
import { binary, start } from './dngate.mjs';
import { codeAt } from './lib/admin.mjs';
import { AgentPage } from './lib/page.mjs';

const NAME = 'ada', PASSWORD = 'a sentence that is long', PASSPHRASE = 'a secret passphrase';
let server, browser, page, agent, password, recovery, copy;
const files = mkdtempSync(join(tmpdir(), 'dngate-console-'));
const complaints = [];

before(async () => {
    server = await start();
    browser = await launchChromium();
    const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB', viewport: { width: 1280, height: 900 }, permissions: ['microphone'] });
    page = await context.newPage();
    page.setDefaultTimeout(20000);
    page.on('console', (message) => message.type() === 'error' && !/status of 4\d\d/.test(message.text()) && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
});
after(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(files, { recursive: true, force: true });
});

const at = (path) => `https://localhost:${server.ports.https}${path}`;
const button = (name) => page.getByRole('button', { name, exact: typeof name === 'string' });
const path = () => page.evaluate(() => location.pathname);
const get = (what) => page.evaluate((url) => fetch(url).then((answer) => answer.json()), `/api/admin/v1${what}`);
const certificate = (name, names) =>
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`, '-days', '90'], { cwd: files, stdio: 'ignore' });

// The steps follow one another: what one leaves, the next one begins with.
let broken = '';
function step(name, steps) {
    test(name, async (t) => {
        if (broken) return t.skip(`after “${broken}”`);
        broken = name;
        try {
            await steps(t);
        } catch (error) {
            t.diagnostic(`${page.url()}\n${await page.locator('body').innerText().catch(() => '')}\n${server.log.slice(-15).join('\n')}`);
            throw error;
        }
        assert.deepEqual(complaints, []);
        broken = '';
        return undefined;
    });
}

step('the one-time link makes the first administrator, and is good once', async () => {
    const url = new URL(execFileSync(binary(), ['setup-link', '--data', server.dir], { encoding: 'utf8' }).trim());
    assert.match(url.hash, /^#setup=.{20,}$/);
    await page.goto(at(url.pathname + url.hash));
    await page.getByRole('heading', { name: 'Who runs this box?' }).waitFor();
    assert.equal(await page.evaluate(() => location.hash), '', 'the token is out of the address at once');
    await page.getByLabel('Name').fill(NAME);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByLabel('Password again').fill(`${PASSWORD}!`);
    await button('Make the administrator').click();
    await page.getByText('The two passwords are not the same.').waitFor();
    await page.getByLabel('Password again').fill(PASSWORD);
    await button('Make the administrator').click();
    await page.getByRole('heading', { name: 'How is this box reached?' }).waitFor();
    const open = await page.evaluate(() => fetch('/api/admin/v1/setup').then((answer) => answer.json()));
    assert.equal(open.open, false, 'set-up is closed');
});

step('the first run: certificate, trunk with its test, agents, and the box is heard', async () => {
    await page.locator('.lines .state[data-kind=good]', { hasText: 'Signalling' }).waitFor(); // the WebSocket, from this browser
    await page.getByLabel('Address or name').fill('no address!');
    await button('Go on').click();
    await page.locator('.field-error').waitFor();
    await page.getByLabel('Address or name').fill('127.0.0.1');
    await button('Go on').click();
    await page.getByText('This box has made its own certificate').waitFor();
    await button('Keep it for now').click();
    await page.getByLabel('SIP Server').fill('127.0.0.1');
    await page.getByLabel('Port', { exact: true }).fill(String(server.ports['lab-sip']));
    await button('Add and test').click();
    await page.getByText('Genesys answers. Calls can go both ways.').waitFor();
    assert.equal(await page.locator('.lines li .state[data-kind=good]').count(), 4);
    await button('Go on').click();
    await page.getByLabel('First DN').fill('5111');
    await page.getByLabel('Last DN').fill('5112');
    await button('Add 2 agents').click();
    await page.locator('.handout code').nth(1).waitFor();
    await button('Go on').click();
    await button('Start the test').click(); // by a link of its own: no password is asked
    await button('Yes').click();
    await button('Yes').click();
    await button('Record').click();
    await button('Yes').click();
    await page.locator('.room-lines li', { hasText: 'Echo call' }).filter({ hasText: 'What you hear' }).waitFor();
    await button('Finish').click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
});

step('Overview: the box in a sentence, live', async () => {
    await page.getByText('Live', { exact: true }).waitFor();
    await page.locator('[data-test=sentence]').filter({ hasText: 'trunk' }).waitFor();
    await page.getByText('This box is in lab mode').or(page.locator('.banner.lab')).first().waitFor();
});

step('a range of agents with passwords, shown once', async () => {
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    await page.getByRole('heading', { name: 'Agents' }).waitFor();
    await button('Add range').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('First DN').fill('5101');
    await dialog.getByLabel('Last DN').fill('5103');
    await dialog.getByRole('button', { name: 'Add 3 agents' }).click();
    const sheet = page.getByRole('dialog').filter({ hasText: 'Passwords, shown this once' });
    await sheet.waitFor();
    const row = sheet.locator('.sheet li').first();
    assert.match(await row.innerText(), /5101/);
    password = (await row.locator('dd').nth(1).innerText()).trim();
    assert.ok(password.length >= 8);
    await sheet.getByRole('button', { name: 'I have them' }).click();
    await page.getByRole('link', { name: '5103' }).waitFor();
});

step('the DN is put under watch', async () => {
    await page.keyboard.press('g');
    await page.keyboard.press('c');
    await page.getByRole('link', { name: 'Watch list' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('DN').fill('5101');
    await dialog.getByRole('button', { name: 'Put under watch' }).click();
    await dialog.getByRole('button', { name: 'Take off 5101' }).waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
});

step('an agent signs in with that password and calls the echo: seen live', async () => {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
    agent = await AgentPage.open(context, server, '5101');
    await agent.startShift(password);
    await agent.dial('600');
    await agent.call('connected');
    const row = page.locator('.live-calls tbody tr', { hasText: '5101' });
    await row.filter({ hasText: 'talking' }).waitFor();
    assert.match(await row.innerText(), /600/);
    await row.filter({ hasText: 'opus ⇄ PCM' }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    await page.locator('tr', { hasText: '5101' }).filter({ hasText: 'On a call' }).waitFor();
    await page.goBack();
});

step('a restart waits for the call, and is taken back', async () => {
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await page.getByText(/^\d settings? needs? a restart: .*public\.address/).waitFor();
    await button('Restart when idle').click();
    await page.getByText('Waits for 1 call to end, then restarts.').first().waitFor();
    assert.deepEqual(await get('/restart').then(({ waiting, when }) => [waiting, when]), [true, 'idle']);
    await button('Do not restart').click();
    await button('Restart when idle').waitFor();
    assert.equal((await get('/restart')).waiting, false);
    await page.keyboard.press('g');
    await page.keyboard.press('c');
});

step('its ladder while it runs, and hanging it up', async () => {
    await page.locator('.live-calls .row-link', { hasText: '5101' }).click();
    await page.getByText('This call runs.').waitFor();
    await page.locator('.msg text', { hasText: 'INVITE' }).first().waitFor();
    await button('Hang up the call of 5101').click();
    await page.getByRole('dialog').getByText('The call ends at once, for both').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Hang up' }).click();
    await agent.call('ended');
});

step('its record: a verdict in words, the ladder of both legs, the text of a message', async () => {
    await page.getByRole('heading', { name: 'The record' }).waitFor();
    await page.locator('.note .verdict').waitFor();
    const titles = await page.locator('.events .title').allTextContents();
    assert.ok(titles.filter((title) => /^INVITE/.test(title)).length >= 2, titles.join('; '));
    assert.ok(titles.some((title) => /^BYE/.test(title)), titles.join('; '));
    await page.getByRole('group', { name: 'Time axis' }).focus();
    await page.keyboard.press('ArrowRight');
    const text = await page.locator('.message pre').innerText();
    assert.match(text, /^INVITE sip:600@/);
    assert.doesNotMatch(await page.content(), new RegExp(password), 'no password is anywhere');
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'pcapng' }).click();
    assert.match((await download).suggestedFilename(), /\.pcapng$/);
    await page.getByRole('link', { name: 'All calls' }).click();
    const record = page.locator('.records tbody tr', { hasText: '5101' });
    await record.first().waitFor();
    assert.match(await record.first().innerText(), /600\s+answered/);
    await page.locator('.sum', { hasText: '1 answered' }).waitFor(); // and what the trunk's test left: the lab rings the number that nobody has
});

step('a setting is changed with a reason, and put back from its history', async () => {
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await button('Change log.level').click();
    await page.getByLabel('Value', { exact: true }).selectOption('debug');
    await page.getByLabel('Modules that differ').fill('sip=info');
    await page.getByLabel('Reason').fill('to see more');
    await button('Save').click();
    await page.getByText('log.level holds now.').waitFor();
    assert.equal((await get('/settings/log.level')).value, 'debug sip=info');
    await page.getByRole('link', { name: 'History' }).first().click();
    await page.getByText('to see more').waitFor();
    await button('Revert').first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revert' }).click();
    await page.getByText(/^log\.level is \S+ again\.$/).waitFor();
});

step('the audit says who did all that', async () => {
    await page.goto(at('/admin/people/audit'));
    await page.getByText('log.level').first().waitFor();
    await page.locator('summary', { hasText: 'log.level changed' }).click();
    const said = await page.locator('main').innerText();
    for (const word of [NAME, '5103', 'log.level', 'to see more']) assert.ok(said.includes(word), `${word} in ${said}`);
});

step('a second trunk, and which is tried first', async () => {
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    await button('Add trunk').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name', { exact: true }).fill('spare');
    await dialog.getByLabel('Host').fill('127.0.0.1');
    await dialog.getByLabel('Port', { exact: true }).fill(String(server.ports['lab-sip']));
    await dialog.getByRole('button', { name: 'Add trunk' }).click();
    await page.getByText('All is well: spare can be called.').waitFor();
    await page.getByRole('link', { name: 'All trunks' }).click();
    await button('Try spare earlier').waitFor();
    const order = async () => (await get('/trunks')).items.map((trunk) => trunk.name);
    const before = await order();
    assert.deepEqual([before.length > 1, before.at(-1)], [true, 'spare']);
    await button('Try spare earlier').click();
    await page.getByText(`spare is now number ${before.length - 1}.`).waitFor();
    assert.deepEqual(await order(), [...before.slice(0, -2), 'spare', before.at(-2)]);
    await button('Try spare later').click();
    await page.getByText(`spare is now number ${before.length}.`).waitFor();
    assert.deepEqual(await order(), before);
});

step('a certificate is uploaded, is what browsers get, and goes again', async () => {
    certificate('ours', 'IP:127.0.0.1,DNS:localhost');
    certificate('other', 'DNS:other.example');
    await page.keyboard.press('g');
    await page.keyboard.press('n');
    await button('Upload a certificate').click();
    const dialog = page.getByRole('dialog');
    await dialog.locator('input[type=file]').first().setInputFiles(join(files, 'ours.pem'));
    await dialog.locator('input[type=file]').last().setInputFiles(join(files, 'other.key'));
    await button('Use this certificate').click();
    await dialog.locator('.field-error, .note[data-kind=bad]').first().waitFor(); // not the key of it
    await dialog.locator('input[type=file]').last().setInputFiles(join(files, 'ours.key'));
    await button('Use this certificate').click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('Issued by CN=ours.').waitFor();
    assert.match(readFileSync(join(files, 'ours.pem'), 'utf8'), /BEGIN CERTIFICATE/);
    assert.deepEqual(await get('/certificate').then(({ own, names }) => [own, names]), [false, ['127.0.0.1', 'localhost']]);
    await button("Back to this box's own").click();
    await page.getByRole('dialog').getByRole('button', { name: /^Back to/ }).click();
    await page.getByText('The box uses its own certificate again.').waitFor();
});

step('a second factor: set up, and asked for when one signs in', async () => {
    await page.goto(at('/admin/people/me'));
    await button('Set up').click();
    const dialog = page.getByRole('dialog');
    await dialog.locator('svg.qr').waitFor();
    const secret = (await dialog.locator('.once code').innerText()).replaceAll(' ', '');
    await dialog.getByLabel('Code that the app shows').fill('000000');
    await button('Turn on').click();
    await dialog.locator('.field-error').waitFor();
    await dialog.getByLabel('Code that the app shows').fill(codeAt(secret));
    await button('Turn on').click();
    await dialog.getByText('Recovery codes, shown this once').waitFor();
    recovery = (await dialog.locator('pre').innerText()).split('\n');
    assert.equal(recovery.length, 10);
    await button('I have it').click();
    await dialog.waitFor({ state: 'detached' });
    await page.locator('.card', { hasText: 'Second factor' }).locator('.state[data-kind=good]').waitFor();
});

step('signing out ends the session', async () => {
    await button('Sign out').first().click();
    await page.getByLabel('Password', { exact: true }).waitFor();
    await page.goto(at('/admin/calls'));
    await page.getByLabel('Password', { exact: true }).waitFor();
    assert.equal(await path(), '/admin/calls');
    assert.equal(await page.evaluate(() => fetch('/api/admin/v1/calls').then((answer) => answer.status)), 401);
    await page.getByLabel('Name', { exact: true }).fill(NAME);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await button('Sign in').click();
    await page.getByLabel('Code').fill(recovery[0]);
    await button('Sign in').click();
    await page.getByRole('heading', { name: 'Calls' }).waitFor();
});

step('a backup is downloaded, and restored: what came later is gone, everybody signs in again', async () => {
    await page.goto(at('/admin/people/backup'));
    const now = page.locator('.card', { hasText: 'Download backup' });
    await now.getByLabel('Passphrase').fill(PASSPHRASE);
    const download = page.waitForEvent('download');
    await button('Download backup').click();
    copy = join(files, 'all.backup');
    await (await download).saveAs(copy);
    assert.doesNotMatch(readFileSync(copy, 'latin1'), /5101|SQLite/);
    await page.goto(at('/admin/trunks/spare'));
    await button('Remove trunk').click();
    await page.getByRole('dialog').getByRole('textbox').fill('spare');
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('heading', { name: 'Trunks' }).waitFor();
    assert.ok(!(await get('/trunks')).items.some((trunk) => trunk.name === 'spare'));

    await page.goto(at('/admin/people/backup'));
    const back = page.locator('.card', { hasText: 'Backup file' });
    await back.locator('input[type=file]').setInputFiles(copy);
    const restore = async (passphrase) => {
        await back.getByLabel('Passphrase').fill(passphrase);
        await back.getByRole('button', { name: 'Restore…' }).click();
        await page.getByRole('dialog').getByRole('textbox').fill('restore');
        await page.getByRole('dialog').getByRole('button', { name: 'Replace everything' }).click();
    };
    await restore('not the passphrase');
    await back.locator('.field-error, .note[data-kind=bad]').first().waitFor();
    await restore(PASSPHRASE);
    await page.getByText('Restored. Calls went on; everybody signs in again.').waitFor();
    await page.goto(at('/admin/trunks'));
    await page.getByLabel('Name', { exact: true }).fill(NAME);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await button('Sign in').click();
    await page.getByLabel('Code').fill(recovery[1]);
    await button('Sign in').click();
    await page.getByRole('link', { name: 'spare' }).waitFor();
});
