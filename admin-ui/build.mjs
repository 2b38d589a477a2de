// Bundles the pages and writes them twice: as files, and as the C table that the server embeds (appliance/web/www.h).
//
//   node admin-ui/build.mjs OUTDIR [OUT.c]
//
// The same input gives the same bytes: no dates, no absolute paths.
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { minify } from 'terser';
import { wordsOf } from './words.mjs';

const here = dirname(fileURLToPath(import.meta.url));

// What is served, and what it is made from.
const pages = [
    ['/index-agent-dn.html', 'agent/index.html'],
    ['/app-agent-dn.js', 'agent/main.js'],
    ['/app-agent-dn.css', 'agent/agent.css'],
    ['/ticker-agent-dn.js', 'shared/ticker.worker.js'],
    ['/selftest.html', 'selftest/index.html'],
    ['/selftest.js', 'selftest/main.js'],
    ['/selftest.css', 'selftest/selftest.css'],
    ['/selftest-room.js', 'selftest/room.js'], // fetched by the agent's page, too, when it is asked for
    ['/selftest-room.css', 'selftest/room.css'],
    ['/admin/index.html', 'console/index.html'],
    ['/admin/app.css', 'console/app.css'], // app.js and the words: consoleFiles()
    ['/admin/alert.svg', 'console/alert.svg'],
    ['/jssip.js', 'shared/jssip.js'],
    ['/favicon.svg', 'shared/favicon.svg'],
];

// Modules that stay files of their own, by what they are imported as.
const apart = { jssip: '/jssip.js', '/selftest-room.js': '/selftest-room.js' };
// Scripts that import nothing, and run as such.
const plain = new Set(['shared/ticker.worker.js']);

const mime = {
    '.html': 'text/html; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.svg': 'image/svg+xml',
    '.json': 'application/json; charset=utf-8',
    '.txt': 'text/plain; charset=utf-8',
};

const bundled = new Set(); // directories of the npm packages that went in

const leaveApart = {
    name: 'leave apart',
    setup({ onResolve }) {
        onResolve({ filter: /./ }, ({ path }) => (apart[path] ? { path: apart[path], external: true } : null));
    },
};

const common = {
    absWorkingDir: here,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    plugins: [leaveApart],
    target: ['chrome100', 'firefox102', 'safari15.4'],
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    logLevel: 'warning',
    tsconfigRaw: '{}', // tsconfig.json is for the type checker alone
};

async function bundle(source) {
    const result = await build({
        ...common,
        entryPoints: [source],
        format: extname(source) === '.js' ? (plain.has(source) ? 'iife' : 'esm') : undefined,
        plugins: source === 'shared/jssip.js' ? [] : common.plugins,
    });
    noteBundled(result);
    return Buffer.from(result.outputFiles[0].contents);
}

function noteBundled(result) {
    for (const input of Object.keys(result.metafile.inputs)) {
        const match = /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input);
        if (match) bundled.add(match[0]);
    }
}

const nameOf = (start, data, end) => `/admin/${start}-${createHash('sha256').update(data).digest('hex').slice(0, 8)}.${end}`;

// The console: one script, since files that are compressed apart are a fifth larger together, and a file for each language, named by what is in it:
// its numbers are of this script only.
async function consoleFiles() {
    const words = await wordsOf(join(here, 'console'));
    const languages = (await readdir(join(here, 'console/words'))).sort().map((language) => {
        const data = words.file(language);
        return { language, path: nameOf(language, data, 'json'), data, immutable: true };
    });

    if (words.unused.length) throw new Error(`words that nothing says: ${words.unused.join(', ')}`);
    const result = await build({
        ...common,
        entryPoints: ['console/main.tsx'],
        format: 'esm',
        plugins: [...common.plugins, words.plugin],
        define: { ...common.define, WORDS: JSON.stringify(Object.fromEntries(languages.map(({ language, path }) => [language, basename(path)]))) },
        // h(tag, props, …children) compresses better than jsx(tag, { …props, children: […] }): 1.2 kB.
        jsx: 'transform',
        jsxFactory: '$h',
        jsxFragment: '$Fragment',
        inject: ['console/core/jsx.ts'],
    });
    noteBundled(result);
    // Calls of pure functions and constants over all modules: what esbuild leaves.
    const { code } = await minify(result.outputFiles[0].text, { module: true, ecma: 2020, compress: { passes: 3, unsafe_arrows: true, pure_getters: true, keep_fargs: false } });

    return [{ path: '/admin/app.js', data: Buffer.from(code) }, ...languages];
}

async function content(source) {
    return /\.(js|css)$/.test(source) ? bundle(source) : readFile(join(here, source));
}

// The notices that the licences of the bundled packages ask for.
async function licences() {
    let text = '';
    for (const dir of [...bundled].sort()) {
        const { name, version } = JSON.parse(await readFile(join(here, dir, 'package.json')));
        const file = (await readdir(join(here, dir))).find((f) => /^licen[cs]e/i.test(f));
        text += `${name} ${version}\n\n${file ? await readFile(join(here, dir, file), 'utf8') : ''}\n\n`;
    }
    return Buffer.from(text);
}

// As gzip -9 and some percent smaller, for what is held small in all: the console.
async function zopfli(data) {
    const { gzip } = await import('@gfx/zopfli');
    return Buffer.from(await promisify(gzip)(data, {}));
}
const brotli = (data) =>
    brotliCompressSync(data, {
        params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: data.length },
    });

function bytes(name, data) {
    const lines = [];
    for (let i = 0; i < data.length; i += 32) lines.push([...data.subarray(i, i + 32)].join(','));
    return `static const uint8_t ${name}[] = {\n${lines.join(',\n')}};\n`;
}

async function table(files) {
    let arrays = '';
    const rows = [];
    for (const [i, { path, data, immutable }] of files.entries()) {
        const etag = createHash('sha256').update(data).digest('hex').slice(0, 20);
        const coded = { gzip: path.startsWith('/admin/') ? await zopfli(data) : gzipSync(data, { level: 9 }), brotli: brotli(data) };
        const members = [`.data = f${i}, .len = ${data.length}`];
        arrays += bytes(`f${i}`, data);
        for (const [name, body] of Object.entries(coded)) {
            if (body.length >= data.length) continue;
            arrays += bytes(`f${i}_${name}`, body);
            members.push(`.${name} = f${i}_${name}, .${name}_len = ${body.length}`);
        }
        if (immutable) members.push('.immutable = 1');
        rows.push(`    {.path = "${path}", .mime = "${mime[extname(path)]}", .etag = "\\"${etag}\\"", ${members.join(', ')}},\n`);
    }
    return (
        '/* Made by admin-ui/build.mjs. */\n#include "web/www.h"\n\n' +
        `${arrays}\nconst struct www_file www_files[] = {\n${rows.join('')}};\n` +
        'const size_t www_file_count = sizeof(www_files) / sizeof(www_files[0]);\n'
    );
}

async function main(outdir, outc) {
    if (!outdir) throw new Error('usage: node build.mjs OUTDIR [OUT.c]');
    const files = await Promise.all(pages.map(async ([path, source]) => ({ path, data: await content(source) })));
    files.push(...(await consoleFiles()));
    files.push({ path: '/licenses.txt', data: await licences() });
    await rm(outdir, { recursive: true, force: true });
    for (const { path, data } of files) {
        const file = join(outdir, path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, data);
    }
    if (!outc) return;
    await mkdir(dirname(outc), { recursive: true });
    await writeFile(outc, await table(files));
}

await main(process.argv[2], process.argv[3]);
