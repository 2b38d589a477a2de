// An operator's day: backup and restore while calls run, the doctor, coming from Asterisk.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import dgram from 'node:dgram';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Agent } from './agent.mjs';
import { binary, freePort, noNameServer, start } from './dngate.mjs';

const temporary = () => mkdtempSync(join(tmpdir(), 'dngate-ops-'));
const sql = (file, query) => execFileSync('sqlite3', ['-readonly', '-cmd', '.timeout 5000', file, query], { encoding: 'utf8' });

function dngate(dir, words, env = {}) {
    const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('DNGATE_')));
    const done = spawnSync(binary(), [...words, '--data', dir], { encoding: 'utf8', timeout: 30000, env: { ...clean, ...env } });
    return { status: done.status, out: done.stdout, err: done.stderr };
}

function ok(dir, words, env) {
    const done = dngate(dir, words, env);
    assert.equal(done.status, 0, `dngate ${words.join(' ')}: ${done.err}${done.out}`);
    return done.out;
}

// All that people have set up, as text.
const provisioning = (file) => ['dn', 'user', 'setting'].map((t) => sql(file, `SELECT * FROM ${t} ORDER BY 1`)).join('--\n') +
    sql(file, 'SELECT name, host, port, transport, username, enabled, priority FROM trunk ORDER BY 1');

describe('backup and restore', () => {
    const work = temporary(), file = join(work, 'box.bak');
    let server, agent, dialog;

    before(async () => {
        server = await start();
        agent = await new Agent(server, '5001', 'lab5001').open();
        ok(server.dir, ['trunk', 'add', 'spare', '--address', '192.0.2.1', '--ping', '0', '--username', 'gw', '--password', 'trunk-secret-1']);
        ok(server.dir, ['trunk', 'disable', 'spare']);
        ok(server.dir, ['settings', 'call.ring_seconds', '77']);
        dialog = agent.call('600');
        agent.ack(dialog, await agent.wait(200, 'INVITE'));
    });
    after(async () => {
        agent.close();
        await server.stop();
        rmSync(work, { recursive: true });
    });

    test('a backup under a running call is the whole box elsewhere', () => {
        const other = join(work, 'other');

        assert.match(ok(server.dir, ['backup', file]), /5 DNs, 1 trunks.*holds secrets/);
        assert.equal(statSync(file).mode & 0o777, 0o600);
        assert.equal(readFileSync(file).includes('trunk-secret-1'), false);
        assert.match(ok(other, ['restore', file]), /^restored: 5 DNs, 1 trunks/);
        assert.equal(provisioning(join(other, 'dngate.db')), provisioning(join(server.dir, 'dngate.db')));
        assert.equal(readFileSync(join(other, 'tls/cert.pem'), 'utf8'), readFileSync(join(server.dir, 'tls/cert.pem'), 'utf8'));
        assert.notDeepEqual(readFileSync(join(other, 'secret.key')), readFileSync(join(server.dir, 'secret.key')));
        assert.match(ok(other, ['dn', 'list']), /5005/);
    });

    test('a restore into the running server: DNs come and go, the call goes on, no record is lost', async () => {
        ok(server.dir, ['dn', 'remove', '5003']);
        ok(server.dir, ['dn', 'add', '6001', '--password', 'secret-6001']);
        const lost = await new Agent(server, '5002', 'lab5002').open();
        const busy = lost.call('603');
        lost.ack(busy, await lost.wait(486, 'INVITE'));
        await server.says(/dn=5002 .*code=486/);
        lost.close();
        const told = JSON.parse(ok(server.dir, ['restore', file, '--json']));
        assert.equal(told.live, true);
        assert.equal(told.call_records_kept, 1);
        assert.deepEqual(JSON.parse(ok(server.dir, ['dn', 'list', '--json'])).map((d) => d.dn), ['5001', '5002', '5003', '5004', '5005']);
        const again = await new Agent(server, '5003', 'lab5003').open(); // at once, with its old password
        again.close();
        assert.equal(existsSync(join(server.dir, 'dngate.db.before-restore')), true);
        assert.equal(existsSync(join(server.dir, 'restore.db')), false);
        agent.request(dialog, 'BYE');
        await agent.wait(200, 'BYE');
        await server.says(/dn=5001 .*code=200/);
    });

    test('rubbish, a cut file, a newer version: one clear line, nothing changed', () => {
        const db = join(server.dir, 'dngate.db'), bad = join(work, 'bad.bak'), was = provisioning(db);
        const cases = [
            [() => writeFileSync(bad, 'not a database'), /not a backup/],
            [() => { copyFileSync(file, bad); truncateSync(bad, 20000); }, /damaged/],
            [() => { copyFileSync(file, bad); execFileSync('sqlite3', [bad, 'PRAGMA user_version = 99']); }, /newer dngate/],
            [() => { rmSync(bad); execFileSync('sqlite3', [bad, 'CREATE TABLE dn (dn); PRAGMA user_version = 1']); }, /not a backup/],
            [() => { copyFileSync(file, bad); execFileSync('sqlite3', [bad, 'CREATE TRIGGER t AFTER INSERT ON dn BEGIN SELECT 1; END']); }, /not a backup/],
            [() => rmSync(bad), /No such file/],
        ];
        for (const [make, says] of cases) {
            make();
            const done = dngate(server.dir, ['restore', bad]);
            assert.equal(done.status, 1);
            assert.match(done.err, says);
            assert.match(done.err, /nothing was changed\n$/);
            assert.equal(done.err.trim().split('\n').length, 1);
            assert.equal(provisioning(db), was);
            assert.equal(existsSync(join(server.dir, 'restore.db')), false);
        }
    });

    test('a damaged database is replaced once the server is down', () => {
        const dir = join(work, 'broken');

        ok(dir, ['restore', file]);
        const fd = openSync(join(dir, 'dngate.db'), 'r+');
        writeSync(fd, Buffer.alloc(512, 0x5a), 0, 512, 0);
        assert.equal(dngate(dir, ['dn', 'list']).status, 1);
        assert.match(ok(dir, ['restore', file]), /could not be read/);
        assert.match(ok(dir, ['dn', 'list']), /5003/);
    });
});

