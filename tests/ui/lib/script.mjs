// A module of the pages that is written in TypeScript, for tests that need no browser.
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../../admin-ui/package.json', import.meta.url));
const { build } = require('esbuild');
const root = new URL('../../../admin-ui/', import.meta.url).pathname;

export async function script(path) {
    const { outputFiles } = await build({ absWorkingDir: root, entryPoints: [path], bundle: true, write: false, format: 'esm', platform: 'neutral', target: 'node18', tsconfigRaw: '{}' });
    return import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
}
