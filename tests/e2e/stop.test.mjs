// Stops under load: calls in every state while the server is told to end, and agents that do not stop talking. Twenty times.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from './agent.mjs';
import { start } from './dngate.mjs';

const ROUNDS = 5, AT_ONCE = 4, CALLS = 6;
const answers = (agent) => (m) => {
    if (m.method === 'INVITE' && !m.code) { agent.reply(m, 180, 'Ringing'); agent.answer(m); }
    else if (!m.code && m.method !== 'ACK') agent.reply(m, 200, 'OK');
    return !m.code;
};

// Answered, ringing, being cancelled, being answered, agent to agent, hung up for being called back, and just ended.
async function load(server) {
    const agents = [];
    for (let dn = 5001; dn <= 5005; dn++) agents.push(await new Agent(server, String(dn), `lab${dn}`).open());
    const [a, b, c, d, e] = agents;
    e.auto = answers(e);
    a.auto = d.auto = (m) => (m.method === 'BYE' && !m.code ? answers(a)(m) : false);
    const talking = a.call('600');
    a.ack(talking, await a.wait(200, 'INVITE'));
    b.call('604');
    await b.wait(180);
    const cancelled = b.call('604');
    await b.wait(180);
    b.cancel(cancelled);
    c.call('602');
    const inside = a.call('5005');
    a.ack(inside, await a.wait(200, 'INVITE'));
    d.call('700');
    return { agents, talking };
}

async function once(t, n) {
    const dir = mkdtempSync(join(tmpdir(), 'dngate-stop-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const server = await start({ dir, options: ['media.rtp_timeout=0', 'drain.seconds=1', 'call.limit_per_dn=10'] });
    t.after(() => server.kill());
    const { agents, talking } = await load(server);

    if (n & 1) agents[0].request(talking, 'BYE');
    if (n & 2) agents.forEach((agent) => agent.close());
    await sleep((n * 37) % 150); // another moment of the calls each time
    server.child.kill(n % 4 ? 'SIGTERM' : 'SIGINT');
    if (n % 4 === 0)
        while (server.child.exitCode === null && server.child.signalCode === null) {
            for (const agent of agents) for (let i = 0; i < 10; i++) agent.request(talking, 'OPTIONS');
            await sleep(2);
        }
    const timeout = sleep(60000, null, { ref: false }), how = await Promise.race([server.exited, timeout]);
    assert.ok(how, 'the server hangs');
    assert.deepEqual([how.code, how.signal, how.stderr], [0, null, ''], server.log.slice(-10).join('\n'));
    agents.forEach((agent) => agent.close());
    const [recorded, open] = execFileSync('sqlite3', [join(dir, 'dngate.db'), 'SELECT count(*) FROM cdr; SELECT count(*) FROM call_open'],
                                          { encoding: 'utf8' }).trim().split('\n').map(Number);
    assert.ok(recorded >= CALLS, `${recorded} records`);
    assert.equal(open, 0);
}

test('twenty stops with calls in every state: no crash, no leak, every call recorded', { timeout: 300000 }, async (t) => {
    for (let round = 0; round < ROUNDS; round++)
        await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => once(t, round * AT_ONCE + i)));
});
