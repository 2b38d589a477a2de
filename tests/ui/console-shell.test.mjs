// The console's frame: signing in, the way around, what it does when the session ends or the box is away, live figures, languages, and how much of it there is.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { keepsNobodyOut } from './lib/access.mjs';
import { launchChromium } from './lib/chromium.mjs';
import { FakeBox, PASSWORD, SETUP } from './lib/console.mjs';

const words = new URL('../../admin-ui/console/words/', import.meta.url);
const MOST_BYTES = 84_000; // page, script, style and English words, as gzip -9; 80.5 kB as they are embedded
const MOST_GERMAN = 20_500; // its words, with those of the server

let box, browser, page;

before(async () => {
    box = await new FakeBox().start();
    browser = await launchChromium();
});
after(async () => {
    await browser?.close();
    await box?.stop();
});
beforeEach(() => box.become('usual'));

async function closing(what) {
    await what();
    assert.deepEqual(page.complaints, []);
    await page.context().close();
}
const open = async (options) => (page = await box.signedIn(browser, options));
const sentence = () => page.locator('[data-test=sentence]');

test('both languages have the same words', () => {
    const flat = (language) =>
        readdirSync(new URL(`${language}/`, words))
            .filter((file) => file !== 'server.json') // what the server says in English
            .flatMap((file) => Object.entries(JSON.parse(readFileSync(new URL(`${language}/${file}`, words)))).map(([key, text]) => [`${file} ${key}`, text]))
            .sort(([a], [b]) => (a < b ? -1 : 1));
    const [en, de] = [flat('en'), flat('de')];
    const names = (text) => (text.match(/\{\w+\}/g) ?? []).sort().join();

    assert.deepEqual(de.map(([key]) => key), en.map(([key]) => key));
    for (const [i, [key, text]] of en.entries()) assert.equal(names(de[i][1]), names(text), key);
    assert.deepEqual(en.filter(([, text], i) => !text !== !de[i][1]), []);
});

