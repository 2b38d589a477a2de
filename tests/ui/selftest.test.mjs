// The self-test, by link, by DN and as a green room: what is asked of the gateway, what is said of each trouble, what is kept.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, context, gateway, page, pill, registration, saying, scene } from './lib/stage.mjs';
import { FINE, ICE_SERVERS, TestPage, fakeNetwork } from './lib/selftest.mjs';
import { DEAF, LOST, done, green, open } from './lib/selftest-states.mjs';

const said = (name, pattern) => scene.test.line(name).filter({ hasText: pattern }).waitFor();
const counted = (event) => {
    const all = [];
    gateway.on(event, (what) => all.push(what));
    return all;
};
const noteSays = (words) => page.locator('.room-note', { hasText: words }).waitFor();

test('a link: gone from the address at once, used by the start and not before, and a reload goes on with what it gave', async () => {
    const starts = counted('test-start');
    await open(scene);
    assert.equal(await page.evaluate(() => location.href), `${gateway.url}/selftest.html`);
    await page.reload();
    await scene.test.step('ready');
    assert.deepEqual(starts, [], 'who only looks uses nothing');
    await scene.test.press('Start');
    await scene.test.step('speaker');
    assert.deepEqual(starts, [{ dn: '', password: undefined, renew: undefined, link: 'TOKEN' }]);
    await page.reload();
    await scene.test.step('ready');
    await scene.test.press('Start');
    await scene.test.step('speaker');
    assert.equal(starts.length, 1);
    assert.doesNotMatch(await page.evaluate(() => JSON.stringify({ ...localStorage, ...history.state })), /TOKEN/);
});

test('a link that has been used: that is said, and DN and password do', async () => {
    gateway.links = [];
    await open(scene);
    await scene.test.press('Start');
    await noteSays('This link has been used');
    await page.reload();
    await page.locator('#room-dn').waitFor();
    await page.fill('#room-dn', '5001');
    await page.fill('#room-password', 'lab5001');
    await page.keyboard.press('Enter');
    await scene.test.step('speaker');
});

test('all is well: each line is good, and the result is kept, and copied as text', async () => {
    const results = counted('test-result');
    await context.grantPermissions(['clipboard-read', 'clipboard-write', 'microphone']);
    await done(scene, {}, 'good');
    assert.deepEqual([...new Set(Object.values(await scene.test.results()))], ['good']);
    assert.equal(results.length, 1);
    assert.equal(results[0].session, 'SESSION');
    assert.equal(results[0].report.verdict, 'good');
    assert.deepEqual(results[0].report.tests.map(({ name }) => name).sort(),
        ['echo', 'microphone', 'ring', 'speaker', 'stun', 'turn_tcp', 'turn_tls', 'turn_udp', 'wss']);
    const echo = results[0].report.tests.find(({ name }) => name === 'echo');
    assert.deepEqual(Object.keys(echo.figures).sort(), ['jitter_down_ms', 'jitter_up_ms', 'loss_down_pct', 'loss_up_pct', 'mos_down', 'mos_up', 'path', 'rtt_ms']);
    assert.ok(results[0].report.tests.every(({ detail }) => detail.length && Buffer.byteLength(detail) <= 320), 'as long as is kept');
    await scene.test.press('Copy');
    await page.locator('.room-status', { hasText: 'Copied' }).waitFor();
    const text = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(text, /^dngate self-test: all is well\n/);
    assert.match(text, /\nWorks: Echo call\. Good; direct, 24 ms there and back\. What you say: MOS 4\.3, 0\.0 % lost/);
    assert.match(text, /the new one · Chromium \d+ · Linux/);
});

test('a test that is made again replaces the result; where the clipboard is closed the text stands there; a result that is refused is said', async () => {
    const results = counted('test-result');
    await done(scene, {}, 'good');
    await page.evaluate(() => (navigator.clipboard.writeText = () => Promise.reject(new Error('no'))));
    await scene.test.press('Copy');
    await page.locator('.room-text:focus').waitFor();
    assert.match(await page.inputValue('.room-text'), /^dngate self-test: all is well\n/);
    gateway.refuseResults = true;
    await scene.test.press('Test again');
    await scene.test.byHand();
    await scene.test.measured();
    await page.locator('.room-status', { hasText: 'could not be kept (too many results)' }).waitFor();
    assert.deepEqual(results.map(({ session }) => session), ['SESSION', 'SESSION']);
});

