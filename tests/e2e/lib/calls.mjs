// Calls that run on a server, and tests that share one: what one of them leaves, however it ended, the next one does not find.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { binary } from '../dngate.mjs';
import { parse, scrape } from './metrics.mjs';
import { until } from './wait.mjs';

const cli = async (server, ...words) => (await promisify(execFile)(binary(), [...words, '--data', server.dir], { timeout: 30000 })).stdout;
const running = async (server) => JSON.parse(await cli(server, 'calls', '--json'));

async function recorded(server) {
    const metrics = parse(await scrape(server));

    return metrics.sum('dngate_cdr_written_total') >= metrics.sum('dngate_calls_total');
}

// Ends what runs, as an administrator does, and waits until the records are written and the page is on its shift with nothing on.
export async function endCalls(server, agent) {
    for (const { id } of await running(server)) await cli(server, 'calls', 'hangup', id).catch(() => {}); // it may be over by itself
    await until(async () => !(await running(server)).length && (await recorded(server)), 30000, 'calls end and are recorded');
    await agent.backOnShift();
    await agent.call('idle');
}

// The steps of a test. When they failed, that is what is thrown, whatever comes after; and the server's side of it is shown.
export async function withoutTrace(t, { server, agent }, steps) {
    try {
        await steps();
    } catch (error) {
        t.diagnostic(server().log.slice(-25).join('\n'));
        await endCalls(server(), agent()).catch((left) => t.diagnostic(`a call may be left: ${left.message}`));
        throw error;
    }
}
