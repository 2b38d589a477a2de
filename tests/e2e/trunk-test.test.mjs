// The test of a trunk, step by step, against peers that behave as SIP Servers and firewalls do: what it says, and that nothing stays behind:
// every refusal has its ACK, what rings its CANCEL, what is answered its BYE.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { binary, freePort, start } from './dngate.mjs';
import { adminOption, signIn } from './lib/admin.mjs';
import { sipp } from './lib/sipp.mjs';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from './lib/wait.mjs';

const REALM = 'genesys', NUMBER = 'dngate-trunk-test';
let server, admin;
const peers = [];

before(async () => {
    server = await start({ options: [adminOption] });
    admin = await signIn(server);
});
after(async () => {
    for (const peer of peers) peer.close();
    await server?.stop();
});

const cli = async (...words) => promisify(execFile)(binary(), [...words, '--data', server.dir], { encoding: 'utf8', timeout: 60000 })
    .then(({ stdout }) => ({ status: 0, stdout, stderr: '' }), ({ code, stdout, stderr }) => ({ status: code, stdout, stderr }));
const md5 = (text) => createHash('md5').update(text).digest('hex');

// Answers OPTIONS with `options` and an INVITE with `invite`, one after the other; 0 = says nothing. password: what the digest must prove.
class Peer {
    heard = []; // "INVITE", "ACK", …
    ports = new Set(); // they came from
    #socket = dgram.createSocket('udp4');

    constructor({ options = 200, invite = [404], password = null }) {
        Object.assign(this, { options, invite, password });
        peers.push(this);
    }
    async open() {
        this.#socket.on('message', (data, from) => this.#took(String(data), from));
        this.#socket.bind(0, '127.0.0.1');
        await once(this.#socket, 'listening');
        this.port = this.#socket.address().port;
        return this;
    }
    close() { this.#socket.close(); }
    count(method) { return this.heard.filter((name) => name === method).length; }

    #took(text, from) {
        if (!text.trim()) return;
        const lines = text.split('\r\n\r\n')[0].split('\r\n'), method = lines[0].split(' ')[0];
        const get = (name) => lines.filter((line) => line.toLowerCase().startsWith(`${name}:`));
        this.heard.push(method);
        this.ports.add(from.port);
        const reply = (code, more = [], cseq = get('cseq')) => code && this.#socket.send([`SIP/2.0 ${code} Because`, ...get('via'), ...get('from'),
            code > 100 ? `${get('to')[0]};tag=t${this.port}` : get('to')[0], ...get('call-id'), ...cseq, 'Server: <b>SIP</b> Server 8.1',
            `Contact: <sip:t@127.0.0.1:${this.port}>`, ...more, 'Content-Length: 0', '', ''].join('\r\n'), from.port, from.address);

        if (method === 'OPTIONS') reply(this.options);
        else if (method === 'INVITE') this.#invited(lines[0], get, reply);
        else if (method === 'CANCEL') {
            reply(200);
            reply(487, [], get('cseq').map((line) => line.replace('CANCEL', 'INVITE')));
        } else if (method === 'BYE') reply(200);
    }
    #invited(first, get, reply) {
        assert.match(first, new RegExp(`^INVITE sip:${NUMBER}@127\\.0\\.0\\.1:${this.port} `));
        const [given] = get('authorization');
        const said = (name) => new RegExp(`${name}="([^"]*)"`).exec(given)?.[1];
        if (this.password !== null) {
            const right = given && said('response') === md5(`${md5(`gw:${REALM}:${this.password}`)}:${said('nonce')}:${md5(`INVITE:${said('uri')}`)}`);
            if (!right) return reply(401, [`WWW-Authenticate: Digest realm="${REALM}",nonce="n${this.heard.length}",algorithm=MD5`]);
        }
        for (const code of this.invite) reply(code);
    }
}

let named = 0;
// Adds a trunk to the peer (port), tests it, and resolves to the steps by name.
async function tested(peer, more = {}) {
    const name = `t${++named}`;
    const { status, text } = await admin.post('/trunks', { name, host: '127.0.0.1', port: peer.port ?? peer, ping_seconds: 0, ...more });
    assert.equal(status, 201, text);
    assert.equal((await admin.post(`/trunks/${name}/test`)).status, 202);
    if (peer.invite?.[0] === 0) assert.equal((await admin.post(`/trunks/${name}/test`)).status, 503, 'it runs already');
    let body;
    await until(async () => !({ body } = await admin.get(`/trunks/${name}/test`)).body.running, 30000, `the test of ${name}`);
    assert.deepEqual(body.steps.map((step) => step.name), ['dns', 'reach', 'options', 'invite']);
    await admin.delete(`/trunks/${name}`);
    return Object.fromEntries(body.steps.map((step) => [step.name, step]));
}