test('UDP is blocked: what is red says which port to open, and the call goes by TLS', async () => {
    const results = counted('test-result');
    await done(scene, DEAF, 'fair');
    assert.deepEqual(await scene.test.results(), {
        speaker: 'good', ring: 'good', microphone: 'good', wss: 'good', stun: 'bad', turn_udp: 'bad', turn_tcp: 'bad', turn_tls: 'good', echo: 'good',
    });
    await said('stun', 'UDP to port 3478 of gw.example.net');
    await said('turn_udp', 'UDP to port 3478 of gw.example.net');
    await said('turn_tcp', 'TCP to port 3478 of gw.example.net');
    await said('turn_tls', 'Not by port 5349 of gw.example.net');
    await said('echo', 'by the relay over TLS');
    assert.equal(results[0].report.tests.find(({ name }) => name === 'echo').figures.path, 'relay_tls');
});

test('nothing gets through: every port that would do is named', async () => {
    await done(scene, LOST, 'bad');
    await said('turn_tls', 'TCP to ports 443 and 5349 of gw.example.net');
    await said('echo', 'UDP port 9 of 127.0.0.1; UDP port 3478 of gw.example.net; TCP port 3478 of gw.example.net; TCP (TLS) port 443');
});

test('a relay that refuses says by what; a line that loses, and what the NAT is like, are told', async () => {
    await done(scene, { works: ['stun:'], refuses: 486, lost: 30, received: 470 }, 'fair');
    await said('turn_udp', 'The relay refuses (486)');
    await said('echo', 'use a network cable instead of Wi-Fi');
    assert.equal(await scene.test.result('echo'), 'fair');
    await said('stun', 'no symmetric NAT');
});

test('the phone connection is blocked: said with host and port, no call is tried, all else is', async () => {
    gateway.refuseSockets = true;
    await open(scene);
    await scene.test.press('Start');
    await scene.test.byHand();
    await scene.test.step('bad');
    await said('wss', `let WebSocket connections (HTTP Upgrade) to port ${new URL(gateway.url).port} of localhost through`);
    assert.equal(await scene.test.result('echo'), 'skipped');
    assert.equal(await scene.test.result('turn_tls'), 'good');
});

test('the gateway is lost after the page came: no answer is an answer, too', async () => {
    gateway.refuseSockets = true;
    await page.route('**/healthz', () => {});
    await open(scene);
    await scene.test.press('Start');
    await scene.test.byHand();
    await scene.test.step('bad');
    await said('wss', 'The gateway cannot be reached');
});

test('no microphone: said as the phone says it, and the line is measured all the same', async () => {
    await open(scene);
    await page.evaluate(() => (navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))));
    await scene.test.press('Start');
    for (const step of ['speaker', 'ring']) {
        await scene.test.step(step);
        await scene.test.press('Yes');
    }
    await scene.test.measured();
    await scene.test.step('bad');
    await said('microphone', 'The microphone is blocked for this page. Click the icon beside the address and allow the microphone, then test again.');
    assert.equal(await scene.test.result('echo'), 'good');
});

test('the chosen microphone is not plugged in: said as long as another one is in use', async () => {
    await page.addInitScript(() => {
        const { mediaDevices } = navigator;
        const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
        localStorage.setItem('dngate.settings', JSON.stringify({ microphone: 'headset' }));
        mediaDevices.getUserMedia = ({ audio }) =>
            audio.deviceId ? Promise.reject(new DOMException('gone', 'OverconstrainedError')) : getUserMedia({ audio });
    });
    await open(scene);
    await scene.test.press('Start');
    await scene.test.step('speaker');
    await noteSays('Your microphone is not plugged in');
    await page.selectOption('#room-speaker', { index: 0 });
    await scene.test.press('Yes');
    await scene.test.step('ring');
    await noteSays('Your microphone is not plugged in');
});

test('another speaker is chosen while the tones sound: they go on there, also where only elements can be led to a device', async () => {
    await page.addInitScript(() => {
        const { setSinkId } = HTMLMediaElement.prototype;

        delete AudioContext.prototype.setSinkId; // as in Firefox
        window.tones = [];
        HTMLMediaElement.prototype.setSinkId = function (id) {
            if (!this.isConnected) window.tones.push(id);
            return setSinkId.call(this, id);
        };
    });
    await open(scene);
    await scene.test.press('Start');
    await scene.test.step('speaker');
    const other = await page.locator('#room-speaker option').last().getAttribute('value');
    await page.selectOption('#room-speaker', other);
    await page.waitForFunction((id) => window.tones.at(-1) === id, other);
});

