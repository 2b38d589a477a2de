// The logs of all servers that tests start are kept in build/results/e2e-logs; zz-logs.test.mjs looks through them last.
import { mkdirSync, openSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { adminPassword } from './admin.mjs';

export const directory = fileURLToPath(new URL('../../../build/results/e2e-logs', import.meta.url));

let count = 0;

// A function that keeps text of one more server of this test file.
export function keeper() {
    const file = join(directory, `${basename(process.argv[1] ?? 'test', '.test.mjs')}-${process.pid}-${++count}.log`);

    mkdirSync(directory, { recursive: true });
    const fd = openSync(file, 'a'); // stays open: another run may clear the directory meanwhile
    return (text) => void writeSync(fd, text);
}

// Every password that a test uses; zz-logs.test.mjs fails when it finds one in a test that is not among them.
export const passwords = [
    /\blab50\d\d\b/,
    /\bsecret-?\d+/,
    /\b(gw|top-|from-|another-|the-)secret\b/,
    /\bfrom-stdin\b/,
    /\banother-one\b/,
    /\ba long one\b/,
    /\beven longer one\b/,
    /\bof-the-(turn|fault|load)-tests?\b/,
    /\ba-good-one\b/,
    /\banother-5900\b/,
    /\blong enough\b/,
    /\bnonsense\b/,
    /\bTell-No-One-\w+/,
    /\b(wrong one|another word|not this|guess-word)\b/,
    /\banother1\b/,
    /\bgeheim\d+/,
    /\ba sentence that is long\b/,
    /\ba secret passphrase\b/,
    /\bGsx-upstream-\w+/,
    new RegExp(adminPassword),
];
