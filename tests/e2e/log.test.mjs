// The log as an operator and a log collector read it, in both forms: a call from sign-in to end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import https from 'node:https';
import { Agent } from './agent.mjs';
import { start } from './dngate.mjs';

// What a server says of one call that is answered and hung up; without what differs from run to run.
async function story(format, level = 'info') {
    const server = await start({ options: [`log.format=${format}`, `log.level=${level}`] });

    try {
        const agent = await new Agent(server, '5001', 'lab5001').open();
        const call = agent.call('600');
        agent.ack(call, await agent.wait(200, 'INVITE'));
        agent.request(call, 'BYE');
        await server.says(/ call id=.* ended$/);
        agent.close();
        await server.says(/ connection lost$/);
    } finally {
        await server.stop();
    }
    return server.log;
}

const without = (line) => line.replace(/^\S+ /, '').replace(/=[^ ]*( [^ =]+)*(?= \S+=)/g, '=').replace(/=\S+/g, '=');

for (const format of ['text', 'json'])
    test(`${format}: one event a line, id and dn on every line of a call, once`, async () => {
        const lines = (await story(format)).filter((line) => !/ warn {2}attention /.test(line)); // lab mode, no administrator: told once
        const ofCall = lines.filter((line) => / call id=/.test(line));
        const ids = new Set(ofCall.map((line) => / id=(\S+) dn=5001 /.exec(line)?.[1]));

        assert.equal(ids.size, 1, ofCall.join('\n'));
        assert.deepEqual(ofCall.map((line) => /(\w+)$/.exec(line)[1]), ['calling', 'ringing', 'answered', 'ended']);
        assert.equal(new Set(ofCall.map(without)).size, ofCall.length, 'no duplicates');
        assert.match(ofCall.at(-1), / direction=out trunk=lab code=200 hangup=agent reason="?Hung up"? seconds=\d+ /);
        assert.deepEqual(lines.filter((line) => / (warn |error) /.test(line)), [], 'an ordinary call is no warning');
        for (const line of lines) // the ports' form is documented
            assert.match(line, /^\S+ (info |debug) [a-z]+ (.*[A-Za-z)]$|listening proto=)/, 'words last');
    });

test('sip=debug has a line for each SIP message, sip=trace the whole of it without what is secret', async () => {
    const messages = (lines) => lines.filter((line) => / debug sip message=\d+ direction=(in|out) transport=\S+ peer=\S+ .* (sent|received)$/.test(line));
    const brief = await story('text', 'info sip=debug'), whole = await story('text', 'info sip=trace');
    const rest = whole.filter((line) => / trace sip message=\d+ \| /.test(line)).map((line) => line.replace(/^.*? \| /, ''));

    for (const lines of [brief, whole]) {
        assert.ok(messages(lines).some((line) => / direction=in transport=WS .* start="INVITE sip:600@/.test(line)), 'from the browser');
        assert.ok(messages(lines).some((line) => / direction=out transport=UDP .* start="INVITE sip:600@/.test(line)), 'to the trunk');
        assert.ok(messages(lines).some((line) => / direction=out transport=WS .* cseq="\d+ INVITE" start="SIP\/2\.0 200 /.test(line)), 'and back');
    }
    assert.ok(!brief.some((line) => line.includes(' trace ')));
    assert.ok(rest.some((line) => /^From: .*5001/.test(line)) && rest.some((line) => line.startsWith('a=fingerprint:')));
    assert.ok(rest.includes('Authorization: (not shown)') && rest.includes('a=ice-pwd:(not shown)'));
    assert.deepEqual(rest.filter((line) => /response=|^a=ice-pwd:[^(]/.test(line)), []);
});

// A pipe that nobody reads: the server goes on, loses lines, counts them, and says so once it is read again; stopped meanwhile, it ends.
test('a reader of the log that stalls holds up nobody', async () => {
    const server = await start({ options: ['log.level=debug', 'http.rate=100000'] });
    const agent = new https.Agent({ keepAlive: true, maxSockets: 8, rejectUnauthorized: false });
    const get = (path) =>
        new Promise((resolve, reject) => {
            const ask = { host: '127.0.0.1', port: server.ports.https, path, agent, timeout: 20000 };
            https.get(ask, (answer) => {
                let text = '';
                answer.on('data', (data) => (text += data)).on('end', () => resolve(text));
            }).on('error', reject).on('timeout', () => reject(new Error(`${path} is not answered`)));
        });
    const lost = async () => Number(/^dngate_log_lost_total (\d+)$/m.exec(await get('/metrics'))[1]);
    const stall = async () => {
        const before = await lost();
        server.child.stdout.pause();
        for (let i = 0; (await lost()) === before; i++) {
            assert.ok(i < 200, 'lines are lost');
            await Promise.all(Array.from({ length: 8 }, () => get(`/${'x'.repeat(1500)}`)));
            await Promise.all(Array.from({ length: 8 }, () => get(`/${'y'.repeat(1500)}`)));
            await Promise.all(Array.from({ length: 80 }, () => get('/none')));
        }
    };

    try {
        await stall();
        const from = server.log.length;
        server.child.stdout.resume();
        assert.match(await server.says(/ log lines=\d+ lost: /, 20000, from), / warn  log lines=[1-9]/);
        await stall();
        const ended = server.kill('SIGINT');
        server.child.once('exit', () => server.child.stdout.resume()); // 'close' waits for what is left in the pipe
        assert.equal((await ended).code, 0);
    } finally {
        agent.destroy();
        await server.kill();
        await server.stop().catch(() => {});
    }
});
