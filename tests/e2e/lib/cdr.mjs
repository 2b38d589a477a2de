// Call records as the server wrote them.
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

async function rows(server) {
    const { stdout } = await run('sqlite3', ['-readonly', '-cmd', '.timeout 5000', '-json', `${server.dir}/dngate.db`, 'SELECT * FROM cdr ORDER BY id']);
    return stdout.trim() ? JSON.parse(stdout) : [];
}

// Reads from here on: `next(n)` waits for n further rows. They are written in batches, a little after the call.
export async function watchCdr(server) {
    let seen = (await rows(server)).length;

    return async function next(count = 1) {
        for (const end = Date.now() + 15000; Date.now() < end; await sleep(100)) {
            const all = await rows(server);
            if (all.length < seen + count) continue;
            const fresh = all.slice(seen);
            seen = all.length;
            return fresh;
        }
        throw new Error(`no ${count} new call records; there are ${JSON.stringify(await rows(server))}`);
    };
}
