// The agent's page in a real browser against a scripted gateway: what an agent sees and does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, connected, context, fakeIce, gateway, iceBecomes, openWithoutUdp, page, pill, registration, rung, saying, scene, signIn, startShift } from './lib/stage.mjs';

test('a wrong password is said, and the page stays', async () => {
    await signIn('5001', 'wrong');
    await saying('Wrong DN or password');
    assert.equal(await page.isVisible('#dn'), true);
});

test('too many attempts say how long to wait', async () => {
    await signIn('busy', 'x');
    await saying('Wait 30 seconds');
});

test('signing in and starting the shift registers', async () => {
    await startShift();
    assert.equal(await page.textContent('#agent'), 'Agent One · 5001');
    assert.match(await page.textContent('#registration'), /Ready/);
    const stored = await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
    assert.doesNotMatch(stored, /lab5001/, 'the password is not stored');
});

test('an incoming call rings, shows the caller, is answered and hung up', async () => {
    await startShift();
    await rung();
    assert.match(await page.textContent('#caller'), /Ada Lovelace/);
    assert.match(await page.textContent('#caller'), /4711/);
    assert.match(await page.title(), /Ada Lovelace is calling/);
    const answered = gateway.next('answered');
    await page.click('#answer');
    assert.match((await answered).body, /m=audio/);
    await call('connected');
    await page.locator('#duration', { hasText: '00:0' }).waitFor();
    assert.equal(await page.evaluate(() => window.dngate.peerConnections), 1);
    const bye = gateway.next('bye');
    await page.click('#hangup');
    await bye;
    await call('ended');
    await page.locator('#call-state', { hasText: 'You hung up' }).waitFor();
    await call('idle');
    assert.equal(await page.evaluate(() => window.dngate.peerConnections), 0);
});

test('the other side hangs up; a cancelled call is a missed one', async () => {
    await startShift();
    const id = await rung();
    await page.click('#answer');
    await call('connected');
    gateway.bye(id);
    await page.locator('#call-state', { hasText: 'The other side hung up' }).waitFor();
    gateway.cancel(await rung());
    await page.locator('#call-state', { hasText: 'Missed call' }).waitFor();
});

test('the whole call by keyboard', async () => {
    await page.locator('#dn').focus();
    await page.keyboard.type('5001');
    await page.keyboard.press('Tab');
    await page.keyboard.type('lab5001');
    await page.keyboard.press('Enter');
    await page.locator('#start-shift:focus').waitFor();
    await page.keyboard.press('Space');
    await registration('registered');
    await rung();
    await page.locator('#answer:focus').waitFor();
    await page.keyboard.press('Enter');
    await call('connected');
    await page.keyboard.press('m');
    await page.locator('#mute[aria-pressed=true]').waitFor();
    await page.locator('#mute:focus').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await call('ended');
    await rung();
    const rejected = gateway.next('rejected');
    await page.keyboard.press('Escape');
    assert.equal(await rejected, 486);
});

test('dialling: answered, keypad tones, busy, cancelled', async () => {
    await startShift();
    await page.fill('#dial-number', '(600)');
    const invite = gateway.next('invite');
    await page.click('#dial');
    assert.match((await invite).uri, /^sip:600@/);
    await call('connected');
    await page.click('[data-digit="5"]');
    await page.keyboard.press('7');
    await page.locator('#sent-digits', { hasText: '57' }).waitFor();
    await page.click('#hangup');
    await call('ended');
    await page.fill('#dial-number', '603');
    await page.keyboard.press('Enter');
    await page.locator('#call-state', { hasText: 'Busy' }).waitFor();
    await page.fill('#dial-number', '604');
    await page.keyboard.press('Enter');
    await call('ringing');
    const cancelled = gateway.next('cancelled');
    await page.keyboard.press('Escape');
    await cancelled;
    await page.locator('#call-state', { hasText: 'Cancelled' }).waitFor();
});

test('answers by itself when this browser is set to', async () => {
    await startShift();
    await page.check('#auto-answer');
    gateway.ring();
    await gateway.next('answered');
    await page.click('#hangup');
});

