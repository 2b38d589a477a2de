// In mid-call the way of the audio is lost: a router forgets, a connection to the relay ends, the network is another one. The page finds a
// new way, by whatever works, and the same call goes on. Three browsers call side by side, the gateway a container on a bridge.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { watchCdr } from './lib/cdr.mjs';
import { OPUS } from './lib/echo.mjs';
import { inNamespace } from './lib/netns.mjs';
import { relayOnly } from './lib/relayonly.mjs';
import { WAYS, openAgent, openZoo, restart, together, v4 } from './lib/zoo.mjs';

const LANES = 3;
const BACK_MS = 30000; // on a busy machine; a quiet one takes 2 to 5 s

let zoo, server;

// In the page: notes how long nothing came, at the longest, from now on.
function watchGaps() {
    const pc = window.peers.findLast((peer) => peer.getTransceivers().length);
    let last = 0, at = performance.now();

    window.gap = 0;
    setInterval(async () => {
        const audio = [...(await pc.getReceivers()[0].getStats()).values()].find(({ type }) => type === 'inbound-rtp');
        const now = performance.now();
        if (audio.packetsReceived !== last) [last, at] = [audio.packetsReceived, now];
        window.gap = Math.max(window.gap, now - at);
    }, 50);
}

const received = (agent) => agent.page.evaluate(() => window.dngate.stats?.received ?? 0);
const goesBy = (agent, way) => agent.page.locator('#quality-detail', { hasText: way.page }).waitFor();
// The gateway has taken the new way.
const moved = (dn, from) => server.says(new RegExp(`dn=${dn} .*audio path to the browser moved`), BACK_MS, from);

// by: what a relay's URL has, when nothing else is to be used; before, after: of WAYS.
async function goOn(t, n, { network = 'symmetric', by, before, cut, after = before }, meet) {
    const lane = zoo.lanes[n];

    await lane.connect(network);
    const agent = await openAgent(zoo, lane, by && { script: relayOnly, arg: by() });
    try {
        const nextCdr = await watchCdr(server, (row) => row.caller === lane.dn);
        await agent.dial('600');
        await agent.call('connected');
        await agent.hears();
        await goesBy(agent, before);
        await agent.page.evaluate(watchGaps);
        const from = server.log.length;
        await cut(lane);
        await moved(lane.dn, from);
        const heard = await received(agent);
        await agent.page.waitForFunction((n) => window.dngate.stats?.received > n + 25, heard, { timeout: BACK_MS });
        await agent.registration('registered');
        await meet();
        await agent.checkEcho(t, OPUS);
        await goesBy(agent, after);
        assert.equal(await agent.page.locator('#message p').count(), 0, 'nothing is left to complain about');
        t.diagnostic(`nothing was heard for ${Math.round(await agent.page.evaluate(() => window.gap))} ms`);
        await agent.lastHangup();
        const [row, ...others] = await nextCdr();
        assert.deepEqual(others, []);
        assert.equal(row.code, 200, JSON.stringify(row));
        assert.equal(row.path, after.record);
    } finally {
        await agent.close();
    }
}

// Calls do not outlive the gateway, but the page that uses its relay is ready for the next one, with the credentials of before.
async function afterCrash(t) {
    const [lane] = zoo.lanes;
    await lane.connect('symmetric');
    const agent = await openAgent(zoo, lane, { script: relayOnly, arg: turnTls() });
    try {
        const nextCdr = await watchCdr(server, (row) => row.caller === lane.dn);
        await agent.dial('600');
        await agent.call('connected');
        await agent.hears();
        await goesBy(agent, WAYS.tls);
        agent.server = server = await restart(zoo);
        await agent.call('ended');
        await agent.call('idle');
        await agent.registration('registered');
        await agent.dial('600');
        await agent.call('connected');
        await agent.checkEcho(t, OPUS);
        await goesBy(agent, WAYS.tls);
        await agent.lastHangup();
        const rows = await nextCdr(2);
        assert.deepEqual(rows.map((row) => row.reason), ['Gateway restarted', 'Hung up']);
    } finally {
        await agent.close();
    }
}

const turn = (transport) => () => `:${server.ports.turn}?transport=${transport}`;
const turnTls = () => `:${server.ports.https}?transport=tcp`;

inNamespace(import.meta.url, 'The way of the audio is lost in mid-call', () => {
    before(async () => {
        zoo = await openZoo(LANES);
        ({ server } = zoo);
    });
    after(() => zoo?.close());
    together('at a router or at the relay', [
        ['a NAT gives new ports', { before: WAYS.direct, cut: (lane) => lane.rebind() }],
        ['a NAT gives new ports, which the relay does not know', { by: turn('udp'), before: WAYS.udp, cut: (lane) => lane.rebind() }],
        ['the TCP connection to the relay ends', { by: turn('tcp'), before: WAYS.tcp, cut: (lane) => lane.reset(server.ports.turn) }],
    ], goOn);
    together('with the connection of signalling, or by another network', [
        ['all connections to the page’s port end', { by: turnTls, before: WAYS.tls, cut: (lane) => lane.reset(server.ports.https) }],
        ['a firewall lets through the page’s port alone', { before: WAYS.direct, cut: (lane) => lane.onlyTcp(server.ports.https), after: WAYS.tls }],
        ['the computer gets another address', { before: WAYS.direct, cut: (lane) => lane.renumber(`${v4(2)}/24`, '10.77.0.7/24') }],
    ], goOn);
    test('the gateway crashes: the next call goes by its relay again', { timeout: 300000 }, afterCrash);
});
