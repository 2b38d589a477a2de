// A NAT zoo: the real page in Chromium behind every kind of network, the gateway a container on a bridge. Both directions are compared, and
// the way that the page says audio takes is the one that such a network allows. Three browsers call side by side.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { watchCdr } from './lib/cdr.mjs';
import { OPUS } from './lib/echo.mjs';
import { TestPage } from '../ui/lib/selftest.mjs';
import { inNamespace } from './lib/netns.mjs';
import { probe } from './lib/natprobe.mjs';
import { checkRowQuality } from './lib/quality.mjs';
import { BOX_IPV6, BY_NAT64, OTHER_ADDRESS, WAYS, openAgent, openZoo, outside, together, v6 } from './lib/zoo.mjs';

const LANES = 3;

let zoo, server;

// from: where the gateway sees the browser; by default that is the lane's own address in the Internet.
async function talk(t, n, { network, mtu, host, way = WAYS.direct, from = `${outside(n)}:` }, meet) {
    const lane = zoo.lanes[n];

    await lane.connect(network, mtu);
    const agent = await openAgent(zoo, lane, { host });
    try {
        const nextCdr = await watchCdr(server, (row) => row.caller === lane.dn);
        await agent.dial('600');
        await agent.call('connected');
        await agent.hears();
        await meet();
        const talked = await agent.checkEcho(t, OPUS);
        await agent.page.locator('#quality-detail', { hasText: way.page }).waitFor();
        await agent.lastHangup();
        const [row] = await nextCdr();
        assert.equal(row.code, 200, JSON.stringify(row));
        assert.ok(row.remote_ice.startsWith(from), row.remote_ice);
        assert.equal(row.path, way.record);
        await checkRowQuality(server, row, talked);
    } finally {
        await agent.close();
    }
}

// What the self-test tells of a NAT, by the answers of two ports: STUN's and the media's.
async function tellsNat(t, n, { network, says }) {
    const lane = zoo.lanes[n];

    await lane.connect(network);
    const context = await lane.browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
    t.after(() => context.close());
    const page = await context.newPage();
    const room = new TestPage(page);
    await page.goto(`https://${server.host}:${server.ports.https}/selftest.html`);
    await page.fill('#room-dn', lane.dn);
    await page.fill('#room-password', `lab${lane.dn}`);
    await room.press('Start');
    await room.skipByHand();
    await page.locator('.room-status', { hasText: 'is kept' }).waitFor({ timeout: 60000 });
    const told = await room.line('stun').textContent();
    assert.ok(told.includes(`The gateway sees you as ${outside(n)}`) && told.includes(says), told);
    assert.ok((await room.line('echo').textContent()).includes('; direct, '), await room.line('echo').textContent());
}

async function checkRouters() {
    const kinds = [['fullCone', 1, ['0', '1', '2']], ['restricted', 1, ['0', '1']], ['portRestricted', 1, ['0']], ['symmetric', 3, ['0']]];

    for (const [kind, ports, who] of kinds) {
        await zoo.lanes[0].connect(kind);
        const [seen, heard] = await probe(zoo.lanes[0], OTHER_ADDRESS);
        assert.equal(new Set(seen).size, ports, `${kind}: ${seen}`);
        assert.deepEqual(heard, who, kind);
    }
}

inNamespace(import.meta.url, 'NAT zoo', () => {
    before(async () => {
        zoo = await openZoo(LANES);
        ({ server } = zoo);
    });
    after(() => zoo?.close());
    test('the routers do as they are called', { timeout: 60000 }, checkRouters);
    together('cones', [
        ['full cone', { network: 'fullCone' }],
        ['restricted', { network: 'restricted' }],
        ['port-restricted', { network: 'portRestricted' }],
    ], talk);
    together('more than cones', [
        ['symmetric', { network: 'symmetric' }],
        ['double NAT', { network: 'double' }],
        ['no NAT but that of the box, MTU 1280', { network: 'none', mtu: 1280 }],
    ], talk);
    together('IPv6', [
        ['IPv6 only', { network: 'ipv6', host: BOX_IPV6, from: `[${v6(0)}]:` }],
        ['464XLAT, to an IPv4 box', { network: 'xlat464' }],
        ['IPv6 only and NAT64, to an IPv4 box: its check opens the way', { network: 'nat64', host: BY_NAT64 }],
    ], talk);
    together('no way without help', [
        ['beside the box, that is reached by its outside address (hairpin)', { network: 'lan', from: '172.17.0.1:' }],
        ['IPv6 only and a NAT64 that filters by port', { network: 'nat64Strict', host: BY_NAT64, way: WAYS.udp }],
        ['symmetric, as the self-test tells of it', { network: 'symmetric', says: 'each connection its own (symmetric)' }],
    ], (t, n, how, meet) => (how.says ? tellsNat(t, n, how) : talk(t, n, how, meet)));
});
