// Headsets that come and go while the agent is at work.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, connected, gateway, page, pill, rung, saying, startShift } from './lib/stage.mjs';
import { microphoneBack, microphoneGone } from './lib/states.mjs';

test('a microphone that goes away: the page is not ready, says so large, and is again as soon as one is plugged in', async () => {
    await startShift();
    await microphoneGone(page);
    await pill('No microphone');
    assert.equal(await page.textContent('#call-state'), 'No microphone');
    assert.ok((await page.locator('#call-state').evaluate((e) => parseFloat(getComputedStyle(e).fontSize))) > 22, 'large');
    await saying('Plug in your headset');
    assert.equal(await page.isEnabled('#dial'), false);
    const rejected = gateway.next('rejected');
    gateway.ring();
    assert.equal(await rejected, 480);
    await page.locator('#missed-list li', { hasText: 'Ada Lovelace' }).waitFor();
    await microphoneBack(page);
    await pill('Ready');
    assert.equal(await page.locator('#message p').count(), 0, 'no stale warning');
    await rung();
});

test('what rings when the microphone goes away is given to somebody else', async () => {
    await startShift();
    await rung();
    const rejected = gateway.next('rejected');
    await microphoneGone(page);
    assert.equal(await rejected, 480);
    await page.locator('#missed-list li', { hasText: 'Ada Lovelace' }).waitFor();
});

test('a track that ended without a word is opened again on devicechange, also for the call that is on', async () => {
    await startShift();
    await page.evaluate(() => {
        const { replaceTrack } = RTCRtpSender.prototype;
        RTCRtpSender.prototype.replaceTrack = function (track) {
            window.replaced = track;
            return replaceTrack.call(this, track);
        };
    });
    await connected();
    await page.evaluate(() => {
        window.dngate.localStream.getAudioTracks()[0].stop(); // fires no `ended`
        navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
    });
    await page.waitForFunction(() => {
        const [track] = window.dngate.localStream.getAudioTracks();
        return track.readyState === 'live' && window.replaced === track;
    });
    await call('connected');
});

test('a microphone that is switched off at the headset is said, until it is on', async () => {
    await startShift();
    const tell = (muted) => page.evaluate((value) => {
        const [track] = window.dngate.localStream.getAudioTracks();
        Object.defineProperty(track, 'muted', { value, configurable: true });
        track.dispatchEvent(new Event(value ? 'mute' : 'unmute'));
    }, muted);
    await tell(true);
    await saying('switched off at the headset');
    await tell(false);
    await page.locator('#message p').waitFor({ state: 'detached' });
});

test('a microphone that another program holds is tried again until it can be had', async () => {
    await startShift();
    await microphoneGone(page, 'NotReadableError');
    await saying('in use by another program');
    await page.evaluate(() => (navigator.mediaDevices.getUserMedia = window.openMicrophone)); // and nobody tells
    await pill('Ready');
    assert.equal(await page.locator('#message p').count(), 0);
});

test('a microphone that is blocked in mid-shift and allowed again: the phone is ready by itself', async () => {
    await page.addInitScript(() => {
        const status = new EventTarget();
        navigator.permissions.query = async () => status;
        window.tellPermission = () => status.dispatchEvent(new Event('change'));
    });
    await page.reload();
    await startShift();
    await microphoneGone(page, 'NotAllowedError');
    await saying('allow the microphone; the phone is ready again then');
    await pill('No microphone');
    await page.evaluate(() => {
        navigator.mediaDevices.getUserMedia = window.openMicrophone;
        window.tellPermission();
    });
    await pill('Ready');
    assert.equal(await page.locator('#message p').count(), 0);
});

// From now on only these of the browser's fake devices are plugged in.
async function plugged(labels) {
    await page.evaluate((names) => {
        const { mediaDevices } = navigator;
        window.reallyOpen ??= mediaDevices.getUserMedia.bind(mediaDevices);
        window.reallyList ??= mediaDevices.enumerateDevices.bind(mediaDevices);
        const left = async () => (await window.reallyList()).filter((d) => d.kind !== 'audioinput' || names.some((name) => d.label.includes(name)));
        mediaDevices.enumerateDevices = left;
        mediaDevices.getUserMedia = async ({ audio }) => {
            const ids = (await left()).filter((d) => d.kind === 'audioinput').map((d) => d.deviceId);
            const id = audio.deviceId?.exact ?? ids[0];
            if (!ids.includes(id)) throw new DOMException('no', ids.length ? 'OverconstrainedError' : 'NotFoundError');
            return window.reallyOpen({ audio: { ...audio, deviceId: { exact: id } } });
        };
        const track = window.dngate.localStream?.getAudioTracks()[0];
        if (track && !names.some((name) => track.label.includes(name))) {
            track.stop();
            track.dispatchEvent(new Event('ended'));
        }
        mediaDevices.dispatchEvent(new Event('devicechange'));
    }, labels);
}

