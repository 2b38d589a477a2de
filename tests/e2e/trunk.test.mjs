// Points 4 and 5 of the calls' contract with a trunk that is not ours: sipp plays the SIP Server, a small agent the browser.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Agent, sdp } from './agent.mjs';
import { binary, freePort, start } from './dngate.mjs';
import { watchCdr } from './lib/cdr.mjs';
import { scrape } from './lib/metrics.mjs';
import { opened, play } from './lib/sipp.mjs';
import { until } from './lib/wait.mjs';

const run = promisify(execFile);
const agents = [];
const SOON_MS = 15000; // the next trunk is tried after 4 s; a transaction of its own would take 32 s
let server, trunkPort, agent, next;

const cli = (...args) => run(binary(), [...args, '--data', server.dir]);

const sipp = (name, args = []) => play(name, { server, port: trunkPort, args });
const listening = () => opened(trunkPort);

// The one call record that a call must leave, as the database has it.
const cdr = async (want) => {
    const [row] = await next();
    assert.deepEqual(Object.fromEntries(Object.keys(want).map((k) => [k, row[k]])), want);
    return row;
};

before(async () => {
    trunkPort = await freePort();
    server = await start({ lab: false, options: [`wss.port=${await freePort()}`, 'call.ring_seconds=5', 'call.limit_per_dn=10',
                                                 'media.rtp_timeout=0'] });
    for (let dn = 5001; dn <= 5005; dn++) await cli('dn', 'add', String(dn), '--password', `secret${dn}`, '--name', `Agent ${dn}`);
    await cli('trunk', 'add', 'genesys', '--address', `127.0.0.1:${trunkPort}`, '--ping', '0', '--username', 'gw', '--password', 'gwsecret');
    for (const dn of ['5001', '5002', '5004', '5005']) agents.push(await new Agent(server, dn, `secret${dn}`).open());
    agent = agents[0];
    next = await watchCdr(server);
});
after(async () => {
    agents.forEach((a) => a.close());
    await server?.stop();
});
afterEach(() => agents.forEach((a) => { a.auto = null; a.queue.length = 0; }));

async function hangUp(d) {
    agent.request(d, 'BYE');
    await agent.wait(200, 'BYE');
}

test('outbound: answered, headers cross, the agent hangs up', async () => {
    const done = sipp('uas_answer');
    await listening();
    const d = agent.call('600', ['User-to-User: E2E-UUID']);
    await agent.wait(180);
    const ok = await agent.wait(200, 'INVITE');
    assert.match(ok.body, /a=setup:active/);
    agent.ack(d, ok);
    await hangUp(d);
    await done;
    await cdr({ direction: 'outbound', dn: '5001', trunk: 'genesys', code: 200, hangup: 'agent' });
});

test('outbound: early media, the trunk hangs up with its Reason', async () => {
    const done = sipp('uas_hangup');
    await listening();
    const d = agent.call('601');
    assert.match((await agent.wait(183)).body, /typ host/);
    agent.ack(d, await agent.wait(200, 'INVITE'));
    const bye = await agent.wait('BYE');
    assert.match(bye.header('Reason'), /Far end left/);
    agent.reply(bye, 200, 'OK');
    await done;
    await cdr({ code: 200, hangup: 'trunk', reason: 'Far end left' });
});

for (const code of [486, 302, 404, 603])
    test(`outbound: ${code} reaches the agent`, async () => {
        const done = sipp(`uas_${code}`);
        await listening();
        const d = agent.call('603');
        agent.ack(d, await agent.wait(code));
        await done;
        await cdr({ code, hangup: 'trunk' });
    });

test('outbound: the agent cancels', async () => {
    const done = sipp('uas_cancel');
    await listening();
    const d = agent.call('604');
    await agent.wait(180);
    agent.cancel(d, ['Reason: SIP;cause=487;text="Changed my mind"']);
    agent.ack(d, await agent.wait(487, 'INVITE'));
    await done;
    await cdr({ code: 487, hangup: 'agent', reason: 'Changed my mind' });
});

