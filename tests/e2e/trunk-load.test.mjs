// Trunks that fail, speak TCP, or call all at once; and what many calls leave behind, in the release binary where there is one.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import dgram from 'node:dgram';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Agent } from './agent.mjs';
import { binary, freePort, start } from './dngate.mjs';
import { watchCdr } from './lib/cdr.mjs';
import { opened, play } from './lib/sipp.mjs';
import { until } from './lib/wait.mjs';

const run = promisify(execFile);
const release = fileURLToPath(new URL('../../build/dngate', import.meta.url));
const PARALLEL = 30, CHURN = 200;
const options = ['call.limit_per_dn=10', 'media.rtp_timeout=0'];
const agents = [];
const SOON_MS = 15000; // the next trunk is tried after 4 s; a transaction of its own would take 32 s
let server, silent, second, wire, next, nextNoAck, noAck;

const cli = (...args) => run(binary(), [...args, '--data', server.dir]);
const sipp = (name, port, args = []) => play(name, { server, port, args });
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
    server = await start({ lab: false, options });
    for (let dn = 5001; dn <= 5004; dn++) await cli('dn', 'add', String(dn), '--password', `secret${dn}`);
    await cli('trunk', 'add', 'silent', '--address', `127.0.0.1:${silent.address().port}`, '--ping', '0', '--priority', '1');
    await cli('trunk', 'add', 'second', '--address', `127.0.0.1:${second}`, '--ping', '0', '--priority', '2');
    for (const dn of ['5001', '5002', '5004', '5003']) agents.push(await new Agent(server, dn, `secret${dn}`).open());
    next = await watchCdr(server, ({ dn }) => dn !== '5003');
    nextNoAck = await watchCdr(server, ({ dn }) => dn === '5003');
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

test('a silent trunk is left for the next soon; the record names the one that took the call', async () => {
    const done = sipp('uas_answer', second);
    await opened(second);
    const d = agents[0].call('600', ['User-to-User: E2E-UUID']);
    await agents[0].wait(180);
    agents[0].ack(d, await agents[0].wait(200, 'INVITE'));
    agents[0].request(d, 'BYE');
    await agents[0].wait(200, 'BYE');
    await done;
    const [row] = await next();
    is(row, { direction: 'outbound', trunk: 'second', code: 200, hangup: 'agent' });
    assert.ok(row.ring_ms - row.start_ms < SOON_MS, `rang after ${row.ring_ms - row.start_ms} ms`);
});

test('no trunk left: 503 soon', async () => {
    await cli('trunk', 'disable', 'second');
    const d = agents[0].call('600');
    agents[0].ack(d, await agents[0].wait(503));
    const [row] = await next();
    is(row, { code: 503, hangup: 'gateway', answer_ms: 0 });
    assert.ok(row.end_ms - row.start_ms < SOON_MS, `${row.end_ms - row.start_ms} ms`);
    await cli('trunk', 'enable', 'second');
    await cli('trunk', 'remove', 'silent');
});

test('a TCP trunk, called and calling', async () => {
    await cli('trunk', 'add', 'wire', '--address', `127.0.0.1:${wire}`, '--transport', 'tcp', '--ping', '0', '--priority', '1');
    const out = sipp('uas_plain', wire, ['-t', 't1']);
    await opened(wire, 'tcp');
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
    await opened(second);
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
    is((await nextNoAck())[0], { direction: 'inbound', code: 200, hangup: 'gateway' }); // its audio, which is none, fails first
});

// RSS under a sanitizer says nothing.
test(`${CHURN} calls leave no descriptor and no memory behind`, async (t) => {
    const program = existsSync(release) ? release : binary();
    const own = await start({ lab: false, program, options });
    t.after(() => own.stop());
    for (const words of [['dn', 'add', '5001', '--password', 'secret5001'], ['trunk', 'add', 'second', '--address', `127.0.0.1:${second}`, '--ping', '0']])
        await run(program, [...words, '--data', own.dir]);
    const agent = await new Agent(own, '5001', 'secret5001').open();
    t.after(() => agent.close());
    const nextOwn = await watchCdr(own);
    const fds = () => readdirSync(`/proc/${own.child.pid}/fd`).length;
    const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${own.child.pid}/status`, 'utf8'))[1]);
    const left = async () => {
        const { stdout } = await run('curl', ['-ksS', `https://127.0.0.1:${own.ports.https}/metrics`]);
        return ['sip_dialogs', 'media_paths', 'rtp_port_pairs', 'calls'].map((name) =>
            Number(new RegExp(`^dngate_limit_used\\{name="${name}"\\} (\\d+)$`, 'm').exec(stdout)[1]));
    };
    const churn = async (n) => {
        await play('uac_call', { server: own, port: second, args: ['-s', '5001', '-m', String(n), '-r', '30', '-l', '9'] });
        await nextOwn(n);
        await until(async () => (await left()).every((used) => !used), 10000, 'nothing of the calls is left');
    };

    agent.auto = answers(agent);
    await churn(100);
    const was = { fds: fds(), rss: rss() };
    await churn(CHURN);
    await until(() => fds() <= was.fds, 10000, `${was.fds} descriptors again`);
    t.diagnostic(`${was.fds} descriptors, ${was.rss} kB before; ${fds()}, ${rss()} kB after`);
    if (program === release) assert.ok(rss() < was.rss + 4096, 'memory grows'); // transactions of the last 32 s live on
    else t.diagnostic('NOT RELEASED: memory is not looked at');
});
