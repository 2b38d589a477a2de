// The console's words: one file per language, and numbers in place of the keys in the source. A key that is written out ('agents.title') gets a number;
// those that begin as a template does (`calls.path.${path}`) keep their names, since only the page's reader knows which is wanted. Numbers run in the order in which the
// source names the keys, and keys that say the same in every language share one: both compress better.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const PLURAL = /_(zero|one|two|few|many|other)$/;

// "agents.title" → text, or { one, other }
async function read(dir) {
    const words = {};

    for (const file of (await readdir(dir)).sort()) {
        const area = JSON.parse(await readFile(join(dir, file)));
        for (const [name, text] of Object.entries(area)) {
            const key = `${file.replace('.json', '')}.${name}`;
            const base = name.replace(PLURAL, '');

            if (base !== name && `${base}_other` in area) (words[key.replace(PLURAL, '')] ??= {})[PLURAL.exec(name)[1]] = text;
            else words[key] = text;
        }
    }
    return words;
}

async function sources(dir) {
    const files = (await readdir(dir, { recursive: true })).filter((file) => /\.tsx?$/.test(file)).sort();
    return Promise.all(files.map((file) => readFile(join(dir, file), 'utf8')));
}

// dir: the console's. → { file(language) → data of its file, plugin for esbuild, unused: keys that no source names }
export async function wordsOf(dir) {
    const spoken = Object.fromEntries(await Promise.all((await readdir(join(dir, 'words'))).map(async (language) => [language, await read(join(dir, 'words', language))])));
    const english = spoken.en;
    const areas = [...new Set(Object.keys(english).map((key) => key.split('.')[0]))].join('|');
    const literal = new RegExp(`(=?)(['"])((?:${areas})\\.[\\w.-]+)\\2`, 'g');
    const begins = new Set();
    const found = new Set();

    for (const text of await sources(dir)) {
        for (const [, begin] of text.matchAll(new RegExp(`\`((?:${areas})\\.[\\w.-]*)\\$\\{`, 'g'))) begins.add(begin);
        for (const [, , , key] of text.matchAll(literal)) found.add(key);
    }
    const named = Object.keys(english).filter((key) => [...begins].some((begin) => key.startsWith(begin)));
    const numbered = []; // a key for each number
    const numbers = new Map();
    const same = new Map(); // what is said in all languages → its number
    for (const key of found) {
        if (!(key in english) || named.includes(key)) continue;
        const texts = JSON.stringify(Object.keys(spoken).sort().map((language) => spoken[language][key]));
        if (!same.has(texts)) same.set(texts, numbered.push(key) - 1);
        numbers.set(key, same.get(texts));
    }

    return {
        unused: Object.keys(english).filter((key) => !named.includes(key) && !found.has(key)),
        file(language) {
            const words = spoken[language];
            const more = Object.keys(words).filter((key) => !(key in english)); // what the server says

            return Buffer.from(JSON.stringify([numbered.map((key) => words[key]), Object.fromEntries([...named, ...more].map((key) => [key, words[key]]))]));
        },
        plugin: {
            name: 'numbers for words',
            setup({ onLoad }) {
                onLoad({ filter: /console\/.*\.tsx?$/ }, async ({ path }) => ({
                    loader: path.endsWith('x') ? 'tsx' : 'ts',
                    contents: (await readFile(path, 'utf8')).replace(literal, (all, is, _, key) => (numbers.has(key) ? (is ? `={${numbers.get(key)}}` : `${numbers.get(key)}`) : all)),
                }));
            },
        },
    };
}
