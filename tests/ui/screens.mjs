// Takes pictures of the agent's page and the self-test in every state: light, dark, narrow and in forced colours. For people to look at; nothing is checked.
//
//   node tests/ui/screens.mjs DIRECTORY [STATE...]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launchChromium } from './lib/chromium.mjs';
import { FakeGateway } from './lib/gateway.mjs';
import { selftestStates } from './lib/selftest-states.mjs';
import { Scene, states } from './lib/states.mjs';

const all = { ...states, ...Object.fromEntries(Object.entries(selftestStates).map(([name, steps]) => [`self-test, ${name}`, steps])) };

const looks = {
    light: [{ colorScheme: 'light', forcedColors: 'none' }, { width: 1280, height: 800 }],
    dark: [{ colorScheme: 'dark', forcedColors: 'none' }, { width: 1280, height: 800 }],
    forced: [{ colorScheme: 'dark', forcedColors: 'active' }, { width: 1280, height: 800 }],
    medium: [{ colorScheme: 'light', forcedColors: 'none' }, { width: 900, height: 800 }],
    narrow: [{ colorScheme: 'light', forcedColors: 'none' }, { width: 360, height: 740 }],
};

const [directory, ...wanted] = process.argv.slice(2);
if (!directory) throw new Error('usage: node tests/ui/screens.mjs DIRECTORY [STATE...]');
mkdirSync(directory, { recursive: true });

const gateway = await new FakeGateway().start();
const browser = await launchChromium();
try {
    for (const state of wanted.length ? wanted : Object.keys(all)) {
        const context = await browser.newContext({ permissions: ['microphone'] });
        const page = await context.newPage();
        gateway.reset();
        await page.goto(`${gateway.url}/index-agent-dn.html`);
        await all[state](new Scene(page, gateway));
        for (const [look, [media, size]] of Object.entries(looks)) {
            await page.emulateMedia(media);
            await page.setViewportSize(size);
            await page.screenshot({ path: join(directory, `${state.replace(/\W+/g, '-')}.${look}.png`), fullPage: true });
        }
        await context.close();
    }
} finally {
    await browser.close();
    await gateway.stop();
}
