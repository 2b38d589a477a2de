// The command line as a person types it: build/dngate, or the program that DNGATE_BIN names. Nothing here needs a web page.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { keeper } from './lib/logs.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const program = resolve(process.env.DNGATE_BIN || join(root, 'build/dngate'));
// The settings of the machine that tests must not reach the program.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('DNGATE_')));

function dngate(dir, words, { input = '', extraEnv = {} } = {}) {
    const done = spawnSync(program, [...words, ...(dir ? ['--data', dir] : [])],
        { input, env: { ...env, ...extraEnv }, encoding: 'utf8', timeout: 20000 });
    return { status: done.status, out: done.stdout, err: done.stderr };
}

function ok(dir, words, options) {
    const done = dngate(dir, words, options);
    assert.equal(done.status, 0, `dngate ${words.join(' ')}: ${done.err}${done.out}`);
    return done.out;
}

function temporary() {
    return mkdtempSync(join(tmpdir(), 'dngate-cli-'));
}

describe('usage', () => {
    test('help and version end with 0, mistakes with 2', () => {
        assert.match(ok(null, ['--help']), /usage: dngate COMMAND/);
        assert.match(ok(null, ['dn', '--help']), /dngate dn import FILE\.csv/);
        assert.match(ok(null, ['trunk', 'add', '--help']), /--priority N/);
        assert.match(ok(null, ['version']), /^dngate \d+\.\d+\.\d+/);
        assert.match(JSON.parse(ok(null, ['version', '--json'])).version, /^\d+\.\d+\.\d+/);
        for (const words of [[], ['frobnicate'], ['help', 'frobnicate'], ['--data'], ['serve', '--lamb'], ['healthcheck', 'now'], ['--lab', 'serve'], ['dn'], ['dn', 'frobnicate'], ['version', 'please'], ['serve', '-o', 'nothing']])
            assert.equal(dngate(null, words).status, 2, words.join(' '));
    });

    test('every command has its own help with an example, on stdout; a wrong option gets a hint', () => {
        const nouns = [...ok(null, ['--help']).matchAll(/^ {2}([a-z][a-z-]*)(?: ([a-z-]+(?:\|[a-z-]+)+)| \[(?:[a-z]+) [A-Z]+\])?/gm)];
        assert.ok(nouns.length >= 10, nouns.join('\n'));
        for (const [, noun, verbs] of nouns)
            for (const words of verbs ? verbs.split('|').map((verb) => [noun, verb]) : [[noun]]) {
                const help = ok(null, [...words, '--help']);
                assert.match(help, new RegExp(`^usage: dngate ${words.join(' ')}\\b[^]*\\n {2}--data DIR [^]*\\nExample:\\n {2}dngate ${words.join(' ')}`));
                assert.equal(ok(null, ['help', ...words]), help);
                const wrong = dngate(null, [...words, '--nope']);
                assert.equal(wrong.status, 2, words.join(' '));
                assert.match(wrong.err, /--nope[^]*--help/);
            }
    });

    test('help makes no data directory', () => {
        const dir = join(temporary(), 'none');
        ok(dir, ['dn', 'add', '--help']);
        assert.equal(existsSync(dir), false);
        rmSync(dirname(dir), { recursive: true });
    });
});

// [words, input]: each prints JSON and nothing else with --json, in this order on an empty box.
const printing = (dir) => [
    [['dn', 'add', '7301', '--password', 'secret1']], [['dn', 'set', '7301', '--name', '"Zoë", \\']], [['dn', 'passwd', '7301'], 'another-one'],
    [['dn', 'disable', '7301']], [['dn', 'enable', '7301']], [['dn', 'show', '7301']], [['dn', 'list']], [['dn', 'export']],
    [['dn', 'import', '-', '--dry-run'], 'dn,password\n7302,secret1\n'], [['dn', 'import', '-'], 'dn,password\n7302,secret1\n'],
    [['dn', 'remove', '7302']], [['dn', 'remove', '7301']],
    [['trunk', 'add', 'seventy-three', '--address', '192.0.2.73', '--ping', '0']], [['trunk', 'set', 'seventy-three', '--priority', '7']],
    [['trunk', 'disable', 'seventy-three']], [['trunk', 'enable', 'seventy-three']], [['trunk', 'show', 'seventy-three']], [['trunk', 'list']],
    [['trunk', 'remove', 'seventy-three']],
    [['user', 'add', 'first73', '--role', 'admin'], 'long enough'], [['user', 'add', 'other73', '--role', 'readonly'], 'long enough'],
    [['user', 'passwd', 'other73'], 'even longer one'], [['user', 'role', 'other73', 'supervisor']], [['user', 'totp', 'other73', '--off']], [['user', 'sessions']],
    [['user', 'signout', 'other73']], [['user', 'list']], [['user', 'remove', 'other73']],
    [['apikey', 'add', 'key73', '--role', 'readonly', '--days', '7']], [['apikey', 'list']], [['apikey', 'remove', 'key73']],
    [['settings']], [['settings', 'call.ring_seconds', '30']], [['settings', 'call.ring_seconds']], [['settings', 'call.ring_seconds', '--reset']],
    [['backup', join(dir, 'json.bak')]], [['restore', join(dir, 'json.bak')]], [['version']], [['version', '--sbom']], [['version', '--licenses']],
];

