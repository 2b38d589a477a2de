// sipp as the SIP Server: one scenario of tests/e2e/sipp, run to its end.
import { execFile } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const bound = (port) => readFileSync('/proc/net/udp', 'latin1').includes(`:${port.toString(16).toUpperCase().padStart(4, '0')} `);

// Plays until the test is over at the latest, and echoes what it hears at mediaPort. Resolves when its port is open, for it says nothing
// then; `done` rejects with sipp's own words when the scenario failed.
export async function sipp(t, name, { server, port, mediaPort, args = [] }) {
    const scenario = fileURLToPath(new URL(`../sipp/${name}.xml`, import.meta.url));
    const over = new AbortController();
    const done = run('sipp', [`127.0.0.1:${server.ports['sip-udp']}`, '-sf', scenario, '-i', '127.0.0.1', '-p', String(port), '-m', '1',
                              '-mi', '127.0.0.1', '-mp', String(mediaPort), '-rtp_echo', '-nostdin', '-timeout', '40', '-timeout_error',
                              '-aa', ...args], { cwd: server.dir, signal: over.signal })
        .catch((error) => { throw new Error(`sipp ${name}: exit ${error.code} ${String(error.stderr).slice(-1500)}`); });

    t.after(() => over.abort());
    done.catch(() => {}); // whoever awaits it is told
    await Promise.race([done, opened(port)]);
    return { done };
}

async function opened(port) {
    for (const end = Date.now() + 10000; !bound(port); await sleep(20)) {
        if (Date.now() > end) throw new Error(`sipp does not listen on ${port}`);
    }
}

// An even port, as RTP has it, that is free for UDP.
export async function freeUdpPort() {
    const probe = dgram.createSocket('udp4').bind(0, '127.0.0.1');

    await once(probe, 'listening');
    const { port } = probe.address();
    probe.close();
    await once(probe, 'close');
    return port % 2 ? freeUdpPort() : port;
}
