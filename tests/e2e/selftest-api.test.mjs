// The self-test's server side by its real binary: a link made by the command line is good once, its identity may do one thing, and what it
// found is kept. The page in Chromium is selftest.test.mjs.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import https from 'node:https';
import { Agent } from './agent.mjs';
import { binary, start } from './dngate.mjs';
import { adminOption, signIn } from './lib/admin.mjs';
import { parse, scrape } from './lib/metrics.mjs';
import { until } from './lib/wait.mjs';

let server;
const secrets = new Map(); // what must stand nowhere, by what it is

before(async () => {
    server = await start({ options: ['log.level=debug', adminOption] });
});
after(() => server?.stop());

const run = (...words) => spawnSync(binary(), ['selftest', ...words, '--data', server.dir], { encoding: 'utf8', timeout: 60000 });
const json = (...words) => {
    const { status, stdout, stderr } = run(...words, '--json');
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
};
const post = (what, body, type = 'application/json') =>
    new Promise((resolve, reject) => {
        const text = JSON.stringify(body);
        const headers = { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) };
        https.request({ host: '127.0.0.1', port: server.ports.https, path: `/api/selftest/v1/${what}`, method: 'POST', rejectUnauthorized: false, headers },
            (res) => {
                let answer = '';
                res.on('data', (data) => (answer += data)).on('end', () => resolve({ ...JSON.parse(answer), status: res.statusCode, type: res.headers['content-type'] }));
            }).on('error', reject).end(text);
    });
const begin = async (body) => {
    const answer = await post('start', body);
    for (const key of ['session', 'password']) if (answer[key]) secrets.set(`${key} of ${JSON.stringify(Object.keys(body))}`, answer[key]);
    return answer;
};
const token = (url) => {
    const at = new URL(url);
    secrets.set(`token ${secrets.size}`, at.hash.slice(1));
    return at.hash.slice(1);
};
const report = (verdict, echo = {}) => ({ browser: 'Chromium 128', system: 'Linux', verdict,
    tests: [{ name: 'turn_udp', result: verdict, detail: 'Port 3478 does not answer.' },
            { name: 'echo', result: 'good', figures: { loss_up_pct: 0.5, rtt_ms: 12.25, path: 'relay_tls', ...echo } }] });

test('links that are open are listed without what leads to them, and taken back', async () => {
    const admin = await signIn(server);
    const [first, second, third] = [['Ada', '5'], ['Bob', '3'], ['<b>Cy</b>', '4']].map(([note, hours]) => token(json('link', '--note', note, '--hours', hours).url));
    const { body: list, text } = await admin.get('/selftest-links');

    assert.deepEqual([list.items.map(({ note }) => note), list.total, list.next], [['Bob', '<b>Cy</b>', 'Ada'], 3, '']);
    for (const word of [first, second, third]) assert.ok(!text.includes(word));
    const page = (await admin.get('/selftest-links?limit=2')).body;
    assert.deepEqual([page.items.length, page.total, (await admin.get(`/selftest-links?limit=2&cursor=${page.next}`)).body.items.map(({ note }) => note)], [2, 3, ['Ada']]);
    assert.deepEqual(json('links').map(({ id, note }) => [id, note]), list.items.map(({ id, note }) => [id, note]));

    assert.equal((await begin({ link: second })).status, 200); // used: open no more
    assert.equal((await admin.delete(`/selftest-links/${list.items[0].id}`)).status, 404);
    assert.equal((await admin.delete(`/selftest-links/${list.items[1].id}`)).status, 204);
    assert.equal(run('unlink', String(list.items[2].id)).status, 0);
    assert.match(run('unlink', String(list.items[2].id)).stderr, /there is no open link/);
    for (const gone of [first, third]) assert.equal((await begin({ link: gone })).status, 410);
    assert.deepEqual([(await admin.get('/selftest-links')).body.items, json('links')], [[], []]);
    for (const wrong of ['x', '1x', '-1', '99999999999999999999']) assert.equal((await admin.delete(`/selftest-links/${wrong}`)).status, 404, wrong);
    assert.deepEqual((await admin.get('/audit?q=self-test%20link')).body.items.filter(({ what }) => /taken back/.test(what)).length, 2);
});

test('a link is good for one test, whose result is kept with its note', async () => {
    const { url, note, expires } = json('link', '--note', 'Ada, at home', '--hours', '2');
    const at = new URL(url), link = token(url);

    assert.equal(at.pathname, '/selftest.html');
    assert.equal(Number(at.port), server.ports.https);
    assert.equal(note, 'Ada, at home');
    assert.ok(Math.abs(Date.parse(expires) - Date.now() - 2 * 3600e3) < 60e3, expires);

    const first = await begin({ link });
    assert.equal(first.status, 200);
    assert.deepEqual([first.dn, first.name, first.echo, first.expires_s], ['', 'Ada, at home', 'selftest', 1800]);
    assert.match(first.user, /^~selftest-\d+-\w+$/);
    assert.match(first.iceServers[1].username, new RegExp(`^\\d+:${first.user}$`));
    const second = await begin({ link });
    assert.deepEqual([second.status, second.type], [410, 'application/problem+json']);
    assert.match(second.detail, /has been used.*Ask/);

    const { status, id } = await post('result', { session: first.session, report: report('bad') });
    assert.equal(status, 201);
    const [kept] = json('list');
    assert.deepEqual([kept.id, kept.dn, kept.note, kept.verdict, kept.browser, kept.source], [id, '', 'Ada, at home', 'bad', 'Chromium 128', '127.0.0.1']);
    assert.deepEqual(kept.tests.map(({ name, result }) => [name, result]), [['turn_udp', 'bad'], ['echo', 'good']]);
    assert.deepEqual(kept.tests[1].figures, { loss_up_pct: 0.5, rtt_ms: 12.25, path: 'relay_tls' });
    assert.deepEqual(json('show', id), kept);
    const shown = run('show', id).stdout;
    for (const words of [/^bad {2}by a link {2}Ada, at home/m, /turn_udp +bad +Port 3478 does not answer\./, /echo +good +loss_up_pct=0\.5 rtt_ms=12\.25 path=relay_tls/])
        assert.match(shown, words);
    assert.match(run('list').stdout, /link +Ada, at home +bad +turn_udp/);
});

