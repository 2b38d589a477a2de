// Points 3 and 4 of a life in production: start, drain, reload, restart, crash, upgrade. Agents are SIP clients over WSS.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Agent } from './agent.mjs';
import { launchChromium } from '../ui/lib/chromium.mjs';
import { binary, freePort, start } from './dngate.mjs';
import { AgentPage } from './lib/page.mjs';
import { sql } from './lib/sql.mjs';
import { until } from './lib/wait.mjs';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const quiet = ['media.rtp_timeout=0'];
const SOON_MS = 20000; // on any machine; what must not happen instead is the time of a drain

const temporary = (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'dngate-life-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    return dir;
};
const serve = async (t, options = {}) => {
    const server = await start({ ...options, options: [...quiet, ...(options.options ?? [])] });
    t.after(() => server.kill());
    return server;
};
const sign = async (t, server, dn = '5001') => {
    const agent = await new Agent(server, dn, `lab${dn}`).open();
    t.after(() => agent.close());
    return agent;
};
const call = async (agent, to = '600') => {
    const d = agent.call(to);
    agent.ack(d, await agent.wait(200, 'INVITE'));
    return d;
};
const cli = (dir, ...words) => run(binary(), [...words, '--data', dir]);
const ready = async (server) => {
    const { stdout } = await run('curl', ['-ksS', `https://localhost:${server.ports.https}/readyz`]);
    return JSON.parse(stdout);
};

test('SIGTERM without calls ends at once', async (t) => {
    const server = await serve(t);
    const begin = Date.now();
    const how = await server.kill('SIGTERM');
    assert.deepEqual([how.code, how.stderr], [0, '']);
    console.log(`# stop without calls: ${Date.now() - begin} ms`);
    assert.ok(Date.now() - begin < SOON_MS);
});

test('SIGTERM drains: pages are told, no new call, health says so, the running call ends by itself', async (t) => {
    const server = await serve(t, { options: ['drain.seconds=60'] });
    const talking = await sign(t, server, '5001'), idle = await sign(t, server, '5002');
    const d = await call(talking);

    server.child.kill('SIGTERM');
    for (const agent of [talking, idle]) {
        const told = await agent.wait('MESSAGE');
        assert.equal(told.header('Content-Type'), 'application/json');
        const { seconds } = JSON.parse(told.body).drain;
        assert.ok(seconds > 30 && seconds <= 60, String(seconds));
        agent.reply(told, 200, 'OK');
    }
    const late = new Agent(server, '5003', 'lab5003'); // who comes now is told, too
    t.after(() => late.close());
    const told = new Promise((resolve) => (late.auto = (message) => message.method === 'MESSAGE' && (resolve(message), true)));
    await late.open();
    assert.ok(JSON.parse((await told).body).drain.seconds > 30);

    const refused = idle.call('600');
    const answer = await idle.wait(503, 'INVITE');
    assert.match(answer.header('Retry-After'), /^\d+/);
    idle.ack(refused, answer);

    const health = await ready(server);
    assert.equal(health.ready, false);
    assert.equal(health.parts.drain.state, 'down');
    await assert.rejects(run(binary(), ['healthcheck', '--data', server.dir]));

    const begin = Date.now();
    talking.request(d, 'BYE');
    await talking.wait(200, 'BYE');
    assert.equal((await server.exited).code, 0);
    console.log(`# stop after the last call: ${Date.now() - begin} ms`);
    assert.ok(Date.now() - begin < SOON_MS);
    assert.equal(sql(server.dir, "SELECT code, hangup FROM cdr WHERE dn = '5001'"), '200|agent');
    assert.equal(sql(server.dir, 'SELECT count(*) FROM call_open'), '0');
});

test('OPTIONS of the trunk get 503 while draining, 200 before', async (t) => {
    const server = await serve(t, { options: ['drain.seconds=60'] });
    const agent = await sign(t, server);
    const d = await call(agent);
    const ping = async () => {
        const { stdout } = await run('node', ['-e', `
            const s = require('node:dgram').createSocket('udp4');
            s.on('message', (m) => { console.log(String(m).split('\\r\\n')[0]); s.close(); });
            s.bind(0, '127.0.0.1', () => s.send('OPTIONS sip:127.0.0.1 SIP/2.0\\r\\nVia: SIP/2.0/UDP 127.0.0.1:' + s.address().port +
                ';branch=z9hG4bK' + Math.random() + ';rport\\r\\nMax-Forwards: 70\\r\\nTo: <sip:gw@127.0.0.1>\\r\\n' +
                'From: <sip:trunk@127.0.0.1>;tag=1\\r\\nCall-ID: ' + Math.random() + '\\r\\nCSeq: 1 OPTIONS\\r\\nContent-Length: 0\\r\\n\\r\\n',
                ${server.ports['sip-udp']}, '127.0.0.1'));`], { timeout: 30000 });
        return stdout.trim();
    };
    assert.equal(await ping(), 'SIP/2.0 200 OK');
    server.child.kill('SIGTERM');
    await agent.wait('MESSAGE');
    assert.equal(await ping(), 'SIP/2.0 503 Service Unavailable');
    agent.request(d, 'BYE');
    assert.equal((await server.exited).code, 0);
});

