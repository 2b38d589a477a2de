// Call records from the command line: those of a running server, narrowed down, whole, and as CSV of any length; and without a server.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Agent } from './agent.mjs';
import { binary, start } from './dngate.mjs';
import { watchCdr } from './lib/cdr.mjs';
import { parse, scrape } from './lib/metrics.mjs';
import { sql } from './lib/sql.mjs';

const MANY = 5000;
let server, bare;

before(async () => {
    server = await start();
    bare = mkdtempSync(join(tmpdir(), 'dngate-cdr-'));
    const nextCdr = await watchCdr(server);
    const agent = await new Agent(server, '5001', 'lab5001').open();
    const call = agent.call('600');
    agent.ack(call, await agent.wait(200, 'INVITE'));
    const ended = server.says(/ call id=\S+ .* ended$/);
    spawnSync(binary(), ['calls', 'hangup', json('calls')[0].id, '--data', server.dir]);
    agent.reply(await agent.wait('BYE'), 200, 'OK');
    await ended;
    agent.ack(agent.call('603'), await agent.wait(486, 'INVITE'));
    await nextCdr(2);
    agent.close();
});
after(async () => {
    rmSync(bare, { recursive: true, force: true });
    await server?.stop();
});

const run = (words, dir = server.dir) => spawnSync(binary(), [...words, '--data', dir], { encoding: 'utf8', timeout: 60000, maxBuffer: 1 << 28 });
function ok(words, dir) {
    const done = run(words, dir);
    assert.equal(done.status, 0, `dngate ${words.join(' ')}: ${done.stderr}${done.stdout}`);
    return done.stdout;
}
const json = (...words) => JSON.parse(ok([...words, '--json']));

// RFC 4180, one object a row.
function csv(text) {
    const rows = text.trimEnd().split('\r\n').map((line) => [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain));
    const [head, ...others] = rows;

    for (const row of others) assert.equal(row.length, head.length, row.join('|'));
    return others.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i]])));
}

test('a list, narrowed down; the newest first', () => {
    const all = json('cdr', 'list'), [busy, answered] = all;

    assert.equal(all.length, 2);
    assert.deepEqual([busy.callee, busy.result, busy.code, busy.seconds], ['603', 'busy', 486, 0]);
    assert.deepEqual([answered.dn, answered.callee, answered.result, answered.direction, answered.trunk], ['5001', '600', 'answered', 'out', 'lab']);
    assert.ok(Date.parse(answered.started) <= Date.parse(answered.answered) && Date.parse(answered.answered) <= Date.parse(answered.ended));
    assert.deepEqual([answered.path, answered.browser_mos], ['', null], 'it never had audio');
    assert.deepEqual(json('cdr', 'list', '--result', 'answered', '--dn', '5001', '--from', '1h', '--path', 'none'), [answered]);
    assert.deepEqual(json('cdr', 'list', '--before', busy.id), [answered]);
    assert.deepEqual(json('cdr', 'list', '--limit', '1'), [busy]);
    for (const none of [['--dn', '5002'], ['--to', '1h'], ['--path', 'relay']]) assert.deepEqual(json('cdr', 'list', ...none), [], none.join(' '));
    assert.match(ok(['cdr', 'list']), new RegExp(`^ID .*\n${busy.id} +\\S+Z +5001 +out +5001 +603 +lab +busy`));
    assert.deepEqual(json('cdr', 'show', answered.id), answered);
    assert.match(ok(['cdr', 'show', answered.id]), /^result +answered$/m);
});

test('looked for by what a person remembers, and added up', () => {
    const ids = (...words) => json('cdr', 'list', ...words).map(({ callee }) => callee);

    assert.deepEqual(ids('--number', '60'), ['603', '600']);
    assert.deepEqual(ids('--search', 'lab', '--direction', 'out', '--trunk', 'lab', '--result', 'busy'), ['603']);
    for (const none of [['--direction', 'in'], ['--min-ring', '1000'], ['--min-seconds', '1000'], ['--max-mos', '4.5'], ['--number', '+49']]) assert.deepEqual(ids(...none), [], none.join(' '));
    const sum = json('cdr', 'summary', '--dn', '5001');
    assert.deepEqual([sum.calls, sum.answered, sum.outbound, sum.abandoned, sum.failed, sum.mos], [2, 1, 2, 0, 0, null]);
    assert.match(ok(['cdr', 'summary', '--from', '1h']), /^2 calls: 0 inbound, 2 outbound, 1 answered\n0 abandoned /);
});