test('outbound: the trunk asks for credentials', async () => {
    const done = sipp('uas_auth');
    await listening();
    const d = agent.call('600');
    agent.ack(d, await agent.wait(200, 'INVITE'));
    await hangUp(d);
    await done;
    await cdr({ code: 200, hangup: 'agent' });
});

test('inbound: answered, the trunk hangs up', async () => {
    const done = sipp('uac_call', ['-s', '5001']);
    const invite = await agent.wait('INVITE');
    assert.equal(invite.header('X-Genesys-CallUUID'), 'E2E-IN');
    assert.match(invite.body, /UDP\/TLS\/RTP\/SAVPF 111/);
    agent.reply(invite, 180, 'Ringing');
    agent.answer(invite);
    await agent.wait('ACK');
    const bye = await agent.wait('BYE');
    assert.match(bye.header('Reason'), /Over/);
    agent.reply(bye, 200, 'OK');
    await done;
    await cdr({ direction: 'inbound', dn: '5001', code: 200, hangup: 'trunk' });
});

test('inbound: 100rel required and no offer: ours comes with the ringing, the answer in the PRACK, an UPDATE before the answer', async () => {
    const done = sipp('uac_prack', ['-s', '5001']);
    const invite = await agent.wait('INVITE');
    agent.reply(invite, 180, 'Ringing');
    agent.reply(await agent.wait('INFO'), 200, 'OK'); // what came before it is done
    agent.answer(invite);
    agent.reply(await agent.wait('BYE'), 200, 'OK');
    await done;
    await cdr({ code: 200, hangup: 'trunk' });
});

test('inbound: a session that is too short is told so, a longer one refreshed', async () => {
    const done = sipp('uac_timer', ['-s', '5001']);
    const invite = await agent.wait('INVITE');
    agent.answer(invite);
    agent.reply(await agent.wait('BYE'), 200, 'OK');
    await done;
    assert.deepEqual((await next(2)).map(({ code }) => code).sort(), [200, 422]);
});

test('outbound: the trunk wants a longer session', async () => {
    const done = sipp('uas_timer');
    await listening();
    const d = agent.call('600');
    agent.ack(d, await agent.wait(200, 'INVITE'));
    await hangUp(d);
    await done;
    await cdr({ code: 200, hangup: 'agent' });
});

test('outbound: a reliable 183 gets its PRACK, and UPDATEs change the early media', async () => {
    const done = sipp('uas_prack');
    await listening();
    const d = agent.call('600');
    assert.match((await agent.wait(183)).body, /m=audio/);
    agent.ack(d, await agent.wait(200, 'INVITE'));
    await hangUp(d);
    await done;
    await cdr({ code: 200, hangup: 'agent' });
});

test('the agent holds: the trunk hears of it, though its 491 says later; and of the retrieve', async () => {
    const done = sipp('uas_hold');
    await listening();
    const d = agent.call('600');
    agent.ack(d, await agent.wait(200, 'INVITE'));
    for (const dir of ['sendonly', 'sendrecv']) {
        agent.request(d, 'INVITE', [], sdp('actpass', dir));
        agent.ack(d, await agent.wait(200, 'INVITE'));
        if (dir === 'sendonly') await server.says(/held by the agent, and the trunk knows/);
    }
    await server.says(/resumed by the agent, and the trunk knows/);
    await hangUp(d);
    await done;
    await cdr({ code: 200, hangup: 'agent' });
});

test('the trunk transfers by REFER: the agent stays, the audio goes over, one record', async () => {
    const done = sipp('uac_refer', ['-s', '5001', '-oocsf', new URL('./sipp/uas_referred.xml', import.meta.url).pathname]);
    const invite = await agent.wait('INVITE');
    agent.reply(invite, 180, 'Ringing');
    const d = agent.answer(invite);
    await agent.wait('ACK');
    await done; // with NOTIFYs 100, 180, 200 and its BYE
    assert.equal(agent.queue.filter((m) => m.method === 'INVITE' || m.method === 'BYE').length, 0);
    await hangUp(d);
    await cdr({ code: 200, hangup: 'agent', reason: 'Transferred to 1005' });
});