test('what the gateway asks of a call is done without a click, and who wanted it is shown', async () => {
    const says = (text) => page.locator('#call-state', { hasText: text }).waitFor();
    await startShift();
    for (const [by, text] of [['desktop', 'answered from the desktop'], ['header', 'answered by itself'], ['dn', 'answered by itself']]) {
        const id = await rung();
        const [answered, asked] = [gateway.next('answered'), gateway.next('asked')];
        gateway.ask(id, { do: 'answer', by });
        assert.equal(await asked, 200);
        await answered;
        await call('connected');
        await says(text);
        if (by === 'desktop') {
            let offered = gateway.next('reinvite');
            gateway.ask(id, { do: 'hold', by });
            assert.match((await offered).body, /^a=(sendonly|inactive)\r$/m);
            await says('On hold, from the desktop');
            assert.equal(await page.evaluate(() => window.dngate.localStream.getAudioTracks()[0].enabled), false, 'nobody hears the agent');
            offered = gateway.next('reinvite');
            gateway.ask(id, { do: 'retrieve', by });
            assert.doesNotMatch((await offered).body, /^a=(sendonly|recvonly|inactive)\r$/m);
            await says('Connected');
            assert.equal(await page.evaluate(() => window.dngate.localStream.getAudioTracks()[0].enabled), true);
        }
        await page.click('#hangup');
        await call('ended');
    }
});

test('what the gateway asks is not done twice, nor when it makes no sense; a second call is the agent’s to answer', async () => {
    await startShift();
    const first = await rung();
    for (const nonsense of ['{', '[]', '{"do":"dance"}', 'null', { do: 'hold' }, { do: 'retrieve', by: 'desktop' }]) {
        const asked = gateway.next('asked');
        gateway.ask(first, nonsense);
        assert.equal(await asked, 200);
    }
    await call('incoming');
    let offers = 0;
    gateway.on('reinvite', () => offers++);
    for (const what of ['answer', 'answer', 'retrieve', 'beep']) {
        const asked = gateway.next('asked');
        gateway.ask(first, { do: what, by: 'desktop' });
        assert.equal(await asked, 200);
    }
    await call('connected');
    assert.equal(offers, 0, 'it holds nobody');
    const second = gateway.ring({ number: '4712', name: 'Grace Hopper' });
    await page.locator('#waiting').waitFor();
    const asked = gateway.next('asked');
    gateway.ask(second, { do: 'answer', by: 'dn' });
    assert.equal(await asked, 200);
    await page.locator('#waiting').waitFor();
    await page.click('#waiting-decline');
    await page.click('#hangup');
});

test('a muted agent stays muted when he is back from hold', async () => {
    await startShift();
    const id = await rung();
    await page.click('#answer');
    await call('connected');
    await page.click('#mute');
    const on = () => page.evaluate(() => window.dngate.localStream.getAudioTracks()[0].enabled);
    for (const what of ['hold', 'retrieve']) {
        const offered = gateway.next('reinvite');
        gateway.ask(id, { do: what, by: 'desktop' });
        await offered;
        await page.locator('#call-state', { hasText: what === 'hold' ? 'On hold' : 'Connected' }).waitFor();
        assert.equal(await on(), false);
    }
    await page.click('#hangup');
});

test('a DN that is set so: the box shows it, and it is the gateway that asks', async () => {
    gateway.features = { autoAnswer: true };
    await startShift();
    assert.deepEqual([await page.isChecked('#auto-answer'), await page.isDisabled('#auto-answer')], [true, true]);
    gateway.ask(await rung(), { do: 'answer', by: 'dn' });
    await gateway.next('answered');
    await call('connected');
    await page.click('#hangup');
    await call('ended');
});

test('without an address for audio nobody is called, a call that is answered goes to somebody else, and the agent is told why', async (t) => {
    const told = 'may not use the network for audio';
    let invited = false;
    await openWithoutUdp(t);
    await startShift();
    gateway.once('invite', () => (invited = true));
    await page.fill('#dial-number', '600');
    await page.click('#dial');
    await call('ended');
    await saying(told);
    assert.equal(invited, false);

    const rejected = gateway.next('rejected');
    await rung();
    assert.equal(await page.locator('#message', { hasText: told }).count(), 0, 'the last call is forgotten');
    await page.click('#answer');
    assert.equal(await rejected, 480);
    await call('ended');
    await saying(told);
});

test('a reload signs in again by itself, as the same phone', async () => {
    await startShift();
    const { instance } = gateway;
    const registered = gateway.next('registered');
    await page.reload();
    await registered;
    await registration('registered');
    assert.equal(gateway.instance, instance);
    await rung();
    await page.click('#answer');
    await call('connected');
});

test('a dropped WebSocket comes back by itself and a call survives it', async () => {
    await startShift();
    await rung();
    await page.click('#answer');
    await call('connected');
    gateway.refuseSockets = true;
    gateway.socket.terminate();
    await registration('connecting');
    await saying('Reconnecting');
    gateway.refuseSockets = false;
    await registration('registered');
    assert.equal(await page.locator('#message p[data-source=phone]').count(), 0);
    await call('connected');
    const bye = gateway.next('bye');
    await page.click('#hangup');
    await bye;
});

