// When a connection counts as silent, and when as dead, on a clock of the test's own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pulse } from '../../admin-ui/agent/pulse.js';

const TICK = 250;

// Ticks from `from` to `to`; answer(ping): how long after it its answer comes, or null. Returns what was seen: pings, changes, death.
function watch({ from = 0, to, answer, often = () => true, pulse = new Pulse(), stands = () => false, opens = true }) {
    const coming = [];
    const seen = { pulse, pings: [], silent: [], spoke: [], dead: null };

    if (opens) pulse.heard(from);
    for (let now = from + TICK; now <= to && seen.dead === null; now += TICK) {
        if (stands(now)) continue;
        while (coming.length && coming[0] <= now) {
            const at = coming.shift();
            if (pulse.silent) seen.spoke.push(at);
            pulse.heard(at);
        }
        const due = pulse.due(now, often(now));
        const before = pulse.silent;
        if (pulse.judge(now)) seen.dead = now;
        if (pulse.silent && !before) seen.silent.push(now);
        if (!due) continue;
        pulse.pinged(now);
        seen.pings.push(now);
        const takes = answer(now);
        if (takes !== null) coming.push(now + takes);
        coming.sort((a, b) => a - b);
    }
    return seen;
}

for (const rtt of [1, 40, 600, 1500])
    test(`a link of ${rtt} ms there and back is never silent`, () => {
        const { pings, silent, dead } = watch({ to: 60000, answer: (at) => rtt + (at % 3) * 50 });
        assert.deepEqual([silent, dead], [[], null]);
        assert.ok(pings.length >= 58 && pings.length <= 61, `${pings.length} pings in a minute`);
    });

for (const stops of [10000, 10250, 10500, 10750])
    test(`what is heard no more from ${stops} on is silent within 2 s, dead after its own time, and at once alive when it speaks`, () => {
        const gone = (at) => (at >= stops ? null : 0);
        const { silent, dead } = watch({ to: 60000, answer: gone });
        assert.equal(silent.length, 1);
        assert.ok(silent[0] <= stops + 2000, `silent at ${silent[0]}`);
        assert.ok(dead > silent[0] + 5000, `dead at ${dead}`);

        const back = watch({ to: 60000, answer: (at) => (at >= stops && at < stops + 6000 ? stops + 6000 - at : 0) });
        assert.deepEqual([back.silent.length, back.spoke[0], back.dead], [1, stops + 6000, null]);
    });

test('while nobody looks it is asked rarely, and a way of 1.5 s is no silence when somebody looks again', () => {
    const { pings, silent, dead } = watch({ to: 120000, answer: () => 1500, often: (now) => now > 90000 });
    const rare = pings.filter((at) => at <= 90000);
    assert.ok(rare.length >= 4 && rare.length <= 6, `${rare.length} pings`);
    assert.deepEqual([silent, dead], [[], null]);
});

test('a page that stood still blames nobody for what it has not read yet', () => {
    const stands = (now) => now > 20000 && now < 50000;
    const { silent, dead } = watch({ to: 80000, answer: (at) => (at === 20000 ? 30100 : 40), stands });
    assert.deepEqual([silent, dead], [[], null]);
});