test('a page transfers by REFER: the trunk is asked, and NOTIFYs come back', async () => {
    const done = sipp('uas_refer');
    await listening();
    const d = agent.call('600');
    agent.ack(d, await agent.wait(200, 'INVITE'));
    agent.request(d, 'REFER', ['Refer-To: <sip:4712@localhost>']);
    await agent.wait(202, 'REFER');
    for (const frag of ['100 Trying', '200 OK']) {
        const notify = await agent.wait('NOTIFY');
        assert.equal(notify.body, `SIP/2.0 ${frag}\r\n`);
        agent.reply(notify, 200, 'OK');
    }
    agent.reply(await agent.wait('BYE'), 200, 'OK');
    await done;
    await cdr({ code: 200, hangup: 'trunk', reason: 'Transferred to 4712' });
    assert.match(await scrape(server), /^dngate_transfers_total\{kind="blind",result="done"\} 2$/m);
});

for (const name of ['uac_late', 'uac_hold'])
    test(`inbound: ${name}`, async () => {
        const done = sipp(name, ['-s', '5001']);
        const invite = await agent.wait('INVITE');
        agent.reply(invite, 180, 'Ringing');
        agent.answer(invite);
        agent.reply(await agent.wait('BYE'), 200, 'OK');
        await done;
        await cdr({ code: 200, hangup: 'trunk' });
    });

test('inbound: unknown, disabled and unregistered DNs', async () => {
    await sipp('uac_404', ['-s', '9999']);
    await cdr({ code: 404, hangup: 'gateway' });
    await cli('dn', 'disable', '5003');
    await sipp('uac_404', ['-s', '5003']);
    await cdr({ code: 404 });
    await cli('dn', 'enable', '5003');
    await sipp('uac_480', ['-s', '5003']);
    await cdr({ code: 480, hangup: 'gateway' });
});

for (const code of [486, 603])
    test(`inbound: the agent says ${code}`, async () => {
        const done = sipp(`uac_${code}`, ['-s', '5001']);
        const invite = await agent.wait('INVITE');
        agent.reply(invite, 180, 'Ringing');
        agent.reply(invite, code, 'No');
        await done;
        await cdr({ code, hangup: 'agent' });
    });

test('inbound: nobody answers', async () => {
    const done = sipp('uac_480', ['-s', '5001']);
    const invite = await agent.wait('INVITE');
    agent.reply(invite, 180, 'Ringing');
    agent.reply(await agent.wait('CANCEL', undefined, 20000), 200, 'OK');
    agent.reply(invite, 487, 'Request Terminated');
    await done;
    await cdr({ code: 480, hangup: 'gateway' });
});

test('inbound: the caller gives up', async () => {
    const done = sipp('uac_cancel', ['-s', '5001']);
    const invite = await agent.wait('INVITE');
    agent.reply(invite, 180, 'Ringing');
    const cancel = await agent.wait('CANCEL');
    assert.match(cancel.header('Reason'), /completed elsewhere/);
    agent.reply(cancel, 200, 'OK');
    agent.reply(invite, 487, 'Request Terminated');
    await done;
    await cdr({ code: 487, hangup: 'trunk' });
});

test('no trunk answers: 503 soon', async () => {
    const d = agent.call('600');
    agent.ack(d, await agent.wait(503));
    const { start_ms, end_ms } = await cdr({ code: 503, hangup: 'gateway' });
    assert.ok(end_ms - start_ms < SOON_MS, `${end_ms - start_ms} ms`);
});

test('60 calls, ten at a time, leave no descriptor behind', async () => {
    const answer = (a) => (m) => {
        if (m.method === 'INVITE' && !m.code) { a.reply(m, 180, 'Ringing'); a.answer(m); }
        else if (m.method === 'BYE' && !m.code) a.reply(m, 200, 'OK');
        return true;
    };
    const fds = () => readdirSync(`/proc/${server.child.pid}/fd`).length;
    agent.auto = answer(agent);
    await sipp('uac_call', ['-s', '5001', '-m', '10', '-r', '20', '-l', '10']);
    await next(10);
    await sleep(500);
    const was = fds();
    await sipp('uac_call', ['-s', '5001', '-m', '60', '-r', '20', '-l', '9']);
    await next(60);
    await until(() => fds() <= was, 10000, `${was} descriptors again`);
});
