// The agent's page in a browser of its own for each test, against the scripted gateway. What is exported changes with each test.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach } from 'node:test';
import { launchChromium } from './chromium.mjs';
import { FakeGateway } from './gateway.mjs';
import { Scene } from './states.mjs';

export let gateway, context, page, scene;
let browser, complaints;

before(async () => {
    gateway = await new FakeGateway().start();
    browser = await launchChromium();
});
after(async () => {
    await browser?.close();
    await gateway?.stop();
});
beforeEach(() => open(browser));
afterEach(async () => {
    await context.close();
    gateway.reset();
    assert.deepEqual(complaints, [], 'the console shows no errors and no violations of the content security policy');
});

async function open(program) {
    context = await program.newContext({ permissions: ['microphone'] });
    page = await context.newPage();
    page.setDefaultTimeout(30000);
    complaints = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
        // Refused sockets and 401s are logged by the browser itself.
        if (message.type() === 'error' && !/WebSocket connection|Failed to load resource/.test(message.text())) complaints.push(message.text());
    });
    await page.goto(`${gateway.url}/index-agent-dn.html`);
    scene = new Scene(page, gateway);
}

// A browser whose policy keeps WebRTC from the network, as some VPN products and companies set it: it has no address to send audio from.
export async function openWithoutUdp(t) {
    const other = await launchChromium({ flags: ['--webrtc-ip-handling-policy=disable_non_proxied_udp'] });
    t.after(() => other.close());
    await context.close();
    await open(other);
}

export const registration = (state) => page.locator(`#registration[data-state=${state}]`).waitFor();
export const call = (state) => page.locator(`#call[data-state=${state}]`).waitFor();
export const saying = (words) => scene.saying(words);
export const pill = (words) => scene.pill(words);
export const rung = (options) => scene.rung(options);
export const connected = (options) => scene.connected(options);
export const focused = (selector) => page.locator(`${selector}:focus`).waitFor();

export async function signIn(dn = '5001', password = 'lab5001') {
    await page.fill('#dn', dn);
    await page.fill('#password', password);
    await page.click('#sign-in');
}

export async function startShift() {
    await signIn();
    await pill('Off shift');
    await page.click('#start-shift');
    await registration('registered');
}

// From now on the agent's hands are so fast that no time passes between two events, however slow the machine.
export const atOneMoment = () => page.evaluate(() => Object.defineProperty(Event.prototype, 'timeStamp', { get: () => 1000 }));

// From now on the audio path is in whatever state iceBecomes() says.
export async function fakeIce() {
    await page.evaluate(() => {
        Object.defineProperty(RTCPeerConnection.prototype, 'iceConnectionState', {
            get() {
                window.watched = this;
                return window.ice ?? 'checking';
            },
        });
    });
}

export async function iceBecomes(state) {
    await page.waitForFunction(() => window.watched);
    await page.evaluate((value) => {
        window.ice = value;
        window.watched.dispatchEvent(new Event('iceconnectionstatechange'));
    }, state);
}
