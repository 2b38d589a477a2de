// Runs the tests: the network's all at once, meanwhile one after another what the person has to listen and speak to, then the call.
import { echo } from './echo.js';
import { stun, turns, wss } from './network.js';
import { microphone, ring, speaker } from './sound.js';
import { words } from './words.js';

/** @typedef {import('./types').Test} Test */

export const order = [speaker, ring, microphone, wss, stun, ...turns, echo];
const byHand = [speaker, ring, microphone];
const alone = [wss, stun, ...turns];

/** @returns {import('./types').Lines} */
export const noLines = () => /** @type {any} */ (Object.fromEntries(order.map(({ name }) => [name, { result: 'waiting' }])));

// changed(name, line) is told of each line as it comes. Rejects when ctx.signal aborts.
export async function runAll(ctx, changed) {
    /** @param {Test} test */
    const run = async (test) => {
        changed(test.name, { result: 'running' });
        try {
            changed(test.name, await test.run(ctx));
        } catch (error) {
            ctx.signal.throwIfAborted();
            console.error(error);
            changed(test.name, { result: 'bad', detail: words.broke(error.message), advice: words.brokeAdvice });
        }
    };
    const network = Promise.all(alone.map(run));

    network.catch(() => {}); // told below
    for (const test of byHand) await run(test);
    ctx.show('network');
    await network;
    await run(echo);
}
