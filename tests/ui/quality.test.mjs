// What successive reports of getStats() say of a call.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Quality } from '../../admin-ui/agent/quality.js';
import { Report } from '../../admin-ui/agent/report.js';

// Each step: packets received and lost in it, and what the far end tells of its loss when it does.
function readings(steps) {
    const quality = new Quality();
    let received = 0;
    let lost = 0;
    let far = { timestamp: 0, fractionLost: 0 };

    return steps.map(([more, gone = 0, fractionLost = null], i) => {
        received += more;
        lost += gone;
        if (fractionLost !== null) far = { timestamp: i + 1, fractionLost };
        return quality.read(
            new Map([
                ['in', { type: 'inbound-rtp', kind: 'audio', packetsReceived: received, packetsLost: lost, jitter: 0.002 }],
                ['far', { type: 'remote-inbound-rtp', kind: 'audio', roundTripTime: 0.02, ...far }],
            ]),
        );
    });
}

const words = (steps) => readings(steps).map(({ word }) => word);
const advised = (steps) => readings(steps).map(({ advice }) => /^\S+ \S+/.exec(advice ?? '')?.[0] ?? null);

test('no audio until there was', () => {
    assert.deepEqual(words([[0], [0], [100]]), ['No audio yet', 'No audio yet', 'Excellent']);
    assert.deepEqual(advised([[0], [0], [0], [100]]), [null, null, 'No sound', null]);
});

test('audio that stops, and comes back', () => {
    assert.deepEqual(words([[100], [0], [0], [100]]), ['Excellent', 'Excellent', 'No audio', 'Excellent']);
    assert.deepEqual(advised([[100], [0], [0], [100]]), [null, null, 'No sound', null]);
});

test('a call that stays poor is advised about, one bad moment is not', () => {
    assert.deepEqual(advised([[50, 50], [50, 50], [50, 50], [100]]), [null, null, 'The connection', null]);
    assert.deepEqual(advised([[100], [50, 200], [100, 0, 0.9], [100], [100], [100, 0, 0]]), [null, null, null, null, null, null]);
    assert.deepEqual(advised([[100, 0, 0.5], [100], [100, 0, 0.5], [100], [100, 0, 0.5]]).at(-1), 'The connection');
});

test('a stream that begins anew counts from nothing', () => assert.deepEqual(words([[100], [-90]]), ['Excellent', 'Excellent']));

test('which way a call goes: directly, or by a relay and over what', () => {
    const path = (local, ...more) =>
        new Quality().read(
            new Map([
                ['in', { type: 'inbound-rtp', kind: 'audio', packetsReceived: 50, packetsLost: 0, jitter: 0 }],
                ['pair', { type: 'candidate-pair', nominated: true, localCandidateId: 'local' }],
                ['local', { type: 'local-candidate', ...local }],
                ...more,
            ]),
        ).path;
    const chosen = ['transport', { type: 'transport', selectedCandidatePairId: 'pair' }];

    assert.equal(path({ candidateType: 'prflx' }, chosen), 'direct');
    assert.equal(path({ candidateType: 'relay', relayProtocol: 'tls' }, chosen), 'tls');
    assert.equal(path({ candidateType: 'relay', relayProtocol: 'udp' }), 'udp', 'in Firefox, which tells of no transport');
    assert.equal(path({ candidateType: 'relay' }), 'relay');
});

test('what the gateway is told: once in five readings, of what was heard meanwhile, nothing before the first sound', () => {
    const report = new Report();
    const told = [{ bars: -1 }, ...[0, 0.05, 0, 0, 0, 0, 0, 0, 0, 0].map((heard) => ({ bars: 4, heard, far: 0.02, jitter: 3.14, rtt: 20, codec: 'opus' }))]
        .map((reading) => report.add({ jitter: 0, rtt: 0, codec: '', ...reading }));

    assert.deepEqual(told.map(Boolean), [false, false, false, false, false, true, false, false, false, false, true]);
    const [first, second] = told.filter(Boolean).map((text) => JSON.parse(text));
    assert.deepEqual({ ...first, mos: 0 }, { mos: 0, loss: 1, jitter: 3.1, rtt: 20, far: 2 });
    assert.ok(second.loss === 0 && second.mos > first.mos && second.mos <= 4.5);
});
