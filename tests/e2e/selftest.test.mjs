// The self-test in Chromium at the far end of a cable against the real server: by a link, in the agent's page, and behind a firewall that lets nothing
// through but the page's own port; and what the administrator finds of it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { TestPage } from '../ui/lib/selftest.mjs';
import { binary } from './dngate.mjs';
import { inNamespace, nft, onlyTcp } from './lib/netns.mjs';
import { AgentPage } from './lib/page.mjs';
import { openRemote } from './lib/remote.mjs';

const GREEN = { speaker: 'good', ring: 'good', microphone: 'good', wss: 'good', stun: 'good', turn_udp: 'good', turn_tcp: 'good', turn_tls: 'good', echo: 'good' };

let remote, server, browser, link;

// What it prints for programs.
const dngate = (...words) => JSON.parse(execFileSync(binary(), [...words, '--json', '--data', server.dir], { encoding: 'utf8' }));
const testOf = (result, name) => result.tests.find((one) => one.name === name);

async function newPage(t) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
    t.after(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(60000);
    return page;
}

async function open(t, hash = '') {
    const page = await newPage(t);
    await page.goto(`https://${server.host}:${server.ports.https}/selftest.html${hash}`);
    const room = new TestPage(page);
    await room.step('ready');
    return room;
}

const listed = (who) => dngate('selftest', 'list').filter(({ dn, note }) => who === (dn || note));

// To its end; resolves with what is kept of it: who is a DN, or a link's note.
async function through(room, who) {
    await room.press('Start');
    await room.byHand();
    await room.page.locator('.room-status', { hasText: 'is kept' }).waitFor();
    return listed(who)[0];
}

// Two-way audio as good as the machine's own load lets it be: that delays, but loses nothing.
function checkEcho(result, path) {
    const { figures, detail } = testOf(result, 'echo');

    assert.equal(figures.path, path, detail);
    for (const way of ['up', 'down']) {
        assert.ok(figures[`loss_${way}_pct`] < 1, detail);
        assert.ok(figures[`jitter_${way}_ms`] >= 0, detail);
        assert.ok(figures[`mos_${way}`] >= 1 && figures[`mos_${way}`] <= 4.5, detail);
    }
    assert.ok(figures.rtt_ms > 0, detail);
    const calm = figures.jitter_up_ms < 30 && figures.jitter_down_ms < 30 && figures.rtt_ms < 200;
    assert.ok(!calm || (figures.mos_up > 4 && figures.mos_down > 4), detail);
    return calm;
}

function checkResults(result, expected, calm) {
    const found = Object.fromEntries(result.tests.map(({ name, result: word }) => [name, word]));
    const loose = calm ? found : { ...found, echo: expected.echo, wss: expected.wss };

    assert.deepEqual(loose, expected, JSON.stringify(result.tests, null, 1));
}

async function byLink(t) {
    const { url } = dngate('selftest', 'link', '--note', 'home office');
    link = new URL(url).hash;
    const room = await open(t, link);
    assert.equal(await room.page.evaluate(() => location.hash), '');
    const result = await through(room, 'home office');
    const calm = checkEcho(result, 'direct');
    checkResults(result, GREEN, calm);
    assert.equal(result.dn, '');
    assert.equal(result.note, 'home office');
    assert.match(result.browser, /^Chromium \d+$/);
    assert.deepEqual(dngate('selftest', 'show', result.id), result);
    assert.match(testOf(result, 'stun').detail, /there is no NAT between/);

    await room.page.reload();
    await room.step('ready');
    await room.press('Start');
    await room.step('speaker'); // the session goes on
}

async function linkIsUsed(t) {
    const room = await open(t, link);
    await room.press('Start');
    await room.page.locator('.room-note', { hasText: 'This link has been used' }).waitFor();
    assert.equal(listed('home office').length, 1);
}

