// What README.md and docs/operations.md tell a reader to type works: their own lines are run, those of Docker and of whole test runs aside.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { filled } from '../../docs/generate.mjs';
import { binary, start } from './dngate.mjs';
import { keeper } from './lib/logs.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const operations = readFileSync(join(root, 'docs/operations.md'), 'utf8');
const ports = Object.fromEntries(['HTTP_PORT', 'HTTPS_PORT', 'WSS_PORT', 'SIP_PORT', 'ICE_PORT', 'RTP_PORT_MIN', 'RTP_PORT_MAX']
    .map((name) => [`DNGATE_${name}`, '0']));
const plain = { ...ports, DNGATE_BIND_ADDRESS: '127.0.0.1' };
// Neither the settings nor the `make` that this test itself runs in.
const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(DNGATE_|MAKE|MFLAGS)/.test(name)));
let place, env;

before(() => {
    place = mkdtempSync(join(tmpdir(), 'dngate-docs-'));
    for (const name of ['bin', 'lib', 'backup', 'asterisk']) mkdirSync(join(place, name));
    symlinkSync(binary(), join(place, 'bin/dngate'));
    writeFileSync(join(place, 'agents.csv'), 'dn,name,password\n5001,Ada,a long one\n5002,Bob,a long one\n');
    writeFileSync(join(place, 'asterisk/pjsip.conf'),
        '[5003]\ntype=endpoint\nwebrtc=yes\nauth=5003\naors=5003\n[5003]\ntype=auth\nauth_type=userpass\npassword=a long one\n[5003]\ntype=aor\n');
    env = { ...clean, ...plain, PATH: `${join(place, 'bin')}:${process.env.PATH}` };
});
after(() => rmSync(place, { recursive: true, force: true }));

// The lines of a text's shell blocks, a line that ends in \ joined with the next.
const typed = (text) => [...text.matchAll(/^```\n([^]*?)^```$/gm)]
    .flatMap(([, block]) => block.replaceAll(/\\\n\s*/g, '').split('\n')).filter((line) => /^(dngate|make|docker) /.test(line));
// Every `dngate …` that stands in a block or within a sentence.
const named = (text) => [...typed(text), ...[...text.matchAll(/`(dngate [^`]*)`/g)].map(([, words]) => words.replaceAll(/\s+/g, ' '))]
    .map((line) => line.replace(/ #.*/, '')).filter((line) => line.startsWith('dngate '));
// Where the reader's directories lie in this test.
const here = (line) => line.replaceAll('/var/lib/dngate', join(place, 'lib/dngate')).replaceAll('/backup/', join(place, 'backup/'))
    .replaceAll('/etc/asterisk/', join(place, 'asterisk/'));

function shell(line) {
    const done = spawnSync('bash', ['-euc', here(line)], { cwd: place, env, encoding: 'utf8', timeout: 60000 });
    assert.equal(done.status, 0, `${line}\n${done.stdout}${done.stderr}`);
    return done.stdout;
}

// Runs what goes on until it is stopped; resolves when its output has said `pattern`.
async function running(t, line, more, pattern) {
    const child = spawn('bash', ['-euc', `exec ${here(line)}`], { cwd: more.cwd ?? place, env: more.env ?? env, stdio: ['ignore', 'pipe', 'pipe'] });
    const said = [], keep = keeper();
    let found;
    const match = new Promise((resolve, reject) => {
        child.once('close', () => reject(new Error(`${line} ended: ${said.slice(-20).join('\n')}`)));
        found = resolve;
    });
    const ended = once(child, 'close');
    for (const stream of [child.stdout, child.stderr])
        createInterface({ input: stream }).on('line', (text) => {
            said.push(text);
            if (stream === child.stdout && / (info|warn|error|debug) /.test(text)) keep(`${text}\n`);
            if (pattern.test(text)) found(pattern.exec(text));
        });
    t.after(async () => {
        child.kill('SIGTERM'); // which make passes on
        await ended;
    });
    return match;
}

test('README: make run says where to go and who to be; the environment chooses the ports', async (t) => {
    assert.ok(typed(readme).some((line) => line.startsWith('make run ')));
    assert.match(spawnSync('make', ['help'], { cwd: root, env: clean, encoding: 'utf8' }).stdout, /^make test /m);
    const [, url, dn, password] = await running(t, `make run RUN_DATA='${join(place, 'lab')}'`, { cwd: root, env: { ...clean, ...ports } },
        /lab: (https:\/\/localhost:\d+\/\S*) DN (\d+), password (\w+);/);
    assert.doesNotMatch(url, /:8443/);
    const curl = (...words) => spawnSync('curl', ['-ksS', '--fail-with-body', '--max-time', '20', ...words], { encoding: 'utf8' }).stdout;
    assert.match(curl(url), /<title>/);
    const config = JSON.parse(curl('-H', 'Content-Type: application/json', '-d', JSON.stringify({ dn, password }), new URL('/api/agent/v1/config', url).href));
    assert.equal(config.dn, '5001');
});

test('README: "With your SIP Server" serves the DN and the trunk that were added', async (t) => {
    const lines = typed(readme).filter((line) => line.startsWith('dngate '));
    const serve = lines.find((line) => line.startsWith('dngate serve '));
    const data = /--data \S+/.exec(serve)[0];

    for (const line of lines.filter((other) => other !== serve && !/ (backup|restore) /.test(other))) shell(line);
    await running(t, serve, {}, / app .* ready$/);
    shell('dngate dn import agents.csv ' + data);
    assert.deepEqual(JSON.parse(shell(`dngate dn list --json ${data}`)).map((row) => row.dn), ['5001', '5002']);
    assert.equal(JSON.parse(shell(`dngate trunk show genesys --json ${data}`)).port, 5060);
    assert.equal(JSON.parse(shell(`dngate settings public.address --json ${data}`)).source, 'option');
});

test('operations.md: backup, restore and the import from Asterisk', () => {
    const lines = typed(operations).filter((line) => line.startsWith('dngate '));
    const backup = lines.find((line) => line.startsWith('dngate backup '));

    assert.ok(lines.length >= 4);
    shell('dngate dn import agents.csv');
    shell(backup);
    for (const line of lines.filter((other) => other !== backup))
        shell(line.replace(/(\/backup\/dngate-)\d{4}-\d\d-\d\d/, '$1$(date +%F)'));
    assert.deepEqual(JSON.parse(shell('dngate dn list --json')).map((row) => row.dn), ['5001', '5002', '5003']);
});

test('every command that the documents name exists, with the options that they name', () => {
    const commands = new Set([...named(readme), ...named(operations)]);

    assert.ok(commands.size > 20, [...commands].join('\n'));
    for (const command of commands) {
        const words = command.split(' ').slice(1);
        if (words[0] === 'serve' || words[0].startsWith('-')) continue;
        const verb = words.slice(0, words[1] && /^[a-z]+$/.test(words[1]) && ['dn', 'trunk', 'user', 'ban', 'calls', 'cdr', 'registrations', 'selftest'].includes(words[0]) ? 2 : 1);
        const help = shell(`dngate ${verb.join(' ')} --help`);
        for (const [option] of command.matchAll(/--[a-z-]+/g)) assert.ok(help.includes(option), `${command}: no ${option}`);
    }
});

const settings = () => JSON.parse(spawnSync(binary(), ['settings', '--json', '--data', join(place, 'none')], { env: clean, encoding: 'utf8' }).stdout);

test('the table of settings in operations.md is that of the program', () => {
    assert.equal(filled(operations, settings()), operations, 'write it anew: make docs');
});

test('settings and ports that the documents name are those of the program', () => {
    const all = new Map(settings().map((setting) => [setting.key, setting])), groups = new Set([...all.keys()].map((key) => key.split('.')[0]));
    let found = 0;

    for (const text of [readme, operations])
        for (const [, name] of text.matchAll(/`([a-z]+\.[a-z_]+)(?:=[^`]*)?`/g)) {
            if (!groups.has(name.split('.')[0]) || ['cdr.spill', 'audit.sent'].includes(name)) continue; // files of the data directory
            found++;
            assert.ok(all.has(name), `there is no setting ${name}`);
        }
    assert.ok(found > 60, found);
    for (const [, first, last, from, to] of readme.matchAll(/^\| (\d+)(?:-(\d+))?\b[^|]*\| `([a-z.]+_?[a-z]*)`(?:, `([a-z._]+)`)?/gm)) {
        assert.equal(all.get(from).default, Number(first), from);
        if (last) assert.equal(all.get(to).default, Number(last), to);
    }
});

