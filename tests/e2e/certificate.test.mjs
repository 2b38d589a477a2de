// The certificate as an administrator has it: seen, asked for, handed in with all that can be wrong with it, and back to the box's own; each is
// what a browser is shown from then on.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { binary, start } from './dngate.mjs';
import { adminOption, signIn } from './lib/admin.mjs';
import { until } from './lib/wait.mjs';

let server, admin, dir;
const at = (name) => join(dir, name);
const openssl = (...words) => execFileSync('openssl', words, { cwd: dir, stdio: ['ignore', 'pipe', 'ignore'] });
const text = (name) => readFileSync(at(name), 'utf8');
const cli = (words, input) => spawnSync(binary(), [...words, '--data', server.dir], { encoding: 'utf8', input, timeout: 30000 });

// What a browser sees.
const seen = () => new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port: server.ports.https, rejectUnauthorized: false }, () => {
        resolve(new X509Certificate(socket.getPeerCertificate(true).raw));
        socket.destroy();
    });
    socket.once('error', reject);
});

// An authority, one below it, and certificates that the latter signs.
function sign(name, { names = 'DNS:calls.example,IP:127.0.0.1', days = 90, extra = '', from = null } = {}) {
    if (!from) openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    else writeFileSync(at(`${name}.csr`), from);
    writeFileSync(at('ext'), `${names ? `subjectAltName=${names}\n` : ''}basicConstraints=CA:FALSE\n${extra}`);
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'middle.pem', '-CAkey', 'middle.key', '-CAcreateserial', '-days', String(days), '-extfile', 'ext', '-out', `${name}.pem`);
    return text(`${name}.pem`);
}

before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'dngate-cert-'));
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'root.key', '-out', 'root.pem', '-subj', '/CN=Root', '-days', '400');
    openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'middle.key', '-out', 'middle.csr', '-subj', '/CN=Middle');
    writeFileSync(at('ext'), 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n');
    openssl('x509', '-req', '-in', 'middle.csr', '-CA', 'root.pem', '-CAkey', 'root.key', '-CAcreateserial', '-days', '300', '-extfile', 'ext', '-out', 'middle.pem');
    server = await start({ dir: mkdtempSync(join(dir, 'data-')), options: [adminOption] });
    admin = await signIn(server);
});
after(async () => {
    await server?.stop();
    if (dir) rmSync(dir, { recursive: true, force: true });
});

const put = (certificate, key) => admin.put('/certificate', { certificate, ...(key ? { key } : {}) });

test('the box shows its own, and says what browsers do not like about it', async () => {
    const { status, body } = await admin.get('/certificate');

    assert.equal(status, 200);
    assert.deepEqual([body.own, body.locked, body.chain], [true, false, []]);
    assert.ok(body.names.includes('localhost') && body.names.includes('127.0.0.1') && body.days > 800);
    assert.match(body.warning, /signed by itself/);
    assert.equal(body.fingerprint, (await seen()).fingerprint256);
    assert.equal(Date.parse((await seen()).validTo), body.not_after_ms);
});

test('another one takes effect at once, with its chain', async () => {
    const pem = sign('good') + text('middle.pem');
    const { status, body } = await put(pem, text('good.key'));

    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual([body.own, body.subject, body.issuer, body.chain, body.names, body.warning],
        [false, 'CN=good', 'CN=Middle', ['CN=Middle'], ['calls.example', '127.0.0.1'], '']);
    await until(async () => (await seen()).subject === 'CN=good', 20000, 'the new certificate is shown');
    assert.equal(statSync(join(server.dir, 'tls/key.pem')).mode & 0o777, 0o600);
});

test('what cannot be used is refused with its reason at its field, and the present one stays', async () => {
    const good = text('good.pem'), key = text('good.key'), middle = text('middle.pem');
    sign('other');
    openssl('ec', '-in', 'good.key', '-aes128', '-passout', 'pass:secret', '-out', 'locked.key');
    openssl('req', '-x509', '-newkey', 'rsa:1024', '-nodes', '-keyout', 'weak.key', '-out', 'weak.pem', '-subj', '/CN=weak', '-addext', 'subjectAltName=DNS:weak.example');
    const wrong = [
        ['no PEM', 'certificate', 'hello', key, /no certificate in PEM form/],
        ['another key', 'key', good, text('other.key'), /does not belong/],
        ['no key here', 'key', text('other.pem'), undefined, /no key here fits/],
        ['key with a password', 'key', good, text('locked.key'), /protected by a password/],
        ['a certificate as key', 'key', good, middle, /no private key/],
        ['chain in wrong order', 'certificate', good + text('root.pem') + middle, key, /certificate 1 is not signed by certificate 2/],
        ['a stranger in the chain', 'certificate', good + middle + text('other.pem'), key, /certificate 2 is not signed by certificate 3/],
        ['no names', 'certificate', sign('nameless', { names: '' }), text('nameless.key'), /subjectAltName/],
        ['for clients', 'certificate', sign('client', { extra: 'extendedKeyUsage=clientAuth\n' }), text('client.key'), /not for servers/],
        ['weak key', 'certificate', text('weak.pem'), text('weak.key'), /too short/],
    ];
    for (const [name, field, certificate, theirs, why] of wrong) {
        const { status, body } = await put(certificate, theirs);
        assert.equal(status, 422, name);
        assert.equal(body.errors?.[0].field, field, name);
        assert.match(body.detail, why, name);
    }
    assert.equal((await seen()).subject, 'CN=good');
});

