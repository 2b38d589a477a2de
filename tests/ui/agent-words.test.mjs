// What the agent's page says of a call and of a transfer, from what it knows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { courseOf, moveWords } from '../../admin-ui/agent/words.js';

test('how a call stands, in words', () => {
    const rows = [
        [{}, 'Connected'],
        [{ by: 'desktop' }, 'Connected, answered from the desktop'],
        [{ held: true }, 'On hold'],
        [{ held: true, heldBy: 'desktop' }, 'On hold, from the desktop'],
        [{ farHeld: true }, 'Held by the other side'],
        [{ held: true, farHeld: true }, 'On hold, and held by the other side'],
        [{ held: true, moving: '4712' }, 'Transferring to 4712…'],
    ];
    for (const [data, text] of rows) assert.equal(courseOf({ moving: '', held: false, heldBy: '', farHeld: false, by: '', ...data }), text);
});

test('why a call was not transferred, in words', () => {
    const rows = [
        [[486], 'busy'], [[603], 'declined'], [[404], 'no such number'], [[501], 'the telephone system takes no transfers here'],
        [[481], 'one of the calls is over'], [[599], 'error 599'], [[0, 'Connection Error'], 'connection to the gateway lost'], [[0], 'no answer'],
    ];
    for (const [args, text] of rows) assert.equal(moveWords(...args), text);
});
