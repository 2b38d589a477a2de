// Tests in a network namespace of their own, with an address that is not loopback: their file starts itself again inside one, which
// goes when its processes have gone.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const INSIDE = 'TEST_NETNS';
export const ADDRESS = '198.51.100.1'; // as netns.sh gives it
export const FAR_ADDRESS = '198.51.100.2';
const NOBODY = '02:00:00:00:00:99'; // no interface has this address

async function runInside(url) {
    const { NODE_TEST_CONTEXT, ...env } = process.env;
    const child = spawn(fileURLToPath(new URL('netns.sh', import.meta.url)), [process.execPath, fileURLToPath(url)], {
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

export const nft = (...words) => execFileSync('nft', words);

// What comes by the cable to anything but this TCP port is dropped from now on, without a word.
export function onlyTcp(port) {
    nft('add table inet firewall');
    nft('add chain inet firewall input { type filter hook input priority 0; policy accept; }');
    nft(`add rule inet firewall input iifname "dn0" tcp dport != ${port} drop`);
    nft('add rule inet firewall input iifname "dn0" meta l4proto udp drop');
}

// A network namespace besides: it goes when it is closed.
export class Namespace {
    #holder = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up; echo; exec cat'], { stdio: ['pipe', 'pipe', 'ignore'] });

    async opened() {
        await once(this.#holder.stdout, 'data');
        return this;
    }

    get pid() {
        return this.#holder.pid;
    }

    // Words before a program that runs there.
    get nsenter() {
        return ['nsenter', `--net=/proc/${this.pid}/ns/net`];
    }

    run(...words) {
        const [program, ...args] = this.nsenter;
        return execFileSync(program, [...args, ...words], { encoding: 'utf8' });
    }

    // Makes an executable file that starts the program there.
    wrap(file, program) {
        writeFileSync(file, `#!/bin/sh\nexec ${this.nsenter.join(' ')} ${program} "$@"\n`, { mode: 0o755 });
        return file;
    }

    async close() {
        this.#holder.stdin.end();
        await once(this.#holder, 'exit');
    }
}

/*
 * The other end of the cable, in one more namespace: for a program whose network can be taken away.
 *   pull(), plug():     the interface goes down and comes up, as with a cable
 *   deafen(), restore(): what is sent gets nowhere, without a word, as in a place without reception
 */
export class FarEnd extends Namespace {
    static async open() {
        const end = await new FarEnd().opened();

        execFileSync('ip', ['link', 'set', 'dn1', 'netns', String(end.pid)]);
        end.run('ip', 'addr', 'add', `${FAR_ADDRESS}/24`, 'dev', 'dn1');
        end.run('ip', 'link', 'set', 'dn1', 'addrgenmode', 'none'); // an IPv6 address that comes late has Chromium drop its requests
        end.plug();
        return end;
    }

    pull() {
        this.run('ip', 'link', 'set', 'dn1', 'down');
    }

    plug() {
        this.run('ip', 'link', 'set', 'dn1', 'up');
    }

    deafen() {
        this.run('ip', 'neigh', 'replace', ADDRESS, 'lladdr', NOBODY, 'dev', 'dn1');
        execFileSync('ip', ['neigh', 'replace', FAR_ADDRESS, 'lladdr', NOBODY, 'dev', 'dn0']);
    }

    restore() {
        this.run('ip', 'neigh', 'del', ADDRESS, 'dev', 'dn1');
        execFileSync('ip', ['neigh', 'del', FAR_ADDRESS, 'dev', 'dn0']);
    }
}
