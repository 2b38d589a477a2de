// Where the box listens and where its peers are, in all the ways that people combine them: an agent calls the lab, and the lab the agent.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launchChromium } from '../ui/lib/chromium.mjs';
import { noNameServer, start } from './dngate.mjs';
import { ADDRESS, inNamespace } from './lib/netns.mjs';
import { AgentPage } from './lib/page.mjs';

const ADDRESS6 = '2001:db8::1'; // RFC 3849
const LOOPBACK = '--allow-loopback-in-peer-connection'; // by itself Chromium takes no audio there

let browser;

// Chromium drops its requests when an address comes or goes: another one has not seen it.
async function changeNetwork(...words) {
    await browser.close();
    execFileSync('ip', words);
    browser = await launchChromium({ flags: [LOOPBACK] });
}

async function bothWays(t, { host, options, env }) {
    const server = await start({ options, env });
    t.after(() => server.stop());
    server.host = host;
    const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
    t.after(() => context.close());
    const agent = await AgentPage.open(context, server, '5001');
    await agent.startShift();
    try {
        await agent.dial('600');
        await agent.call('connected');
        await agent.hears(); // itself: both ways
        await agent.hangup();
        await agent.dial('700'); // the lab calls back
        await agent.answer();
        await agent.hears();
        await agent.hangup();
    } catch (error) {
        t.diagnostic(server.log.slice(-25).join('\n'));
        throw error;
    }
    return server;
}

inNamespace(import.meta.url, 'Addresses', () => {
    before(async () => {
        browser = await launchChromium({ flags: [LOOPBACK] });
    });
    after(() => browser?.close());

    const ipv6 = { timeout: 120000, skip: !existsSync('/proc/net/if_inet6') && 'SKIPPED: the kernel has no IPv6' };
    const check = (name, setting) => test(name, { timeout: 120000 }, (t) => bothWays(t, setting));
    check('bound to an interface, the lab on loopback', { host: ADDRESS, options: [`bind.address=${ADDRESS}`] });
    check('bound to two addresses of one family', { host: ADDRESS, options: [`bind.address=${ADDRESS},127.0.0.2`] });
    check('bound to another loopback address', { host: '127.0.0.2', options: ['bind.address=127.0.0.2'] });
    test('bound to IPv6 alone', ipv6, async (t) => {
        await changeNetwork('addr', 'add', `${ADDRESS6}/64`, 'dev', 'dn0', 'nodad');
        await bothWays(t, { host: `[${ADDRESS6}]`, options: [`bind.address=${ADDRESS6}`] });
    });
    test('a public name that does not resolve is said, and keeps nobody from calling', { timeout: 120000 }, async (t) => {
        const server = await bothWays(t, {
            host: ADDRESS,
            options: ['bind.address=0.0.0.0', 'public.address=no-such-host.invalid'],
            env: noNameServer,
        });
        await server.says(/public\.address=no-such-host\.invalid cannot be resolved/);
        const ready = JSON.parse(execFileSync('curl', ['-ksS', `https://${ADDRESS}:${server.ports.https}/readyz`]));
        assert.equal(ready.ready, true);
        assert.match(ready.parts.address.reason, /no-such-host\.invalid/);
    });
    test('a machine that has loopback only', { timeout: 120000 }, async (t) => {
        await changeNetwork('link', 'del', 'dn0');
        await bothWays(t, { host: 'localhost', options: ['bind.address='] });
    });
});
