// A TypeScript module of the pages, as its tests import it: bundled by esbuild, since Debian 12's Node knows no types.
import { createRequire } from 'node:module';

const { build } = createRequire(new URL('../../../admin-ui/package.json', import.meta.url))('esbuild');

export async function load(path) {
    const { outputFiles } = await build({
        entryPoints: [new URL(`../../../admin-ui/${path}`, import.meta.url).pathname],
        ...{ bundle: true, write: false, format: 'esm', target: 'node18', tsconfigRaw: '{}' },
    });
    return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}