function provisioning(name, prepare) {
    describe(name, () => {
        const dir = temporary();
        let finish;
        before(async () => { finish = await prepare(dir); });
        after(async () => {
            await finish?.();
            rmSync(dir, { recursive: true, force: true });
        });

        test('with --json all that is printed is JSON', () => {
            for (const [words, input] of printing(dir)) {
                const text = ok(words[0] === 'version' ? null : dir, [...words, '--json'], { input });
                assert.doesNotThrow(() => JSON.parse(text), `${words.join(' ')}: ${text}`);
            }
            JSON.parse(dngate(dir, ['check', '--json']).out); // its status is the machine's
        });

        test('a DN from add to remove', () => {
            assert.match(ok(dir, ['dn', 'add', '7001', '--password', 'secret1', '--name', 'Zoë Müller']), /DN 7001 added/);
            const again = dngate(dir, ['dn', 'add', '7001', '--password=secret1']);
            assert.equal(again.status, 1);
            assert.match(again.err, /7001 exists already/);
            ok(dir, ['dn', 'add', '7002', '--password', '-', '--codec=pcmu'], { input: 'from-stdin\n' });
            assert.equal(dngate(dir, ['dn', 'add', '7003']).status, 2);
            ok(dir, ['dn', 'passwd', '7002'], { input: 'another-one\n' });
            ok(dir, ['dn', 'disable', '7002']);

            const shown = JSON.parse(ok(dir, ['dn', 'show', '7002', '--json']));
            assert.deepEqual([shown.dn, shown.enabled, shown.codec], ['7002', false, 'pcmu']);
            const list = JSON.parse(ok(dir, ['dn', 'list', '--json'])).filter((d) => d.dn.startsWith('70'));
            assert.deepEqual(list.map((d) => d.dn), ['7001', '7002']);
            assert.equal(list[0].name, 'Zoë Müller');
            assert.match(ok(dir, ['dn', 'list']), /^DN +NAME +ENABLED +CODEC/);

            ok(dir, ['dn', 'remove', '7002']);
            assert.equal(dngate(dir, ['dn', 'show', '7002']).status, 1);
            ok(dir, ['dn', 'remove', '7001']);
        });

        test('what is exported can be imported; a wrong file changes nothing', () => {
            const file = join(dir, 'agents.csv');
            writeFileSync(file, '\ufeffcodec;dn;name;password\r\nopus;7101;"Ada; Countess";secret1\r\n;7102;;secret2\r\n');
            assert.equal(ok(dir, ['dn', 'import', file]), '2 added, 0 changed, 0 unchanged\n');
            const exported = ok(dir, ['dn', 'export']);
            assert.match(exported, /^dn,name,password,enabled,codec\r\n/);
            assert.match(exported, /7101,"Ada; Countess",,yes,opus\r\n/);
            const again = JSON.parse(ok(dir, ['dn', 'import', '-', '--json'], { input: exported }));
            assert.deepEqual([again.added, again.changed], [0, 0]);

            const trial = dngate(dir, ['dn', 'import', '-', '--dry-run', '--json'], { input: 'dn,password\n7101,secret1\n7103,secret1\n7104,x\n' });
            assert.equal(trial.status, 1); // one row is wrong
            assert.deepEqual(JSON.parse(trial.out).rows.map((row) => [row.line, row.dn, row.result]),
                [[2, '7101', 'unchanged'], [3, '7103', 'added'], [4, '7104', 'wrong']]);
            ok(dir, ['dn', 'import', file, '--dry-run']);

            const wrong = dngate(dir, ['dn', 'import', '-'], { input: 'dn,password\n7103,secret1\n7104,x\n' });
            assert.equal(wrong.status, 1);
            assert.match(wrong.err, /line 3: password: .*nothing was imported/);
            assert.equal(dngate(dir, ['dn', 'show', '7103']).status, 1);
            assert.equal(dngate(dir, ['dn', 'import', join(dir, 'missing.csv')]).status, 1);
            assert.equal(dngate(dir, ['dn', 'import', '-'], { input: Buffer.from('dn\n\xff\n', 'latin1') }).status, 1);
        });

        test('a trunk', () => {
            ok(dir, ['trunk', 'add', 'genesys', '--address', '[2001:db8::1]:5070', '--transport', 'tcp', '--username', 'gw',
                '--password', 'top-secret', '--priority', '5', '--ping=0', '--codecs', 'pcma,g722', '--ptime', '40']);
            const trunk = JSON.parse(ok(dir, ['trunk', 'show', 'genesys', '--json']));
            assert.deepEqual([trunk.host, trunk.port, trunk.transport, trunk.priority, trunk.ping, trunk.codecs, trunk.ptime],
                ['2001:db8::1', 5070, 'tcp', 5, 0, 'pcma,g722', 40]);
            assert.match(ok(dir, ['trunk', 'list']), /\[2001:db8::1\]:5070/);
            for (const words of [['trunk', 'list'], ['trunk', 'show', 'genesys'], ['trunk', 'list', '--json']])
                assert.doesNotMatch(ok(dir, words), /top-secret/);
            ok(dir, ['trunk', 'add', 'secure', '--address', '192.0.2.1', '--transport=tls', '--tls-name', 'sip.example']);
            const secure = JSON.parse(ok(dir, ['trunk', 'show', 'secure', '--json']));
            assert.deepEqual([secure.transport, secure.port, secure.tls_name], ['tls', 5061, 'sip.example']);
            ok(dir, ['trunk', 'remove', 'secure']);
            for (const [word, registers] of [['--register', true], ['--priority=6', true], ['--no-register', false]])
                assert.equal(JSON.parse(ok(dir, ['trunk', 'set', 'genesys', word, '--json'])).register, registers, word);
            ok(dir, ['trunk', 'remove', 'genesys']);
            assert.equal(dngate(dir, ['trunk', 'remove', 'genesys']).status, 1);
        });

        test('users: passwords from standard input, the last administrator stays', () => {
            ok(dir, ['user', 'add', 'ada', '--role', 'admin'], { input: 'long enough\n' });
            ok(dir, ['user', 'add', 'bob', '--role=readonly'], { input: 'long enough\n' });
            assert.equal(dngate(dir, ['user', 'add', 'eve', '--role', 'admin'], { input: 'short\n' }).status, 1);
            ok(dir, ['user', 'passwd', 'bob'], { input: 'even longer one\n' });
            const users = JSON.parse(ok(dir, ['user', 'list', '--json']));
            assert.deepEqual(users.filter((u) => ['ada', 'bob'].includes(u.name)).map((u) => u.role), ['admin', 'readonly']);
            ok(dir, ['user', 'remove', 'bob']);
            const admins = users.filter((u) => u.role === 'admin');
            for (const other of admins.filter((u) => u.name !== 'ada'))
                ok(dir, ['user', 'remove', other.name]);
            assert.equal(dngate(dir, ['user', 'remove', 'ada']).status, 1);
        });

        test('settings: listed, changed, refused when wrong', () => {
            const all = JSON.parse(ok(dir, ['settings', '--json']));
            const level = all.find((s) => s.key === 'log.level');
            assert.equal(level.default, 'info');
            assert.equal(level.restart, false);
            assert.ok(all.every((s) => s.meaning && s.source && s.range));
        assert.ok(all.filter((s) => s.type === 'number').every((s) => [s.value, s.default, s.min, s.max].every(Number.isSafeInteger)));
            ok(dir, ['settings', 'call.ring_seconds', '30']);
            assert.match(ok(dir, ['settings', 'call.ring_seconds']), /call\.ring_seconds = 30\nsource +database\ndefault +180/);
            const wrong = dngate(dir, ['settings', 'call.ring_seconds', '3']);
            assert.equal(wrong.status, 1);
            assert.match(wrong.err, /call\.ring_seconds=3: must be 5\.\.600/);
            ok(dir, ['settings', 'call.ring_seconds', '--reset']);
            assert.match(ok(dir, ['settings', 'call.ring_seconds']), /= 180\nsource +default/);
            assert.equal(dngate(dir, ['settings', 'no.such', '1']).status, 1);
        });
    });
}

