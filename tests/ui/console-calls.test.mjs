// The console's Calls: those that run, the records, a call's page, the watch list.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { CallsBox } from './lib/calls-box.mjs';
import { launchChromium } from './lib/chromium.mjs';
import { liveCall } from './lib/console-calls.mjs';
import { HOSTILE, HOSTILE_AGENT } from './lib/traces.mjs';

let box, browser, page;

before(async () => {
    box = await new CallsBox().start();
    browser = await launchChromium();
});
afterEach(async () => {
    const complaints = page?.complaints ?? [];
    await page?.context().close();
    page = null;
    assert.deepEqual(complaints, []);
});
after(async () => {
    await browser?.close();
    await box?.stop();
});

async function open(path = '/admin/calls', { kind = 'usual', role = 'admin', ...options } = {}) {
    box.become(kind);
    box.role = role;
    page = await box.signedIn(browser, { path, ...options });
    page.setDefaultTimeout(10000);
    await page.locator('h1').waitFor();
}

const live = () => page.locator('.live-calls tbody tr[data-row]');
const records = () => page.locator('.records tbody tr[data-row]:not(.waiting)');
const heading = () => page.locator('#calls-now').textContent();
const search = () => new URL(page.url()).searchParams;
const until = (what, arg) => page.waitForFunction(what, arg);
const lastAsked = (path) => box.asked('GET', path).at(-1);

test('calls that run: both legs, path, and how they sound', async () => {
    await open();
    await live().nth(6).waitFor();
    assert.equal(await heading(), '7 calls now');
    const row = await live().first().textContent();
    for (const words of ['5001 Linus', '+49307654321', 'talking', 'opus ⇄ PCMA', 'direct', 'caller hears 4.3', 'agent hears 4.2', 'browser says 4.1']) assert.ok(row.includes(words), `${words} in ${row}`);
});

test('nothing jumps: new calls wait behind a button, those that ended stay until then', async () => {
    await open();
    await live().nth(6).waitFor();
    const order = await live().allTextContents().then((rows) => rows.map((row) => row.slice(0, 4)));
    const now = Date.now();
    box.put({ ...liveCall(7, now), start_ms: now });
    box.put({ ...liveCall(8, now), start_ms: now - 1 });
    box.end('live2');
    await page.getByRole('button', { name: '2 new, 1 has ended: Show' }).waitFor();
    assert.deepEqual(await live().allTextContents().then((rows) => rows.map((row) => row.slice(0, 4))), order);
    assert.match(await live().nth(2).textContent(), /ended/);
    await page.getByRole('button', { name: '2 new, 1 has ended: Show' }).click();
    await until(() => document.querySelectorAll('.live-calls tbody tr[data-row]').length === 8);
    assert.match(await live().first().textContent(), /^5008/);
    assert.equal(await heading(), '8 calls now');
    assert.equal(await page.getByRole('button', { name: /Show/ }).count(), 0);
});

test('records that come wait, too', async () => {
    await open();
    await records().nth(5).waitFor();
    const asked = box.asked('GET', '/cdr').length;
    box.end('live0');
    await page.getByRole('button', { name: '1 call has ended since: show it' }).waitFor();
    assert.equal(box.asked('GET', '/cdr').length, asked);
    await page.getByRole('button', { name: '1 call has ended since: show it' }).click();
    await page.getByRole('button', { name: '1 call has ended since: show it' }).waitFor({ state: 'detached' });
    assert.equal(box.asked('GET', '/cdr').length, asked + 1);
});

test('hanging up says what will happen, and does nothing before yes', async () => {
    await open();
    await page.getByRole('button', { name: 'Hang up the call of 5001' }).click();
    const dialog = page.getByRole('dialog');
    assert.match(await dialog.textContent(), /5001 Linus Lovelace is on the phone with \+49307654321 \(\d+:\d\d\)\. The call ends at once, for both/);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(box.data.calls.length, 7);
    await page.getByRole('button', { name: 'Hang up the call of 5001' }).click();
    await dialog.getByRole('button', { name: 'Hang up' }).click();
    await page.getByText('The call of 5001 was hung up.').waitFor();
    assert.equal(box.data.calls.length, 6);
    await page.getByRole('button', { name: '1 has ended: Show' }).waitFor();
});

