// Starts the binary for one test file: own data directory, loopback, ports chosen by the kernel and read from its log.
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import net from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { keeper } from './lib/logs.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

// The program that DNGATE_BIN or TEST_BINARY names, and no other when one does; else what is built.
export function binary() {
    const named = process.env.DNGATE_BIN ?? process.env.TEST_BINARY;
    const found = (named ? [named] : ['build/asan/dngate', 'build/dngate']).map((name) => resolve(root, name)).find(existsSync);

    if (!found) throw new Error(`${named ?? 'dngate'} is not built`);
    return found;
}

// Servers that start() started, and data directories that it made; whatever way a test ends, none stays.
const started = new Set(), made = new Set();
process.once('exit', () => {
    started.forEach((child) => child.kill('SIGKILL'));
    made.forEach((dir) => rmSync(dir, { recursive: true, force: true }));
});

const anyPort = ['http.port=0', 'https.port=0', 'wss.port=0', 'sip.port=0', 'sips.port=0', 'ice.port=0', 'turn.port=0', 'turns.port=0', 'rtp.port_min=0', 'rtp.port_max=0'];

// Where something will listen later: even, as RTP has it, free for TCP and UDP, and below what the kernel gives to whoever asks for any
// port (32768 and up), so that nobody takes it meanwhile.
export async function freePort() {
    const port = 21000 + 2 * Math.floor(Math.random() * 5000);
    const free = (probe, open) => new Promise((resolve) => {
        probe.once('error', () => resolve(false));
        open(() => probe.close(() => resolve(true)));
    });
    const tcp = net.createServer(), udp = dgram.createSocket('udp4');
    const both = [await free(tcp, (done) => tcp.listen(port, '127.0.0.1', done)), await free(udp, (done) => udp.bind(port, '127.0.0.1', done))];

    return both.every(Boolean) ? port : freePort();
}

// For programs that look up names that do not exist: a name server that is silent, too, is left soon.
export const noNameServer = { RES_OPTIONS: 'timeout:1 attempts:1' };

// A line of log.format=json as it would be in text.
function flat(raw) {
    const { time, level, module, text, ...fields } = JSON.parse(raw);
    return [time, level.padEnd(5), module, ...Object.entries(fields).map((field) => field.join('=')), text].join(' ');
}

// Resolves when the server is ready, and the lab's trunk up:
// { ports: {https: 1234, …}, dir, log: [lines], child, exited, says(), kill(), stop() }.
// dir: a data directory to go on with, which stop() leaves. prefix: words before the program, as in ['unshare', '-m'].
export async function start({ lab = true, options = [], args = [], dir = null, prefix = [], env = {}, program = binary() } = {}) {
    const own = !dir;
    if (own) made.add((dir = mkdtempSync(join(tmpdir(), 'dngate-e2e-'))));
    const words = [...prefix, program, 'serve', '--data', dir, ...(lab ? ['--lab'] : []), ...args];
    for (const option of ['bind.address=127.0.0.1', ...anyPort, ...options]) words.push('-o', option);
    const child = spawn(words[0], words.slice(1), { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    const server = { dir, ports: {}, log: [], child };
    started.add(child);
    const waiting = new Set();
    const keep = keeper();
    let stderr = '';
    // With all that it said.
    server.exited = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal, stderr })));
    child.stderr.on('data', (data) => {
        stderr += data;
        keep(String(data).replace(/^(?=.)/gm, 'stderr '));
    });
    createInterface({ input: child.stdout }).on('line', (raw) => {
        const line = raw.startsWith('{') ? flat(raw) : raw;
        server.log.push(line);
        keep(`${raw}\n`);
        const port = /listening proto=(\S+) port=(\d+)/.exec(line) ?? /proto=(\S+) .*port=(\d+) listening/.exec(line);
        if (port) server.ports[port[1]] = Number(port[2]);
        for (const look of waiting) look();
    });

    // The first line that matches, from the log's line number `from` on.
    server.says = (pattern, ms = 20000, from = 0) =>
        new Promise((resolve, reject) => {
            const look = () => {
                const line = server.log.slice(from).find((l) => pattern.test(l));
                if (!line) return;
                clearTimeout(timer);
                waiting.delete(look);
                resolve(line);
            };
            const timer = setTimeout(() => {
                waiting.delete(look);
                reject(new Error(`no ${pattern} in ${ms} ms; the log ends in:\n${server.log.slice(-15).join('\n')}`));
            }, ms);
            waiting.add(look);
            look();
        });
    server.kill = async (signal = 'SIGKILL') => {
        if (child.exitCode === null && child.signalCode === null) child.kill(signal);
        return server.exited;
    };
    // At once: calls that a failed test left are hung up.
    server.stop = async () => {
        const how = await server.kill('SIGINT');
        if (own) rmSync(dir, { recursive: true, force: true });
        made.delete(dir);
        if (how.code !== 0) throw new Error(`dngate ended with ${how.code ?? how.signal}: ${stderr.slice(-4000)}`);
    };
    await Promise.race([
        server.says(/ ready$/, 60000).then(() => lab && server.says(/ trunk=lab .* up$/, 30000)),
        server.exited.then(() => { throw new Error(`dngate did not start: ${stderr.slice(-4000)}\n${server.log.join('\n')}`); }),
    ]);
    return server;
}
