// The parts of the self-test that are pure: URLs of servers, browsers by name, what a call's figures mean, verdict and report.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserOf, systemOf } from '../../admin-ui/shared/browser.js';
import { figuresOf, judge, natOf } from '../../admin-ui/selftest/echo.js';
import { reportOf, textOf, verdictOf } from '../../admin-ui/selftest/report.js';
import { noLines } from '../../admin-ui/selftest/runner.js';
import { readUrl, serversOf } from '../../admin-ui/selftest/urls.js';

for (const [url, kind, host, port] of [
    ['stun:gw.example.net:3478', 'stun', 'gw.example.net', 3478],
    ['stun:gw.example.net', 'stun', 'gw.example.net', 3478],
    ['turn:192.0.2.1:3478?transport=udp', 'turn_udp', '192.0.2.1', 3478],
    ['turn:192.0.2.1', 'turn_udp', '192.0.2.1', 3478],
    ['turn:[2001:db8::1]:3478?transport=tcp', 'turn_tcp', '[2001:db8::1]', 3478],
    ['turns:gw.example.net:443?transport=tcp', 'turn_tls', 'gw.example.net', 443],
    ['turns:gw.example.net', 'turn_tls', 'gw.example.net', 5349],
])
    test(`server ${url}`, () => assert.deepEqual(readUrl(url), { kind, host, port, url }));

for (const url of ['', 'stuns:gw', 'turns:gw?transport=udp', 'turn:gw:port', 'turn://gw', 'http:gw', 'turn:gw?transport=sctp'])
    test(`no server that is tried: “${url}”`, () => assert.equal(readUrl(url), null));

test('each server goes alone, with its credentials', () => {
    const servers = [{ urls: 'stun:a' }, { urls: ['turn:a?transport=udp', 'turns:a:443', 'turns:a:5349'], username: 'u', credential: 'c' }];

    assert.deepEqual(serversOf(servers, 'turn_tls').map(({ server }) => server), [
        { urls: ['turns:a:443'], username: 'u', credential: 'c' },
        { urls: ['turns:a:5349'], username: 'u', credential: 'c' },
    ]);
    assert.deepEqual(serversOf(servers, 'stun').map(({ server }) => server), [{ urls: ['stun:a'] }]);
    assert.deepEqual(serversOf(servers, 'turn_tcp'), []);
});

