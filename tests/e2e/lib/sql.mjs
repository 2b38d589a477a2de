// The server's database, by the sqlite3 program.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

// prefix: words before the program, as in ['nsenter', '-m', '-t', pid].
export function sql(dir, text, prefix = []) {
    const [program, ...words] = [...prefix, 'sqlite3', '-cmd', '.timeout 5000', join(dir, 'dngate.db')];

    return execFileSync(program, words, { input: text, encoding: 'utf8' }).trim();
}
