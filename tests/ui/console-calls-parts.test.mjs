// The parts of the console's calls that need no page: time axis, ladder, messages in pieces, filters in addresses, rows that wait.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trace, traces } from './lib/traces.mjs';
import { load } from './lib/ts.mjs';

const { axis, zoom, pan, drag, reveal, ticks, clock, WHOLE } = await load('console/calls/axis.ts');
const { marks, step, runs, nearest, average, shortTitle } = await load('console/calls/ladder.ts');
const { lines, exchange } = await load('console/calls/message.ts');
const { NOTHING, fromAddress, toAddress, toQuery, span, count, fits } = await load('console/calls/filter.ts');
const { shown, settle } = await load('console/calls/waiting.ts');

const near = (one, other, by = 1e-9) => assert.ok(Math.abs(one - other) <= by, `${one} is not ${other}`);

test('axis: in order, continuous, there and back', () => {
    for (const even of [true, false]) {
        const scale = axis([0, 20, 31, 900, 4000, 322900, 323000], 323000, even);
        near(scale.at(0), 0);
        near(scale.at(323000), 1);
        for (let t = 0, last = -1; t <= 323000; t += 77) {
            const u = scale.at(t);
            assert.ok(u > last, `falls at ${t}`);
            near(scale.time(u), t, 1e-6);
            last = u;
        }
    }
});

test('axis: events get room, seconds when asked for', () => {
    const times = [0, 5, 10, 15, 20, 323000];
    const [wide, even] = [axis(times, 323000), axis(times, 323000, true)];

    assert.ok(wide.at(20) > 0.5, 'four fifths of what events get');
    near(even.at(161500), 0.5);
    assert.ok(wide.at(10) - wide.at(5) > 0.1);
});

test('axis: events of one moment stand side by side, in their order', () => {
    const scale = axis([0, 0, 5, 5, 5, 9], 10);

    scale.of.reduce((last, u) => (assert.ok(u > last, `${u} after ${last}`), u), -1);
    near(scale.of[0], 0);
    near(scale.time((scale.of[2] + scale.of[3]) / 2), 5);
    near(scale.at(5), scale.of[4]);
    const unsorted = axis([7, 1, 4], 10);
    assert.ok(unsorted.of[1] < unsorted.of[2] && unsorted.of[2] < unsorted.of[0]);
});

test('axis: calls without events, of no length, and with events after the end', () => {
    near(axis([], 1000).at(500), 0.5);
    for (const scale of [axis([], 0), axis([0], 0), axis([0, 0, 0], 0)]) assert.ok(Number.isFinite(scale.at(0)) && Number.isFinite(scale.at(5)));
    assert.equal(axis([2000], 1000).length, 2000);
    near(axis([-5, 10], 100).at(-5), 0);
});

test('windows: zoom keeps what is under the pointer, and all stay on the axis', () => {
    let window = WHOLE;
    for (let i = 0; i < 40; i++) window = zoom(window, 2, 0.3);
    assert.ok(window[0] <= 0.3 && window[1] >= 0.3 && window[1] > window[0]);
    for (let i = 0; i < 60; i++) window = zoom(window, 0.5, 0.3);
    assert.deepEqual(window, [0, 1]);
    assert.deepEqual(pan([0.5, 1], 0.5), [0.5, 1]);
    assert.deepEqual(pan([0.5, 1], -2), [0, 0.5]);
    assert.equal(drag(0.5, 0.501, WHOLE), null, 'a click');
    assert.deepEqual(drag(0.75, 0.25, WHOLE), [0.25, 0.75]);
    const [a, b] = reveal([0, 0.1], 0.5);
    assert.ok(a < 0.5 && b > 0.5);
    near(b - a, 0.1);
});