test('one search over both, and it is in the address', async () => {
    await open();
    await records().nth(5).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('5003');
    await until(() => document.querySelectorAll('.live-calls tbody tr[data-row]').length === 1);
    await until(() => document.querySelectorAll('.records tbody tr[data-row]').length === 15);
    assert.equal(await heading(), '1 of 7 calls now fit');
    assert.equal(search().get('q'), '5003');
    assert.equal(lastAsked('/cdr').q, '5003');
    await page.reload();
    await until(() => document.querySelectorAll('.records tbody tr[data-row]').length === 15);
    assert.equal(await page.getByRole('searchbox').inputValue(), '5003');
});

test('filters: in the address, and the same for list, sum and export', async () => {
    await open();
    await page.getByRole('button', { name: 'Filters' }).click();
    const filters = page.getByRole('group', { name: 'Filters' });
    await filters.getByLabel('Time').selectOption('range');
    await filters.getByLabel('From', { exact: true }).fill('2026-01-01T00:00');
    await filters.getByLabel('From', { exact: true }).press('Enter');
    await filters.getByLabel('Result').selectOption('answered');
    await filters.getByLabel('Path').selectOption('relay');
    await filters.getByLabel('Direction').selectOption('in');
    await filters.getByLabel('Quality').selectOption('3.1');
    await filters.getByLabel('Talked at least').fill('30');
    await filters.getByLabel('Talked at least').press('Enter');
    await until(() => new URL(location.href).searchParams.get('min_s') === '30');
    await page.waitForLoadState('networkidle');
    const expected = { result: 'answered', path: 'relay', direction: 'in', max_mos: '3.1', min_s: '30', from_ms: String(await page.evaluate(() => new Date('2026-01-01T00:00').getTime())) };
    for (const path of ['/cdr', '/cdr/summary']) {
        const { limit, ...asked } = lastAsked(path);
        assert.deepEqual(asked, expected, path);
    }
    const link = new URL(await page.getByRole('link', { name: 'Export as CSV' }).getAttribute('href'), box.url);
    assert.deepEqual(Object.fromEntries(link.searchParams), expected);
    assert.equal(await page.getByRole('button', { name: 'Filters, 6 set' }).count(), 1);
    const view = page.url();
    await page.reload();
    assert.equal(await filters.getByLabel('Result').inputValue(), 'answered');
    assert.equal(page.url(), view);
    await filters.getByRole('button', { name: 'Clear all' }).click();
    await until(() => location.search === '');
});

test('the sum line says what the records are, in words', async () => {
    await open();
    await page.locator('.sum').waitFor();
    assert.match(await page.locator('.sum').textContent(), /^300 calls \d+ answered · \d+ inbound · \d+ outbound · \d+ abandoned \([\d.]+ %\) · \d+ failed · \dm \d+s on average · MOS\u00a04\.3$/);
    await page.getByRole('searchbox').fill('nobody at all');
    await page.getByText('No record fits.').waitFor();
});

test('five thousand records: only those in sight are in the page, and come by the cursor', async () => {
    await open('/admin/calls', { kind: 'full' });
    await records().nth(5).waitFor();
    assert.ok((await records().count()) < 80);
    await page.evaluate(() => scrollTo(0, 60000));
    await until(() => [...document.querySelectorAll('.records tbody tr[data-row]:not(.waiting)')].some((row) => Number(row.dataset.row) > 1400));
    assert.ok((await records().count()) < 80);
    assert.deepEqual(box.asked('GET', '/cdr').map(({ cursor = '' }) => cursor).slice(0, 3), ['', '200', '700']);
});

test('a call in words first: the verdict, its cause, what to do', async () => {
    await open('/admin/calls/oneway');
    const said = page.locator('.note').first();
    assert.match(await said.textContent(), /One-way audio: the caller was not heard\..*Its SDP named 10\.1\.2\.3:4000.*Ask for the media address/);
    assert.equal(await said.getAttribute('data-kind'), 'bad');
    assert.match(await page.locator('.page-head').textContent(), /5002 ⇄ Max Lovelace \+49301234568.*inbound/);
    const ways = await page.locator('.way').allTextContents();
    assert.match(ways[0], /To the trunk loss/);
    assert.match(ways[1], /To the browser no packets/);
    assert.match(await page.locator('.plain-table').textContent(), /From the trunknothing came/);
});

const message = () => page.getByRole('region', { name: 'Message', exact: true });
const timeline = () => page.getByRole('group', { name: 'Time axis' });

