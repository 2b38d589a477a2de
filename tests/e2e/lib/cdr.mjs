// Call records as the server wrote them.
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

async function rows(server) {
    const { stdout } = await run('sqlite3', ['-readonly', '-cmd', '.timeout 5000', '-json', `${server.dir}/dngate.db`, 'SELECT * FROM cdr ORDER BY id']);
    return stdout.trim() ? JSON.parse(stdout) : [];
}

// Reads from here on: `next(n)` waits for n further rows that are wanted. They are written in batches, a little after the call.
export async function watchCdr(server, wanted = () => true) {
    const seen = new Set((await rows(server)).map((row) => row.id)); // no count: rows are sorted by the calls' begin

    return async function next(count = 1) {
        for (const end = Date.now() + 30000; Date.now() < end; await sleep(100)) {
            const fresh = (await rows(server)).filter((row) => !seen.has(row.id) && wanted(row));
            if (fresh.length < count) continue;
            for (const { id } of fresh) seen.add(id);
            return fresh;
        }
        throw new Error(`no ${count} new call records; there are ${JSON.stringify(await rows(server))}`);
    };
}