async function greenRoom(t) {
    const page = await newPage(t);
    const agent = new AgentPage(page, '5001');
    await page.goto(`https://${server.host}:${server.ports.https}/index-agent-dn.html`);
    await agent.signIn();
    await page.click('#check');
    const result = await through(new TestPage(page), '5001');
    checkResults(result, GREEN, checkEcho(result, 'direct'));
    assert.equal(result.dn, '5001');
    assert.deepEqual(dngate('selftest', 'list', '5001').map(({ id }) => id), [result.id]);
    assert.deepEqual(dngate('registrations'), []);
    await page.click('.room-back');
    await page.click('#start-shift');
    await agent.registration('registered');
    await agent.dial('600');
    await agent.call('connected');
    await agent.hears();
    await agent.hangup();
}

// One packet in twelve that leaves the browser gets lost, none that comes to it.
async function lossy(t) {
    nft('add table inet lossy');
    nft('add chain inet lossy input { type filter hook input priority 0; policy accept; }');
    nft('add rule inet lossy input iifname "dn0" meta l4proto udp udp length > 60 numgen inc mod 12 == 0 drop');
    t.after(() => nft('delete table inet lossy'));
    const room = await open(t);
    await room.page.fill('#room-dn', '5003');
    await room.page.fill('#room-password', 'lab5003');
    await room.press('Start');
    await room.skipByHand();
    await room.page.locator('.room-status', { hasText: 'is kept' }).waitFor();
    const [result] = listed('5003');
    const { figures, detail } = testOf(result, 'echo');
    assert.ok(figures.loss_up_pct > 5 && figures.loss_up_pct < 12, detail);
    assert.ok(figures.loss_down_pct < 1, detail);
    assert.ok(figures.mos_up < figures.mos_down - 0.5, detail);
    assert.match(detail, /use a network cable instead of Wi-Fi/);
    assert.equal(testOf(result, 'speaker').result, 'skipped');
}

async function firewall(t) {
    onlyTcp(server.ports.https);
    const room = await open(t);
    await room.page.fill('#room-dn', '5002');
    await room.page.fill('#room-password', 'lab5002');
    const result = await through(room, '5002');
    const calm = checkEcho(result, 'relay_tls');
    checkResults(result, { ...GREEN, stun: 'bad', turn_udp: 'bad', turn_tcp: 'bad' }, calm);
    assert.equal(result.verdict, 'fair');
    const { turn, https, turns } = server.ports;
    for (const [name, words] of [
        ['stun', `let UDP to port ${turn} of ${server.host} through`],
        ['turn_udp', `let UDP to port ${turn} of ${server.host} through`],
        ['turn_tcp', `TCP to port ${turn} of ${server.host} has to be let through`],
        ['turn_tls', `Not by port ${turns} of ${server.host}`],
        ['echo', 'by the relay over TLS'],
    ])
        assert.ok(testOf(result, name).detail.includes(words), `${name}: ${testOf(result, name).detail}, port ${https}`);
    const shown = await room.line('turn_udp').textContent();
    assert.ok(shown.includes(`let UDP to port ${turn}`), shown);
}

function declare() {
    before(async () => {
        // TURN over TLS asks nobody whether to trust a certificate.
        remote = await openRemote({ flags: ['--ignore-certificate-errors'] });
        ({ server, browser } = remote);
    });
    after(() => remote?.close());
    test('side by side', { concurrency: true, timeout: 180000 }, (t) => Promise.all([
        t.test('by a link: all lines are green, the result is kept, a reload goes on; the link is good once', (one) => byLink(one).then(() => linkIsUsed(one))),
        t.test('in the agent’s page before the shift: kept with the DN, which is not registered meanwhile, and calls after it', greenRoom),
    ]));
    test('a line that loses what is sent: told as that, and nothing of the way back', { timeout: 120000 }, lossy);
    test('a firewall that lets through the page’s port alone: red lines name the ports, the call goes by TLS', { timeout: 180000 }, firewall);
}

inNamespace(import.meta.url, 'self-test', declare);