// The codes and names of the server's sentences, as they stand in its source.
test('German has what the server says', () => {
    const source = (file) => readFileSync(new URL(`../../appliance/${file}`, import.meta.url), 'utf8').replace(/"\s*"/g, '');
    const names = (text) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort().join();
    const german = JSON.parse(readFileSync(new URL('de/server.json', words)));
    const verdicts = source('service/verdictwords.c');
    const texts = Object.fromEntries([...verdicts.matchAll(/#define (\w+)\s+\\?\s*"(.*)"/g)].map(([, name, text]) => [name, text]));
    const said = new Map();

    for (const [, code, rest] of verdicts.matchAll(/\{\s*"(\w+)",\s*VERDICT_\w+,((?:[^{}]|\{\w+\})*)\}/g)) said.set(`verdict_${code}`, rest.replace(/\b[A-Z_]{3,}\b/g, (name) => texts[name] ?? name));
    for (const [, code, text] of source('service/attention.c').matchAll(/\{ATTENTION_\w+,\s*"(\w+)",\s*"(.*?)"\}/g)) said.set(`attention_${code}`, text);
    for (const [, kind] of source('service/attention.c').matchAll(/\[ATTENTION_\w+\] = "(\w+)"/g)) said.set(`advice_${kind}`, '');
    assert.ok(said.size > 80, `${said.size} sentences found`);
    const own = (key) => Object.keys(german).filter((name) => name === key || name === `${key}_one` || name === `${key}_other`);
    for (const [key, text] of said) {
        assert.ok(own(key).length, `${key} is not in words/de/server.json`);
        for (const name of own(key)) if (!name.endsWith('_one')) assert.equal(names(german[name]), names(text), name);
    }
    const keys = new Set([...said.keys()].flatMap(own));
    assert.deepEqual(Object.keys(german).filter((name) => !name.startsWith('meaning_') && !keys.has(name)), []);
    const settings = [...source('conf/table.c').matchAll(/(?:\(\s*|\.key = )"([a-z_]+\.\w+)"/g)].map(([, key]) => key);
    const meant = Object.keys(german).flatMap((name) => (name.startsWith('meaning_') ? [name.slice(8)] : []));
    assert.ok(settings.length > 70, `${settings.length} settings found`);
    assert.deepEqual(settings.filter((key) => !meant.includes(key)), [], 'settings without meaning_KEY in words/de/server.json');
    assert.deepEqual(meant.filter((key) => !settings.includes(key)), [], 'German for settings that are not there');
});

// All that the console is, for one who reads one language: as gzip -9 has it. What the box sends is some percent less (admin-ui/build.mjs).
test('the console is small in all', async () => {
    const files = new Set();
    const context = await browser.newContext({ locale: 'en-GB' });
    await context.addCookies([{ name: 'dngate', value: 'session', url: box.url }]);
    page = await context.newPage();
    page.on('request', (request) => new URL(request.url()).pathname.startsWith('/admin/') && files.add(request.url()));
    await page.goto(`${box.url}/admin/`, { waitUntil: 'networkidle' });
    await page.locator('.plot svg').waitFor();
    const first = new Set(files);
    let sum = 0;

    for (const path of ['/admin/wall', '/admin/calls', '/admin/calls/100000', '/admin/agents', '/admin/trunks', '/admin/network', '/admin/settings', '/admin/people', '/admin/first-run?step=reach']) {
        await page.evaluate((to) => (history.pushState(null, '', to), dispatchEvent(new PopStateEvent('popstate'))), path);
        await page.locator('main, .first').first().waitFor();
    }
    assert.deepEqual([...files], [...first], 'all of it comes with the first page');
    for (const file of files) {
        const bytes = gzipSync(Buffer.from(await (await fetch(file)).arrayBuffer()), { level: 9 }).length;
        console.log(`# ${new URL(file).pathname}: ${bytes} bytes as gzip`);
        sum += bytes;
    }
    assert.deepEqual([...files].map((file) => file.replace(/.*\.|.*\/$/, '')).sort(), ['', 'css', 'js', 'json']);
    assert.ok(sum <= MOST_BYTES, `${sum} bytes`);
    const more = page.waitForResponse(/admin\/de-\w+\.json$/);
    await page.evaluate(() => localStorage.setItem('dngate.console.language', 'de'));
    await page.reload();
    const german = gzipSync(await (await more).body(), { level: 9 }).length;
    assert.ok(german <= MOST_GERMAN, `${german} bytes`);
    await context.close();
});

test('signs in, with a second step where there is one; the phone and the self-test are in reach without', async () => {
    const context = await browser.newContext();
    page = await context.newPage();
    page.complaints = [];
    await page.goto(`${box.url}/`);
    assert.equal(new URL(page.url()).pathname, '/admin/');
    assert.equal(await page.getAttribute('text=Agent’s phone', 'href'), '/index-agent-dn.html');
    assert.equal(await page.getAttribute('text=Self-test of a workplace', 'href'), '/selftest.html');
    await page.fill('[name=name]', 'ada');
    await page.fill('[name=password]', 'wrong');
    await page.keyboard.press('Enter');
    await page.locator('.field-error', { hasText: 'Wrong name or password' }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.name), 'password');
    await keepsNobodyOut(page);
    box.totp = true;
    await page.fill('[name=password]', PASSWORD);
    await page.keyboard.press('Enter');
    await page.locator('.field-error', { hasText: 'second step' }).waitFor();
    await page.fill('[name=code]', '000 000');
    await page.keyboard.press('Enter');
    await page.locator('.field-error', { hasText: 'not right' }).waitFor();
    await page.fill('[name=code]', '123 456');
    await page.keyboard.press('Enter');
    await sentence().waitFor();
    assert.deepEqual(box.asked('POST', '/login').at(-1), { name: 'ada', password: PASSWORD, code: '123456' });
    await page.click('text=Sign out');
    await page.locator('[name=password]').waitFor();
    await context.close();
});

test('the Overview says first whether all is well', async () => {
    await open();
    await closing(async () => {
        await sentence().waitFor();
        assert.match(await sentence().textContent(), /^All is well\. \d+ agents ready · 2 calls · 2 of 2 trunks up$/);
        assert.equal(await page.title(), 'Overview · dngate.example.com');
        assert.equal(await page.locator('.attention').isVisible(), false);
        await page.locator('.plot svg').waitFor();
        await page.click('.segments >> text=24h');
        assert.match(page.url(), /\?span=24h$/);
        await page.locator('h2', { hasText: 'Last 24 hours' }).waitFor();
        await page.reload();
        await page.locator('h2', { hasText: 'Last 24 hours' }).waitFor();
        await keepsNobodyOut(page);
    });
});

test('what needs attention is said in words, in the title and in the small picture', async () => {
    box.become('broken');
    await open();
    await closing(async () => {
        await page.locator('.attention li').first().waitFor();
        assert.equal(await page.locator('.attention li').count(), 3);
        assert.match(await sentence().textContent(), /^Something is wrong\./);
        assert.match(await page.title(), /^● /);
        assert.equal(await page.getAttribute('link[rel=icon]', 'href'), '/admin/alert.svg');
        assert.match(await page.textContent('.parts'), /\/data has 0 bytes left/);
        await keepsNobodyOut(page);
    });
});

test('a new box says what to do next', async () => {
    box.become('empty');
    await open();
    await closing(async () => {
        await page.locator('.empty-title', { hasText: 'Connect Genesys next' }).waitFor();
        box.data.status.trunks = [{ name: 'genesys', state: 'up', rtt_ms: 12, since_ms: Date.now() }];
        box.push('status', { data: box.data.status });
        await page.locator('.empty-title', { hasText: 'first agents' }).waitFor();
        box.data.status.dns = 5;
        box.push('status', { data: box.data.status });
        await page.locator('.empty-title', { hasText: 'No agent has signed in yet' }).waitFor();
        assert.match(await page.textContent('.empty'), /\/index-agent-dn\.html/);
        await keepsNobodyOut(page);
    });
});

test('figures are live; without the push they are asked for, and old ones say so', async () => {
    await open();
    await closing(async () => {
        await page.locator('.page-head .state', { hasText: 'Live' }).waitFor();
        box.push('status', { data: { ...box.data.status, calls: 17 } });
        await page.locator('.vital-value', { hasText: '17' }).waitFor();
        box.refuseSockets = true;
        box.data.status = { ...box.data.status, calls: 18 };
        box.cut();
        await page.locator('.vital-value', { hasText: '18' }).waitFor();
        await page.locator('.page-head .state', { hasText: 'Every 5 s' }).waitFor();
        box.refuseSockets = false;
        await page.locator('.page-head .state', { hasText: 'Live' }).waitFor();
    });
});

test('the box goes away: a banner, old figures that say so, and all is back by itself', async () => {
    await open();
    await closing(async () => {
        await sentence().waitFor();
        box.deaf = true;
        box.cut();
        await page.locator('.banner', { hasText: 'has not answered since' }).waitFor();
        await page.locator('.page-head .state', { hasText: 'Old: as of' }).waitFor();
        box.data.status = { ...box.data.status, calls: 5 };
        box.deaf = false;
        await page.locator('.banner.bad').waitFor({ state: 'detached' });
        await page.locator('.vital-value', { hasText: '5' }).waitFor();
    });
});

test('a session that ends in the middle of a form keeps the form, and what was sent is done after signing in again', async () => {
    box.become('empty');
    await open({ path: '/admin/first-run?step=genesys' });
    await closing(async () => {
        await page.fill('[name=host]', 'sip.example.com');
        box.signedOut = true;
        await page.click('[type=submit]');
        await page.locator('dialog', { hasText: 'Sign in again' }).waitFor();
        assert.deepEqual(box.asked('POST', '/trunks').length, 1);
        await page.fill('dialog [name=password]', 'wrong');
        await page.keyboard.press('Enter');
        await page.locator('dialog .field-error').waitFor();
        await page.fill('dialog [name=password]', PASSWORD);
        await page.keyboard.press('Enter');
        await page.locator('text=Genesys answers').waitFor();
        assert.equal(box.data.trunks[0].host, 'sip.example.com');
        assert.equal(box.data.trunks.length, 1);
    });
});

test('a refusal stands at its field, nothing typed is lost, and a reader who leaves finds it again', async () => {
    box.become('empty');
    await open({ path: '/admin/first-run?step=genesys' });
    await closing(async () => {
        await page.fill('[name=name]', 'mine');
        await page.click('[type=submit]');
        await page.locator('.field-error', { hasText: 'Say where the SIP Server is' }).waitFor();
        assert.equal(await page.evaluate(() => document.activeElement.name), 'host');
        await page.click('.trail >> text=Agents');
        await page.locator('[name=from]').waitFor();
        await page.goBack();
        await page.locator('[name=name]').waitFor();
        assert.equal(await page.inputValue('[name=name]'), 'mine');
    });
});

test('from the link in the log to the last step', async () => {
    box.become('empty');
    const context = await browser.newContext({ permissions: ['microphone'] });
    page = await context.newPage();
    page.complaints = [];
    await page.goto(`${box.url}/admin/`);
    await page.locator('text=This box has no administrator yet').waitFor();
    await keepsNobodyOut(page);
    await page.goto(`${box.url}/admin/first-run#setup=old`);
    await page.goto(`${box.url}/admin/#setup=${SETUP}`);
    await page.reload(); // the address had the token only for a moment; a reload goes on all the same
    await page.locator('[name=again]').waitFor();
    assert.doesNotMatch(page.url(), /setup=/);
    await page.fill('[name=password]', PASSWORD);
    await page.fill('[name=again]', 'other');
    await page.click('[type=submit]');
    await page.locator('.field-error', { hasText: 'not the same' }).waitFor();
    await page.fill('[name=again]', PASSWORD);
    await page.click('[type=submit]');
    await page.locator('text=From this browser').waitFor();
    assert.deepEqual(box.asked('POST', '/setup'), [{ token: SETUP, name: 'admin', password: PASSWORD }]);
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    await page.locator('.lines >> text=Signalling').waitFor();
    await keepsNobodyOut(page);
    await page.fill('[name=value]', 'dngate.example.com');
    await page.click('[type=submit]');
    await page.locator('text=has made its own certificate').waitFor();
    assert.deepEqual(box.asked('PUT', '/settings/public.address'), [{ value: 'dngate.example.com' }]);
    await keepsNobodyOut(page);
    await page.click('text=Upload one');
    await page.fill('[name=certificate]', 'nonsense');
    await page.click('text=Use this certificate');
    await page.locator('.field-error', { hasText: 'no PEM certificate' }).waitFor();
    await page.click('text=Keep it for now');
    await page.fill('[name=host]', 'sip.genesys.example.com');
    await keepsNobodyOut(page);
    await page.click('text=Add and test');
    await page.locator('text=Genesys answers').waitFor();
    await keepsNobodyOut(page);
    await page.click('button >> text=Go on');
    await page.fill('[name=to]', '5003');
    await page.click('text=Add 3 agents');
    await page.locator('code', { hasText: 'pw-5003' }).waitFor();
    assert.equal(await page.locator('.handout tbody tr').count(), 3);
    await keepsNobodyOut(page);
    await page.click('button >> text=Go on');
    await page.locator('.room').waitFor();
    assert.equal(box.asked('POST', '/selftest-links').length, 1);
    await page.click('text=Finish');
    await sentence().waitFor();
    assert.deepEqual(page.complaints, []);
    await context.close();
});

test('a restored backup names what is wrong with it at its field', async () => {
    box.become('empty');
    await open({ path: '/admin/first-run?step=reach' });
    await closing(async () => {
        await page.click('text=Restore a backup instead');
        await page.click('text=Replace everything');
        await page.locator('.field-error', { hasText: 'Choose the file' }).waitFor();
        await page.setInputFiles('#backup-file', { name: 'x.backup', mimeType: 'application/octet-stream', buffer: Buffer.from('backup') });
        await page.fill('dialog [name=passphrase]', 'wrong');
        await page.click('text=Replace everything');
        await page.locator('.field-error', { hasText: 'does not open' }).waitFor();
        await page.fill('dialog [name=passphrase]', PASSWORD);
        await page.click('text=Replace everything');
        await page.locator('text=is being taken over').waitFor();
        assert.equal(box.asked('POST', '/restore').at(-1), 'backup');
    });
});

test('keys go to places and list themselves; a dialog gives the focus back', async () => {
    await open();
    await closing(async () => {
        await sentence().waitFor();
        await page.focus('text=Wallboard');
        await page.keyboard.press('?');
        await page.locator('dialog', { hasText: 'Go to Overview' }).waitFor();
        await page.keyboard.press('Escape');
        await page.locator('dialog').waitFor({ state: 'detached' });
        assert.match(await page.evaluate(() => document.activeElement.textContent), /Wallboard/);
        await page.keyboard.press('Enter');
        await page.locator('.wall').waitFor();
        await page.keyboard.press('g');
        await page.keyboard.press('o');
        await sentence().waitFor();
    });
});

test('German is a choice that stays', async () => {
    await open();
    await closing(async () => {
        await sentence().waitFor();
        await page.selectOption('.rail .choice select', 'de');
        await page.locator('h1', { hasText: 'Übersicht' }).waitFor();
        await page.reload();
        await page.locator('h1', { hasText: 'Übersicht' }).waitFor();
        assert.match(await sentence().textContent(), /Alles in Ordnung/);
        assert.equal(await page.getAttribute('html', 'lang'), 'de');
        await keepsNobodyOut(page);
        // What the server says, by its code; English where there is none.
        box.data.status.attention = [
            { kind: 'quality', code: 'quality', params: { mos: 3.25 }, level: 'bad', text: 'Calls sound bad', advice: 'Look at the calls of now', place: '', since_ms: 1 },
            { kind: 'bans', code: 'bans', params: { n: 2 }, level: 'warn', text: '2 addresses are banned', advice: 'Is it one of yours?', place: '', since_ms: 1 },
            { kind: 'new', code: 'of_tomorrow', params: { trunk: 'x' }, level: 'warn', text: 'Something {trunk}', advice: 'Do it', place: '', since_ms: 1 },
        ];
        box.push('status', { data: box.data.status });
        await page.locator('.attention li').nth(2).waitFor();
        const said = (await page.locator('.attention').innerText()).replace(/\s+/g, ' ');
        for (const text of ['MOS 3,3 in den letzten fünf Minuten. Sehen Sie sich die laufenden Anrufe an', '2 Adressen sind nach falschen Passwörtern gesperrt.', 'Something {trunk} Do it']) assert.ok(said.includes(text), `${text} in ${said}`);
        Object.assign(box.data.cdr[0], { verdict: 'English', verdict_code: 'far', verdict_params: { ms: 400 } });
        for (const result of Object.keys(box.data.verdicts)) box.data.verdicts[result] = { level: 'warn', code: 'mute_trunk_stranger', params: { sdp: '10.1.2.3', n: 2000, stranger: '<b>10.1.2.9</b>' }, title: 'E', cause: 'E', advice: 'E' };
        await page.goto(`${box.url}/admin/calls/${box.data.cdr[0].id}`);
        await page.locator('.note .verdict', { hasText: 'Einseitiger Ton: Der Agent hörte nichts' }).waitFor();
        assert.match(await page.locator('.note').first().innerText(), /nannte 10\.1\.2\.3, aber 2\.000 Pakete kamen von <b>10\.1\.2\.9<\/b>; .*\n+.*<b>10\.1\.2\.9<\/b> im SDP nennen/s);
        await page.goto(`${box.url}/admin/settings`);
        await page.getByText('HTTPS, WSS und TURN über TLS auf einem Port.').waitFor();
    });
});

test('what others wrote is text', async () => {
    const html = '<img src=x onerror=alert(1)><script>alert(2)</script>';
    box.data.status.attention = [{ level: 'bad', text: html, advice: html, place: html, since_ms: 1 }];
    box.data.registrations[0].name = html;
    page = await box.signedIn(browser);
    await closing(async () => {
        await page.locator('.attention-text', { hasText: '<script>' }).waitFor();
        await page.goto(`${box.url}/admin/wall`);
        await page.locator('.wall-name', { hasText: '<img' }).waitFor();
        assert.equal(await page.locator('.wall-name img').count(), 0);
    });
});

test('the wallboard shows who is on a call, of thousands those who do something', async () => {
    await open({ path: '/admin/wall' });
    await closing(async () => {
        await page.locator('.wall-tiles li').first().waitFor();
        const busy = box.data.registrations.filter((r) => r.state === 'on_call').length;
        assert.equal(await page.locator('.wall-tiles [data-state=on_call]').count(), busy);
        const { caller, caller_name: name } = box.data.calls.find(({ direction, dn }) => direction === 'in' && box.data.registrations.some((r) => r.dn === dn));
        await page.locator('.wall-call', { hasText: `← ${name || caller}` }).first().waitFor();
        await keepsNobodyOut(page);
        box.become('full');
        await page.locator('.wall-more').waitFor();
        assert.ok((await page.locator('.wall-tiles li').count()) < 300);
        box.push('calls', { set: [], gone: box.data.calls.map((c) => c.id) });
        await page.locator('.wall-number', { hasText: 'Calls now' }).locator('text=0').waitFor();
    });
});

test('on a phone there is a bar of four and the rest behind More', async () => {
    await open({ viewport: { width: 360, height: 740 } });
    await closing(async () => {
        await sentence().waitFor();
        assert.equal(await page.locator('.rail').isVisible(), false);
        await page.click('.bottom >> text=More');
        await page.locator('dialog >> text=Sign out').waitFor();
        await page.keyboard.press('Escape');
    });
});