test('a gateway that falls silent: the pill says so before the connection is given up, and takes it back when it is heard again', async () => {
    await startShift();
    await connected();
    const { socket, registrations } = gateway;
    const { silent, soon, pills } = await scene.agent.seenSilent(async () => {
        gateway.silent = true;
        await pill('Offline');
        gateway.silent = false;
        await pill('On a call');
    });
    assert.ok(silent, pills);
    if (soon) assert.deepEqual([gateway.socket === socket, gateway.registrations], [true, registrations], pills);
    await call('connected');
    const bye = gateway.next('bye');
    await page.click('#hangup');
    await bye;
});

test('a gateway that stays silent is connected to anew', async () => {
    await startShift();
    const { socket } = gateway;
    gateway.silent = true;
    await pill('Offline');
    await saying('Reconnecting');
    gateway.silent = false;
    await pill('Ready');
    assert.notEqual(gateway.socket, socket);
});

test('a lost audio path is asked for until it is back, also when the connection goes in between', async () => {
    await startShift();
    await fakeIce();
    await page.fill('#dial-number', '600');
    await page.click('#dial');
    await call('connected');
    await iceBecomes('connected');
    gateway.muteReinvites = true;
    const lost = gateway.next('reinvite');
    await iceBecomes('disconnected');
    await saying('audio connection is interrupted');
    await lost;
    const again = gateway.next('reinvite');
    gateway.muteReinvites = false;
    gateway.socket.terminate();
    await again;
    const third = gateway.next('reinvite');
    await iceBecomes('failed');
    await third;
    await call('connected');
    await iceBecomes('connected');
    await page.locator('#message p[data-source=media]').waitFor({ state: 'detached' }); // there may be no sound yet, which is another matter
    const bye = gateway.next('bye');
    await page.click('#hangup');
    await bye;
});

test('the network coming back is not waited for', async () => {
    await startShift();
    gateway.refuseSockets = true;
    gateway.socket.terminate();
    await context.setOffline(true);
    await saying('offline');
    gateway.refuseSockets = false;
    const registered = gateway.next('registered');
    await context.setOffline(false);
    await registered;
    await registration('registered');
});

test('signed in elsewhere: says so and does not fight', async () => {
    await startShift();
    const before = gateway.registrations;
    gateway.socket.close(4001, 'signed in elsewhere');
    await registration('replaced');
    await saying('signed in on another page');
    await page.reload();
    await page.locator('#start-shift').waitFor();
    assert.equal(gateway.registrations, before);
    await page.click('#start-shift');
    await registration('registered');
});

test('a disabled DN signs out with the reason', async () => {
    await startShift();
    gateway.socket.close(4003, 'DN disabled');
    await saying('The administrator disabled this DN');
    assert.equal(await page.isVisible('#dn'), true);
});

test('a restart of the gateway is explained', async () => {
    await startShift();
    gateway.refuseSockets = true;
    gateway.socket.close(1001, 'restarting');
    await saying('The gateway is restarting');
    gateway.refuseSockets = false;
    await registration('registered');
});

test('a gateway that drains says how much time is left, until the connection goes', async () => {
    await startShift();
    for (const nonsense of ['', '{', '{"drain":{"seconds":"soon"}}', '{"drain":{"seconds":-1}}', 'null']) {
        const answered = gateway.next('message');
        gateway.message(nonsense);
        assert.equal(await answered, 200);
    }
    assert.equal(await page.locator('#message [data-source=drain]').count(), 0);
    gateway.message('{"drain":{"seconds":240}}');
    await saying('can go on for 4 minutes');
    assert.equal(await page.isEnabled('#dial'), false);
    gateway.message('{"drain":{"seconds":9}}');
    await saying('can go on for a few seconds');
    const again = gateway.next('registered');
    gateway.socket.close(1001);
    await again;
    await registration('registered');
    await page.locator('#message [data-source=drain]').waitFor({ state: 'detached' });
});

test('a DN that SIP Server refuses: the page says that no call comes, until it is taken', async () => {
    await startShift();
    gateway.message('{"upstream":{"state":"refused","code":404,"text":"SIP Server does not know the DN"}}');
    await saying('Genesys does not know DN 5001: no call reaches you');
    await pill('No calls from Genesys');
    gateway.message('{"upstream":{"state":"registered","code":200,"text":"registered"}}');
    await page.locator('#message [data-source=upstream]').waitFor({ state: 'detached' });
    await pill('Ready');
});

