// What breaks in a life, on purpose: crashes, disks, descriptors, name servers, clocks, trunks. In each: calls that are up stay up, the
// box says what is wrong, and is well again soon after the fault's end. FAULT_LOOPS and FLAP_SECONDS make it longer.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { launchChromium } from '../ui/lib/chromium.mjs';
import { Agent } from './agent.mjs';
import { binary, start } from './dngate.mjs';
import { AgentPage } from './lib/page.mjs';
import { sql } from './lib/sql.mjs';
import { until } from './lib/wait.mjs';
import { SipTrunk } from './siptrunk.mjs';

const run = promisify(execFile);
const LOOPS = Number(process.env.FAULT_LOOPS ?? 8);
const FLAP_SECONDS = Number(process.env.FLAP_SECONDS ?? 20);
const RECOVERY_MS = 20000; // twice what is promised: a slow machine counts, too
const needsRoot = { skip: spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status !== 0 && 'NEEDS ROOT for a mount namespace: not tested here' };
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const note = (text) => console.log(`# ${text}`);

const temporary = (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'dngate-fault-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    return dir;
};
const serve = async (t, options = {}) => {
    const server = await start({ ...options, options: ['media.rtp_timeout=0', ...(options.options ?? [])] });
    t.after(() => server.kill());
    return server;
};
const sign = async (t, server, dn = '5001', password = `lab${dn}`) => {
    const agent = await new Agent(server, dn, password).open();
    t.after(() => agent.close());
    return agent;
};
const call = async (agent, to = '600') => {
    const d = agent.call(to);
    agent.ack(d, await agent.wait(200, 'INVITE'));
    return d;
};
// Calls and resolves with the final answer, whatever it is.
const outcome = (agent, to) => new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${to} was never answered`)), 30000);
    const d = agent.call(to);
    agent.auto = (message) => {
        if (message.method !== 'INVITE' || message.code < 200 || message.header('Call-ID') !== d.id) return false;
        clearTimeout(timer);
        agent.auto = null;
        agent.ack(d, message);
        resolve({ code: message.code, d });
        return true;
    };
});
const hangup = async (agent, d) => {
    agent.request(d, 'BYE');
    await agent.wait(200, 'BYE');
};
// Still there: a request within the dialog is answered 200 by the gateway.
const isUp = async (agent, d) => {
    agent.request(d, 'OPTIONS');
    await agent.wait(200, 'OPTIONS');
};
// The one call that is up is in the database as such.
const noted = (dir, prefix) => until(() => sql(dir, "SELECT count(*) FROM call_open WHERE json_extract(record, '$.answer_ms') > 0", prefix) === '1',
                                     20000, 'the call is noted');
const cli = (dir, ...words) => run(binary(), [...words, '--data', dir]);
const health = async (server) => JSON.parse((await run('curl', ['-ksS', '--max-time', '5', `https://localhost:${server.ports.https}/readyz`])).stdout);
const storeState = async (server) => (await health(server)).parts.store.state;