describe('check', () => {
    const dir = temporary();
    let quiet; // ports that are free, so that a finding is about what the test did

    const look = (env = {}) => {
        const done = dngate(dir, ['check', '--json'], { ...quiet, ...env });
        assert.ok(done.out, done.err);
        const report = JSON.parse(done.out);
        assert.equal(done.status, report.failures ? 1 : 0);
        return report.findings;
    };
    const finding = (findings, topic, level) => findings.find((f) => f.topic === topic && f.level === level);

    before(async () => {
        quiet = { DNGATE_WSS_PORT: '0', DNGATE_RTP_PORT_MIN: '0', DNGATE_RTP_PORT_MAX: '0', DNGATE_ICE_PORT: '0', ...noNameServer };
        for (const key of ['HTTP', 'HTTPS', 'SIP']) quiet[`DNGATE_${key}_PORT`] = String(await freePort());
        ok(dir, ['dn', 'add', '5001', '--password', 'secret-5001']);
    });
    after(() => rmSync(dir, { recursive: true }));

    test('words for people, one a finding, and nothing is made', () => {
        const empty = join(dir, 'none');
        const done = dngate(empty, ['check'], quiet);
        assert.match(done.out, /^note {2}server +does not run/m);
        assert.match(done.out, /\d+ failures, \d+ warnings\n$/);
        assert.equal(existsSync(empty), false);
    });

    test('a taken port is named with the program that has it', async () => {
        const holder = net.createServer().listen(Number(quiet.DNGATE_HTTPS_PORT), '0.0.0.0');
        await new Promise((resolve) => holder.once('listening', resolve));
        const found = finding(look(), `port ${quiet.DNGATE_HTTPS_PORT}/tcp`, 'failure');
        holder.close();
        assert.match(found.finding, new RegExp(`https.port: taken by .*process ${process.pid}`));
        assert.match(found.advice, /dngate settings https.port/);
        assert.ok(finding(look(), `port ${quiet.DNGATE_HTTPS_PORT}/tcp`, 'ok'));
    });

    test('settings that overlap, an address that is not ours', () => {
        const findings = look({ DNGATE_HTTPS_PORT: quiet.DNGATE_HTTP_PORT, DNGATE_PUBLIC_ADDRESS: '203.0.113.7' });
        assert.match(finding(findings, 'settings', 'failure').finding, /must not overlap/);
        assert.match(finding(findings, 'public.address', 'warning').finding, /no address of this machine/);
        assert.match(finding(look({ DNGATE_PUBLIC_ADDRESS: 'no.such.invalid' }), 'public.address', 'failure').finding, /cannot be resolved/);
    });

    test('certificates: expired, soon, for another name, with another key', () => {
        const [cert, key, other] = ['c.pem', 'k.pem', 'o.pem'].map((name) => join(dir, name));
        const make = (days, keyFile = key) => execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
            '-keyout', keyFile, '-out', cert, '-days', String(days), '-subj', '/CN=gw', '-addext', 'subjectAltName=DNS:*.example.com'], { stdio: 'ignore' });
        const env = { DNGATE_HTTPS_CERT: cert, DNGATE_HTTPS_KEY: key, DNGATE_PUBLIC_ADDRESS: 'gw.example.com' };
        const certificate = (more = {}) => look({ ...env, ...more }).filter((f) => f.topic === 'certificate');

        make(100);
        assert.deepEqual(certificate().map((f) => f.level), ['ok', 'ok', 'warning']); // the last: it is signed by itself
        assert.match(certificate({ DNGATE_PUBLIC_ADDRESS: 'a.b.example.com' })[1].finding, /is not for a\.b\.example\.com/);
        make(10);
        assert.equal(certificate()[0].level, 'warning');
        make(100, other);
        assert.equal(certificate()[0].level, 'failure');
        rmSync(cert);
        assert.equal(certificate()[0].level, 'failure');
    });

    test('trunks: one that answers, one where nothing listens', async () => {
        const far = dgram.createSocket('udp4'), dead = await freePort();
        await new Promise((resolve) => far.bind(0, '127.0.0.1', resolve));
        far.on('message', (data, from) => {
            const lines = String(data).split('\r\n');
            const kept = lines.filter((line) => /^(Via|From|To|Call-ID|CSeq):/.test(line));
            assert.match(lines[0], /^OPTIONS sip:127\.0\.0\.1:\d+ SIP\/2\.0$/);
            assert.equal(from.port, Number(quiet.DNGATE_SIP_PORT)); // as the server would come
            far.send(['SIP/2.0 200 OK', ...kept, 'Content-Length: 0', '', ''].join('\r\n'), from.port, from.address);
        });
        ok(dir, ['trunk', 'add', 'alive', '--address', `127.0.0.1:${far.address().port}`]);
        ok(dir, ['trunk', 'add', 'dead', '--address', `127.0.0.1:${dead}`]);
        ok(dir, ['trunk', 'add', 'name', '--address', 'no.such.invalid']);
        const child = spawn(binary(), ['check', '--json', '--data', dir], { env: { ...process.env, ...quiet } });
        let out = '';
        child.stdout.on('data', (data) => { out += data; });
        await new Promise((resolve) => child.once('close', resolve));
        const { findings } = JSON.parse(out);
        assert.match(finding(findings, 'trunk alive', 'ok').finding, /answers OPTIONS with 200/);
        assert.match(finding(findings, 'trunk dead', 'failure').finding, /nothing listens/);
        assert.match(finding(findings, 'trunk name', 'failure').finding, /cannot be resolved/);
        far.close();
    });

    test('a damaged database', () => {
        const broken = temporary();
        copyFileSync(join(dir, 'dngate.db'), join(broken, 'dngate.db'));
        const fd = openSync(join(broken, 'dngate.db'), 'r+');
        writeSync(fd, Buffer.alloc(4096, 0x5a), 0, 4096, 4096);
        const done = dngate(broken, ['check', '--json'], quiet);
        assert.equal(done.status, 1);
        assert.match(finding(JSON.parse(done.out).findings, 'database', 'failure').advice, /dngate restore/);
        rmSync(broken, { recursive: true });
    });

    test('with a server that runs: its ports are its own, and the lab trunk is up', async () => {
        const server = await start({ options: [`https.port=${await freePort()}`, `sip.port=${await freePort()}`] });
        const done = dngate(server.dir, ['check', '--json']);
        const { running, findings } = JSON.parse(done.out);
        assert.equal(running, true);
        assert.equal(done.status, 0, done.out);
        assert.match(finding(findings, `port ${server.ports.https}/tcp`, 'ok').finding, /https.port: taken by/);
        assert.ok(finding(findings, 'trunk', 'ok'));
        await server.stop();
    });

    test('a server without trunks: that is said once', async () => {
        const server = await start({ lab: false });
        const { running, findings } = JSON.parse(dngate(server.dir, ['check', '--json']).out);
        assert.equal(running, true);
        assert.match(finding(findings, 'trunks', 'warning').advice, /trunk add/);
        assert.ok(!findings.some(({ topic }) => topic === 'trunk'), 'and not of the health again');
        await server.stop();
    });
});