test('what an administrator writes is shown as it is written, until it was read; the gateway knows which browser this is', async () => {
    await startShift();
    gateway.message('{"message":{"text":""}}');
    gateway.message('{"message":{"text":"Break at <b>3</b>"}}');
    await saying('Your administrator writes: Break at <b>3</b>');
    await page.click('#message [data-source=administrator] button');
    await page.locator('#message [data-source=administrator]').waitFor({ state: 'detached' });
    assert.match(gateway.userAgent, /^dngate agent page \(Chrom\w+ \d+, Linux\)$/);
});

const ways = (credential, iceServersTtl) => ({
    iceServers: [{ urls: ['turn:127.0.0.1:9?transport=udp'], username: '1:5001', credential }],
    iceServersTtl,
    renew: `word for ${credential}`,
});
const kept = () => page.evaluate(() => JSON.parse(sessionStorage.getItem('dngate.identity')));

test('the relay’s credentials are renewed before they end, without the password, and used for the next call', async () => {
    await page.evaluate(() => {
        const { setLocalDescription } = RTCPeerConnection.prototype;
        RTCPeerConnection.prototype.setLocalDescription = function (...args) {
            if (this.getSenders().length) window.used = this.getConfiguration().iceServers;
            return setLocalDescription.apply(this, args);
        };
    });
    gateway.ways = ways('first', 1);
    const renewed = gateway.next('renewed');
    await signIn();
    await page.locator('#start-shift').waitFor();
    gateway.ways = ways('second', 3600);
    assert.deepEqual(await renewed, { dn: '5001', renew: 'word for first', password: undefined });
    await page.waitForFunction(() => sessionStorage.getItem('dngate.identity').includes('second'));
    await page.click('#start-shift');
    await registration('registered');
    await page.fill('#dial-number', '600');
    await page.click('#dial');
    await page.waitForFunction(() => window.used);
    assert.equal((await page.evaluate(() => window.used))[0].credential, 'second');
});

test('a renewal that is refused is the last one: each would count as a wrong password', async () => {
    gateway.ways = ways('first', 1);
    gateway.renewal = 401;
    const renewed = gateway.next('renewed');
    await signIn();
    await renewed;
    await page.waitForFunction(() => JSON.parse(sessionStorage.getItem('dngate.identity')).renewAt === null);
    assert.equal((await kept()).iceServers[0].credential, 'first');
    assert.equal((await kept()).renew, undefined);
});

test('a renewal that comes after the sign-out is nobody’s', async () => {
    let answer;
    gateway.ways = ways('first', 1);
    gateway.renewal = new Promise((resolve) => (answer = resolve));
    const renewed = gateway.next('renewed');
    await signIn();
    await renewed;
    await page.click('#sign-out');
    gateway.ways = ways('of the next', 3600);
    await signIn('5002');
    await page.locator('#start-shift').waitFor();
    gateway.ways = ways('late', 3600);
    const late = page.waitForResponse('**/api/agent/v1/config');
    answer(200);
    await (await late).finished();
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
    assert.equal((await kept()).dn, '5002');
    assert.equal((await kept()).iceServers[0].credential, 'of the next');
});

test('no WebSocket at all is explained', async () => {
    gateway.refuseSockets = true;
    await signIn();
    await page.click('#start-shift');
    await saying('WebSocket');
    gateway.refuseSockets = false;
    await registration('registered');
});

for (const [name, words] of [
    ['NotFoundError', 'No microphone found'],
    ['NotAllowedError', 'The microphone is blocked'],
    ['NotReadableError', 'in use by another program'],
]) {
    test(`microphone: ${name} is explained, and starting again is possible`, async () => {
        await page.evaluate((n) => {
            const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
            let failed = false;
            navigator.mediaDevices.getUserMedia = (c) => {
                if (failed) return real(c);
                failed = true;
                return Promise.reject(new DOMException('no', n));
            };
        }, name);
        await signIn();
        await page.click('#start-shift');
        await saying(words);
        await page.click('#start-shift');
        await registration('registered');
        assert.equal(await page.locator('#message p').count(), 0);
    });
}

test('mute silences the track, and the next call starts unmuted', async () => {
    await startShift();
    await rung();
    await page.click('#answer');
    await call('connected');
    await page.click('#mute');
    await page.locator('#mute[aria-pressed=true]').waitFor();
    await page.waitForFunction(() => document.getElementById('level').getAttribute('aria-valuenow') === '0');
    await page.click('#hangup');
    await call('ended');
    assert.equal(await page.evaluate(() => window.dngate.state.muted), false);
    await page.waitForFunction(() => Number(document.getElementById('level').getAttribute('aria-valuenow')) > 0);
});

test('signing out forgets', async () => {
    await startShift();
    await page.click('#sign-out');
    await page.locator('#dn').waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
});