test('when the time is over both legs get BYE with a Reason', async (t) => {
    const server = await serve(t, { options: ['drain.seconds=1'] });
    const agent = await sign(t, server);
    await call(agent);
    server.child.kill('SIGTERM');
    const bye = await agent.wait('BYE');
    assert.match(bye.header('Reason'), /SIP;cause=503;text="Gateway is shutting down"/);
    agent.reply(bye, 200, 'OK');
    assert.equal((await server.exited).code, 0);
    assert.equal(sql(server.dir, 'SELECT code, hangup, reason FROM cdr'), '200|gateway|Gateway is shutting down');
});

test('a second SIGTERM hangs up and stops at once; SIGINT does so the first time', async (t) => {
    for (const signals of [['SIGTERM', 'SIGTERM'], ['SIGINT']]) {
        const server = await serve(t);
        const agent = await sign(t, server);
        await call(agent);
        const begin = Date.now();
        for (const [i, signal] of signals.entries()) {
            if (i) await agent.wait('MESSAGE');
            server.child.kill(signal);
        }
        const bye = await agent.wait('BYE');
        agent.reply(bye, 200, 'OK');
        assert.equal((await server.exited).code, 0);
        assert.ok(Date.now() - begin < SOON_MS, `${signals} took ${Date.now() - begin} ms`);
    }
});

test('SIGHUP: a new certificate is shown and settings are read again, without a dropped connection', async (t) => {
    const server = await serve(t);
    const agent = await sign(t, server);
    const shown = async () => {
        const child = run('openssl', ['s_client', '-connect', `localhost:${server.ports.https}`]);
        child.child.stdin.end();
        return /-----BEGIN[^]*?END CERTIFICATE-----/.exec((await child.catch((e) => e)).stdout)[0];
    };
    const before = await shown();
    const file = (name) => join(server.dir, 'tls', name);
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '90',
                             '-subj', '/CN=localhost', '-keyout', file('key.pem'), '-out', file('cert.pem')], { stdio: 'ignore' });
    server.child.kill('SIGHUP');
    await server.says(/SIGHUP/);
    for (let i = 0; (await shown()) === before; i++) assert.ok(i < 50, 'the old certificate is still shown');
    const d = await call(agent);
    agent.request(d, 'BYE');
    await agent.wait(200, 'BYE');
});

test('log levels change while it runs, for one module', async (t) => {
    const server = await serve(t);
    const agent = await sign(t, server);
    const talk = async () => {
        const from = server.log.length;
        const d = await call(agent);
        agent.request(d, 'BYE');
        await server.says(/ ended$/, 10000, from);
        return server.log.slice(from).filter((line) => / debug /.test(line));
    };
    assert.equal((await talk()).length, 0);
    await cli(server.dir, 'settings', 'log.level', 'info call=debug');
    for (let i = 0, seen = []; !seen.length; i++) {
        seen = await talk();
        assert.ok(i < 5, 'no debug line');
        for (const line of seen) assert.match(line, / debug call /);
    }
    await assert.rejects(cli(server.dir, 'settings', 'log.level', 'info call=loud'), /must be error, warn/);
    await cli(server.dir, 'settings', 'log.level', '--reset');
    for (let i = 0; (await talk()).length; i++) assert.ok(i < 5, 'still debug lines');
});

test('calls that a crash cut off are closed in the call records at the next start', async (t) => {
    const dir = temporary(t);
    let server = await serve(t, { dir });
    const agent = await sign(t, server), other = await sign(t, server, '5002');
    await call(agent);
    other.call('604'); // rings and is never answered
    await other.wait(180);
    await until(() => sql(dir, "SELECT count(*), sum(json_extract(record, '$.answer_ms') > 0) FROM call_open") === '2|1', 10000,
                'both calls are noted, one as answered');
    await server.kill('SIGKILL');
    server = await serve(t, { dir });
    assert.match(await server.says(/cut off/), /calls=2 /);
    assert.equal(sql(dir, "SELECT dn, code, hangup, reason, end_ms >= start_ms FROM cdr ORDER BY dn"),
                 '5001|200|gateway|Gateway restarted|1\n5002|500|gateway|Gateway restarted|1');
    assert.equal(sql(dir, 'SELECT count(*) FROM call_open'), '0');
});