test('the ladder by keyboard: messages in turn, their text, and the address goes along', async () => {
    await open('/admin/calls/good');
    await timeline().focus();
    await page.keyboard.press('ArrowRight');
    await message().getByText('X-Genesys-CallUUID:').waitFor();
    assert.equal(search().get('event'), '0');
    assert.match(await message().textContent(), /trunk → gateway, after 0 s/);
    for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowRight');
    await message().getByText('browser → gateway, after 0.038 s').waitFor();
    assert.equal(search().get('event'), '4', 'what is no message is stepped over');
    assert.equal(await page.locator('.msg.chosen text').textContent(), '100');
    assert.ok((await page.locator('.msg.related').count()) >= 4, 'what belongs to it');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('End');
    await message().getByRole('heading', { name: '200 OK' }).waitFor();
    await page.reload();
    await message().getByRole('heading', { name: '200 OK' }).waitFor();
    await page.goBack();
    await page.waitForURL((url) => !url.pathname.endsWith('good') || url.search !== '');
});

test('zoom by keys, by drag and back, and it is in the address', async () => {
    await open('/admin/calls/good');
    await timeline().focus();
    const width = () => (search().get('view') ?? '0-1').split('-').map(Number).reduce((a, b) => b - a);
    await page.keyboard.press('+');
    await page.keyboard.press('+');
    await until(() => location.search.includes('view='));
    assert.ok(Math.abs(width() - 0.25) < 0.001, search().get('view'));
    await page.keyboard.press('0');
    await until(() => !location.search.includes('view='));
    const { x, y, width: wide } = await timeline().boundingBox();
    await page.mouse.move(x + 0.3 * wide, y + 60);
    await page.mouse.down();
    await page.mouse.move(x + 0.5 * wide, y + 60, { steps: 4 });
    assert.equal(await page.locator('.shade').count(), 1);
    await page.mouse.up();
    await until(() => location.search.includes('view='));
    assert.ok(width() > 0.15 && width() < 0.3);
    assert.equal(search().get('event'), null, 'a drag chooses nothing');
    await page.mouse.dblclick(x + 0.5 * wide, y + 240);
    await until(() => !location.search.includes('view='));
});

test('a click takes the message that is nearest, and its text is copied', async () => {
    await open('/admin/calls/good', { permissions: ['clipboard-read', 'clipboard-write'] });
    const box_ = await page.locator('.msg[data-index="0"] .hit').boundingBox();
    await page.mouse.click(box_.x + box_.width / 2 + 2, box_.y + 50);
    await message().getByText('X-Genesys-CallUUID:').waitFor();
    await message().getByRole('button', { name: 'Copy' }).click();
    await message().getByText('Copied.').waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, /^INVITE sip:5001@192\.0\.2\.10:5060 SIP\/2\.0\r?\n/);
    assert.match(copied, /m=audio 4000 RTP\/AVP 8 0 101/);
});

test('the same in a list, for those who do not see the axis', async () => {
    await open('/admin/calls/good');
    const list = page.getByRole('listbox', { name: 'What happened' });
    await list.getByRole('option').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    assert.equal(await list.locator('[aria-selected=true]').textContent(), '0.009 s gateway → browser INVITE');
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-selected')), 'true');
    assert.equal(await list.getByRole('option').count(), await list.locator('li').count());
    await page.emulateMedia({ media: 'print' });
    const { height, scroll } = await list.evaluate((e) => ({ height: e.clientHeight, scroll: e.scrollHeight }));
    assert.ok(height >= scroll, 'all of it is on paper');
});

test('downloads are links to what the server makes', async () => {
    await open('/admin/calls/jitter');
    const link = (name) => page.getByRole('link', { name }).getAttribute('href');
    assert.deepEqual([await link('pcapng'), await link('Support bundle')], ['/api/admin/v1/cdr/jitter/pcap', '/api/admin/v1/cdr/jitter/bundle']);
});

test('no trace: says why, and puts the DN under watch', async () => {
    await open('/admin/calls/r0000020');
    await page.getByText('Traces are kept of calls that failed or sounded bad').waitFor();
    assert.equal(await page.getByRole('link', { name: 'pcapng' }).count(), 0);
    await page.getByRole('button', { name: 'Keep the next calls of 5001' }).click();
    await page.getByText('5001 is under watch').waitFor();
    assert.deepEqual(box.asked('POST', '/traces/watch'), [{ dn: '5001' }]);
    await page.goto(`${box.url}/admin/calls/none`);
    await page.getByText('There is no call with this id.').waitFor();
});