test('the metrics count by the same results', async () => {
    const metrics = parse(await scrape(server));

    for (const result of ['answered', 'busy', 'failed'])
        assert.equal(json('cdr', 'list', '--result', result).length, metrics.sum('dngate_calls_total', { result }), result);
});

test('what cannot be is refused: status 1 for what is not there, 2 for what makes no sense', () => {
    const refused = (status, pattern, words, dir) => {
        const done = run(words, dir);
        assert.equal(done.status, status, words.join(' '));
        assert.match(done.stderr, pattern);
        assert.equal(done.stdout, '');
    };

    refused(1, /^dngate: there is no call record nosuch\n$/, ['cdr', 'show', 'nosuch']);
    refused(1, /^dngate: .*dngate\.db: No such file or directory\n$/, ['cdr', 'list'], bare);
    refused(2, /there is no path pigeon/, ['cdr', 'export', '--path', 'pigeon']);
    refused(2, /there is no direction up/, ['cdr', 'summary', '--direction', 'up']);
    refused(2, /--max-mos 9: 1 to 5/, ['cdr', 'list', '--max-mos', '9']);
    refused(2, /--from yesterday/, ['cdr', 'list', '--from', 'yesterday']);
});

test('an export of any length, beside a server that works on; whoever stops reading is no trouble', async () => {
    sql(server.dir, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${MANY})
        INSERT INTO cdr SELECT printf('000000-%06d', i), 'inbound', '5003', '+4930' || i, '5003', CASE i WHEN 1 THEN '=1+1' ELSE 'Ada, "A"' END, 'lab', '', '',
        1000 * i, 0, 0, 1000 * i + 1, 480, '', 'trunk', '', 0, 0, 0, 0, 0, '', 0, 0, 0, 0, 0, '', 0, '', 0, '' FROM n;`);
    const rows = csv(ok(['cdr', 'export']));

    assert.equal(rows.length, MANY + 2);
    assert.deepEqual(rows.slice(2).map(({ id }) => id), Array.from({ length: MANY }, (_, i) => `000000-${String(MANY - i).padStart(6, '0')}`));
    assert.deepEqual([rows[0].callee, rows[0].result, rows[0].browser_mos], ['603', 'busy', '']);
    assert.deepEqual([rows[2].caller, rows[2].caller_name, rows.at(-1).caller_name], [`+4930${MANY}`, 'Ada, "A"', "'=1+1"]);
    assert.equal(JSON.parse(ok(['cdr', 'export', '--dn', '5003', '--json'])).length, MANY);

    const reader = spawn(binary(), ['cdr', 'export', '--data', server.dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(reader.stdout, 'data');
    reader.stdout.destroy();
    assert.equal((await once(reader, 'exit'))[1], 'SIGPIPE');
    assert.equal(json('status').ready, true);
});

test('without a server, and of an older version', async () => {
    const first = readFileSync(fileURLToPath(new URL('../../db/migrations/001-first.sql', import.meta.url)), 'utf8');

    sql(bare, `${first} PRAGMA user_version = 1; INSERT INTO cdr VALUES ('old', 'outbound', '5001', '5001', '600', '', 'lab', '', '', 1000, 0, 2000, 3000, 200,
        '', 'agent', 'opus', 1, 1, 0, 0, 4, 'PCMU', 1, 1, 0, 0, 4, '192.0.2.1:5', 1);`);
    const [row, ...others] = JSON.parse(ok(['cdr', 'list', '--json'], bare));
    assert.deepEqual(others, []);
    assert.deepEqual([row.id, row.result, row.seconds, row.path, row.browser], ['old', 'answered', 1, '', '192.0.2.1:5']);
    assert.match(ok(['cdr', 'show', 'old'], bare), /^started +1970-01-01T00:00:01.000Z$/m);
});
