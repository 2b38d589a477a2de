// When audio counts as stopped, and how often a new path is asked for because of that, on a clock of the test's own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Flow } from '../../admin-ui/agent/flow.js';

// Looks once a second until `to`; packets(at): how many had come. Returns when it was due, and asked for.
function watch(packets, to) {
    const flow = new Flow();
    const due = [];

    for (let now = 0; now <= to; now += 1000) {
        flow.look(packets(now), now);
        if (!flow.due(now)) continue;
        due.push(now);
        flow.asked(now);
    }
    return { flow, due };
}

test('audio that flows, or has not begun, has not stopped', () => {
    assert.deepEqual(watch((now) => now / 20, 60000).due, []);
    assert.deepEqual(watch(() => 0, 60000).due, []);
});

test('one that stops is noticed within 3 s, and a new path is asked for once', () => {
    const { flow, due } = watch((now) => Math.min(now, 10000) / 20, 120000);
    assert.deepEqual(due, [12000]);
    assert.ok(flow.stopped);
});

test('a caller who pauses again and again brings no more than one a half minute', () => {
    const { due } = watch((now) => Math.floor(now / 5000), 120000);
    assert.deepEqual(due, [7000, 37000, 67000, 97000]);
});