test('ticks: round, in order, not over each other', () => {
    for (const window of [WHOLE, [0, 0.2], [0.4, 0.6]]) {
        const scale = axis([0, 5, 100, 900, 4000, 323000], 323000);
        const list = ticks(scale, window, 900, 64);
        assert.ok(list.length >= 3, `${list.length} at ${window}`);
        list.reduce((last, tick) => (assert.ok(!last || (tick.t > last.t && tick.x - last.x >= 64)), tick), null);
    }
    assert.deepEqual([0, 250, 4000, 59500, 65000, 65500, 3600000].map(clock), ['0 s', '0.25 s', '4 s', '59.5 s', '1:05', '1:05.5', '1:00:00']);
});

test('ladder: arrows from whom to whom, names that do not overlap', () => {
    const { events } = trace('good');
    const scale = axis(events.map((e) => e.t_ms), 323000);
    const list = marks(events, scale, WHOLE, 900);

    assert.equal(list.length, events.length);
    const invite = list.find((m) => m.event.leg === 'trunk' && m.label === 'INVITE');
    assert.deepEqual([invite.from, invite.to], ['trunk', 'gateway']);
    for (const leg of ['browser', 'trunk'])
        for (const row of [0, 1, 2]) {
            const labels = list.filter((m) => m.event.leg === leg && m.event.kind === 'sip' && m.row === row);
            labels.reduce((end, m) => {
                const middle = Math.min(Math.max(m.x, m.half), 900 - m.half);
                assert.ok(middle - m.half >= end, `${m.label} over what is left of it`);
                return middle + m.half;
            }, -1);
        }
    assert.ok(list.filter((m) => m.row >= 0).length > list.length / 2);
    assert.equal(marks(events, scale, WHOLE, 60, 1, 3).find((m) => m.index === 3).row >= 0, true, 'what is chosen is named');
    assert.deepEqual(
        ['INVITE sip:600@x', 'SIP/2.0 200 OK', '180 Ringing', 'INVITE (hold)'].map((title) => shortTitle({ kind: 'sip', title })),
        ['INVITE', '200', '180', 'INVITE (hold)'],
    );
});

test('ladder: steps go through messages only, and stop at the ends', () => {
    const events = ['sip', 'ice', 'sip', 'state', 'sip'].map((kind) => ({ kind }));

    assert.deepEqual([step(events, -1, 1), step(events, 0, 1), step(events, 2, 1), step(events, 4, 1), step(events, 2, -1), step(events, -1, -1)], [0, 2, 4, 4, 0, 4]);
    assert.equal(step([], -1, 1), -1);
});

test('graphs: a gap where nothing is known, nothing outside of the box', () => {
    const scale = axis([], 4000, true);

    assert.deepEqual(runs([0, 1000, 2000, 3000, 4000], [0, 10, null, 99, -1], scale, WHOLE, 400, 100, 0, 10), ['0.0,100.0 100.0,0.0', '300.0,0.0 400.0,100.0']);
    assert.deepEqual(runs([], [], scale, WHOLE, 400, 100, 0, 1), []);
    assert.equal(nearest([0, 1000, 2000], 1400), 1);
    assert.equal(nearest([], 5), -1);
    assert.equal(average([1, null, 3]), 2);
    assert.equal(average(undefined), null);
});

test('messages: every letter is still there, in order', () => {
    for (const name of traces)
        for (const { text, kind } of trace(name).events)
            if (kind === 'sip') {
                const said = lines(text).map((line) => line.map((piece) => piece.text).join('')).join('\n');
                assert.equal(said, text.replace(/\r\n/g, '\n').replace(/\n+$/, ''));
            }
});

test('messages: what is what', () => {
    const kinds = (text) => lines(text).map((line) => line.map((piece) => piece.kind).join(' '));

    assert.deepEqual(kinds('INVITE sip:1 SIP/2.0\r\nVia: x\r\n folded\r\nAuthorization: Digest response="***"\r\n\r\nv=0\r\nm=audio\r\n'), [
        'start', 'name value', 'value', 'name value masked value', 'gap', 'key sdp', 'key sdp',
    ]);
    assert.deepEqual(kinds('INFO sip:1 SIP/2.0\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=*\r\nDuration=160'), ['start', 'name value', 'gap', 'sdp', 'sdp']);
    assert.deepEqual(lines(''), [[]]);
});

