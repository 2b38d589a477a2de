// The log as an operator and a log collector read it, in both forms: a call from sign-in to end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Agent } from './agent.mjs';
import { start } from './dngate.mjs';

// What a server says of one call that is answered and hung up; without what differs from run to run.
async function story(format) {
    const server = await start({ options: [`log.format=${format}`] });

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
        const lines = await story(format), ofCall = lines.filter((line) => / call id=/.test(line));
        const ids = new Set(ofCall.map((line) => / id=(\S+) dn=5001 /.exec(line)?.[1]));

        assert.equal(ids.size, 1, ofCall.join('\n'));
        assert.deepEqual(ofCall.map((line) => /(\w+)$/.exec(line)[1]), ['calling', 'ringing', 'answered', 'ended']);
        assert.equal(new Set(ofCall.map(without)).size, ofCall.length, 'no duplicates');
        assert.match(ofCall.at(-1), / direction=out trunk=lab code=200 hangup=agent reason="?Hung up"? seconds=\d+ /);
        assert.deepEqual(lines.filter((line) => / (warn |error) /.test(line)), [], 'an ordinary call is no warning');
        for (const line of lines) // the ports' form is documented
            assert.match(line, /^\S+ (info |debug) [a-z]+ (.*[A-Za-z)]$|listening proto=)/, 'words last');
    });
