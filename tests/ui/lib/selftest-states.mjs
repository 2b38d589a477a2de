// What the self-test can look like, and how it gets there: as lib/states.mjs has it for the agent's page.
import { FINE, ICE_SERVERS, TestPage, fakeNetwork } from './selftest.mjs';
import { Scene } from './states.mjs';

const LONG = 'Plantronics-Savi-8220-Office-Convertible-Headset (USB Audio Device, 047f:c056), Monophonic';

// By one-time link, unless it says otherwise; as far as the first question.
async function open(s, network = {}, hash = '#TOKEN') {
    s.gateway.tester = { iceServers: ICE_SERVERS };
    await s.page.addInitScript(fakeNetwork, { ...FINE, ...network });
    await s.page.goto(`${s.gateway.url}/selftest.html${hash}`);
    s.test = new TestPage(s.page);
    await s.test.step('ready');
}

export async function done(s, network, verdict) {
    await open(s, network);
    await s.test.press('Start');
    await s.test.byHand();
    await s.test.measured();
    await s.test.step(verdict);
    await s.page.locator('.room-status', { hasText: 'kept' }).waitFor();
}

// The same room in the agent's page.
async function green(s) {
    s.gateway.tester = { iceServers: ICE_SERVERS };
    s.gateway.ways = { renew: 'WORD', iceServersTtl: 3600 };
    await s.page.addInitScript(fakeNetwork, FINE);
    await s.page.goto(`${s.gateway.url}/index-agent-dn.html`);
    await new Scene(s.page, s.gateway).signedIn();
    await s.page.click('#check');
    s.test = new TestPage(s.page);
    await s.test.step('ready');
}

export const DEAF = { works: [':443'], path: { candidateType: 'relay', relayProtocol: 'tls' } }; // UDP is blocked
export const LOST = { works: [], ice: 'failed' };

export const selftestStates = {
    'by link': (s) => open(s),
    'DN and password asked': (s) => open(s, {}, ''),
    'wrong password': async (s) => {
        await open(s, {}, '');
        await s.page.fill('#room-dn', '5001');
        await s.page.fill('#room-password', 'wrong');
        await s.test.press('Start');
        await s.page.locator('.room-note', { hasText: 'Wrong DN or password' }).waitFor();
    },
    'speaker asked, by a long name': async (s) => {
        await open(s);
        await s.page.evaluate((label) => {
            const { mediaDevices } = navigator;
            mediaDevices.enumerateDevices = async () => ['audioinput', 'audiooutput'].map((kind) => ({ kind, deviceId: 'x', groupId: 'x', label }));
        }, LONG);
        await s.test.press('Start');
        await s.test.step('speaker');
    },
    'microphone asked': async (s) => {
        await open(s);
        await s.test.press('Start');
        await s.test.step('speaker');
        await s.test.press('Skip');
        await s.test.step('ring');
        await s.test.press('No');
        await s.test.step('record');
    },
    'all is well': (s) => done(s, {}, 'good'),
    'UDP blocked': (s) => done(s, DEAF, 'fair'),
    'nothing gets through': (s) => done(s, { ...LOST, level: 0.002 }, 'bad'),
    'green room': green,
    'green room, ring asked': async (s) => {
        await green(s);
        await s.test.press('Start');
        await s.test.step('speaker');
        await s.test.press('Yes');
        await s.test.step('ring');
    },
};

export { green, open };