test('the environment that the ways to run it set is that of settings', () => {
    const names = new Set(settings().map(({ key }) => `DNGATE_${key.toUpperCase().replaceAll('.', '_')}`));
    const others = ['DNGATE_IMAGE', 'DNGATE_MIRROR', 'DNGATE_']; // of compose and the image's build; the rule in words

    for (const file of ['compose.yml', 'docker/dngate.service', 'docker/kubernetes.yaml', 'README.md', 'docs/operations.md'])
        for (const [name] of readFileSync(join(root, file), 'utf8').matchAll(/\bDNGATE_[A-Z_]*/g))
            assert.ok(names.has(name) || others.includes(name), `${file}: ${name}`);
});

test('the files that the documents name are there, and no folder is left out of the tour', () => {
    const tracked = readdirSync(root, { recursive: true, withFileTypes: true }).map(({ name, parentPath, path }) => relative(root, join(parentPath ?? path, name)))
        .filter((name) => !/^(build|data|\.git)\b|node_modules/.test(name));
    // As written, or in appliance/; with or without its ending; * for any letters.
    const there = (name) => {
        const pattern = new RegExp(`^(appliance/)?${name.replace(/\/$/, '').replaceAll('.', '\\.').replaceAll('*', '[^/]*')}(\\.[a-z]+)?$`);
        return tracked.some((file) => pattern.test(file));
    };
    const tour = readme.slice(readme.indexOf('## A tour of the files'));
    let found = 0;

    for (const folder of readdirSync(join(root, 'appliance'), { withFileTypes: true }).filter((entry) => entry.isDirectory()))
        assert.match(tour, new RegExp(`\`(appliance/)?${folder.name}/`), `${folder.name}/ is not in the tour`);
    for (const text of [readme, operations, readFileSync(join(root, 'docs/architecture.md'), 'utf8')])
        for (const [, name] of text.matchAll(/`((?:[a-z_-]+\/)+[a-z_*-]*(?:\.[a-z]+)?)`/g)) {
            if (/^(build|tls)\b/.test(name) || !there(name.split('/')[0])) continue; // made later; not of the sources
            found++;
            assert.ok(there(name), `there is no ${name}`);
        }
    assert.ok(found > 40, found);
});

test('the metrics that operations.md names exist', async () => {
    const server = await start();
    const metrics = spawnSync('curl', ['-ksS', `https://localhost:${server.ports.https}/metrics`], { encoding: 'utf8' }).stdout;

    await server.stop();
    for (const [name] of operations.matchAll(/\bdngate_[a-z_]+/g)) assert.match(metrics, new RegExp(`^# HELP ${name} `, 'm'), name);
});