// A peer that answers so, what the INVITE's step should be, and what else must have been heard.
const cases = [
    { name: 'not found', peer: {}, result: 'ok', says: /says 404 Because to a number that nobody has, as expected/, heard: { ACK: 1 } },
    { name: 'unavailable', peer: { invite: [100, 480] }, result: 'ok', says: /480/, heard: { ACK: 1 } },
    { name: 'incomplete', peer: { invite: [484] }, result: 'ok', says: /484/, heard: { ACK: 1 } },
    { name: 'declined', peer: { invite: [100, 603] }, result: 'ok', says: /603/, heard: { ACK: 1 } },
    { name: 'forbidden', peer: { invite: [403] }, result: 'failed', says: /does not know this trunk/, advice: /Trunk DN .* contact is 127\.0\.0\.1:\d+/, heard: { ACK: 1 } },
    { name: 'no credentials', peer: { password: 'x' }, result: 'failed', says: /asks for a user name and a password/, heard: { INVITE: 1, ACK: 1 } },
    { name: 'wrong credentials', peer: { password: 'right' }, trunk: { username: 'gw', password: 'wrong' }, result: 'failed',
      says: /does not take this user name and password/, heard: { INVITE: 2, ACK: 2 } },
    { name: 'right credentials', peer: { password: 'right' }, trunk: { username: 'gw', password: 'right' }, result: 'ok', says: /404/, heard: { INVITE: 2, ACK: 2 } },
    { name: 'codecs', peer: { invite: [488] }, result: 'failed', says: /not these codecs/, heard: { ACK: 1 } },
    { name: 'elsewhere', peer: { invite: [302] }, result: 'failed', says: /sends calls elsewhere/, heard: { ACK: 1 } },
    { name: 'starting', peer: { options: 503, invite: [503] }, result: 'failed', says: /takes no calls now/, options: 'failed', heard: { ACK: 1 } },
    { name: 'rings', peer: { invite: [100, 180] }, result: 'ok', says: /rings \(180\).*cancelled/, heard: { CANCEL: 1, ACK: 1 } },
    { name: 'answers', peer: { invite: [200] }, result: 'ok', says: /answered the call.*hung up/, heard: { ACK: 1, BYE: 1 } },
    { name: 'disabled', peer: {}, trunk: { enabled: false }, result: 'ok', says: /404/, heard: { ACK: 1 } },
    { name: 'no OPTIONS', peer: { options: 0 }, result: 'ok', says: /404/, options: 'failed', heard: { ACK: 1 } },
    { name: 'says Trying only', peer: { invite: [100] }, result: 'failed', says: /took the call \(100\), but said nothing more/, heard: { CANCEL: 1, ACK: 1 } },
    { name: 'no call', peer: { invite: [0] }, result: 'failed', says: /says nothing to a call/, advice: /Trunk DN/, heard: { CANCEL: 0 } },
];

test('each kind of peer is told by words, and nothing is left behind there', async () => {
    await Promise.all(cases.map(async ({ name, peer: how, trunk, result, says, advice, options = 'ok', heard }) => {
        const peer = await new Peer(how).open();
        const steps = await tested(peer, trunk);

        assert.deepEqual([steps.dns.result, steps.reach.result, steps.options.result, steps.invite.result], ['ok', 'ok', options, result], name);
        assert.match(steps.invite.detail, says, name);
        if (advice) assert.match(steps.invite.advice, advice, name);
        if (options === 'ok') assert.match(steps.options.detail, /answers OPTIONS with 200 after [\d.]+ ms \(<b>SIP<\/b> Server 8\.1\)/, name);
        await until(() => Object.entries(heard).every(([method, n]) => peer.count(method) === n), 20000, `${name}: ${peer.heard.join(' ')}`);
        assert.ok(peer.ports.has(server.ports['sip-udp']), `${name}: from the port that SIP Server knows`);
    }));
    const settled = peers.map((peer) => peer.count('INVITE'));
    await pause(700); // no INVITE is sent again once it is over
    assert.deepEqual(peers.map((peer) => peer.count('INVITE')), settled);
});

test('what is not there is said at its step, and the rest is left out', async () => {
    const free = await freePort();
    const [udp, tcp, name] = await Promise.all([tested(free), tested(free, { transport: 'tcp' }), tested(5060, { host: 'nosuch.invalid' })]);

    assert.deepEqual([udp.reach.result, udp.invite.result], ['failed', 'skipped']);
    assert.match(udp.reach.detail, new RegExp(`^Nothing listens at 127\\.0\\.0\\.1:${free}\\.$`));
    assert.match(udp.reach.advice, /sip-port/);
    assert.deepEqual([tcp.reach.result, tcp.options.result, tcp.invite.result], ['failed', 'skipped', 'skipped']);
    assert.deepEqual([name.dns.result, name.reach.result, name.options.result, name.invite.result], ['failed', 'skipped', 'skipped', 'skipped']);
    assert.match(name.dns.advice, /DNS/);
    assert.equal((await admin.get('/trunks/nosuch/test')).status, 404);
    assert.equal((await admin.post('/trunks/nosuch/test')).status, 404);
});