test('two browsers with one link: one of them gets it', async () => {
    const link = token(run('link').stdout.trim());
    const answers = await Promise.all(Array.from({ length: 6 }, () => begin({ link })));

    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 410, 410, 410, 410, 410]);
});

test('a DN keeps its last ten; a test may send its result again; who comes too often is told when to come', async () => {
    let last;
    for (let n = 0; n < 12; n++) {
        const { session, dn } = await begin({ dn: '5002', password: 'lab5002' });
        assert.equal(dn, '5002');
        for (const verdict of ['bad', 'good']) last = await post('result', { session, report: report(verdict, { rtt_ms: n }) });
        assert.equal(last.status, 201);
    }
    const often = await begin({ dn: '5002', password: 'lab5002' });
    assert.equal(often.status, 429);
    assert.match(often.detail, /Try again in \d+ seconds/);
    const list = json('list', '5002');
    assert.deepEqual(list.map(({ verdict, tests }) => [verdict, tests[1].figures.rtt_ms]), [11, 10, 9, 8, 7, 6, 5, 4, 3, 2].map((n) => ['good', n]));
    assert.equal(list[0].id, last.id);
    assert.equal(json('list').length, list.length + 1); // the link's
    assert.match(run('show', 'nothing').stderr, /there is no self-test nothing/);

    assert.equal(spawnSync(binary(), ['dn', 'remove', '5002', '--data', server.dir]).status, 0);
    assert.deepEqual(json('list', '5002'), []);
});

test('what is no report is refused with its name, what is too long without reading it', async () => {
    const { session } = await begin({ dn: '5003', password: 'lab5003' });
    const wrong = await post('result', { session, report: { ...report('good'), tests: [{ name: 'nose', result: 'good' }] } });

    assert.deepEqual([wrong.status, wrong.type], [400, 'application/problem+json']);
    assert.match(wrong.detail, /no test "nose"/);
    assert.equal((await post('result', { session, report: { ...report('good'), browser: 'x'.repeat(20000) } })).status, 413);
    assert.equal((await post('result', { session: 'of nobody', report: report('good') })).status, 401);
    assert.equal((await begin({ dn: '5003', password: 'another-one' })).status, 401);
});

test('the identity registers, which binds nothing, calls the echo, and nobody else', async () => {
    const { user, password } = await begin({ dn: '5001', password: 'lab5001' });
    const agent = await new Agent(server, '5001', 'lab5001').open();
    const tester = await new Agent(server, user, password).open();
    const registrations = spawnSync(binary(), ['registrations', '--json', '--data', server.dir], { encoding: 'utf8' }).stdout;

    assert.deepEqual(JSON.parse(registrations).map(({ dn }) => dn), ['5001']); // nobody was taken over
    const value = async (name, labels) => parse(await scrape(server)).sum(name, labels);
    const call = (to) => tester.call(to, []);
    const unproved = call('selftest');
    tester.ack(unproved, await tester.wait(401, 'INVITE'));
    assert.equal(await value('dngate_selftest_calls'), 0);
    assert.equal(await value('dngate_registrations'), 1);
    agent.close();
    tester.close();
});

test('figures stand in the metrics', async () => {
    const metrics = parse(await scrape(server));

    assert.equal(metrics.sum('dngate_selftests_total', { verdict: 'bad' }), 13);
    assert.equal(metrics.sum('dngate_selftests_total', { verdict: 'good' }), 12);
    assert.equal(metrics.sum('dngate_selftest_links_total', { result: 'used' }), 3);
    assert.equal(metrics.sum('dngate_selftest_links_total', { result: 'over' }), 6);
    assert.equal(metrics.sum('dngate_limit_max', { name: 'selftest_calls' }), 64);
});

test('a restart in between harms nothing', async () => {
    const { session } = await begin({ dn: '5004', password: 'lab5004' });
    const { dir } = server;

    await server.kill();
    server = await start({ dir, options: ['log.level=debug'] });
    assert.equal((await post('result', { session, report: report('good') })).status, 201);
    assert.deepEqual(json('list', '5004').map(({ verdict }) => verdict), ['good']);
});

test('no word of them is in the log, the metrics or the database', async () => {
    await until(() => server.log.some((line) => line.includes('result kept')), 10000, 'the last line of the log');
    const places = { log: server.log.join('\n'), metrics: await scrape(server),
                     database: ['dngate.db', 'dngate.db-wal'].map((name) => readFileSync(`${server.dir}/${name}`, 'latin1')).join('') };

    assert.ok(secrets.size >= 6 && places.log.includes('result kept') && places.database.includes('Ada, at home'));
    for (const [place, text] of Object.entries(places))
        for (const [what, value] of secrets) assert.ok(!text.includes(value), `${what} is in ${place}`);
});
