// Writes what of docs/ comes from the program: `make docs`. A test holds both against each other.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const BEGIN = '<!-- made by `make docs` from the table in appliance/conf/table.c -->\n', END = '<!-- end -->\n';

// The table of all settings, from `dngate settings --json` as it is without environment and database.
export function settingsTable(settings) {
    const code = (text) => (text === '' ? '' : `\`${text}\``).replaceAll('|', '\\|');
    const shown = (value) => (typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value));
    const rows = settings.map(({ key, default: value, type, range, restart, meaning }) =>
        `| \`${key}\` | ${code(shown(value))} | ${code(type === 'text' || type === 'secret' ? type : range)} | ${restart ? 'restart' : 'at once'} | ${meaning.replaceAll('|', '\\|')} |`);
    return ['| setting | default | allowed | takes effect | meaning |', '|---|---|---|---|---|', ...rows, ''].join('\n');
}

// A document with what stands between its marks replaced.
export function filled(text, settings) {
    const begin = text.indexOf(BEGIN), end = text.indexOf(END, begin);
    if (begin < 0 || end < 0) throw new Error(`${BEGIN.trim()} … ${END.trim()} is missing`);
    return text.slice(0, begin + BEGIN.length) + settingsTable(settings) + text.slice(end);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const [, , program, directory] = process.argv, file = new URL('operations.md', import.meta.url);
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('DNGATE_')));
    const settings = JSON.parse(execFileSync(program, ['settings', '--json', '--data', directory], { env, encoding: 'utf8' }));
    writeFileSync(file, filled(readFileSync(file, 'utf8'), settings));
}
