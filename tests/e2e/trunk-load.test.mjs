// Trunks that fail, speak TCP, or call all at once; and what many calls leave behind, on the release binary.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import dgram from 'node:dgram';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as settle } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Agent } from './agent.mjs';
import { binary, freePort, start } from './dngate.mjs';
import { watchCdr } from './lib/cdr.mjs';

const run = promisify(execFile);
const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const release = path('../../build/dngate');
const program = !process.env.DNGATE_BIN && existsSync(release) ? release : binary(); // RSS under a sanitizer says nothing
const PARALLEL = 30, CHURN = 200;
const agents = [];
let server, silent, second, wire, next, noAck;

const cli = (...args) => run(program, [...args, '--data', server.dir]);
const sipp = (name, port, args = []) =>
    run('sipp', [`127.0.0.1:${server.ports['sip-udp']}`, '-sf', path(`sipp/${name}.xml`), '-i', '127.0.0.1', '-p', String(port), '-m', '1',
                 '-nostdin', '-timeout', '50', '-timeout_error', '-aa', ...args], { cwd: server.dir, timeout: 70000 })
        .catch((error) => { throw new Error(`sipp ${name}: exit ${error.code} ${String(error.stderr).slice(-1500)}`); });
const listening = () => settle(300); // sipp as a server says nothing when it is ready
const answers = (agent) => (m) => {
    if (m.method === 'INVITE' && !m.code) { agent.reply(m, 180, 'Ringing'); agent.answer(m); }
    else if (m.method === 'BYE' && !m.code) agent.reply(m, 200, 'OK');
    return !m.code;
};
const is = (row, want) => assert.deepEqual(Object.fromEntries(Object.keys(want).map((k) => [k, row[k]])), want);