test('a microphone that is silent, recorded again when it is heard; no ring; Enter too often answers nothing', async () => {
    await open(scene, { level: 0 });
    await page.focus('.room-buttons button:not(.kept)');
    for (let i = 0; i < 3; i++) await page.keyboard.press('Enter');
    await scene.test.step('speaker');
    assert.equal(await scene.test.result('speaker'), 'running');
    await scene.test.press('Yes');
    await scene.test.step('ring');
    await scene.test.press('No');
    await said('ring', 'Choose another device to ring on');
    await scene.test.record();
    await scene.test.press('Record again');
    await scene.test.record();
    await page.evaluate(() => (window.network.level = 1));
    await scene.test.press('Record again');
    await scene.test.record();
    await scene.test.press('Yes');
    await said('microphone', 'Your voice is recorded well');
});

test('the green room: not fetched before it is asked for, no password asked, nothing of the DN is touched; Back ends all, and the shift starts', async () => {
    const asked = [], registers = counted('register'), starts = counted('test-start');
    page.on('request', (request) => /selftest/.test(request.url()) && asked.push(new URL(request.url()).pathname));
    gateway.tester = { iceServers: ICE_SERVERS };
    gateway.ways = { renew: 'WORD', iceServersTtl: 3600 };
    await page.addInitScript(fakeNetwork, FINE);
    await page.reload();
    await scene.signedIn();
    assert.deepEqual(asked, []);
    await page.click('#check');
    scene.test = new TestPage(page);
    await scene.test.press('Start');
    await scene.test.byHand();
    await scene.test.step('echo');
    await page.waitForFunction(() => document.querySelector('#check-view audio').srcObject);
    const over = gateway.next('bye');
    await page.click('.room-back');
    await over;
    await page.locator('#start-shift').waitFor();
    assert.equal(await page.evaluate(() => document.querySelector('#check-view audio').srcObject), null);
    assert.deepEqual(starts, [{ dn: '5001', password: undefined, renew: 'WORD', link: undefined }]);
    assert.ok(registers.length && registers.every((msg) => msg.get('From').includes('~selftest-')), 'the DN is not registered');
    await pill('Off shift');
    await page.click('#start-shift');
    await registration('registered');
});

test('signing out closes the green room; the microphone is let go', async () => {
    await green(scene);
    await page.evaluate(() => {
        const { mediaDevices } = navigator;
        const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
        mediaDevices.getUserMedia = async (what) => (window.opened = await getUserMedia(what));
        const { resume } = AudioContext.prototype;
        AudioContext.prototype.resume = function () {
            window.sounding = this;
            return resume.call(this);
        };
    });
    await scene.test.press('Start');
    await scene.test.step('speaker');
    await page.waitForFunction(() => window.sounding.state === 'running');
    await page.click('#sign-out');
    await page.locator('#password:focus').waitFor();
    await page.waitForFunction(() => window.sounding.state === 'suspended');
    assert.equal(await page.evaluate(() => window.opened.getAudioTracks()[0].readyState), 'ended');
});

test('a green room that is entered again begins anew, and what was chosen there is the phone’s', async () => {
    await green(scene);
    await scene.test.press('Start');
    await scene.test.step('speaker');
    await page.click('.room-back');
    await page.click('#check');
    await scene.test.press('Start');
    await scene.test.byHand();
    await scene.test.measured();
    await scene.test.step('good');
    await page.locator('.room-status', { hasText: 'kept with DN 5001' }).waitFor();
    await page.click('.room-back');
    await page.locator('#start-shift').waitFor();
});

test('a word that is over, or none: the password is asked for that DN', async () => {
    await green(scene);
    gateway.ways = { renew: 'ANOTHER', iceServersTtl: 3600 };
    await scene.test.press('Start');
    await noteSays('Sign in again');
    assert.equal(await page.inputValue('#room-dn'), '5001');
    await page.fill('#room-password', 'lab5001');
    await scene.test.press('Start');
    await scene.test.step('speaker');
});

test('a green room that cannot be fetched: said, and the shift starts', async () => {
    await page.route('**/selftest-room.js', (route) => route.abort());
    await scene.signedIn();
    await page.click('#check');
    await saying('The test of the set-up cannot be loaded');
    await page.click('#start-shift');
    await registration('registered');
    await scene.rung();
    await call('incoming');
});
