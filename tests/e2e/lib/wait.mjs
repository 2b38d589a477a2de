// Waiting for what nobody announces.
import { setTimeout as sleep } from 'node:timers/promises';

// Resolves with the milliseconds that it took until probe() was true (or did not throw).
export async function until(probe, ms, what) {
    const begin = Date.now();

    for (let last; ; await sleep(50)) {
        try {
            if (await probe()) return Date.now() - begin;
        } catch (error) { last = error; }
        if (Date.now() - begin > ms) throw new Error(`not within ${ms} ms: ${what}`, { cause: last });
    }
}
