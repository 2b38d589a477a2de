// Tests in a network namespace of their own, with an address that is not loopback: their file starts itself again inside one, which
// goes when its processes have gone.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const INSIDE = 'TEST_NETNS';
export const ADDRESS = '198.51.100.1'; // RFC 5737

const namespace = `
    ip link set lo up
    ip link add dn0 type veth peer name dn1
    ip addr add ${ADDRESS}/24 dev dn0
    ip link set dn0 up
    ip link set dn1 up
    exec "$@"`;

async function runInside(url) {
    const { NODE_TEST_CONTEXT, ...env } = process.env;
    const child = spawn('unshare', ['--net', 'sh', '-euc', namespace, 'sh', process.execPath, fileURLToPath(url)], {
        env: { ...env, [INSIDE]: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
    const [code] = await once(child, 'exit');
    return { code, output };
}

// url: import.meta.url of the file; declare: makes its tests.
export function inNamespace(url, name, declare) {
    if (process.env[INSIDE]) {
        declare();
        return;
    }
    const skip = process.getuid() === 0 ? false : 'SKIPPED: needs root for a network namespace';
    test(`${name} in a network namespace of its own`, { skip }, async (t) => {
        const { code, output } = await runInside(url);
        t.diagnostic(output);
        assert.equal(code, 0, output);
    });
}