before(async () => {
    silent = dgram.createSocket('udp4').bind(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    [second, wire] = [await freePort(), await freePort()];
    server = await start({ lab: false, program, options: ['wss.port=0', 'call.limit_per_dn=10', 'media.rtp_timeout=0'] });
    for (let dn = 5001; dn <= 5004; dn++) await cli('dn', 'add', String(dn), '--password', `secret${dn}`);
    await cli('trunk', 'add', 'silent', '--address', `127.0.0.1:${silent.address().port}`, '--ping', '0', '--priority', '1');
    await cli('trunk', 'add', 'second', '--address', `127.0.0.1:${second}`, '--ping', '0', '--priority', '2');
    for (const dn of ['5001', '5002', '5004', '5003']) agents.push(await new Agent(server, dn, `secret${dn}`).open());
    next = await watchCdr(server);
    agents[3].auto = answers(agents[3]);
    const begin = Date.now(); // takes 32 s; looked at later
    noAck = sipp('uac_noack', await freePort(), ['-s', '5003']).then(() => Date.now() - begin);
    noAck.catch(() => {});
});
after(async () => {
    agents.forEach((agent) => agent.close());
    silent.close();
    await server?.stop();
});
afterEach(() => agents.slice(0, 3).forEach((agent) => { agent.auto = null; agent.queue.length = 0; }));

async function talk(agent) {
    const d = agent.call('600');
    agent.ack(d, await agent.wait(200, 'INVITE'));
    agent.request(d, 'BYE');
    await agent.wait(200, 'BYE');
}

test('a silent trunk is left for the next within 4 s; the record names the one that took the call', async () => {
    const done = sipp('uas_answer', second), t0 = Date.now();
    await listening();
    const d = agents[0].call('600', ['X-Genesys-CallUUID: E2E-UUID']);
    await agents[0].wait(180);
    assert.ok(Date.now() - t0 < 4000);
    agents[0].ack(d, await agents[0].wait(200, 'INVITE'));
    agents[0].request(d, 'BYE');
    await agents[0].wait(200, 'BYE');
    await done;
    is((await next())[0], { direction: 'outbound', trunk: 'second', code: 200, hangup: 'agent' });
});

test('no trunk left: 503 within 4 s', async () => {
    await cli('trunk', 'disable', 'second');
    const t0 = Date.now(), d = agents[0].call('600');
    agents[0].ack(d, await agents[0].wait(503));
    assert.ok(Date.now() - t0 < 4000);
    is((await next())[0], { code: 503, hangup: 'gateway', answer_ms: 0 });
    await cli('trunk', 'enable', 'second');
    await cli('trunk', 'remove', 'silent');
});

test('a TCP trunk, called and calling', async () => {
    await cli('trunk', 'add', 'wire', '--address', `127.0.0.1:${wire}`, '--transport', 'tcp', '--ping', '0', '--priority', '1');
    const out = sipp('uas_plain', wire, ['-t', 't1']);
    await listening();
    await talk(agents[0]);
    await out;
    is((await next())[0], { direction: 'outbound', trunk: 'wire', code: 200, hangup: 'agent' });
    agents[0].auto = answers(agents[0]);
    await sipp('uac_call', wire, ['-t', 't1', '-s', '5001']);
    is((await next())[0], { direction: 'inbound', dn: '5001', code: 200, hangup: 'trunk', reason: 'Over' });
    await cli('trunk', 'remove', 'wire');
});

test(`${PARALLEL} calls out at once`, async () => {
    const done = sipp('uas_plain', second, ['-m', String(PARALLEL)]);
    await listening();
    const of = (agent, n) => {
        const dialogs = new Map(Array.from({ length: n }, () => agent.call('600')).map((d) => [d.id, d]));
        let left = n;
        return new Promise((resolve) => (agent.auto = (m) => {
            const d = dialogs.get(m.header('Call-ID'));
            if (m.code === 200 && m.method === 'INVITE') { agent.ack(d, m); agent.request(d, 'BYE'); }
            if (m.code === 200 && m.method === 'BYE' && !--left) resolve();
            return true;
        }));
    };
    await Promise.all(agents.slice(0, 3).map((agent) => of(agent, PARALLEL / 3)));
    await done;
    for (const row of await next(PARALLEL)) is(row, { direction: 'outbound', trunk: 'second', code: 200, hangup: 'agent' });
});

test(`${PARALLEL} calls in at once`, async () => {
    const third = String(PARALLEL / 3);
    await Promise.all(agents.slice(0, 3).map(async (agent) => {
        agent.auto = answers(agent);
        await sipp('uac_call', await freePort(), ['-s', agent.dn, '-m', third, '-r', '1000', '-l', third]);
    }));
    for (const row of await next(PARALLEL)) is(row, { direction: 'inbound', code: 200, hangup: 'trunk' });
});

test('an answer that nobody acknowledges ends in BYE after 32 s', async () => {
    assert.ok(await noAck > 31000, `BYE after ${await noAck} ms`);
    await next(); // records sort by the call's begin, and it began first of all
    const { stdout } = await run('sqlite3', ['-readonly', '-json', `${server.dir}/dngate.db`, "SELECT * FROM cdr WHERE dn = '5003'"]);
    is(JSON.parse(stdout)[0], { direction: 'inbound', code: 200, hangup: 'gateway' }); // its audio, which is none, fails first
});

test(`${CHURN} calls leave no descriptor and no memory behind`, async () => {
    const fds = () => readdirSync(`/proc/${server.child.pid}/fd`).length;
    const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))[1]);
    const churn = (n) => sipp('uac_call', second, ['-s', '5001', '-m', String(n), '-r', '30', '-l', '9']).then(() => next(n));
    agents[0].auto = answers(agents[0]);
    await churn(100);
    await settle(500);
    const was = { fds: fds(), rss: rss() };
    await churn(CHURN);
    await settle(500);
    console.log(`# ${was.fds} descriptors, ${was.rss} kB before; ${fds()}, ${rss()} kB after`);
    assert.ok(fds() <= was.fds);
    if (program === release) assert.ok(rss() < was.rss + 4096, 'memory grows'); // transactions of the last 32 s live on
    const { stdout } = await run('curl', ['-ksS', `https://127.0.0.1:${server.ports.https}/metrics`]);
    const left = [...stdout.matchAll(/^dngate_limit_used\{name="(sip_dialogs|media_paths|rtp_ports|calls)"\} (\d+)/gm)];
    assert.ok(left.length > 0, stdout);
    for (const [, name, n] of left) assert.equal(Number(n), 0, name);
});