test('one that finds no room leaves the present pair', async () => {
    const files = ['cert.pem', 'key.pem'].map((name) => join(server.dir, 'tls', name)), [cert, key] = files;
    const before = files.map((name) => readFileSync(name, 'utf8')), other = sign('noroom', { names: 'DNS:calls.example' });
    renameSync(cert, `${cert}.there`);
    mkdirSync(cert); // nothing can be written there
    try {
        assert.equal((await put(other, text('noroom.key'))).status, 500);
        assert.equal(readFileSync(key, 'utf8'), before[1]);
    } finally {
        rmdirSync(cert);
        renameSync(`${cert}.there`, cert);
    }
    assert.deepEqual(files.map((name) => readFileSync(name, 'utf8')), before);
    assert.equal(statSync(key).nlink, 1);
});

test('one that was asked for here needs no key, and the key never leaves', async () => {
    const asked = await admin.post('/certificate/csr', { names: ['calls.example', '127.0.0.1'], organization: 'Acme' });
    assert.equal(asked.status, 200, asked.text);
    writeFileSync(at('asked.csr'), asked.body.csr);
    const shown = String(openssl('req', '-in', 'asked.csr', '-noout', '-verify', '-text'));
    assert.match(shown, /Subject: CN ?= ?calls\.example, O ?= ?Acme[^]*DNS:calls\.example, IP Address:127\.0\.0\.1/);
    assert.equal((await admin.get('/certificate')).body.requested, true);
    for (let n = 0; n < 3; n++) assert.equal((await admin.post('/certificate/csr', { names: ['other.example'] })).status, 200); // whoever asks again may still be sent the first one
    const { status, body } = await put(sign('asked', { from: asked.body.csr }) + text('middle.pem'));
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual([body.requested, body.subject], [false, 'CN=calls.example, O=Acme']);
    await until(async () => (await seen()).issuer === 'CN=Middle' && (await seen()).subject.includes('Acme'), 20000, 'the new certificate is shown');
    assert.deepEqual(readdirSync(join(server.dir, 'tls')).filter((name) => name.startsWith('request-')), []);
    for (let n = 0; n < 6; n++) assert.equal((await admin.post('/certificate/csr', { names: ['other.example'] })).status, 200);
    assert.equal(readdirSync(join(server.dir, 'tls')).filter((name) => name.startsWith('request-')).length, 4, 'the keys of the last four');
    for (const names of [['a b'], ['x'.repeat(70)], []]) assert.equal((await admin.post('/certificate/csr', { names })).status, 422, String(names));
    for (const answer of [asked, await admin.get('/certificate')]) assert.doesNotMatch(answer.text, /PRIVATE/);
});

test('the command line does the same', async () => {
    assert.equal(JSON.parse(cli(['certificate', 'show', '--json']).stdout).own, false);
    const request = cli(['certificate', 'csr', 'calls.example']);
    assert.match(request.stdout, /^-----BEGIN CERTIFICATE REQUEST-----/);
    const set = cli(['certificate', 'set', '-'], sign('third', { from: request.stdout }) + text('middle.pem'));
    assert.equal(set.status, 0, set.stderr);
    assert.match(set.stdout, /^subject +CN=calls\.example\n/);
    const whole = cli(['certificate', 'set', '-'], text('good.key') + text('good.pem') + text('middle.pem'));
    assert.equal(whole.status, 0, whole.stderr);
    await until(async () => (await seen()).subject === 'CN=good', 20000, 'the new certificate is shown');
    assert.match(cli(['certificate', 'set', '-'], text('other.pem')).stderr, /no key here fits/);
});

test('back to its own; a box whose public.address changes makes that anew, and leaves another alone', async () => {
    const before = (await admin.get('/certificate')).body.fingerprint;
    assert.equal((await admin.delete('/certificate')).body.own, true);
    await until(async () => (await seen()).fingerprint256 !== before, 20000, 'its own is shown');
    const own = (await admin.get('/certificate')).body.fingerprint;

    const second = async (options, look) => {
        const other = await start({ lab: false, dir: server.dir, options });
        look(JSON.parse(spawnSync(binary(), ['certificate', 'show', '--json', '--data', other.dir], { encoding: 'utf8' }).stdout));
        await other.stop();
    };
    await server.stop();
    const plain = own.replaceAll(':', '').toLowerCase();
    await second([], (shown) => assert.equal(shown.fingerprint, plain, 'nothing has changed'));
    await second(['public.address=192.0.2.77,calls.example'], (shown) => {
        assert.notEqual(shown.fingerprint, plain);
        assert.match(shown.names, /IP:192\.0\.2\.77/);
        assert.match(shown.names, /DNS:calls\.example/);
    });
    writeFileSync(join(server.dir, 'tls/cert.pem'), text('good.pem'));
    writeFileSync(join(server.dir, 'tls/key.pem'), text('good.key'));
    await second(['public.address=192.0.2.99'], (shown) => {
        assert.equal(shown.subject, 'CN=good');
        assert.match(shown.warning, /not for 192\.0\.2\.99/);
    });
    assert.deepEqual(readdirSync(join(server.dir, 'tls')).filter((name) => !/^(cert|key)\.pem$/.test(name)), []);
});

test('files that settings name are not changed from here', async () => {
    const other = await start({ options: [adminOption, `https.cert=${at('good.pem')}`, `https.key=${at('good.key')}`] });
    const there = await signIn(other);
    assert.equal((await there.get('/certificate')).body.locked, true);
    for (const answer of [await there.delete('/certificate'), await there.put('/certificate', { certificate: text('good.pem'), key: text('good.key') })]) {
        assert.equal(answer.status, 403);
        assert.match(answer.body.detail, /https\.cert names/);
    }
    await other.stop();
});
