// The self-test's page against the scripted gateway: nothing of the network is real but the WebSocket, so that each line can be what a test wants.
export const ICE_SERVERS = [
    { urls: ['stun:gw.example.net:3478'] },
    {
        urls: ['turn:gw.example.net:3478?transport=udp', 'turn:gw.example.net:3478?transport=tcp', 'turns:gw.example.net:443?transport=tcp', 'turns:gw.example.net:5349?transport=tcp'],
        username: 'x',
        credential: 'y',
    },
];

// What the network does, and what getStats() says of the call.
export const FINE = {
    works: ['stun:', 'udp', 'tcp', ':443', ':5349'], // parts of URLs that answer
    refuses: 0, // how TURN does
    ice: 'connected',
    received: 500,
    lost: 0,
    farLost: 0,
    rtt: 0.024,
    path: { candidateType: 'srflx', address: '203.0.113.7', port: 40000 },
    level: 1, // of the microphone
};

// Runs in the page, before it: window.network is one such as above and may be changed while it runs.
export function fakeNetwork(network) {
    const Real = window.RTCPeerConnection;
    const asked = ({ iceServers = [] }) => iceServers.flatMap(({ urls }) => urls);
    const event = (name, more) => Object.assign(new Event(name), more);

    window.network = network;
    // Gathers for nothing but a data channel what the network gives.
    class Prober extends EventTarget {
        constructor(config) {
            super();
            this.config = config;
        }

        createDataChannel() {}

        close() {}

        async setLocalDescription() {
            const relay = this.config.iceTransportPolicy === 'relay';
            const tell = (candidate) => this.dispatchEvent(event('icecandidate', { candidate }));
            const found = asked(this.config).some((url) => window.network.works.some((part) => url.includes(part)));

            await new Promise((resolve) => setTimeout(resolve, 5));
            if (!relay) tell({ type: 'host', protocol: 'udp', port: 1, candidate: 'x' });
            if (found) tell(relay ? { type: 'relay', candidate: 'x' } : { type: 'srflx', address: '203.0.113.7', candidate: 'x' });
            else if (window.network.refuses && relay) this.dispatchEvent(event('icecandidateerror', { errorCode: window.network.refuses, port: 1 }));
            else this.dispatchEvent(event('icecandidateerror', { errorCode: 701, port: 1 }));
            tell(null);
        }
    }
    class Line extends Real {
        constructor({ iceServers, ...config }) {
            super(config);
        }

        get iceConnectionState() {
            return super.iceConnectionState === 'closed' ? 'closed' : window.network.ice;
        }

        async getStats() {
            const { received, lost, farLost, rtt, path } = window.network;
            return new Map([
                ['in', { type: 'inbound-rtp', kind: 'audio', packetsReceived: received, packetsLost: lost, jitter: 0.002, codecId: 'opus' }],
                ['opus', { type: 'codec', mimeType: 'audio/opus' }],
                ['out', { type: 'outbound-rtp', kind: 'audio', packetsSent: 500 }],
                ['far', { type: 'remote-inbound-rtp', kind: 'audio', packetsLost: farLost, fractionLost: farLost / 500, jitter: 0.003, roundTripTime: rtt, timestamp: 1 }],
                ['transport', { type: 'transport', selectedCandidatePairId: 'pair' }],
                ['pair', { type: 'candidate-pair', nominated: true, localCandidateId: 'local', currentRoundTripTime: rtt }],
                ['local', { type: 'local-candidate', ...path }],
            ]);
        }
    }
    window.RTCPeerConnection = new Proxy(Real, {
        construct: (_, [config = {}]) => (config.bundlePolicy ? new Line(config) : new Prober(config)),
    });
    const { getFloatTimeDomainData } = AnalyserNode.prototype;
    AnalyserNode.prototype.getFloatTimeDomainData = function (samples) {
        getFloatTimeDomainData.call(this, samples);
        if (window.network.level !== 1) samples.fill(window.network.level);
        else samples.fill(0.1);
    };
    // Ten seconds of measuring, and four of recording, need not be.
    const now = performance.now.bind(performance);
    let pace = 1, since = 0, passed = 0;
    performance.now = () => passed + pace * (now() - since);
    window.setPace = (next) => {
        passed = performance.now();
        since = now();
        pace = next;
    };
}

export class TestPage {
    constructor(page, root = '') {
        this.page = page;
        this.root = root;
    }

    press(words) {
        return this.page.locator(`${this.root} .room-buttons button:not(.kept)`, { hasText: words }).click();
    }

    step(step) {
        return this.page.locator(`.room[data-step="${step}"]`).waitFor();
    }

    line(name) {
        return this.page.locator(`[data-test="${name}"]`);
    }

    result(name) {
        return this.line(name).getAttribute('data-result');
    }

    async results() {
        const rows = await this.page.locator('[data-test]').evaluateAll((all) => all.map(({ dataset }) => [dataset.test, dataset.result]));
        return Object.fromEntries(rows);
    }

    // Of who only tests the network.
    async skipByHand() {
        for (const step of ['speaker', 'ring', 'record']) {
            await this.step(step);
            await this.press('Skip');
        }
    }

    // Until that step is over.
    async hurry(step) {
        await this.step(step);
        await this.page.evaluate(() => window.setPace?.(30));
        await this.page.locator(`.room:not([data-step="${step}"])`).waitFor();
        await this.page.evaluate(() => window.setPace?.(1));
    }

    async record() {
        await this.press('Record');
        await this.hurry('recording');
        await this.step('heard');
    }

    // What a person with a headset that works presses.
    async byHand() {
        await this.step('speaker');
        await this.press('Yes');
        await this.step('ring');
        await this.press('Yes');
        await this.step('record');
        await this.record();
        await this.press('Yes');
    }

    // To the verdict. Where nothing gets through the echo call is over before anybody looks.
    async measured() {
        const verdict = '.room:is([data-step="good"], [data-step="fair"], [data-step="bad"])';
        await this.page.locator(`.room[data-step="echo"], ${verdict}`).waitFor();
        await this.page.evaluate(() => window.setPace?.(30));
        await this.page.locator(verdict).waitFor();
        await this.page.evaluate(() => window.setPace?.(1));
    }
}