const KHTML = 'AppleWebKit/537.36 (KHTML, like Gecko)';
for (const [browser, system, agent, brands] of [
    ['Chrome 131', 'Windows', `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${KHTML} Chrome/131.0.0.0 Safari/537.36`, ['Google Chrome', 'Chromium', 'Not_A Brand']],
    ['Chromium 131', 'Linux', `Mozilla/5.0 (X11; Linux x86_64) ${KHTML} Chrome/131.0.0.0 Safari/537.36`, ['Chromium', 'Not_A Brand']],
    ['Chromium 131', 'Linux', `Mozilla/5.0 (X11; Linux x86_64) ${KHTML} HeadlessChrome/131.0.0.0 Safari/537.36`, ['HeadlessChrome', 'Chromium']],
    ['Edge 130', 'Windows', `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${KHTML} Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0`, ['Chromium', 'Microsoft Edge']],
    ['Firefox 128', 'Linux', 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'],
    ['Safari 17.4', 'macOS', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15'],
    ['Chrome 120', 'Android 14', `Mozilla/5.0 (Linux; Android 14; Pixel 8) ${KHTML} Chrome/120.0.0.0 Mobile Safari/537.36`],
    ['unknown', 'unknown', 'curl/8'],
])
    test(`${browser} on ${system}`, () => {
        assert.equal(browserOf(agent, brands), browser);
        assert.equal(systemOf(agent), system);
    });

const CALL = { received: 500, sent: 500, lost: 0, jitter: 2, rtt: 20, farLost: 0, farJitter: 3, toldAt: 1, codec: 'opus', path: 'direct' };

test('a call’s figures, both ways', () => {
    const { figures } = figuresOf({ ...CALL, lost: 25, received: 475, farLost: 5, path: 'tls' });

    assert.equal(figures.loss_down_pct, 5);
    assert.equal(figures.loss_up_pct, 1);
    assert.equal(figures.path, 'relay_tls');
    assert.ok(figures.mos_up > figures.mos_down && figures.mos_down > 3, JSON.stringify(figures));
    assert.equal(figuresOf({ ...CALL, path: 'relay' }).figures.path, undefined, 'Firefox does not say over what');
    assert.equal('mos_up' in figuresOf({ ...CALL, toldAt: 0 }).figures, false, 'nobody has told');
});

for (const [name, call, result, advice] of [
    ['good', {}, 'good', undefined],
    ['lossy there', { farLost: 40 }, 'fair', /cable/],
    ['lossy back', { lost: 150, received: 350 }, 'bad', /cable/],
    ['far away', { rtt: 900 }, 'bad', /VPN/],
    ['nothing came', { received: 0, lost: 0 }, 'bad', /cable/],
    ['packets twice', { lost: -3, farLost: -3 }, 'good', undefined],
])
    test(`a call that is ${name}`, () => {
        const judged = judge({ ...CALL, ...call });
        assert.equal(judged.result, result, judged.detail);
        if (advice) assert.match(judged.advice, advice);
        else assert.equal(judged.advice, undefined);
        for (const [figure, value] of Object.entries(judged.figures)) assert.ok(typeof value === 'string' || (Number.isFinite(value) && value >= 0), figure);
    });

test('what kind of NAT, by two answers', () => {
    const own = (candidateType, port, address = '203.0.113.7') => ({ type: 'local-candidate', candidateType, address, port });
    const report = (...all) => new Map(all.map((candidate, i) => [i, candidate]));

    assert.equal(natOf(report(own('srflx', 1)), own('srflx', 1)), 'steady');
    assert.equal(natOf(report(own('srflx', 1), own('prflx', 2)), own('prflx', 2)), 'symmetric');
    assert.equal(natOf(report(own('srflx', 1, '203.0.113.8'), own('prflx', 2)), own('prflx', 2)), '', 'another way out');
    assert.equal(natOf(report(own('host', 1)), own('host', 1)), '');
    assert.equal(natOf(report(own('relay', 1)), own('relay', 1)), '');
    assert.equal(natOf(report(), null), '');
});

const allGood = () => Object.fromEntries(Object.keys(noLines()).map((name) => [name, { result: 'good', detail: 'Fine.' }]));

for (const [verdict, name, result] of [
    ['good', 'ring', 'skipped'],
    ['fair', 'ring', 'bad'],
    ['fair', 'turn_udp', 'bad'],
    ['fair', 'echo', 'fair'],
    ['bad', 'echo', 'bad'],
    ['bad', 'microphone', 'bad'],
    ['bad', 'wss', 'bad'],
])
    test(`${name} that is ${result} makes it ${verdict}`, () => assert.equal(verdictOf({ ...allGood(), [name]: { result, detail: '' } }), verdict));

test('the report and the text that is copied', () => {
    const lines = { ...allGood(), turn_udp: { result: 'bad', detail: 'No answer.', advice: 'Open it.', figures: { ms: 3 } } };
    const facts = { browser: 'Firefox 128', system: 'Linux' };
    const report = reportOf(lines, facts);
    const text = textOf(lines, { ...facts, who: 'Ada, DN 5001', version: '0.1', host: 'gw', at: new Date(0) });

    assert.deepEqual(report.tests.find(({ name }) => name === 'turn_udp'), { name: 'turn_udp', result: 'bad', detail: 'No answer. Open it.', figures: { ms: 3 } });
    assert.equal(report.verdict, 'fair');
    assert.equal(report.tests.length, 9);
    assert.match(text, /^dngate self-test: calls work, with limits\n.* · gw \(dngate 0\.1\)\nAda, DN 5001 · Firefox 128 · Linux\n/);
    assert.match(text, /\nDoes not work: Relay over UDP\. No answer\.\n {4}What to do: Open it\.\n/);
});
