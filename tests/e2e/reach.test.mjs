// A box behind a router, with agents and SIP Servers on both sides: who is told which address, what a STUN server outside sees, and what the doctor
// and the server itself find out about the ways in.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { request } from 'node:https';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Agent } from './agent.mjs';
import { binary, start } from './dngate.mjs';
import { BOX, BOX6, FAR, FAR6, Lan, OUTSIDE, ROUTER } from './lib/lan.mjs';
import { parse, scrape } from './lib/metrics.mjs';
import { inNamespace } from './lib/netns.mjs';
import { until } from './lib/wait.mjs';

const run = promisify(execFile);
const FORWARDED = { tcp: [8443, 8089, 3478], udp: [3478, 10000] }; // not 5349, nor the second worker's 10001
const PORTS = { http: 0, https: 8443, wss: 8089, sip: 5060, ice: 10000, turn: 3478, turns: 5349 };

inNamespace(import.meta.url, 'Ways to a box behind a router', () => {
    let lan, server, stun;

    const options = [...Object.entries(PORTS).map(([key, port]) => `${key}.port=${port}`), 'bind.address=', 'media.workers=2',
        `public.address=${BOX}, stun:${FAR}, stun:[${FAR6}]`];
    const inBox = async (...args) => {
        const [program, ...words] = [...lan.box.nsenter, binary(), ...args, '--data', server.dir];
        const done = await run(program, words).catch((error) => error); // check: 1 with a failure
        return done.stdout;
    };
    const check = async () => JSON.parse(await inBox('check', '--json')).findings;
    const of = (findings, topic, pattern) => findings.filter((f) => f.topic === topic && pattern.test(f.finding)).map((f) => f.level);
    const ready = async () => JSON.parse(await scrape(server, '/readyz')).parts.address;
    const openStun = async () => {
        stun = spawn('turnserver', ['-n', '--stun-only', '--no-cli', '-L', FAR, '-L', FAR6, '-p', '3478', '--no-tls', '--no-dtls', '--pidfile',
            `${server.dir}/stun.pid`, '--log-file', '/dev/null', '--userdb', `${server.dir}/stun.db`], { stdio: 'ignore' });
    };

    before(async () => {
        lan = await new Lan().open();
        lan.route(FORWARDED);
        server = await start({ options, prefix: lan.box.nsenter });
        server.host = OUTSIDE;
    });
    after(async () => {
        stun?.kill('SIGKILL');
        await server?.stop();
        await lan?.close();
    });

    test('until the STUN server answers the box does without, and says so; then it is told', { timeout: 120000 }, async () => {
        const before = await ready();
        assert.equal(before.state, 'degraded');
        assert.match(before.reason, /public\.address=stun:198\.51\.100\.1 (has not answered yet|does not answer)/);
        assert.equal(parse(await scrape(server)).sum('dngate_public_unknown'), 2);
        openStun();
        await until(async () => (await ready()).state === 'up', 60000, 'both STUN servers have answered');
        assert.equal((await ready()).reason, `${OUTSIDE}:10000 by stun:${FAR}, [${BOX6}]:10000 by stun:[${FAR6}]`);
        await server.says(/public\.address=stun:198\.51\.100\.1 address=198\.51\.100\.2:10000 seen/);
        const metrics = parse(await scrape(server));
        assert.equal(metrics.sum('dngate_public_addresses'), 3);
        assert.equal(metrics.sum('dngate_public_unknown'), 0);
        assert.equal(metrics.sum('dngate_public_port_moved'), 0);
    });

    test('each SIP Server is told the address of its own side', { timeout: 60000 }, async () => {
        const contact = (text) => /^Contact: <sip:(?:[^@>]*@)?(\[[^\]]+\]|[^:;>]+)/im.exec(text)?.[1];
        const via = (text) => /^Via: \S+ (\[[^\]]+\]|[^:;]+)/im.exec(text)?.[1];
        const sockets = [], told = {};
        const far = async (name, address, type) => {
            const socket = dgram.createSocket(type).bind(5070, address);
            sockets.push(socket);
            await once(socket, 'listening');
            await inBox('trunk', 'add', name, '--address', address.includes(':') ? `[${address}]:5070` : `${address}:5070`);
            const [data] = await once(socket, 'message');
            told[name] = [via(String(data)), contact(String(data))];
        };
        const script = `const s = require('dgram').createSocket('udp4').bind(5070, '${ROUTER}', () => console.log('ready'));
            s.once('message', (data) => { process.stdout.write(String(data)); s.close(); })`;
        const [program, ...words] = [...lan.router.nsenter, process.execPath, '-e', script];
        const near = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
        let text = '';
        near.stdout.on('data', (data) => (text += data));

        await until(() => text.includes('ready'), 20000, 'a SIP Server in the LAN');
        await inBox('trunk', 'add', 'near', '--address', `${ROUTER}:5070`);
        await far('far', FAR, 'udp4');
        await far('far6', FAR6, 'udp6');
        await until(() => near.exitCode !== null, 20000, 'OPTIONS in the LAN');
        told.near = [via(text), contact(text)];
        sockets.forEach((socket) => socket.close());
        for (const name of ['near', 'far', 'far6']) await inBox('trunk', 'remove', name);
        assert.deepEqual(told, { near: [BOX, BOX], far: [OUTSIDE, OUTSIDE], far6: [`[${BOX6}]`, `[${BOX6}]`] });
    });

    test('an agent outside is offered all of them, the one that fits first', { timeout: 60000 }, async () => {
        const agent = await new Agent(server, '5001', 'lab5001').open();
        const call = agent.call('600');
        const answer = await agent.wait(200, 'INVITE');
        agent.ack(call, answer);
        agent.request(call, 'BYE');
        await agent.wait(200, 'BYE');
        agent.close();
        const candidates = [...answer.body.matchAll(/^a=candidate:\S+ 1 udp (\d+) (\S+) (\d+) typ host/gim)];
        assert.deepEqual(candidates.map(([, , ip]) => ip), [OUTSIDE, BOX, BOX6]);
        assert.deepEqual(candidates.map(([, priority]) => Number(priority)).sort((a, b) => b - a), candidates.map(([, priority]) => Number(priority)));
    });

    test('its iceServers begin with where its page came from, then the other two', async () => {
        const { iceServers } = await new Promise((resolve, reject) => {
            const body = JSON.stringify({ dn: '5001', password: 'lab5001' });
            const req = request({ host: OUTSIDE, port: 8443, path: '/api/agent/v1/config', method: 'POST', rejectUnauthorized: false,
                headers: { 'Content-Type': 'application/json', 'Content-Length': body.length } }, (res) => {
                let text = '';
                res.on('data', (data) => (text += data)).on('end', () => resolve(JSON.parse(text)));
            });
            req.on('error', reject).end(body);
        });

        assert.deepEqual(iceServers[1].urls, [`turn:${OUTSIDE}:3478?transport=udp`, `turn:${OUTSIDE}:3478?transport=tcp`,
            `turns:${OUTSIDE}:8443?transport=tcp`, `turns:${OUTSIDE}:5349?transport=tcp`,
            `turn:${BOX}:3478?transport=udp`, `turns:${BOX}:8443?transport=tcp`,
            `turn:[${BOX6}]:3478?transport=udp`, `turns:[${BOX6}]:8443?transport=tcp`]);
    });

    test('what the router does not forward is said by the doctor, who goes every way to every address', { timeout: 60000 }, async () => {
        const findings = await check();
        const ways = ['HTTPS', 'WSS', 'WSS, 2nd port', 'audio, UDP', 'TURN, UDP', 'TURN, TCP', 'TURN, HTTPS', 'TURN, TLS'];

        for (const way of ways) {
            assert.deepEqual(of(findings, way, /^192\.168\.1\.5:\d+: /), ['ok'], way);
            assert.deepEqual(of(findings, way, /^\[2001:db8:2::5\]:\d+: /), ['ok'], way);
            const closed = way === 'audio, UDP' || way === 'TURN, TLS';
            assert.deepEqual(of(findings, way, /^198\.51\.100\.2:\d+: /), [closed ? 'failure' : 'ok'], way);
        }
        const advice = (topic) => findings.find((f) => f.topic === topic && f.level === 'failure').advice;
        assert.match(advice('audio, UDP'), /open UDP 10001 towards/);
        assert.match(advice('TURN, TLS'), /open TCP 5349 towards/);
        assert.deepEqual(of(findings, 'TURN, UDP', /seen as .*, relayed at /), ['ok', 'ok', 'ok']);
        assert.deepEqual(of(findings, 'public.address', /stun:198\.51\.100\.1 sees this machine as 198\.51\.100\.2, by NAT/), ['ok']);
        assert.deepEqual(of(findings, 'public.address', /stun:\[2001:db8:1::1\] sees this machine as 2001:db8:2::5, its own/), ['ok']);
        assert.deepEqual(of(findings, 'public.address', /the server's audio is seen as 198\.51\.100\.2:10000/), ['ok']);
        assert.deepEqual(of(findings, 'certificate', /signed by itself: .*TURN over TLS/), ['warning']);
        assert.equal(findings.filter((f) => f.topic === 'from outside').length, 0);
    });

    test('and by the server itself, some seconds after its start', { timeout: 60000 }, async () => {
        const line = await server.says(/ reach +address=198\.51\.100\.2 closed=/, 50000);
        assert.match(line, /closed="?UDP 10001 \(ice\); TCP 5349 \(turn_tls\)"?/);
        await server.says(/ reach +address=192\.168\.1\.5 leads here by every way/);
        await server.says(/ reach +address=2001:db8:2::5 leads here by every way/);
        await until(async () => parse(await scrape(server)).sum('dngate_reach_closed', { way: 'ice' }) === 1, 20000, 'dngate_reach_closed');
        const metrics = parse(await scrape(server));
        assert.equal(metrics.sum('dngate_reach_closed', { way: 'turn_tls' }), 1);
        assert.equal(metrics.sum('dngate_reach_closed'), 2);
        assert.equal(metrics.sum('dngate_reach_unknown'), 0);
    });

    test('where the router turns no packets round, nothing is claimed', { timeout: 90000 }, async () => {
        lan.route({ ...FORWARDED, hairpin: false });
        const findings = await check();
        const [unknown, ...more] = findings.filter((f) => f.topic === 'from outside');

        assert.deepEqual(more, []);
        assert.equal(unknown.level, 'warning');
        assert.match(unknown.finding, /^198\.51\.100\.2: nothing comes back from inside: TCP 8443; TCP 8089; UDP 10000, 10001; UDP 3478; TCP 3478; TCP 5349$/);
        assert.match(unknown.advice, /hairpin/);
        assert.equal(findings.filter((f) => f.level === 'failure').length, 0, JSON.stringify(findings.filter((f) => f.level === 'failure')));
    });

    test('another network is noticed, and a NAT that changes ports', { timeout: 60000 }, async () => {
        lan.route({ ...FORWARDED, keeps: false });
        lan.box.line('ip addr add 192.168.1.6/24 dev eth0');
        lan.box.line(`ip route replace default via ${ROUTER} src 192.168.1.6`); // what the kernel sends from changes
        await server.says(/address=198\.51\.100\.2:4\d{4} port=10000 the NAT in front gives another port/, 30000);
        assert.equal(parse(await scrape(server)).sum('dngate_public_port_moved'), 1);
        assert.deepEqual(of(await check(), 'public.address', /is seen at another port than its own: 198\.51\.100\.2:4\d{4} by/), ['warning']);
    });
});
