// The console as a new administrator walks through it, against the real program with calls that run: from the one-time link to signing out.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { launchChromium } from '../ui/lib/chromium.mjs';
import { binary, start } from './dngate.mjs';
import { AgentPage } from './lib/page.mjs';

const NAME = 'ada', PASSWORD = 'a sentence that is long';
let server, browser, page, agent, password;
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
});

const at = (path) => `https://localhost:${server.ports.https}${path}`;
const button = (name) => page.getByRole('button', { name, exact: typeof name === 'string' });
const path = () => page.evaluate(() => location.pathname);

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
    await button('Later').click();
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
    await page.getByLabel('Value', { exact: true }).fill('debug');
    await page.getByLabel('Reason').fill('to see more');
    await button('Save').click();
    await page.getByText('log.level holds now.').waitFor();
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

step('signing out ends the session', async () => {
    await button('Sign out').first().click();
    await page.getByLabel('Password').waitFor();
    await page.goto(at('/admin/calls'));
    await page.getByLabel('Password').waitFor();
    assert.equal(await path(), '/admin/calls');
    assert.equal(await page.evaluate(() => fetch('/api/admin/v1/calls').then((answer) => answer.status)), 401);
    await page.getByLabel('Name').fill(NAME);
    await page.getByLabel('Password').fill(PASSWORD);
    await button('Sign in').click();
    await page.getByRole('heading', { name: 'Calls' }).waitFor();
});
