// The pages' E-model is the gateway's: what tests/unit/media/test_quality.c holds of that one holds here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mos, rating } from '../../admin-ui/shared/emodel.js';

const heard = (codec, loss, rtt, jitter = 0) => mos(rating({ loss, rtt, jitter }, codec));

test('perfect networks', () => {
    assert.ok(heard('PCMU', 0, 0) > 4.35 && heard('PCMU', 0, 0) <= 4.5);
    assert.ok(heard('opus', 0, 20) > 4.2 && heard('opus', 0, 20) < 4.45);
});

test('falls with loss, delay and jitter', () => {
    const falls = (values) => values.reduce((last, value) => (assert.ok(value >= 1 && value <= last), value), 5);

    falls(Array.from({ length: 101 }, (_, i) => heard('PCMU', i / 100, 50)));
    falls(Array.from({ length: 100 }, (_, i) => heard('opus', 0, 50 * i)));
    falls(Array.from({ length: 100 }, (_, i) => heard('opus', 0, 50, 5 * i)));
});

test('Opus stands more loss; nonsense in, no nonsense out', () => {
    assert.ok(heard('opus', 0.05, 40) > heard('PCMU', 0.05, 40));
    assert.ok(heard('PCMU', 0.05, 40) < 3.6);
    assert.ok(heard('PCMU', 0.3, 40) < 2);
    assert.equal(heard('PCMU', 7, -40), heard('PCMU', 1, -40));
});