test('the command line tests a trunk, too: the SIP Server is sipp', async (t) => {
    const port = await freePort();

    await cli('trunk', 'add', 'sipp', '--address', `127.0.0.1:${port}`, '--ping', '0');
    const { done } = await sipp(t, 'uas_test', { server, port, mediaPort: await freePort(), args: ['-m', '2'], seconds: 20 });
    const good = await cli('trunk', 'test', 'sipp', '--json');
    await done;
    assert.equal(good.status, 0, good.stderr);
    assert.deepEqual(JSON.parse(good.stdout).steps.map((step) => step.result), ['ok', 'ok', 'ok', 'ok']);
    const bad = await cli('trunk', 'test', 'sipp'); // sipp has gone
    assert.equal(bad.status, 1);
    assert.match(bad.stdout, /^dns +ok .*\nreach +failed +Nothing listens/);
    assert.match((await cli('trunk', 'test', 'nosuch')).stderr, /there is no trunk nosuch/);
});

test('trunks are added, changed, put in order and removed; a password goes in and never comes out', async () => {
    const added = await admin.post('/trunks', { name: 'a', host: '192.0.2.1', username: 'gw', password: 'secret1', codecs: ['pcma'] });
    assert.equal(added.status, 201);
    assert.deepEqual([added.body.port, added.body.password_set, added.body.codecs, added.body.ptime], [5060, true, ['pcma'], 20]);
    assert.equal((await admin.post('/trunks', { name: 'a', host: '192.0.2.1' })).status, 409);
    await admin.post('/trunks', { name: 'b', host: 'sip.example' });
    const changed = await admin.patch('/trunks/a', { port: 5070, enabled: false, ptime: 30 });
    assert.deepEqual([changed.body.port, changed.body.enabled, changed.body.username, changed.body.password_set, changed.body.ptime], [5070, false, 'gw', true, 30]);
    assert.equal((await admin.patch('/trunks/a', { password: '' })).body.password_set, false);
    for (const [body, field] of [[{ host: 'a b' }, 'host'], [{ port: 0 }, 'port'], [{ codecs: ['g729'] }, 'codecs'], [{ codecs: ['opus', 'opus'] }, 'codecs'], [{ ptime: 15 }, 'ptime'], [{ ptime: 70 }, 'ptime'], [{ username: '', password: 'x' }, 'username']]) {
        const { status, body: problem } = await admin.patch('/trunks/a', body);
        assert.equal(status, 422, JSON.stringify(body));
        assert.match(problem.errors[0].field, new RegExp(`^${field}`));
    }
    const secure = await admin.patch('/trunks/a', { transport: 'tls', tls_name: 'sip.example' });
    assert.deepEqual([secure.status, secure.body.transport, secure.body.tls_name, secure.body.tls_ca], [200, 'tls', 'sip.example', '']);

    const names = (await admin.get('/trunks')).body.items.map((trunk) => trunk.name);
    assert.equal((await admin.put('/trunks/order', { names: names.slice(1) })).status, 422);
    assert.equal((await admin.put('/trunks/order', { names: [...names.slice(1), names[1]] })).status, 422);
    const turned = [...names].reverse();
    assert.deepEqual((await admin.put('/trunks/order', { names: turned })).body.items.map((trunk) => trunk.name), turned);
    assert.match((await cli('trunk', 'order', names.join(','))).stdout, /tried in this order/);
    assert.deepEqual((await admin.get('/trunks')).body.items.map((trunk) => trunk.name), names);
    assert.equal((await admin.delete('/trunks/a')).status, 204);
    assert.equal((await admin.get('/trunks/a')).status, 404);
});

test('what a removed trunk was tested with is not the next one\'s of its name', async () => {
    const trunk = { name: 'again', host: '127.0.0.1', port: await freePort() };
    for (const remove of [() => admin.delete('/trunks/again'), () => cli('trunk', 'remove', 'again')]) {
        assert.equal((await admin.post('/trunks', trunk)).status, 201);
        assert.equal((await admin.get('/trunks/again/test')).status, 404);
        assert.equal((await admin.post('/trunks/again/test')).status, 202);
        assert.equal((await admin.get('/trunks/again/test')).status, 200);
        await remove();
    }
    assert.equal((await admin.post('/trunks', trunk)).status, 201);
    assert.equal((await admin.get('/trunks/again/test')).status, 404);
    assert.equal((await admin.delete('/trunks/again')).status, 204);
});
