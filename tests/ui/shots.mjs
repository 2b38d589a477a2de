// Pictures of every page of the console: light, dark, on a phone; empty, full (5,000 DNs) and broken (trunk down, disk full). For people to look at;
// nothing is checked, but what a page complains about is said.
//
//   node tests/ui/shots.mjs DIRECTORY [VIEW...]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CallsBox } from './lib/calls-box.mjs';
import { launchChromium } from './lib/chromium.mjs';
import { show, views } from './lib/console-views.mjs';

const desk = { viewport: { width: 1280, height: 800 } };
const looks = {
    light: { ...desk, colorScheme: 'light' },
    dark: { ...desk, colorScheme: 'dark' },
    phone: { viewport: { width: 390, height: 844 }, colorScheme: 'light', isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
    wide: { viewport: { width: 2560, height: 1300 }, colorScheme: 'light' },
};
// Every look of the usual box; of the others what is most telling.
const plan = { usual: ['light', 'dark', 'phone', 'wide'], empty: ['light', 'phone'], full: ['light', 'phone'], broken: ['light', 'dark', 'phone'] };

const [directory, ...wanted] = process.argv.slice(2);
if (!directory) throw new Error('usage: node tests/ui/shots.mjs DIRECTORY [VIEW...]');
mkdirSync(directory, { recursive: true });

const box = await new CallsBox().start();
const browser = await launchChromium();
let taken = 0;
try {
    for (const [name, view] of Object.entries(views).filter(([name]) => !wanted.length || wanted.includes(name)))
        for (const kind of ['usual', ...(view.of ?? [])])
            for (const look of plan[kind]) {
                box.become(kind);
                if (look === 'phone' && view.desk) continue; // there is no such thing there
                const page = await show(box, browser, view, { ...looks[look], reducedMotion: 'reduce' });
                await page.screenshot({ path: join(directory, `${name.replace(/\W+/g, '-')}.${kind}.${look}.png`), fullPage: look !== 'wide' && kind !== 'full' });
                taken++;
                if (page.complaints.length) console.log(`${name}, ${kind}, ${look}: ${page.complaints.join('; ')}`);
                await page.context().close();
            }
} finally {
    await browser.close();
    await box.stop();
}
console.log(`${taken} pictures in ${directory}`);
