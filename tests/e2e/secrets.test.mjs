// Passwords go in by every way there is, at the noisiest log level; none comes out: not in the log, /metrics, /readyz, the call
// records, the audit or what the command line shows.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { after, before, test } from 'node:test';
import { Agent } from './agent.mjs';
import { binary, start } from './dngate.mjs';
import { watchCdr } from './lib/cdr.mjs';

const FIRST = 'Tell-No-One-First', SECOND = 'Tell-No-One-Second', WRONG = 'Tell-No-One-Wrong', TRUNK = 'Tell-No-One-Trunk',
      ADMIN = 'Tell-No-One-Admin', BOSS = 'Tell-No-One-Boss';
const REALM = 'somewhere';

const hash = (algorithm, text) => createHash(algorithm).update(text).digest('hex');
const secrets = new Map([['first', FIRST], ['second', SECOND], ['wrong', WRONG], ['trunk', TRUNK], ['admin', ADMIN], ['boss', BOSS]]
                            .map(([name, value]) => [`${name} password`, value]));

let server, trunk;

const dngate = (words, input = '') => {
    const done = spawnSync(binary(), [...words, '--data', server.dir], { input, encoding: 'utf8' });
    assert.equal(done.status, 0, `dngate ${words.join(' ')}: ${done.stderr}`);
    return done.stdout + done.stderr;
};

const ask = (method, path, body) =>
    new Promise((resolve, reject) => {
        const { https: port } = server.ports;
        const headers = body ? { 'Content-Type': 'application/json', Origin: `https://localhost:${port}` } : {};
        const request = https.request({ host: 'localhost', port, path, method, headers, rejectUnauthorized: false }, (response) => {
            let text = '';
            response.on('data', (data) => (text += data));
            response.on('end', () => resolve({ status: response.statusCode, text }));
        });
        request.on('error', reject).end(body && JSON.stringify(body));
    });

function noteDigest(who, text) {
    for (const [, response] of text.matchAll(/\bresponse="([0-9a-f]{32,64})"/g)) secrets.set(`digest response of ${who}`, response);
}

// A trunk that wants credentials, and then is busy.
async function fakeTrunk() {
    const socket = dgram.createSocket('udp4');
    let authorized = 0;

    socket.on('message', (data, from) => {
        const text = String(data), lines = text.split('\r\n');
        const get = (name) => lines.filter((line) => line.toLowerCase().startsWith(`${name}:`));
        const reply = (status, more = []) =>
            socket.send([`SIP/2.0 ${status}`, ...get('via'), ...get('from'), `${get('to')[0].split(';tag')[0]};tag=t`,
                         ...get('call-id'), ...get('cseq'), ...more, 'Content-Length: 0', '', ''].join('\r\n'), from.port, from.address);
        noteDigest('trunk', text);
        if (text.startsWith('OPTIONS')) reply('200 OK');
        else if (text.startsWith('INVITE') && /^Authorization:/m.test(text)) reply('486 Busy Here', [], authorized++);
        else if (text.startsWith('INVITE'))
            reply('401 Unauthorized', [`WWW-Authenticate: Digest realm="${REALM}", nonce="0123456789abcdef", algorithm=MD5, qop="auth"`]);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return { port: socket.address().port, close: () => socket.close(), authorized: () => authorized };
}

async function agent(password, works) {
    const one = new Agent(server, '7001', password), send = one.send.bind(one), wait = one.wait.bind(one);

    one.send = (lines, ...rest) => {
        noteDigest(`agent with ${password}`, lines.join('\r\n'));
        send(lines, ...rest);
    };
    if (works) return one.open();
    one.wait = async (what, method) => {
        const answer = await wait(401, method);
        if (what === 200) throw new Error('refused');
        return answer;
    };
    await assert.rejects(one.open(), /^Error: refused$/);
    one.close();
}

before(async () => {
    trunk = await fakeTrunk();
    server = await start({ lab: false, options: ['log.level=trace', `admin.password=${ADMIN}`] });
    dngate(['trunk', 'add', 'genesys', '--address', `127.0.0.1:${trunk.port}`, '--username', 'gw', '--password', TRUNK]);
    dngate(['dn', 'add', '7001', '--password', FIRST]);
    dngate(['dn', 'passwd', '7001'], `${SECOND}\n`);
    dngate(['user', 'add', 'boss', '--role', 'admin'], `${BOSS}\n`);
    await server.says(/trunk=genesys .* up$/);
});
after(async () => {
    await server?.stop();
    trunk?.close();
});

test('passwords work', async () => {
    const nextCdr = await watchCdr(server);

    assert.equal((await ask('POST', '/api/agent/v1/config', { dn: '7001', password: WRONG })).status, 401);
    assert.equal((await ask('POST', '/api/agent/v1/config', { dn: '7001', password: FIRST })).status, 401);
    assert.equal((await ask('POST', '/api/agent/v1/config', { dn: '7001', password: SECOND })).status, 200);
    await agent(WRONG, false);
    const one = await agent(SECOND, true);
    const call = one.call('600');
    one.ack(call, await one.wait(486, 'INVITE'));
    await nextCdr(1);
    one.close();
    assert.ok(trunk.authorized() >= 1, 'the trunk was given credentials');
    assert.ok([...secrets.keys()].filter((name) => name.startsWith('digest response')).length >= 3);
});

test('and stay inside', async () => {
    const sql = (query) => execFileSync('sqlite3', ['-readonly', '-cmd', '.timeout 5000', `${server.dir}/dngate.db`, query]).toString();
    const places = {
        '/metrics': (await ask('GET', '/metrics')).text,
        '/readyz': (await ask('GET', '/readyz')).text,
        'call records': sql('SELECT * FROM cdr'),
        audit: sql('SELECT * FROM audit'),
        'what dn show says': dngate(['dn', 'show', '7001', '--json']),
        'what dn export says': dngate(['dn', 'export']),
        'what trunk show says': dngate(['trunk', 'show', 'genesys', '--json']),
        'what user list says': dngate(['user', 'list', '--json']),
        'what settings says': dngate(['settings', '--json']),
    };
    places.log = server.log.join('\n');

    for (const [name, password] of [['first', FIRST], ['second', SECOND]])
        for (const algorithm of ['md5', 'sha256']) secrets.set(`${name} ${algorithm} HA1`, hash(algorithm, `7001:dngate:${password}`));
    secrets.set('trunk HA1', hash('md5', `gw:${REALM}:${TRUNK}`));
    assert.equal(sql("SELECT ha1_md5, ha1_sha256 FROM dn WHERE dn = '7001'").trim(),
                 `${secrets.get('second md5 HA1')}|${secrets.get('second sha256 HA1')}`, 'this is what we look for');
    assert.ok(places.log.length > 1000 && places['call records'].includes('486') && places.audit.includes('7001'));
    for (const [place, text] of Object.entries(places))
        for (const [secret, value] of secrets) {
            assert.ok(value.length >= 8, secret);
            assert.ok(!text.toLowerCase().includes(value.toLowerCase()), `${secret} is in ${place}`);
        }
});

test('the database has no password in clear', () => {
    for (const file of ['dngate.db', 'dngate.db-wal']) {
        const bytes = readFileSync(`${server.dir}/${file}`);
        for (const [secret, value] of secrets)
            if (secret.endsWith('password')) assert.ok(!bytes.includes(value), `${secret} is in ${file}`);
    }
});