test('an older database is copied and migrated; a newer one is refused', async (t) => {
    const dir = temporary(t);
    sql(dir, readFileSync(join(root, 'db/migrations/001-first.sql'), 'utf8') +
             "PRAGMA user_version = 1; INSERT INTO setting VALUES ('drain.seconds', '7', 1);" +
             "INSERT INTO cdr VALUES ('old', 'outbound', '5001', '5001', '600', '', 'lab', '', '', 1, 0, 2, 3, 200, '', 'agent', " +
             "'opus', 1, 1, 0, 0, 4, 'pcmu', 1, 1, 0, 0, 4, '192.0.2.1:5', 1);");
    const server = await serve(t, { dir });
    await server.says(/database migrated/);
    assert.match((await cli(dir, 'settings', 'drain.seconds')).stdout, /7/);
    assert.equal(sql(dir, 'SELECT dn, remote_ice, path, path_changes, candidate FROM cdr'), '5001|192.0.2.1:5||0|');
    assert.equal((await server.kill('SIGTERM')).code, 0);
    const now = Number(sql(dir, 'PRAGMA user_version'));
    assert.ok(now >= 2);
    assert.ok(existsSync(join(dir, `dngate.db.before-v${now}`)));
    const old = temporary(t);
    copyFileSync(join(dir, `dngate.db.before-v${now}`), join(old, 'dngate.db'));
    assert.equal(sql(old, 'PRAGMA user_version; SELECT value FROM setting'), '1\n7');

    sql(dir, 'PRAGMA user_version = 99');
    const refused = await run(binary(), ['serve', '--data', dir]).catch((e) => e);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^dngate: .*dngate\.db was written by a newer dngate \(database version 99, .*\n$/);
});

test('a second server leaves the database of the first alone', async (t) => {
    const server = await serve(t);
    sql(server.dir, 'PRAGMA user_version = 1'); // as if the first was older
    const refused = await run(binary(), ['serve', '--data', server.dir]).catch((e) => e);
    assert.match(refused.stderr, /^dngate: .* another dngate serves this data directory\n$/);
    assert.equal(sql(server.dir, 'PRAGMA user_version'), '1');
});

test('ready in time with 1000 DNs', async (t) => {
    const dir = temporary(t);
    const csv = Array.from({ length: 1000 }, (_, i) => `${20000 + i},secret-${i},Agent ${i}`);
    writeFileSync(join(dir, 'agents.csv'), ['dn,password,name', ...csv].join('\n'));
    await cli(dir, 'dn', 'import', join(dir, 'agents.csv'));
    await (await serve(t, { dir, lab: false })).kill('SIGTERM'); // makes the certificate
    const begin = Date.now();
    const server = await serve(t, { dir, lab: false });
    const ms = Date.now() - begin, own = Number(/ ms=(\d+) ready$/.exec(await server.says(/ ready$/))[1]);
    console.log(`# ready with 1000 DNs: ${own} ms after main, ${ms} ms after spawn`);
    assert.ok(own < SOON_MS);
    assert.equal((await ready(server)).parts.store.state, 'up');
});

const needsRoot = { skip: spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status !== 0 && 'NEEDS ROOT for a PID namespace: not tested here' };
test('as process 1 it ends by SIGTERM', needsRoot, async (t) => {
    const server = await serve(t, { prefix: ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'] });
    const pid = Number(execFileSync('ps', ['-o', 'pid=', '--ppid', String(server.child.pid)], { encoding: 'utf8' }));
    const begin = Date.now();
    process.kill(pid, 'SIGTERM');
    assert.equal((await server.exited).code, 0);
    assert.ok(Date.now() - begin < SOON_MS);
});

test('a page under a drain, a restart and a crash: told, and back by itself', async (t) => {
    const dir = temporary(t), https = await freePort();
    const options = [`https.port=${https}`, 'drain.seconds=60'];
    let server = await serve(t, { dir, options });
    const browser = await launchChromium();
    t.after(() => browser.close());
    const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
    const agent = await AgentPage.open(context, server, '5001');
    await agent.startShift();
    await agent.dial('600');
    await agent.call('connected');
    await agent.hears();

    server.child.kill('SIGTERM');
    await agent.page.locator('#message', { hasText: /A call can go on for \d0 seconds/ }).waitFor();
    await agent.hears(); // the call goes on
    await agent.hangup();
    assert.equal((await server.exited).code, 0);
    await agent.registration('connecting');

    for (const how of ['restart', 'crash']) {
        if (how === 'crash') {
            await server.kill('SIGKILL');
            await agent.registration('connecting');
        }
        server = await serve(t, { dir, options });
        const begin = Date.now();
        await agent.registration('registered');
        console.log(`# page back ${Date.now() - begin} ms after the ${how}`);
        assert.equal(await agent.page.locator('#message [data-source=drain]').count(), 0);
        await agent.dial('600');
        await agent.call('connected');
        await agent.hangup();
    }
});
