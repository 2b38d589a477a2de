// The agent's audio by the gateway's own relay, the browser at the far end of a cable: by UDP, TCP and TLS where the browser is told to use
// nothing else, and where a firewall lets nothing through but the page's own port, from the beginning or from the middle of a call. The page, the
// list of calls, the call's record and the metrics name the same way.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { binary } from './dngate.mjs';
import { withoutTrace } from './lib/calls.mjs';
import { watchCdr } from './lib/cdr.mjs';
import { OPUS } from './lib/echo.mjs';
import { parse, scrape } from './lib/metrics.mjs';
import { FAR_ADDRESS, inNamespace, onlyTcp } from './lib/netns.mjs';
import { AgentPage } from './lib/page.mjs';
import { checkRowQuality } from './lib/quality.mjs';
import { relayOnly } from './lib/relayonly.mjs';
import { openRemote } from './lib/remote.mjs';

let remote, server, browser, agent, nextCdr;

async function setUp() {
    // TURN over TLS asks nobody whether to trust a certificate.
    remote = await openRemote({ flags: ['--ignore-certificate-errors'] });
    ({ server, browser } = remote);
}

// In the page's words, and the browser's address in ICE's.
const ways = {
    direct: ['direct', /^(host|prflx)$/],
    udp: ['by relay (UDP)', /^relay$/],
    tcp: ['by relay (TCP)', /^relay$/],
    tls: ['by relay (TLS)', /^(relay|prflx)$/], // the page may not have waited for its relay
};
const ended = {}; // calls so far, by path

const pathOf = (way) => (way === 'direct' ? way : `relay-${way}`);

async function goes(way) {
    await agent.page.locator('#quality-detail', { hasText: ways[way][0] }).waitFor();
    const [call] = JSON.parse(execFileSync(binary(), ['calls', '--json', '--data', server.dir]));
    assert.equal(call.path, pathOf(way));
}

async function checkPath(row, way, changes) {
    const path = pathOf(way);

    assert.equal(row.path, path);
    assert.equal(row.path_changes, changes);
    assert.match(row.candidate, ways[way][1]);
    assert.equal(row.remote_ice.split(':')[0], FAR_ADDRESS, 'where the browser is, not the relay');
    ended[path] = (ended[path] ?? 0) + 1;
    assert.equal(parse(await scrape(server)).sum('dngate_call_paths_total', { path }), ended[path]);
}

async function call(t, way, { how, then } = {}) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
    t.after(() => context.close());
    if (how) await context.addInitScript(relayOnly, how);
    agent = await AgentPage.open(context, server, '5001');
    await agent.startShift();
    nextCdr = await watchCdr(server);

    await agent.dial('600');
    await agent.call('connected');
    const talked = then ? await agent.hears() : await agent.checkEcho(t, OPUS);
    await goes(way);
    await then?.();
    await agent.hangup();
    const [row] = await nextCdr();
    assert.equal(row.code, 200, JSON.stringify(row));
    await checkPath(row, then ? 'tls' : way, then ? 1 : 0);
    if (!then) await checkRowQuality(server, row, talked);
}

function check(name, steps) {
    test(name, { timeout: 180000 }, (t) => withoutTrace(t, { server: () => server, agent: () => agent }, () => steps(t)));
}

function declare() {
    before(setUp);
    after(() => remote?.close());
    check('by TURN over UDP', (t) => call(t, 'udp', { how: `:${server.ports.turn}?transport=udp` }));
    check('by TURN over TCP', (t) => call(t, 'tcp', { how: `:${server.ports.turn}?transport=tcp` }));
    check('by TURN over TLS, on the page’s port', (t) => call(t, 'tls', { how: `:${server.ports.https}?transport=tcp` }));
    check('a firewall that lets through the page’s port alone, from the middle of a call on', (t) => call(t, 'direct', {
        async then() {
            onlyTcp(server.ports.https);
            await goes('tls');
            await agent.checkEcho(t, OPUS);
        },
    }));
    check('and from the beginning of a call', (t) => call(t, 'tls'));
}

inNamespace(import.meta.url, 'relayed calls', declare);