provisioning('without a server', () => undefined);

// Port 0 everywhere: any free one.
const ports = ['http.port', 'https.port', 'wss.port', 'sip.port', 'sips.port', 'ice.port', 'turn.port', 'turns.port']
    .flatMap((key) => ['-o', `${key}=0`]);

async function serve(dir, more = [], words = ['serve', '--data', dir]) {
    const server = spawn(program, [...words, '-o', 'bind.address=127.0.0.1', '-o', 'drain.seconds=0', ...ports, ...more],
        { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = keeper();
    let log = '';
    server.stdout.on('data', (text) => { log += text; keep(text); });
    server.stderr.on('data', (text) => { log += text; });
    const ended = new Promise((done) => { server.once('exit', done); });
    for (const end = Date.now() + 20000; Date.now() < end && server.exitCode === null && !/ app .* ready$/m.test(log);)
        await new Promise((done) => { setTimeout(done, 20); });
    return { server, ended, log: () => log };
}

async function stopped({ server, ended }, signal = 'SIGTERM') {
    server.kill(signal);
    await ended;
}

provisioning('while the server runs', async (dir) => {
    const running = await serve(dir);
    assert.equal(running.server.exitCode, null, running.log());
    return () => stopped(running);
});

describe('the server and its data directory', () => {
    test('a second server is refused, kill -9 leaves nothing in the way', async () => {
        const dir = temporary();
        ok(dir, ['trunk', 'add', 'silent', '--address', '127.0.0.1:9', '--ping', '0']); // never asked, so taken as up
        const first = await serve(dir);
        assert.equal(dngate(dir, ['healthcheck']).status, 0, first.log());
        ok(dir, ['dn', 'add', '7201', '--password', 'secret1']);
        const second = dngate(dir, ['serve', ...ports]);
        assert.equal(second.status, 1);
        assert.match(second.out + second.err, /another dngate/);
        assert.equal(dngate(dir, ['healthcheck']).status, 0);

        await stopped(first, 'SIGKILL');
        assert.equal(dngate(dir, ['healthcheck']).status, 1);
        assert.match(ok(dir, ['dn', 'list']), /7201/);
        const third = await serve(dir);
        assert.equal(dngate(dir, ['healthcheck']).status, 0, third.log());
        await stopped(third);
        assert.equal(existsSync(join(dir, 'control.sock')), false);
        rmSync(dir, { recursive: true });
    });

    test('a changed setting that needs a restart is shown as pending until then, to check, too', async () => {
        const dir = temporary();
        let running = await serve(dir);
        const shown = () => JSON.parse(ok(dir, ['settings', 'call.ring_seconds', '--json']));

        assert.match(ok(dir, ['settings', 'call.ring_seconds', '33']), /takes effect when the server is started again/);
        assert.deepEqual([shown().value, shown().pending, shown().running], [33, true, 180]);
        assert.match(ok(dir, ['settings']), /^call\.ring_seconds +33 +database +180 +PENDING /m);
        assert.match(dngate(dir, ['check']).out, /warn +settings +call\.ring_seconds was changed: the server still goes by "180"/);
        await stopped(running);
        running = await serve(dir);
        assert.deepEqual([shown().value, shown().pending], [33, false]);
        await stopped(running);
        rmSync(dir, { recursive: true });
    });

    test('what every command knows may stand in front of it', async () => {
        const dir = temporary();
        const running = await serve(dir, [], ['--json', '--data', dir, 'serve']);
        assert.equal(running.server.exitCode, null, running.log());
        assert.ok(Array.isArray(JSON.parse(ok(null, ['--json', '--data', dir, 'calls']))));
        assert.equal(JSON.parse(ok(null, [`--data=${dir}`, 'settings', 'bind.address', '--json'])).value, '127.0.0.1');
        await stopped(running);
        rmSync(dir, { recursive: true });
    });

    test('a setting fixed by -o is refused and shown as locked', async () => {
        const dir = temporary();
        const running = await serve(dir, ['-o', 'log.level=info']);
        const refused = dngate(dir, ['settings', 'log.level', 'debug']);
        assert.equal(refused.status, 1);
        assert.match(refused.err, /fixed by -o/);
        assert.equal(JSON.parse(ok(dir, ['settings', 'log.level', '--json'])).locked, true);
        await stopped(running);
        rmSync(dir, { recursive: true });
    });

    test('everything in it is private; a newer or foreign database is refused with one line', () => {
        const dir = join(temporary(), 'data');
        ok(dir, ['dn', 'list']);
        for (const name of readdirSync(dir))
            assert.equal(statSync(join(dir, name)).mode & 0o077, 0, name);
        writeFileSync(join(dir, 'dngate.db'), 'not a database, but long enough to look like one\n'.repeat(100));
        const refused = dngate(dir, ['dn', 'list']);
        assert.equal(refused.status, 1);
        assert.match(refused.err, /^dngate: .*dngate\.db.*\n$/);
        rmSync(dirname(dir), { recursive: true });
    });

    test('the environment stands above the database; a wrong value is named', () => {
        const dir = temporary();
        const extraEnv = { DNGATE_SIP_PORT: '5099' };
        assert.match(ok(dir, ['settings', 'sip.port'], { extraEnv }), /= 5099\nsource +environment \(locked\)/);
        assert.equal(dngate(dir, ['settings', 'sip.port', '5070'], { extraEnv }).status, 1);
        const wrong = dngate(dir, ['settings'], { extraEnv: { DNGATE_SIP_PORT: 'x' } });
        assert.equal(wrong.status, 1);
        assert.match(wrong.err, /sip\.port|DNGATE_SIP_PORT/);
        rmSync(dir, { recursive: true });
    });
});
