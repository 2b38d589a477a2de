// The firewall plan: which ports there are, who must reach them, and what a look at them found, in the console and by the command line.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { binary, start } from './dngate.mjs';
import { adminOption, signIn } from './lib/admin.mjs';
import { until } from './lib/wait.mjs';

let server, admin;

before(async () => {
    server = await start({ options: [adminOption, 'public.address=127.0.0.1', 'turn.allow_peers=192.0.2.0/24'] });
    admin = await signIn(server);
});
after(() => server?.stop());

const cli = (...words) => spawnSync(binary(), [...words, '--data', server.dir], { encoding: 'utf8', timeout: 30000 });

test('each port of this configuration is named with who must reach it', async () => {
    const { status, body } = await admin.get('/network');
    assert.equal(status, 200);
    const of = (way, protocol) => body.ports.find((port) => port.way === way && (!protocol || port.protocol === protocol));

    assert.deepEqual([of('https').port, of('https').needed, of('https').listening, of('https').state], [server.ports.https, true, true, 'untried']);
    assert.equal(of('sip', 'udp').port, server.ports['sip-udp']);
    assert.match(of('sip').who, /SIP Server/);
    assert.deepEqual([of('turn_relay').port, of('turn_relay').port_to, of('turn_relay').needed], [49152, 65535, true]);
    assert.ok(body.ports.every((port) => port.port > 0 && port.port_to >= port.port && port.setting.includes('.')));
    assert.equal(body.addresses.length > 0, true);
});

test('a look is begun by hand, and says of each way whether it leads here', async () => {
    const before = (await admin.get('/network')).body.checked_ms;
    let body;

    assert.equal((await admin.post('/network/test')).status, 202);
    await until(async () => ({ body } = await admin.get('/network')).body.checked_ms > before, 15000, 'the look is over');
    for (const way of ['https', 'wss', 'turn_udp', 'turn_tcp', 'turn_https']) {
        const port = body.ports.find((one) => one.way === way);
        assert.deepEqual([port.state, port.detail, port.advice], ['open', '127.0.0.1: leads here', ''], way);
    }
    assert.deepEqual(body.addresses, [{ address: '127.0.0.1', family: 'ipv4', why: 'By public.address.' }]);
    assert.equal((await admin.post('/network/test', { port: 1 })).status, 422);
});

test('the command line shows the same', () => {
    const shown = JSON.parse(cli('network', '--json').stdout);
    assert.equal(shown.ports.find((port) => port.way === 'https').state, 'open');
    assert.match(cli('network').stdout, new RegExp(`^WAY +PORT +SETTING +FROM +NEEDED +STATE\nhttps +tcp ${server.ports.https} +https\\.port +browsers +yes +open\n`));
    assert.match(cli('network', 'test').stdout, /^looking/);
    const gone = spawnSync(binary(), ['network', '--data', `${server.dir}/none`], { encoding: 'utf8' });
    assert.equal(gone.status, 1);
});