const uses = (label) => page.waitForFunction((name) => window.dngate.localStream.getAudioTracks()[0].label.includes(name), label);

test('the chosen headset is taken again when it comes back, and the warning goes', async () => {
    await startShift();
    await plugged(['Input 1', 'Input 2']);
    await page.locator('#microphone option', { hasText: 'Input 2' }).waitFor({ state: 'attached' });
    await page.selectOption('#microphone', { label: 'Fake Audio Input 2' });
    await uses('Input 2');
    await plugged(['Input 1']);
    await uses('Input 1');
    await saying('Your microphone is not plugged in; “Fake Audio Input 1” is in use');
    await pill('Ready');
    await plugged(['Input 1', 'Input 2']);
    await uses('Input 2');
    await page.locator('#message p').waitFor({ state: 'detached' });
});

test('a headset that was only the first is taken again too', async () => {
    await startShift();
    await plugged(['Input 1', 'Input 2']);
    await uses('Input 1');
    await plugged(['Input 2']);
    await uses('Input 2');
    await plugged([]);
    await pill('No microphone');
    await plugged(['Input 2']);
    await pill('Ready');
});

// Loudspeakers beside the headset. sinks: what is played where, by the id of the device.
const withLoudspeakers = (there = true) =>
    page.evaluate((plugged) => {
        const { mediaDevices } = navigator;
        const { setSinkId } = HTMLMediaElement.prototype;
        const enumerate = mediaDevices.enumerateDevices.bind(mediaDevices);
        const more = { kind: 'audiooutput', deviceId: 'loudspeakers', groupId: 'desk', label: 'Loudspeakers' };

        window.sinks = [];
        mediaDevices.enumerateDevices = async () => [...(await enumerate()), more];
        HTMLMediaElement.prototype.setSinkId = function (id) {
            window.sinks.push(id);
            if (id !== 'loudspeakers') return setSinkId.call(this, id);
            return plugged ? Promise.resolve() : Promise.reject(new DOMException('gone', 'NotFoundError'));
        };
        const { play } = HTMLMediaElement.prototype;
        HTMLMediaElement.prototype.play = function () {
            if (this.srcObject && !this.isConnected) window.rings = this.srcObject;
            return play.call(this);
        };
    }, there);

test('it rings on a device of its own, if one is chosen; calls stay in the headset', async () => {
    await withLoudspeakers();
    await startShift();
    await page.selectOption('#ring-speaker', { label: 'Loudspeakers' });
    await rung();
    await page.waitForFunction(() => window.rings?.getAudioTracks()[0].readyState === 'live');
    assert.equal(await page.evaluate(() => document.getElementById('remote-audio').sinkId), '');
    await page.click('#answer');
    await call('connected');
    await page.waitForFunction(() => window.sinks.includes('loudspeakers'));
    await page.reload();
    await pill('Ready');
    assert.equal(await page.evaluate(() => JSON.parse(localStorage.getItem('dngate.settings')).ringSpeaker), 'loudspeakers', 'kept');
});

test('where its device is gone it rings in the headset', async () => {
    await withLoudspeakers(false);
    await startShift();
    await page.selectOption('#ring-speaker', { label: 'Loudspeakers' });
    await page.evaluate(() => {
        const { connect } = AudioNode.prototype;
        AudioNode.prototype.connect = function (to, ...more) {
            if (to instanceof AudioDestinationNode) window.inHeadset = true;
            return connect.call(this, to, ...more);
        };
    });
    await rung();
    await page.waitForFunction(() => window.inHeadset);
    assert.deepEqual(await page.evaluate(() => window.sinks.filter((id) => id === 'loudspeakers')), ['loudspeakers']);
});
