// The agent's network goes away in mid-call and comes back: the same call goes on, and the page says what is the matter meanwhile.
// The browser runs at the far end of a cable.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withoutTrace } from './lib/calls.mjs';
import { watchCdr } from './lib/cdr.mjs';
import { OPUS } from './lib/echo.mjs';
import { inNamespace } from './lib/netns.mjs';
import { AgentPage } from './lib/page.mjs';
import { openRemote } from './lib/remote.mjs';

const BACK_MS = 30000; // from the network's return until the agent hears again

let remote, server, end, agent, nextCdr;

async function setUp() {
    remote = await openRemote();
    ({ server, end } = remote);
    const context = await remote.browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
    agent = await AgentPage.open(context, server, '5001');
    await agent.startShift();
}

const message = (words) => agent.page.locator('#message', { hasText: words }).waitFor();
const received = () => agent.page.evaluate(() => window.dngate.stats?.received ?? 0);

// cut, mend: how the network goes and comes back; seconds: how long it is away; says: what the agent reads besides.
async function survive(t, { cut, mend, seconds, says }) {
    await agent.dial('600');
    await agent.call('connected');
    await agent.checkEcho(t, OPUS);

    let before;
    cut();
    try {
        const outage = sleep(seconds * 1000);
        await message('audio connection is interrupted');
        for (const words of says) await message(words);
        await outage;
        before = await received();
    } finally {
        mend();
    }
    const back = Date.now();
    await agent.page.waitForFunction((n) => window.dngate.stats?.received > n + 25, before, { timeout: BACK_MS });
    await agent.hears();
    t.diagnostic(`heard again ${Date.now() - back} ms after the network came back`);
    await agent.call('connected');
    await agent.checkEcho(t, OPUS);
    await agent.registration('registered');
    assert.equal(await agent.page.locator('#message p').count(), 0, 'nothing is left to complain about');
    await agent.hangup();

    const [row, ...others] = await nextCdr();
    assert.deepEqual(others, []);
    assert.equal(row.code, 200, JSON.stringify(row));
    assert.equal(row.path, 'direct');
    assert.ok(row.end_ms - row.answer_ms > seconds * 1000, 'it is one call');
}

function check(name, outage) {
    test(name, { timeout: 400000 }, (t) => withoutTrace(t, { server: () => server, agent: () => agent }, async () => {
        nextCdr = await watchCdr(server);
        await survive(t, outage);
    }));
}

inNamespace(import.meta.url, 'An agent loses the network', () => {
    before(setUp);
    after(() => remote?.close());
    check('ten seconds without reception', { cut: () => end.deafen(), mend: () => end.restore(), seconds: 10, says: [] });
    check('the cable is pulled for 40 s', { cut: () => end.pull(), mend: () => end.plug(), seconds: 40, says: ['offline'] });
});
