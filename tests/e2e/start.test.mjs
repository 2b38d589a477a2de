// Starts that fail: one clear line on stderr, exit status 1, nothing leaked (the sanitizers would add lines).
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import dgram from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { binary, noNameServer, start } from './dngate.mjs';

const run = promisify(execFile);
// The kernel's free ports lie in the default range of relayed addresses.
const relay = { 'turn.relay_min': 1024, 'turn.relay_max': 1025 };
const zeros = ['http.port', 'https.port', 'wss.port', 'sip.port', 'ice.port', 'turn.port', 'turns.port', 'rtp.port_min', 'rtp.port_max'];
let scratch;

before(() => (scratch = mkdtempSync(join(tmpdir(), 'dngate-start-'))));
after(() => rmSync(scratch, { recursive: true, force: true }));

async function refused(pattern, options = {}, { dir = mkdtempSync(join(scratch, 'data-')), env = {} } = {}) {
    const words = ['serve', '--data', dir, '-o', 'bind.address=127.0.0.1'];
    const all = { ...Object.fromEntries(zeros.map((key) => [key, 0])), ...relay, ...options };
    for (const [key, value] of Object.entries(all)) if (value !== null) words.push('-o', `${key}=${value}`);
    const how = await run(binary(), words, { env: { ...process.env, ...noNameServer, ...env }, timeout: 20000 }).catch((error) => error);
    assert.equal(how.code, 1, `exit status ${how.code ?? how.signal}: ${how.stderr}`);
    assert.match(how.stderr, /^dngate: [^\n]+\n$/);
    assert.match(how.stderr, pattern);
}

test('a port that is taken, whichever it is', async () => {
    for (const [key, kinds] of Object.entries({ 'http.port': ['tcp'], 'https.port': ['tcp'], 'wss.port': ['tcp'],
                                                'sip.port': ['udp', 'tcp'], 'ice.port': ['udp'],
                                                'turn.port': ['udp', 'tcp'], 'turns.port': ['tcp'] }))
        for (const kind of kinds) {
            const taken = kind === 'tcp' ? net.createServer() : dgram.createSocket('udp4');
            await new Promise((resolve) => (kind === 'tcp' ? taken.listen(0, '127.0.0.1', resolve) : taken.bind(0, '127.0.0.1', resolve)));
            const { port } = taken.address();
            await refused(new RegExp(`${port}.*(in use|taken)`, 'i'), { [key]: port, 'media.workers': 1 });
            await new Promise((resolve) => taken.close(resolve));
        }
});

test('certificates that cannot be used', async () => {
    const file = (name) => join(scratch, name);
    const pair = (name) => execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
        '-days', '90', '-subj', '/CN=x', '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)], { stdio: 'ignore' });
    pair('a');
    pair('b');
    writeFileSync(file('garbage'), 'not PEM\n');
    await refused(/https\.cert.*none\.pem.*No such file/, { 'https.cert': file('none.pem'), 'https.key': file('a.key') });
    await refused(/garbage/, { 'https.cert': file('garbage'), 'https.key': file('a.key') });
    await refused(/a\.pem|b\.key/, { 'https.cert': file('a.pem'), 'https.key': file('b.key') });
    await refused(/https\.cert.*https\.key|https\.key.*https\.cert/, { 'https.cert': file('a.pem') });
});

test('settings that are wrong or do not go together', async () => {
    await refused(/no\.such: no such setting/, { 'no.such': 1 });
    await refused(/sip\.port=70000: must be 0\.\.65535/, { 'sip.port': 70000 });
    await refused(/share UDP ports: must not overlap/, { 'ice.port': 10100, 'rtp.port_min': 10000, 'rtp.port_max': 20000 });
    await refused(/share TCP ports: must not overlap/, { 'http.port': 18080, 'wss.port': 18080 });
    await refused(/rtp\.port_min=200 and rtp\.port_max=100/, { 'rtp.port_min': 200, 'rtp.port_max': 100 });
    await refused(/DNGATE_SIP_PROT: no such setting/, {}, { env: { DNGATE_SIP_PROT: '5060' } });
    await refused(/log\.level=loud: must be/, { 'log.level': 'loud' });
    await refused(/admin\.password_file=.*No such file/, { 'admin.password_file': join(scratch, 'none') });
    writeFileSync(join(scratch, 'short'), 'abc\n');
    await refused(/admin\.password_file=.*no password/, { 'admin.password_file': join(scratch, 'short') });
});

test('data directories that cannot serve', async () => {
    await refused(/\/proc\/nowhere: cannot make the data directory/, {}, { dir: '/proc/nowhere' });
    const damaged = mkdtempSync(join(scratch, 'data-'));
    writeFileSync(join(damaged, 'dngate.db'), 'this is a shopping list\n'.repeat(1000));
    await refused(/dngate\.db.*(damaged|not a database)/, {}, { dir: damaged });
    const server = await start();
    await refused(/another dngate serves this data directory/, {}, { dir: server.dir });
    await server.stop();
});

test('the first administrator from a file, once', async () => {
    const dir = mkdtempSync(join(scratch, 'data-')), file = join(scratch, 'password');
    for (const password of ['first-password', 'another-one']) {
        writeFileSync(file, `${password}\r\nmore\n`);
        const server = await start({ dir, options: [`admin.password_file=${file}`] });
        await server.stop();
    }
    const { stdout } = await run(binary(), ['user', 'list', '--data', dir]);
    assert.match(stdout, /admin/);
});
