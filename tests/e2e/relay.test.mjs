// The agent's audio by the gateway's own relay, the browser at the far end of a cable: by UDP, TCP and TLS where the browser is told to use
// nothing else, and where a firewall lets nothing through but the page's own port.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { withoutTrace } from './lib/calls.mjs';
import { watchCdr } from './lib/cdr.mjs';
import { OPUS } from './lib/echo.mjs';
import { inNamespace, onlyTcp } from './lib/netns.mjs';
import { AgentPage } from './lib/page.mjs';
import { checkRowQuality } from './lib/quality.mjs';
import { openRemote } from './lib/remote.mjs';

let remote, server, browser, agent, nextCdr;

async function setUp() {
    // TURN over TLS asks nobody whether to trust a certificate.
    remote = await openRemote({ flags: ['--ignore-certificate-errors'] });
    ({ server, browser } = remote);
}

// In the page: nothing but a relay, and of the servers those alone whose URL has this.
function relayOnly(part) {
    const { RTCPeerConnection } = window;

    window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(config = {}) {
            const iceServers = config.iceServers?.map((s) => ({ ...s, urls: s.urls.filter((url) => url.includes(part)) })).filter((s) => s.urls.length);
            super({ ...config, iceServers, iceTransportPolicy: 'relay' });
        }
    };
}

async function call(t, path, how) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
    t.after(() => context.close());
    if (how) await context.addInitScript(relayOnly, how);
    agent = await AgentPage.open(context, server, '5001');
    await agent.startShift();
    nextCdr = await watchCdr(server);

    await agent.dial('600');
    await agent.call('connected');
    const talked = await agent.checkEcho(t, OPUS);
    await agent.page.locator('#quality-detail', { hasText: path }).waitFor();
    await agent.hangup();
    const [row] = await nextCdr();
    assert.equal(row.code, 200, JSON.stringify(row));
    await checkRowQuality(server, row, talked);
}

function check(name, steps) {
    test(name, { timeout: 180000 }, (t) => withoutTrace(t, { server: () => server, agent: () => agent }, () => steps(t)));
}

function declare() {
    before(setUp);
    after(() => remote?.close());
    check('by TURN over UDP', (t) => call(t, 'by relay (UDP)', `:${server.ports.turn}?transport=udp`));
    check('by TURN over TCP', (t) => call(t, 'by relay (TCP)', `:${server.ports.turn}?transport=tcp`));
    check('by TURN over TLS, on the page’s port', (t) => call(t, 'by relay (TLS)', `:${server.ports.https}?transport=tcp`));
    check('a firewall that lets through the page’s port alone', (t) => {
        onlyTcp(server.ports.https);
        return call(t, 'by relay (TLS)');
    });
}

inNamespace(import.meta.url, 'relayed calls', declare);
