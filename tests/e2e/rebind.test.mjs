// Agents on the move: the page is loaded anew in mid-call, or does not come back, or another one takes its call. The far end keeps its call, is told
// nothing, and hears that the line lives.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launchChromium } from '../ui/lib/chromium.mjs';
import { binary, freePort, start } from './dngate.mjs';
import { makeSpeech } from './lib/audio.mjs';
import { withoutTrace } from './lib/calls.mjs';
import { watchCdr } from './lib/cdr.mjs';
import { OPUS } from './lib/echo.mjs';
import { FarEnd } from './lib/farend.mjs';
import { parse, scrape } from './lib/metrics.mjs';
import { AgentPage } from './lib/page.mjs';
import { until } from './lib/wait.mjs';

let dir, server, browser, agent, nextCdr, port;

const cli = (...args) => execFileSync(binary(), [...args, '--data', dir], { encoding: 'utf8' });
const rebound = async (result) => parse(await scrape(server)).sum('dngate_calls_rebound_total', { result });
const waits = () => JSON.parse(cli('calls', '--json'))[0]?.waits_s ?? null;
const gateway = () => ({ address: '127.0.0.1', port: server.ports['sip-udp'] });

async function newAgent(t, dn) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone'] });
    t?.after(() => context.close());
    return AgentPage.open(context, server, dn);
}

before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'dngate-e2e-'));
    server = await start({ lab: false, dir });
    port = await freePort();
    cli('dn', 'add', '5001', '--password', 'secret5001');
    cli('trunk', 'add', 'genesys', '--address', `127.0.0.1:${port}`, '--ping', '0');
    browser = await launchChromium({ microphone: makeSpeech(dir) });
    agent = await newAgent(null, '5001');
    await agent.startShift('secret5001');
});
after(async () => {
    await browser?.close();
    try {
        await server?.stop();
    } finally {
        if (dir) rmSync(dir, { recursive: true, force: true });
    }
});

function check(name, steps) {
    test(name, { timeout: 240000 }, (t) => withoutTrace(t, { server: () => server, agent: () => agent }, async () => {
        nextCdr = await watchCdr(server);
        const far = await FarEnd.open(port);
        t.after(() => far.close());
        await steps(t, far);
    }));
}

async function reload(t, far, who) {
    const [quiet, from] = [far.methods.length, server.log.length];
    const before = await rebound('rebound');
    await who.page.reload();
    await who.call('connected');
    await who.hears();
    const line = await server.says(/away_ms=(\d+) the page is back, by a new dialog/, 30000, from);
    t.diagnostic(`audio was away for ${/away_ms=(\d+)/.exec(line)[1]} ms`);
    assert.equal(await rebound('rebound'), before + 1);
    assert.deepEqual(far.methods.slice(quiet), [], 'the trunk is told nothing');
    assert.equal(waits(), null);
}

check('a page that is loaded anew has the call that it dialled again, number and time too', async (t, far) => {
    await agent.dial('4711');
    await agent.call('connected');
    await agent.hears();
    const began = Date.now();
    await reload(t, far, agent);
    await reload(t, far, agent);
    await agent.checkEcho(t, OPUS);
    assert.match(await agent.page.textContent('#caller'), /4711/);
    const [minutes, seconds] = (await agent.page.textContent('#duration')).split(':').slice(-2).map(Number);
    assert.ok(minutes * 60 + seconds >= Math.floor((Date.now() - began) / 1000) - 1, `${minutes}:${seconds}`);
    await agent.hangup();
    const [row, ...others] = await nextCdr();
    assert.deepEqual(others, []);
    assert.equal(row.hangup, 'agent');
});

check('a call that came in, too; the far end hangs up while the page is away', async (t, far) => {
    const answered = far.call('5001', gateway());
    await agent.answer();
    assert.equal((await answered).status, 200);
    await agent.hears();
    await reload(t, far, agent);
    assert.match(await agent.page.textContent('#caller'), /7001/);
    await agent.page.goto('about:blank');
    await until(() => waits() !== null, 20000, 'the call waits');
    far.hangup();
    const [row] = await nextCdr();
    assert.equal(row.hangup, 'trunk');
    await agent.page.goBack();
    await agent.registration('registered');
    await agent.call('idle');
});

check('a call that rings rings again', async (t, far) => {
    const answered = far.call('5001', gateway());
    await agent.call('incoming');
    await agent.page.reload();
    await agent.answer();
    assert.equal((await answered).status, 200);
    await agent.hears();
    assert.equal(await rebound('rung_again'), 1);
    await agent.hangup();
    assert.equal((await nextCdr())[0].hangup, 'agent');
});

check('another page takes the call over when its agent asks for that', async (t, far) => {
    await agent.dial('4711');
    await agent.call('connected');
    await agent.hears();
    const other = await newAgent(t, '5001');
    await other.signIn('secret5001');
    await other.page.click('#start-shift');
    await other.page.click('#take-call');
    await other.call('connected');
    await other.hears();
    assert.deepEqual(far.methods.filter((method) => method === 'BYE'), []);
    await agent.page.locator('#start-shift').waitFor();
    await agent.page.locator('#message p', { hasText: 'signed in on another page' }).waitFor();
    await other.hangup();
    const [row, ...others] = await nextCdr();
    assert.deepEqual(others, []);
    assert.equal(row.hangup, 'agent');
    await agent.backOnShift();
});

check('a page that does not come back: the far end hears a beep, then the call ends and says why', async (t, far) => {
    cli('settings', 'call.rebind_seconds', '8');
    await agent.dial('4711');
    await agent.call('connected');
    await agent.hears();
    far.echo = false;
    const bye = far.next('bye', 60000);
    await agent.page.goto('about:blank');
    await until(() => waits() !== null, 20000, 'the call waits');
    await until(() => far.beeps > 0, 20000, 'a beep');
    assert.match((await bye).get('Reason'), /did not come back/);
    const [row] = await nextCdr();
    assert.equal(row.hangup, 'gateway');
    assert.match(row.reason, /did not come back/);
    assert.equal(await rebound('timed_out'), 1);
    cli('settings', 'call.rebind_seconds', '60');
    await agent.page.goBack();
    await agent.registration('registered');
});