test(`kill -9, ${LOOPS} times under load: no acknowledged write is lost`, async (t) => {
    const dir = temporary(t);
    const acknowledged = [], starts = [];
    const lives = []; // wall times of the first call and the kill, records that were committed before it
    const recorded = (from, to) => Number(sql(dir, `SELECT count(*) FROM cdr WHERE callee = '603' AND start_ms BETWEEN ${from} AND ${to}`));
    let attempts = 0, cutOff = 0;

    for (let loop = 0; loop < LOOPS; loop++) {
        const server = await serve(t, { dir });
        if (loop) starts.push(Number(/ ms=(\d+) ready$/m.exec(server.log.join('\n'))[1]));
        cutOff += Number(/calls=(\d+) .*cut off/.exec(server.log.join('\n'))?.[1] ?? 0);
        let alive = true;
        const provisioning = (async () => {
            for (let i = 0; alive; i++) {
                const dn = `${90000 + loop * 1000 + i}`;
                await cli(dir, 'dn', 'add', dn, '--password', `secret-${dn}`).then(() => acknowledged.push(dn), () => {});
            }
        })();
        const agent = await sign(t, server), talker = await sign(t, server, '5002');
        await call(talker);
        await noted(dir);
        const born = Date.now();
        const calling = (async () => {
            while (alive) {
                const d = agent.call('603');
                attempts++;
                agent.ack(d, await agent.wait(486, 'INVITE'));
                await sleep(5);
            }
        })().catch(() => {}); // it dies with the server
        await sleep(2500 + Math.random() * 600);
        let committed = 0;
        await until(() => (committed = recorded(born, Date.now())), 20000, 'records of this life');
        const killed = Date.now();
        await server.kill('SIGKILL');
        lives.push({ born, killed, committed });
        alive = false;
        agent.close();
        await Promise.all([provisioning, Promise.race([calling, sleep(100)])]);
    }
    const server = await serve(t, { dir });
    const there = new Set(JSON.parse((await cli(dir, 'dn', 'list', '--json')).stdout).map((d) => d.dn));
    assert.ok(acknowledged.length >= LOOPS);
    for (const dn of acknowledged) assert.ok(there.has(dn), `${dn} was acknowledged and is gone`);
    assert.equal(sql(dir, 'PRAGMA integrity_check'), 'ok');
    assert.equal(Number(sql(dir, "SELECT count(*) FROM cdr WHERE reason = 'Gateway restarted' AND code = 200")), LOOPS);
    const records = Number(sql(dir, 'SELECT count(*) FROM cdr'));
    note(`kill -9: ${LOOPS} times, ${acknowledged.length} DNs acknowledged, 0 lost; ${attempts + LOOPS} calls begun, ${records} records ` +
         `(${cutOff} closed at start); ready again in ${Math.max(...starts)} ms at most`);
    for (const { born, killed, committed } of lives)
        assert.ok(recorded(born, killed) >= committed, `${committed} records before the crash, ${recorded(born, killed)} after it`);
    await server.kill('SIGINT');
});

// Appends until nothing more fits; what was written stays.
function fill(file) {
    const fd = openSync(file, 'a');

    for (let size = 1 << 20; size >= 4096; size >>= 1)
        try {
            for (;;) writeSync(fd, Buffer.alloc(size));
        } catch (error) {
            if (error.code !== 'ENOSPC') throw error;
        }
    closeSync(fd);
}

test('disk full: calls go on, health says it, records are kept, provisioning is refused', needsRoot, async (t) => {
    const dir = temporary(t);
    const server = await serve(t, { dir, prefix: ['unshare', '-m', 'sh', '-c', `mount -t tmpfs -o size=6m tmpfs ${dir} && exec "$@"`, 'sh'] });
    const inside = `/proc/${server.child.pid}/root${dir}`, filler = join(inside, 'filler'), inMounts = ['nsenter', '-m', '-t', `${server.child.pid}`];
    const agent = await sign(t, server);
    const d = await call(agent);

    await noted(dir, inMounts);
    fill(filler);
    assert.equal(statfsSync(inside).bavail, 0);
    for (let i = 0; i < 40; i++) {
        const busy = agent.call('603');
        agent.ack(busy, await agent.wait(486, 'INVITE'));
    }
    note(`disk full: told after ${await until(async () => (await storeState(server)) !== 'up', 20000, 'health shows the full disk')} ms`);
    assert.equal((await health(server)).ready, true);
    await assert.rejects(cli(inside, 'dn', 'add', '7001', '--password', 'secret7001'), /No space left|full/);
    await isUp(agent, d);

    rmSync(filler);
    note(`disk full: well again after ${await until(async () => (await storeState(server)) === 'up', RECOVERY_MS, 'store up')} ms`);
    await cli(inside, 'dn', 'add', '7001', '--password', 'secret7001');
    await hangup(agent, d);
    await until(() => sql(dir, 'SELECT count(*) FROM cdr', inMounts) === '41', 20000, 'every record');
});

