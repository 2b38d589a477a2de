// The pictures of docs/ and the README: the console's most telling pages, small. Colours are few, so a palette keeps them small.
//
//   node tests/ui/pictures.mjs [DIRECTORY]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CallsBox } from './lib/calls-box.mjs';
import { launchChromium } from './lib/chromium.mjs';
import { show, views } from './lib/console-views.mjs';
import { paletted } from './lib/png.mjs';

const directory = process.argv[2] ?? new URL('../../docs/pictures', import.meta.url).pathname;
const desk = { viewport: { width: 1180, height: 760 }, colorScheme: 'light' };
const pictures = {
    overview: ['overview', desk],
    call: ['call, one way', { ...desk, viewport: { width: 1180, height: 900 } }],
    calls: ['calls', { ...desk, viewport: { width: 1360, height: 760 }, colorScheme: 'dark' }],
    phone: ['calls', { viewport: { width: 390, height: 760 }, colorScheme: 'light', isMobile: true, hasTouch: true }],
};

// Without the strangers who write markup into their names.
function polite() {
    box.calls.rows = box.calls.rows.filter((row) => row.id !== 'hostile');
    for (const call of box.data.calls) Object.assign(call, call.name.includes('<') ? { name: 'Ingrid Berg' } : {}, { caller_name: '' });
}

mkdirSync(directory, { recursive: true });
const box = await new CallsBox().start();
const browser = await launchChromium();
try {
    for (const [name, [view, look]] of Object.entries(pictures)) {
        box.become('usual');
        polite();
        const page = await show(box, browser, views[view], { ...look, reducedMotion: 'reduce' });
        const png = await paletted(page, await page.screenshot());
        writeFileSync(join(directory, `${name}.png`), png);
        console.log(`${name}.png: ${png.length} bytes`);
        await page.context().close();
    }
} finally {
    await browser.close();
    await box.stop();
}
