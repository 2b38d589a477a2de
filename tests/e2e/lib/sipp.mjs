// sipp as the SIP Server: scenarios of tests/e2e/sipp.
import { execFile } from 'node:child_process';
import dgram from 'node:dgram';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from './wait.mjs';

const run = promisify(execFile);

const LISTENS = { udp: '07', tcp: '0A' }; // the state in /proc/net

function listens(port, protocol) {
    const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;

    return readFileSync(`/proc/net/${protocol}`, 'latin1').split('\n').some((line) => {
        const [, address, , state] = line.trim().split(/\s+/);
        return address?.endsWith(local) && state === LISTENS[protocol];
    });
}

// sipp says nothing when it is ready to be called.
export const opened = (port, protocol = 'udp') => until(() => listens(port, protocol), 10000, `sipp listens on ${port}`);

// Resolves when the scenario has ended; rejects with sipp's own words when it failed.
export function play(name, { server, port, args = [], seconds = 60, signal }) {
    const scenario = fileURLToPath(new URL(`../sipp/${name}.xml`, import.meta.url));
    const done = run('sipp', [`127.0.0.1:${server.ports['sip-udp']}`, '-sf', scenario, '-i', '127.0.0.1', '-p', String(port), '-m', '1',
                              '-nostdin', '-timeout', String(seconds), '-timeout_error', '-aa', ...args],
                     { cwd: server.dir, timeout: (seconds + 20) * 1000, signal })
        .catch((error) => { throw new Error(`sipp ${name}: exit ${error.code} ${String(error.stderr).slice(-1500)}`); });

    done.catch(() => {}); // whoever awaits it is told
    return done;
}

// Plays until the test is over at the latest, and echoes what it hears at mediaPort. Resolves when its port is open, with the end as `done`.
export async function sipp(t, name, { server, port, mediaPort, args = [], seconds }) {
    const over = new AbortController();
    const done = play(name, { server, port, seconds, signal: over.signal, args: ['-mi', '127.0.0.1', '-mp', String(mediaPort), '-rtp_echo', ...args] });

    t.after(() => over.abort());
    await Promise.race([done, opened(port)]);
    return { done };
}

// Tells a call of a scenario that waits for INFO to go on: one from the test, within sipp's dialog by its Call-ID.
export async function cue(port, id) {
    const socket = dgram.createSocket('udp4');

    await new Promise((resolve, reject) => {
        const head = ['INFO sip:sipp SIP/2.0', 'Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKcue', 'From: <sip:test>', 'To: <sip:sipp>',
                      `Call-ID: ${id}`, 'CSeq: 1 INFO', 'Content-Length: 0', '', ''];
        socket.send(head.join('\r\n'), port, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
    });
    socket.close();
}
