// When credentials for the relay are renewed and when the way there is tried again, on a clock and with connections of the test's own.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Ways } from '../../admin-ui/shared/ice.js';

const TTL = 3600;
const NIGHT = 10 * TTL;

const server = (credential, good = true) => ({ urls: ['turn:gw.invalid'], username: 'x', credential, good });
const identity = (credential, renewAt, good) => ({ iceServers: [server(credential, good)], renewAt });
const settled = () => new Promise((resolve) => setImmediate(resolve));

let now;
let tried; // credentials
let timers;
let renewals;
const ticker = {
    after(ms, run) {
        const timer = { ms, run };
        timers.add(timer);
        return () => timers.delete(timer);
    },
};

// Its relay answers at once: with an address if the credentials are good.
class Connection extends EventTarget {
    constructor({ iceServers }) {
        super();
        this.server = iceServers[0];
        tried.push(this.server.credential);
    }

    createDataChannel() {}

    async setLocalDescription() {
        const found = this.server.good ? { type: 'relay' } : null;
        this.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate: found }));
    }

    close() {}
}

const { setTimeout } = globalThis;

globalThis.RTCPeerConnection = Connection;
globalThis.setTimeout = (...args) => setTimeout(...args).unref(); // nobody waits for a relay that does not answer
Date.now = () => now;

beforeEach(() => {
    now = 1e12;
    tried = [];
    timers = new Set();
    renewals = 0;
});

function counted(renew) {
    return () => {
        renewals++;
        return renew();
    };
}

// The one that is set, as if its time had come.
function fire() {
    const [timer] = timers;
    assert.equal(timers.size, 1);
    timers.delete(timer);
    timer.run();
    return settled();
}

test('after a night of sleep no timer has told: new credentials come first, and the way is tried with them', async () => {
    const ways = new Ways(ticker, counted(async () => identity('second', now + TTL)));
    ways.use(identity('first', now + TTL));
    await ways.look();
    now += NIGHT;
    await ways.look();
    assert.deepEqual(tried, ['first', 'second']);
    assert.equal(renewals, 1);
    await ways.look();
    assert.equal(renewals, 1, 'they are new');
});

test('who looks while credentials are being renewed waits for that renewal', async () => {
    let answer;
    const ways = new Ways(ticker, counted(() => new Promise((resolve) => (answer = resolve))));
    ways.use(identity('first', now));
    await fire();
    const looked = ways.look();
    answer(identity('second', now + TTL));
    await looked;
    assert.equal(renewals, 1);
    assert.deepEqual(tried, ['second']);
    assert.equal(timers.size, 1, 'one renewal to come');
});

test('where old credentials got no relayed address, new ones are tried', async () => {
    let answer = null;
    const ways = new Ways(ticker, async () => answer);
    ways.use(identity('first', Date.now(), false));
    await ways.look(); // the gateway does not answer yet
    assert.deepEqual(tried, ['first']);
    answer = identity('second', now + TTL);
    await fire();
    assert.deepEqual(tried, ['first', 'second']);
});

test('new credentials do not unsettle what works', async () => {
    for (const [good, path] of [[true, ''], [false, 'direct']]) {
        const ways = new Ways(ticker, async () => identity('second', now + TTL));
        tried = [];
        timers.clear();
        ways.use(identity('first', now + TTL, good));
        await ways.look();
        ways.took(path);
        await fire();
        assert.equal(ways.servers[0].credential, 'second');
        assert.deepEqual(tried, ['first']);
    }
});

test('after the sign-out nothing is renewed', async () => {
    const ways = new Ways(ticker, async () => null);
    ways.use(identity('first', now));
    await fire();
    assert.equal(timers.size, 1, 'it would try again');
    ways.use({});
    assert.equal(timers.size, 0);
    assert.deepEqual(ways.servers, []);
});