for (const [name, errno] of [['read-only data directory', 30], ['I/O errors', 5]])
    test(`${name}: calls go on, health says it, records are kept`, { skip: !/asan/.test(binary()) && 'needs a dynamic build' }, async (t) => {
        const dir = temporary(t), scratch = temporary(t), file = join(scratch, 'errno'), lib = join(scratch, 'faultio.so');
        execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', lib, fileURLToPath(new URL('faultio.c', import.meta.url)), '-ldl']);
        const server = await serve(t, { dir, env: { LD_PRELOAD: lib, FAULT_DIR: dir, FAULT_FILE: file,
                                                    ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:verify_asan_link_order=0` } });
        const agent = await sign(t, server);
        const d = await call(agent);
        writeFileSync(file, String(errno));
        await assert.rejects(cli(dir, 'dn', 'add', '7001', '--password', 'secret7001'));
        assert.equal(await storeState(server), 'degraded'); // a refused write is enough to know
        for (let i = 0; i < 20; i++) {
            const busy = agent.call('603');
            agent.ack(busy, await agent.wait(486, 'INVITE'));
        }
        note(`${name}: told after ${await until(async () => (await storeState(server)) !== 'up', 20000, 'health shows it')} ms`);
        assert.equal((await health(server)).ready, true);
        await isUp(agent, d);
        writeFileSync(file, '');
        note(`${name}: well again after ${await until(async () => (await storeState(server)) === 'up', RECOVERY_MS, 'store up')} ms`);
        await cli(dir, 'dn', 'add', '7001', '--password', 'secret7001');
        await hangup(agent, d);
        await until(() => sql(dir, 'SELECT count(*) FROM cdr') === '21', 20000, 'every record');
        assert.equal((await server.kill('SIGTERM')).code, 0);
    });

test('out of file descriptors: refuses politely, does not spin, recovers', async (t) => {
    const server = await serve(t);
    const pid = server.child.pid;
    const agent = await sign(t, server), other = await sign(t, server, '5002');
    const d = await call(agent);
    const used = readdirSync(`/proc/${pid}/fd`).length;
    await run('prlimit', ['--pid', String(pid), `--nofile=${used + 6}:${used + 6}`]);

    const crowd = Array.from({ length: 40 }, () => net.connect(server.ports.https, '127.0.0.1').on('error', () => {}));
    t.after(() => crowd.forEach((socket) => socket.destroy()));
    await until(() => readdirSync(`/proc/${pid}/fd`).length >= used + 5, 20000, 'descriptors used up');
    const cpu = () => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ').slice(11, 13).reduce((a, b) => a + Number(b), 0) * 10;
    const before = cpu(), began = Date.now();
    const refused = other.call('600');
    const answer = await other.wait(503, 'INVITE');
    other.ack(refused, answer);
    await isUp(agent, d);
    await sleep(1000);
    const load = (cpu() - before) / (Date.now() - began);
    note(`out of descriptors: ${Math.round(load * 100)} % of a CPU meanwhile`);
    assert.ok(load < 0.6, `spins: ${load}`);

    crowd.forEach((socket) => socket.destroy());
    note(`out of descriptors: a new page and call after ${await until(async () => {
        const fresh = await sign(t, server, '5003');
        await hangup(fresh, await call(fresh));
        return true;
    }, RECOVERY_MS, 'a new call')} ms`);
    await hangup(agent, d);
});

test('a dead name server stalls no call; the trunk comes when it answers again', needsRoot, async (t) => {
    const scratch = temporary(t), resolv = join(scratch, 'resolv.conf'), server53 = dgram.createSocket('udp4');
    let dead = true, asked = 0;
    server53.on('message', (q, from) => {
        asked++;
        if (dead) return;
        const end = q.indexOf(0, 12) + 5, type = q.readUInt16BE(end - 4);
        const head = Buffer.from([q[0], q[1], 0x85, 0x80, 0, 1, 0, type === 1 ? 1 : 0, 0, 0, 0, 0]);
        const a = type === 1 ? Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]) : Buffer.alloc(0);
        server53.send(Buffer.concat([head, q.subarray(12, end), a]), from.port, from.address);
    });
    await new Promise((resolve, reject) => server53.once('error', reject).bind(53, '127.77.0.53', resolve));
    t.after(() => server53.close());
    const trunk = await new SipTrunk().open();
    t.after(() => trunk.close());
    writeFileSync(resolv, 'nameserver 127.77.0.53\n');

    const server = await serve(t, { prefix: ['unshare', '-m', 'sh', '-c', `mount --bind ${resolv} /etc/resolv.conf && exec "$@"`, 'sh'] });
    const agent = await sign(t, server);
    await cli(server.dir, 'trunk', 'add', 'named', '--address', `sip.example.test:${trunk.port}`, '--priority', '1000');
    await until(() => asked > 0, 20000, 'the name is looked up');
    let slowest = 0;
    for (let i = 0; i < 20; i++) {
        const begin = Date.now();
        await hangup(agent, await call(agent));
        slowest = Math.max(slowest, Date.now() - begin);
    }
    note(`dead name server: slowest of 20 calls ${slowest} ms`);
    assert.ok(slowest < 4500, 'a resolver waits for 5 s');
    dead = false;
    const begin = Date.now();
    await Promise.race([trunk.heard('OPTIONS'), sleep(RECOVERY_MS + 2000).then(() => assert.fail('the trunk was never asked'))]);
    note(`dead name server: trunk asked ${Date.now() - begin} ms after it answered`);
});

const faketime = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1', '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1'].find(existsSync);
test('the clock jumps by a day, forth and back', { skip: (!faketime && 'NEEDS libfaketime') || (!/asan/.test(binary()) && 'needs a dynamic build') }, async (t) => {
    const offset = join(temporary(t), 'offset');
    writeFileSync(offset, '+0');
    const server = await serve(t, { env: { LD_PRELOAD: faketime, FAKETIME_TIMESTAMP_FILE: offset, FAKETIME_NO_CACHE: '1',
                                           FAKETIME_DONT_FAKE_MONOTONIC: '1', DONT_FAKE_MONOTONIC: '1',
                                           ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:verify_asan_link_order=0` } });
    const agent = await sign(t, server), other = await sign(t, server, '5002');
    const d = await call(agent);
    for (const [jump, days] of [['+1d', 1], ['-1d', -1], ['+0', 0]]) {
        const across = await call(other);
        writeFileSync(offset, jump);
        await isUp(agent, d);
        await hangup(other, across);
        const told = Date.parse((await server.says(/ ended$/, 20000, server.log.length - 1)).split(' ')[0]);
        assert.ok(Math.abs(told - Date.now() - days * 86400000) < 60000, 'the clock did not jump');
        await hangup(other, await call(other)); // the registration holds
        const fresh = await sign(t, server, '5003'); // and so do nonces, certificates, TLS
        await hangup(fresh, await call(fresh));
        assert.equal((await health(server)).ready, true);
        await cli(server.dir, 'dn', 'list');
    }
    await hangup(agent, d);
    await until(() => sql(server.dir, 'SELECT count(*) FROM cdr') === '10', 20000, 'every record');
    assert.equal(sql(server.dir, 'SELECT count(*) FROM cdr WHERE end_ms < start_ms OR (answer_ms > 0 AND end_ms < answer_ms)'), '0');
    assert.equal((await server.kill('SIGTERM')).code, 0);
});