describe('from Asterisk', () => {
    const dir = temporary();
    let server;

    before(async () => {
        server = await start();
        mkdirSync(join(dir, 'agents'));
        writeFileSync(join(dir, 'pjsip.conf'), '[wss]\ntype=transport\nprotocol=wss\n[agent](!)\ntype=endpoint\ntransport=wss\ncontext=x\n' +
            'disallow=all\nallow=opus,ulaw\n[pw](!)\ntype=auth\nauth_type=userpass\n#include "agents/*.conf"\n' +
            '[genesys]\ntype=endpoint\naors=genesys\n[genesys]\ntype=aor\ncontact=sip:192.0.2.81:5060\n');
        writeFileSync(join(dir, 'agents/a.conf'), '[7001](agent)\nauth=7001\ncallerid="Ada" <7001>\n[7001](pw)\nusername=7001\npassword=secret-7001\n' +
            '[7002](agent)\nauth=7002\n[7002]\ntype=auth\nauth_type=md5\nmd5_cred=0123456789\n');
    });
    after(async () => {
        await server.stop();
        rmSync(dir, { recursive: true });
    });

    test('a dry run only tells', () => {
        const out = ok(server.dir, ['dn', 'import', '--from-asterisk', join(dir, 'pjsip.conf'), '--dry-run']);
        assert.match(out, /a\.conf:1: DN 7001, codec auto, Ada/);
        assert.match(out, /dngate trunk add genesys --address 192\.0\.2\.81:5060/);
        assert.match(out, /a\.conf:7: \[7002\].*md5_cred/);
        assert.match(out, /pjsip\.conf:7: context=x/);
        assert.doesNotMatch(out, /secret-7001/);
        assert.doesNotMatch(ok(server.dir, ['dn', 'list']), /7001/);
    });

    test('an imported agent signs in with the old password', async () => {
        const told = JSON.parse(ok(server.dir, ['dn', 'import', '--from-asterisk', join(dir, 'pjsip.conf'), '--json']));
        assert.deepEqual(told.result, { added: 1, changed: 0, unchanged: 0 });
        const agent = await new Agent(server, '7001', 'secret-7001').open();
        agent.close();
    });
});