test('messages: a request and its answers belong together', () => {
    const message = (first, cseq, id = 'a@b', name = 'Call-ID') => `${first}\r\n${name}: ${id}\r\nCSeq: ${cseq}\r\n\r\nCSeq: 9 INVITE`;
    const invite = exchange('trunk', message('INVITE sip:1 SIP/2.0', '1 INVITE'));

    assert.equal(exchange('trunk', message('SIP/2.0 200 OK', '1 INVITE', 'a@b', 'i')), invite);
    assert.equal(exchange('trunk', message('ACK sip:1 SIP/2.0', '1 ACK')), invite);
    assert.notEqual(exchange('trunk', message('BYE sip:1 SIP/2.0', '2 BYE')), invite);
    assert.notEqual(exchange('browser', message('INVITE sip:1 SIP/2.0', '1 INVITE')), invite);
    assert.equal(exchange('trunk', undefined), '');
});

test('filter: there and back by the address', () => {
    const filter = { ...NOTHING, q: '<b>5001 & "x"', time: 'range', from: '2026-11-28T06:00', to: '2026-11-28T07:00', result: 'failed', path: 'relay', min_s: '10', max_mos: '3.1' };

    assert.deepEqual(fromAddress(toAddress(filter)), filter);
    assert.equal(toAddress(NOTHING), '');
    assert.equal(count(filter), 5);
});

test('filter: nonsense in an address is not there', () => {
    assert.deepEqual(fromAddress('time=never&result=odd&min_s=-1&max_mos=x&from=now&path=' + 'a'.repeat(500)), NOTHING);
    assert.equal(fromAddress(`q=${'a'.repeat(500)}`).q.length, 128);
    assert.equal(fromAddress('from=2026-11-28T06:00').from, '', 'no from without a range');
});

test('filter: spans of time', () => {
    const now = new Date(2026, 10, 28, 6, 30, 59).getTime();
    const hours = (time) => Object.values(span({ ...NOTHING, time }, now)).map((ms) => ms && (now - ms) / 3600e3);

    assert.ok(hours('1h')[0] > 1 && hours('1h')[0] < 1.02);
    assert.equal(new Date(span({ ...NOTHING, time: 'today' }, now).from_ms).getHours(), 0);
    const { from_ms, to_ms } = span({ ...NOTHING, time: 'yesterday' }, now);
    assert.equal(to_ms - from_ms, 24 * 3600e3);
    assert.deepEqual(span(NOTHING, now), { from_ms: 0, to_ms: 0 });
    assert.deepEqual(span({ ...NOTHING, time: 'range', from: '2026-11-28T06:00' }, now), { from_ms: new Date(2026, 10, 28, 6).getTime(), to_ms: 0 });
    assert.equal(String(toQuery({ ...NOTHING, q: 'a b', dn: '5001', result: 'busy' }, now)), 'q=a+b&dn=5001&result=busy');
});

test('filter: calls that run fit what is searched for', () => {
    const call = { dn: '5001', name: 'Ada', caller: '+49301', caller_name: 'Max', callee: '5001', trunk: 'genesys' };

    for (const q of ['', 'ada', '  5001  max', 'GENESYS']) assert.ok(fits(call, q), q);
    for (const q of ['5002', 'ada bob']) assert.ok(!fits(call, q), q);
});

test('live rows: new ones wait, those that are over stay, until they are asked for', () => {
    const call = (id, start) => [id, { id, start }];
    const was = new Map([call('a', 1), call('b', 2)]);
    const now = new Map([call('b', 2), call('c', 3), call('d', 4)]);
    const { rows, fresh, over } = shown(['b', 'a'], was, now);

    assert.deepEqual(rows.map((row) => [row.item.id, row.over]), [['b', false], ['a', true]]);
    assert.deepEqual([fresh, over], [2, 1]);
    assert.deepEqual(settle(['b', 'a'], now, (item) => item.start), ['d', 'c', 'b']);
    assert.deepEqual(shown([], new Map(), new Map()), { rows: [], fresh: 0, over: 0 });
});