test(`a trunk that flaps for ${FLAP_SECONDS} s: the call that is up stays up`, async (t) => {
    const trunk = await new SipTrunk().open();
    t.after(() => trunk.close());
    const server = await serve(t, { lab: false });
    await cli(server.dir, 'dn', 'add', '5001', '--password', 'secret5001');
    await cli(server.dir, 'dn', 'add', '5002', '--password', 'secret5002');
    await cli(server.dir, 'trunk', 'add', 'flaky', '--address', `127.0.0.1:${trunk.port}`, '--ping', '2');
    await server.says(/trunk=flaky .* up$/);
    const browser = await launchChromium(); // a call without ICE would not live for long
    t.after(() => browser.close());
    const talking = await AgentPage.open(await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] }), server, '5001');
    await talking.startShift('secret5001');
    await talking.dial('600');
    await talking.call('connected');
    const dialling = await sign(t, server, '5002', 'secret5002');
    let answered = 0, refused = 0;

    for (const end = Date.now() + FLAP_SECONDS * 1000; Date.now() < end;) {
        trunk.silent = !trunk.silent;
        for (const next = Date.now() + 5000; Date.now() < next; await sleep(200)) {
            const { code, d: attempt } = await outcome(dialling, '700');
            if (code !== 200) { assert.equal(code, 503); refused++; continue; }
            answered++;
            await hangup(dialling, attempt);
        }
        assert.equal(await talking.page.getAttribute('#call', 'data-state'), 'connected');
    }
    trunk.silent = false;
    const ms = await until(async () => {
        const { code, d: attempt } = await outcome(dialling, '700');
        if (code !== 200) return false;
        await hangup(dialling, attempt);
        return true;
    }, RECOVERY_MS, 'calls after the flapping');
    note(`flapping trunk: ${answered} calls answered, ${refused} refused; calls again ${ms} ms after its end`);
    assert.ok(answered && refused);
    assert.equal(await talking.page.getAttribute('#call', 'data-state'), 'connected');
    const ended = trunk.heard('BYE');
    await talking.hangup();
    await ended;
});