test('a call that runs: what is known so far, and its record when it has ended', async () => {
    await open('/admin/calls/live0');
    await page.getByText('This call runs.').waitFor();
    await page.locator('.msg').first().waitFor();
    assert.equal(await page.locator('.way').count(), 0);
    box.end('live0');
    await new Promise((done) => box.on('answered', ({ path }) => path === '/cdr/live0' && done())); // there is none yet
    assert.equal(await page.getByText('This call runs.').count(), 1, 'it is shown as it was');
    box.calls.rows.unshift({ ...box.calls.rows[0], id: 'live0', traced: false });
    await page.getByRole('heading', { name: 'The record' }).waitFor();
    assert.equal(await page.getByText('This call runs.').count(), 0);
});

test('the watch list: a link, errors at the field, off again', async () => {
    await open();
    await page.getByRole('link', { name: 'Watch list' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('5001').waitFor();
    assert.equal(search().get('watch'), '1');
    await dialog.getByLabel('DN').fill('no such');
    await dialog.getByRole('button', { name: 'Put under watch' }).click();
    await dialog.getByText('There is no DN no such.').waitFor();
    await dialog.getByLabel('DN').fill('5004');
    await page.keyboard.press('Enter');
    await dialog.getByRole('button', { name: 'Take off 5004' }).click();
    await dialog.getByRole('button', { name: 'Take off 5004' }).waitFor({ state: 'detached' });
    assert.deepEqual(box.calls.watched, ['5001']);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(search().get('watch'), null);
});

test('who may only read sees no button that would be refused', async () => {
    await open('/admin/calls?watch=1', { role: 'supervisor' });
    await page.getByRole('dialog').getByText('5001').waitFor();
    assert.equal(await page.getByRole('dialog').getByRole('button', { name: /Take|Put/ }).count(), 0, 'administrators say who is under watch');
    await page.context().close();
    const asked = box.asked('GET', '/cdr/jitter/trace').length;
    await open('/admin/calls?watch=1', { role: 'readonly' });
    await live().nth(2).waitFor();
    assert.deepEqual([await page.getByRole('dialog').count(), await page.getByRole('link', { name: 'Watch list' }).count()], [0, 0]);
    assert.equal(await page.getByRole('button', { name: /Hang up/ }).count(), 0);
    await page.goto(`${box.url}/admin/calls/jitter`);
    await page.getByText('The messages of this call are for supervisors and administrators.').waitFor();
    await page.getByRole('heading', { name: 'The record' }).waitFor();
    assert.equal(box.asked('GET', '/cdr/jitter/trace').length, asked, 'what would be refused is not asked for');
});

test('whatever strangers write into a call is text: markup, scripts, SQL', async () => {
    for (const path of ['/admin/calls', '/admin/calls/hostile?event=0', '/admin/calls/live1', `/admin/calls?q=${encodeURIComponent(HOSTILE)}`]) {
        await open(path);
        await page.waitForLoadState('networkidle');
        assert.equal(await page.evaluate(() => window.hacked), undefined, path);
        assert.equal(await page.locator('main :is(script, img[src="x"], svg[onload], a[href^="javascript"])').count(), 0, path);
        const said = (await page.locator('main').innerText()) + (await page.getByRole('searchbox').first().inputValue().catch(() => ''));
        assert.ok(said.includes(HOSTILE.slice(0, 20)), `${path} says it as it is`);
        await page.context().close();
    }
    await open('/admin/calls/hostile?event=4');
    await message().getByText(HOSTILE_AGENT).waitFor();
    assert.ok((await page.title()).includes('<img'), 'and in the title');
});

test('a lost connection says since when what is shown is old', async () => {
    await open();
    await live().nth(6).waitFor();
    box.deaf = true;
    box.cut();
    await page.getByText(/^Not live: as it was at \d\d:\d\d/).waitFor({ timeout: 20000 });
    assert.equal(await live().count(), 7, 'the last that was known stays');
    box.deaf = false;
});

test('an empty box says what will be there', async () => {
    await open('/admin/calls', { kind: 'empty' });
    await page.getByText('Calls appear here as soon as a phone rings.').waitFor();
    await page.getByText('No call has ended yet.').waitFor();
});

test('German: no word of it is left in English', async () => {
    await open('/admin/calls/oneway', { locale: 'de-DE' });
    await page.getByRole('heading', { name: 'Was geschah' }).waitFor();
    assert.doesNotMatch(await page.locator('main').innerText(), /calls\.|What happened|Whole call/);
});
