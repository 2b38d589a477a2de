// Starts the binary for one test file: own data directory, loopback, ports chosen by the kernel and read from its log.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import net from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export const binary = () =>
    [process.env.TEST_BINARY, 'build/asan/dngate', 'build/dngate']
        .filter(Boolean)
        .map((name) => join(root, name))
        .find(existsSync);

const anyPort = ['http.port=0', 'https.port=0', 'sip.port=0', 'ice.port=0', 'rtp.port_min=0', 'rtp.port_max=0'];

// For settings whose 0 means something else.
export const freePort = () =>
    new Promise((resolve) => {
        const probe = net.createServer().listen(0, '127.0.0.1', () => {
            const { port } = probe.address();
            probe.close(() => resolve(port));
        });
    });

// Resolves when the server says ready: { ports: {https: 1234, …}, dir, log: [lines], stop() }.
export async function start({ lab = true, options = [], args = [] } = {}) {
    const dir = mkdtempSync(join(tmpdir(), 'dngate-e2e-'));
    const words = ['serve', '--data', dir, ...(lab ? ['--lab'] : []), ...args];
    for (const option of ['bind.address=127.0.0.1', ...anyPort, ...options]) words.push('-o', option);
    const child = spawn(binary(), words, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const server = { dir, ports: {}, log: [], child };
    const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    let stderr = '';
    child.stderr.on('data', (data) => (stderr += data));

    server.stop = async () => {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
        const how = await exited;
        rmSync(dir, { recursive: true, force: true });
        if (how.code !== 0) throw new Error(`dngate ended with ${how.code ?? how.signal}: ${stderr.slice(-4000)}`);
    };
    await new Promise((resolve, reject) => {
        exited.then(() => reject(new Error(`dngate did not start: ${stderr.slice(-4000)}\n${server.log.join('\n')}`)));
        createInterface({ input: child.stdout }).on('line', (line) => {
            server.log.push(line);
            const port = /listening proto=(\S+) port=(\d+)/.exec(line) ?? /proto=(\S+) .*port=(\d+) listening/.exec(line);
            if (port) server.ports[port[1]] = Number(port[2]);
            if (/ ready$/.test(line)) resolve();
        });
    });
    return server;
}
